//! docs/reference/objects.md, written from the tables
//!
//! The page is never edited: `UPDATE_REFERENCE=1 cargo test -p limen-mgmt reference` writes it, and
//! the same test without that fails when page and tables differ.

use std::fmt::Write;

use super::{Argument, DOMAIN, Form, KINDS, Kind, Operation};

const HEAD: &str = "\
# Managed objects

<!-- Generated from mgmt/src/object; change the tables there, then run
     UPDATE_REFERENCE=1 cargo test -p limen-mgmt reference -->

Every object is named as in JMX, `limen:type=TYPE,key=value,...`, and reached over the Jolokia
protocol ([management.md](management.md)). A caller sees its own objects only: one that belongs to
somebody else answers exactly as one that does not exist. No attribute can be written; what
changes, changes by an operation. Types are given as JMX clients see them: `long` is a whole number
of 64 bits, exact in JSON; a `java.util.Map` is a JSON object, a `java.util.List` a JSON array.
";

/// The whole page.
pub fn page() -> String {
    let mut page = HEAD.to_owned();
    for kind in KINDS {
        section(kind, &mut page);
    }
    page
}

fn section(kind: &Kind, page: &mut String) {
    let keys: String = kind.keys.iter().map(|key| format!(",{key}=…")).collect();
    put(
        page,
        format_args!("\n## `{DOMAIN}:type={}{keys}`\n\n", kind.name),
    );
    put(
        page,
        format_args!(
            "{}. Seen by: {}.\n",
            capital(kind.description),
            kind.seen_by
        ),
    );
    if !kind.attributes.is_empty() {
        page.push_str("\n| attribute | type | unit | meaning |\n| --- | --- | --- | --- |\n");
    }
    for attribute in kind.attributes {
        let (name, java) = (attribute.name, attribute.form.java());
        let (unit, meaning) = (attribute.unit, attribute.description);
        put(
            page,
            format_args!("| `{name}` | `{java}` | {unit} | {meaning} |\n"),
        );
    }
    if !kind.operations.is_empty() {
        page.push_str("\n| operation | answers | meaning |\n| --- | --- | --- |\n");
    }
    for operation in kind.operations {
        row(operation, page);
    }
}

fn row(operation: &Operation, page: &mut String) {
    let arguments: Vec<String> = operation.arguments.iter().map(argument).collect();
    let signature = format!("{}({})", operation.name, arguments.join(", "));
    let mut meaning = operation.description.to_owned();
    if operation.operator_only {
        meaning.push_str(" (operator only)");
    }
    for argument in operation.arguments {
        let json = if argument.form == Form::Json {
            " (JSON)"
        } else {
            ""
        };
        let _ = write!(
            meaning,
            "; *{}*{json}: {}",
            argument.name, argument.description
        );
    }
    let java = operation.returns.java();
    put(
        page,
        format_args!("| `{signature}` | `{java}` | {meaning} |\n"),
    );
}

fn argument(argument: &Argument) -> String {
    format!("{} {}", argument.form.java(), argument.name)
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn put(page: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = page.write_fmt(line);
}

#[cfg(test)]
mod tests {
    #[test]
    fn reference_page_is_what_the_tables_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reference/objects.md");
        if std::env::var_os("UPDATE_REFERENCE").is_some() {
            std::fs::write(path, super::page()).expect("the page can be written");
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            written == super::page(),
            "docs/reference/objects.md is not what mgmt/src/object says; \
             run UPDATE_REFERENCE=1 cargo test -p limen-mgmt reference"
        );
    }
}
