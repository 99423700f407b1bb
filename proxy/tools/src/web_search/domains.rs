//! The domains that a search is limited to.

use url::Url;

/// Operators that a query carries; engines cut what is longer.
const IN_QUERY: usize = 8;

/// Domains with their subdomains. An empty list of allowed ones allows all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Domains {
    /// Pages must be of one of these.
    pub allowed: Vec<String>,
    /// Pages must be of none of these.
    pub blocked: Vec<String>,
}

impl Domains {
    /// Whether a page may be shown.
    pub fn admit(&self, url: &Url) -> bool {
        let Some(host) = url.host_str() else { return false };
        let within = |domains: &[String]| domains.iter().any(|domain| is_within(host, domain));
        (self.allowed.is_empty() || within(&self.allowed)) && !within(&self.blocked)
    }

    /// A query that names the domains, for engines that know `site:`. Where that would be long, the query as it is.
    pub fn in_query(&self, query: &str) -> String {
        if self.allowed.len() + self.blocked.len() > IN_QUERY {
            return query.to_owned();
        }
        let sites: Vec<String> = self.allowed.iter().map(|domain| format!("site:{domain}")).collect();
        let allowed = match sites.as_slice() {
            [] => String::new(),
            [one] => format!(" {one}"),
            several => format!(" ({})", several.join(" OR ")),
        };
        let blocked: String = self.blocked.iter().map(|domain| format!(" -site:{domain}")).collect();
        format!("{query}{allowed}{blocked}")
    }
}

/// A domain as it is compared: lower case, in ASCII, without a scheme and a slash. `None` if it is none.
pub(super) fn domain(text: &str) -> Option<String> {
    let text = text.trim();
    let bare = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
    let bare = bare.strip_suffix('/').unwrap_or(bare).trim_start_matches("*.").trim_matches('.');
    let is_bare = !bare.is_empty() && !bare.contains(['/', '?', '#', '@', ':', ' ', '"', '(', ')']);
    let url = is_bare.then(|| Url::parse(&format!("https://{bare}/")).ok()).flatten()?;
    url.domain().or_else(|| url.host_str()).map(str::to_owned)
}

fn is_within(host: &str, domain: &str) -> bool {
    let host = host.trim_end_matches('.');
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(allowed: &[&str], blocked: &[&str]) -> Domains {
        let list = |names: &[&str]| names.iter().map(|name| domain(name).unwrap()).collect();
        Domains { allowed: list(allowed), blocked: list(blocked) }
    }

    fn admits(domains: &Domains, url: &str) -> bool {
        domains.admit(&Url::parse(url).unwrap())
    }

    #[test]
    fn subdomains_are_included_and_neighbours_are_not() {
        let domains = domains(&["https://Example.com/", "bücher.example"], &["old.example.com"]);
        for good in ["https://example.com/x", "http://www.example.com.", "https://xn--bcher-kva.example/a"] {
            assert!(admits(&domains, good), "{good}");
        }
        for bad in [
            "https://notexample.com",
            "https://example.com.evil.org",
            "https://old.example.com/",
            "https://a.old.example.com",
            "https://evil.org/example.com",
            "data:text/plain,example.com",
        ] {
            assert!(!admits(&domains, bad), "{bad}");
        }
        assert!(admits(&Domains::default(), "https://any.org"));
    }

    #[test]
    fn what_is_no_domain_is_none() {
        for bad in ["", "a b", "example.com/path", "u@example.com", "example.com:80", "https://", "a\" OR b"]
        {
            assert_eq!(domain(bad), None, "{bad}");
        }
        assert_eq!(domain("*.Example.com").as_deref(), Some("example.com"));
    }

    #[test]
    fn a_query_names_a_few_domains() {
        assert_eq!(Domains::default().in_query("fox"), "fox");
        assert_eq!(domains(&["a.org"], &[]).in_query("fox"), "fox site:a.org");
        let both = domains(&["a.org", "b.org"], &["c.org"]);
        assert_eq!(both.in_query("fox"), "fox (site:a.org OR site:b.org) -site:c.org");
        let many: Vec<String> = (0..9).map(|number| format!("d{number}.org")).collect();
        assert_eq!(Domains { allowed: many, blocked: Vec::new() }.in_query("fox"), "fox");
    }
}
