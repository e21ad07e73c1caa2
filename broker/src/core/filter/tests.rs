//! Vectors of the filter: what OSGi Core 8 accepts, refuses and prints

use limen_proto::registry::Value;

use super::Filter;

fn properties(name: &str) -> Option<Value> {
    let text = |value: &str| Some(Value::Text(value.try_into().unwrap()));
    match name.to_ascii_lowercase().as_str() {
        "a" => text("b"),
        "empty" => text(""),
        "spaced" => text(" x y "),
        "nine" => text("9"),
        "city" => text("Den Haag"),
        "odd" => text("(*)\\"),
        "hex" => text("28"),
        "a:" => text("colon"),
        "in ner" => text("space"),
        "five" => Some(Value::Integer(5)),
        "least" => Some(Value::Integer(i64::MIN)),
        "yes" => Some(Value::Boolean(true)),
        "no" => Some(Value::Boolean(false)),
        _ => None,
    }
}

#[test]
fn what_is_not_a_filter_is_refused() {
    for text in [
        "",
        " ",
        "a=b",
        "(",
        ")",
        "()",
        "(&)",
        "(|)",
        "(!)",
        "(a)",
        "((a=b))",
        "(=b)",
        "(a>5)",
        "(a<5)",
        "(a~b)",
        "(a=b",
        "(a=b))",
        "(a=b)x",
        "(a=b)(c=d)",
        "(!(a=b)(c=d))",
        "(a=(b)",
        "(a=b\\)",
        "(a=\\",
        "(a>=)",
        "(a<=)",
        "(a~=)",
        "( )",
        "(&(a=b)",
        "(&(a=b)x)",
        "(>=5)",
    ] {
        assert!(text.parse::<Filter>().is_err(), "{text:?}");
    }
    let deep = |levels: usize| "(!".repeat(levels) + "(a=b)" + &")".repeat(levels);
    assert!(deep(super::DEPTH - 1).parse::<Filter>().is_ok());
    assert!(deep(super::DEPTH).parse::<Filter>().is_err());
}

#[test]
fn every_vector_matches_as_stated_and_prints_its_normal_form() {
    for (text, expected, normal) in [
        ("(a=b)", true, "(a=b)"),
        (" ( A =b) ", true, "(A=b)"),
        ("(a= b)", false, "(a= b)"),
        ("(a=B)", false, "(a=B)"),
        ("( & (a=b) (five=5) )", true, "(&(a=b)(five=5))"),
        ("(|(a=x)(five=5))", true, "(|(a=x)(five=5))"),
        ("(! (a=x))", true, "(!(a=x))"),
        ("(!(missing=x))", true, "(!(missing=x))"),
        ("(missing=x)", false, "(missing=x)"),
        ("(empty=)", true, "(empty=)"),
        ("(a=)", false, "(a=)"),
        ("(empty=*)", true, "(empty=*)"),
        ("(missing=*)", false, "(missing=*)"),
        ("(a=* )", true, "(a=*)"),
        ("(empty=**)", true, "(empty=**)"),
        ("(five=**)", false, "(five=**)"),
        ("(five=5*)", false, "(five=5*)"),
        ("(spaced= x*)", true, "(spaced= x*)"),
        ("(spaced=x*)", false, "(spaced=x*)"),
        ("(city=D*n*g)", true, "(city=D*n*g)"),
        ("(city=*n*n*)", false, "(city=*n*n*)"),
        ("(city=*aag*aag)", false, "(city=*aag*aag)"),
        ("(city=Den Haag*)", true, "(city=Den Haag*)"),
        ("(city~=denhaag)", true, "(city~=denhaag)"),
        ("(city~=denhagen)", false, "(city~=denhagen)"),
        ("(five= +5 )", true, "(five= +5 )"),
        ("(five=0x5)", false, "(five=0x5)"),
        (
            "(five=99999999999999999999)",
            false,
            "(five=99999999999999999999)",
        ),
        ("(five>=5)", true, "(five>=5)"),
        ("(five>=6)", false, "(five>=6)"),
        ("(five<=4)", false, "(five<=4)"),
        ("(five~=5)", true, "(five~=5)"),
        (
            "(least<=-9223372036854775808)",
            true,
            "(least<=-9223372036854775808)",
        ),
        ("(nine>=10)", true, "(nine>=10)"),
        ("(a>=*)", true, "(a>=\\*)"),
        ("(yes=TRUE)", true, "(yes=TRUE)"),
        ("(yes>=true)", true, "(yes>=true)"),
        ("(no=perhaps)", true, "(no=perhaps)"),
        ("(odd=\\(\\*\\)\\\\)", true, "(odd=\\(\\*\\)\\\\)"),
        ("(hex=\\28)", true, "(hex=28)"),
        ("(a:=colon)", true, "(a:=colon)"),
        ("(in ner=space)", true, "(in ner=space)"),
        ("(&=x)", false, "(&=x)"),
    ] {
        let filter: Filter = text
            .parse()
            .unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(filter.matches(&properties), expected, "{text}");
        assert_eq!(filter.to_string(), normal, "{text}");
        assert_eq!(normal.parse::<Filter>().as_ref(), Ok(&filter), "{normal}");
    }
}
