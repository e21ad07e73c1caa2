//! Requests that a browser was tricked into
//!
//! A browser with a client certificate shows it to every page that asks, so the certificate alone does
//! not prove that its holder wants the request. Browsers say where a request comes from
//! (`Sec-Fetch-*`, `Origin`); programs do not send these headers and are not touched. A GET can
//! change state in the Jolokia protocol, so GETs are judged like POSTs.

use hyper::header::{self, HeaderMap};

/// Why a request is not answered, when a foreign page sent it.
pub(super) fn foreign(headers: &HeaderMap) -> Option<&'static str> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    if let Some(site) = text("sec-fetch-site")
        && !matches!(site, "same-origin" | "none")
    {
        return Some("requests of other sites are not answered");
    }
    if let Some(destination) = text("sec-fetch-dest") {
        // `document` with site `none` is an address that the user typed.
        let typed = destination == "document" && text("sec-fetch-site") == Some("none");
        if destination != "empty" && !typed {
            return Some("requests of page elements are not answered");
        }
    }
    let origin = text(header::ORIGIN.as_str())?;
    let host = text(header::HOST.as_str()).unwrap_or_default();
    let own = origin.strip_prefix("https://") == Some(host);
    (!own).then_some("requests of other origins are not answered")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.insert(*name, value.parse().expect("a header"));
        }
        headers
    }

    #[test]
    fn programs_and_the_own_page_are_answered() {
        for list in [
            &[("host", "box:8443")][..],
            &[
                ("host", "box:8443"),
                ("origin", "https://box:8443"),
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-dest", "empty"),
            ],
            &[("sec-fetch-site", "none"), ("sec-fetch-dest", "document")],
        ] {
            assert_eq!(foreign(&headers(list)), None, "{list:?}");
        }
    }

    #[test]
    fn other_pages_are_not() {
        for list in [
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-dest", "image"),
            ][..],
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-dest", "document"),
            ],
            &[("sec-fetch-site", "same-site")],
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-dest", "script"),
            ],
            &[("host", "box:8443"), ("origin", "https://evil.example")],
            &[("host", "box:8443"), ("origin", "http://box:8443")],
            &[("host", "box:8443"), ("origin", "null")],
        ] {
            assert!(foreign(&headers(list)).is_some(), "{list:?}");
        }
    }
}
