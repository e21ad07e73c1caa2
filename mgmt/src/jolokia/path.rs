//! The grammar of a GET's path, and of inner paths
//!
//! `!` escapes the character behind it (`!/` is a slash, `!!` a bang), and the split at slashes
//! comes after percent-decoding: a name that holds a slash is `!/` or `!%2F`, never `%2F` alone.
//! Source: the Jolokia manual, "Base protocol".

use percent_encoding::percent_decode_str;

/// Splits what stands behind the base path.
///
/// # Errors
/// It is not UTF-8.
pub fn split_url(path: &str) -> Result<Vec<String>, String> {
    let text = percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| "the path is not UTF-8".to_owned())?;
    Ok(split(text.strip_prefix('/').unwrap_or(&text)))
}

/// Splits at slashes that are not escaped, and removes the escapes. Slashes at the end are ignored.
pub fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let escaped = match letter {
            '/' => {
                parts.push(String::new());
                continue;
            }
            '!' => letters.next().unwrap_or('!'),
            other => other,
        };
        if let Some(part) = parts.last_mut() {
            part.push(escaped);
        }
    }
    while parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    parts
}

/// The inverse of [`split`], for the echo.
pub fn join(parts: &[String]) -> String {
    let escape = |part: &String| part.replace('!', "!!").replace('/', "!/");
    let escaped: Vec<String> = parts.iter().map(escape).collect();
    escaped.join("/")
}

/// Splits a list of attribute names at commas; a backslash escapes one.
pub fn split_names(text: &str) -> Vec<String> {
    let mut names = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let plain = match letter {
            ',' => {
                names.push(String::new());
                continue;
            }
            '\\' => letters.next().unwrap_or('\\'),
            other => other,
        };
        if let Some(name) = names.last_mut() {
            name.push(plain);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_follow_the_manual() {
        for (path, parts) in [
            (
                "/read/limen:type=Core/Units",
                vec!["read", "limen:type=Core", "Units"],
            ),
            (
                "/read/a%3Atype%3Db/c%2Fd",
                vec!["read", "a:type=b", "c", "d"],
            ),
            (
                "/exec/a:b=c/op/x!/y/z!!",
                vec!["exec", "a:b=c", "op", "x/y", "z!"],
            ),
            ("/exec/a:b=c/op/!%2F", vec!["exec", "a:b=c", "op", "/"]),
            (
                "/exec/a:b=c/op/x!//y",
                vec!["exec", "a:b=c", "op", "x/", "y"],
            ),
            ("/version///", vec!["version"]),
            ("///", vec![]),
            ("/list//x", vec!["list", "", "x"]),
            ("/a!\"b", vec!["a\"b"]),
        ] {
            assert_eq!(split_url(path).expect("UTF-8"), parts, "{path}");
        }
        assert!(split_url("/%ff").is_err());
    }

    #[test]
    fn joining_is_the_inverse() {
        let parts: Vec<String> = ["a/b", "c!", "!/"].map(String::from).into();
        assert_eq!(split(&join(&parts)), parts);
        assert_eq!(split_names("A,B\\,C"), ["A", "B,C"]);
    }
}
