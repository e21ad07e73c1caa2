//! The control file of a package (deb-control(5)): fields, one a paragraph line, continued by indented lines

use super::Package;

/// The fields that matter; none without name, version and architecture.
pub(super) fn parse(text: &str) -> Option<Package> {
    let field = |name: &str| {
        let mut lines = text.lines().skip_while(|line| !is_field(line, name));
        let first = lines.next()?.get(name.len() + 1..)?.trim();
        let rest = lines
            .take_while(|line| line.starts_with([' ', '\t']))
            .map(str::trim);
        Some(
            std::iter::once(first)
                .chain(rest)
                .collect::<Vec<_>>()
                .join(" "),
        )
    };
    let package = Package {
        name: field("Package")?,
        version: field("Version")?,
        architecture: field("Architecture")?,
        depends: field("Depends").unwrap_or_default(),
    };
    let name =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
    package.name.bytes().all(name).then_some(package)
}

fn is_field(line: &str, name: &str) -> bool {
    let start = line
        .get(..name.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(name));
    start && line.as_bytes().get(name.len()) == Some(&b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Package: libc6\nSource: glibc\nVersion: 2.36-9\narchitecture: arm64\nDepends: libgcc-s1,\n libcrypt1 (>= 1:4.4)\nDescription: x\n";

    #[test]
    fn fields_are_read_whatever_their_case_and_joined_over_lines() {
        let package = parse(TEXT);
        let expected = Package {
            name: "libc6".to_owned(),
            version: "2.36-9".to_owned(),
            architecture: "arm64".to_owned(),
            depends: "libgcc-s1, libcrypt1 (>= 1:4.4)".to_owned(),
        };
        assert_eq!(package, Some(expected));
    }

    #[test]
    fn what_lacks_a_field_or_has_a_hostile_name_is_none() {
        assert_eq!(parse("Package: x\nVersion: 1\n"), None);
        assert_eq!(parse(&TEXT.replace("libc6", "../x")), None);
        assert_eq!(parse(""), None);
    }
}
