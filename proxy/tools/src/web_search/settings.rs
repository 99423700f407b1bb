//! What a request says of the tool.

use protocol::Object;
use protocol::error::ApiError;
use protocol::responses::tool::HostedTool;
use serde_json::Value;

use super::domains::{Domains, domain};

/// Domains that a request may list.
const LISTED: usize = 100;

/// What a request says of the tool.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Settings {
    pub(super) domains: Domains,
    pub(super) location: Location,
    pub(super) amount: Amount,
    /// Whether pages may be fetched; where not, only what the engine knows is shown.
    pub(super) is_live: bool,
}

/// Where the user is, roughly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Location {
    /// Two letters (ISO 3166-1), upper case.
    pub country: Option<String>,
    /// Such as `Bavaria`.
    pub region: Option<String>,
    /// Such as `Munich`.
    pub city: Option<String>,
    /// Such as `Europe/Berlin`.
    pub timezone: Option<String>,
}

/// How much the model reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    /// Results of a search.
    pub(super) results: usize,
    /// Bytes of each.
    pub(super) result_bytes: usize,
    /// Bytes of a page at a time.
    pub(super) page_bytes: usize,
}

const LOW: Amount = Amount { results: 4, result_bytes: 400, page_bytes: 8 << 10 };
const MEDIUM: Amount = Amount { results: 8, result_bytes: 1000, page_bytes: 20 << 10 };
const HIGH: Amount = Amount { results: 15, result_bytes: 2500, page_bytes: 48 << 10 };

impl Settings {
    /// Errors: 400 for filters that are no lists, for what is no domain, and for too many.
    pub(super) fn of(tool: &HostedTool, param: &str) -> Result<Self, ApiError> {
        let list = |key: &str| listed(filtered(tool, key, param)?, &format!("{param}.filters.{key}"));
        let domains = Domains { allowed: list("allowed_domains")?, blocked: list("blocked_domains")? };
        let location = tool.fields.get("user_location").and_then(Value::as_object);
        let amount = match tool.text("search_context_size") {
            Some("low") => LOW,
            Some("high") => HIGH,
            _ => MEDIUM,
        };
        let is_live = tool.fields.get("external_web_access").and_then(Value::as_bool).unwrap_or(true);
        Ok(Self { domains, location: location.map(Location::of).unwrap_or_default(), amount, is_live })
    }
}

/// A list of the filters as it was written.
///
/// Errors: 400 for what is no list: a search that was to be limited is not made without limits.
pub(crate) fn filtered<'a>(tool: &'a HostedTool, key: &str, param: &str) -> Result<&'a [Value], ApiError> {
    let filters = match tool.fields.get("filters") {
        None | Some(Value::Null) => return Ok(&[]),
        Some(Value::Object(filters)) => filters,
        Some(_) => return Err(ApiError::invalid_value(&format!("{param}.filters"), "expected an object.")),
    };
    match filters.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(entries)) => Ok(entries),
        Some(_) => {
            Err(ApiError::invalid_value(&format!("{param}.filters.{key}"), "expected a list of domains."))
        }
    }
}

fn listed(entries: &[Value], param: &str) -> Result<Vec<String>, ApiError> {
    if entries.len() > LISTED {
        let why = format!("expected at most {LISTED} domains, but got {}.", entries.len());
        return Err(ApiError::invalid_value(param, &why));
    }
    let read = |(index, entry): (usize, &Value)| {
        let why = "expected a domain, such as 'example.com'.";
        let refused = || ApiError::invalid_value(&format!("{param}[{index}]"), why);
        entry.as_str().and_then(domain).ok_or_else(refused)
    };
    entries.iter().enumerate().map(read).collect()
}

impl Location {
    /// Chat Completions nest the fields below `approximate`.
    fn of(fields: &Object) -> Self {
        let fields = fields.get("approximate").and_then(Value::as_object).unwrap_or(fields);
        let text = |key: &str| {
            let text = fields.get(key).and_then(Value::as_str).map(str::trim)?;
            (!text.is_empty() && text.len() <= 256 && !text.contains(char::is_control))
                .then(|| text.to_owned())
        };
        let country = text("country").filter(|country| {
            country.len() == 2 && country.bytes().all(|letter| letter.is_ascii_alphabetic())
        });
        Self {
            country: country.map(|country| country.to_ascii_uppercase()),
            region: text("region"),
            city: text("city"),
            timezone: text("timezone"),
        }
    }

    /// The place in words, for the model.
    pub(super) fn words(&self) -> Option<String> {
        let parts = [&self.city, &self.region, &self.country];
        let place: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        match (place.is_empty(), &self.timezone) {
            (true, None) => None,
            (true, Some(zone)) => Some(format!("in the time zone {zone}")),
            (false, None) => Some(format!("near {}", place.join(", "))),
            (false, Some(zone)) => Some(format!("near {} (time zone {zone})", place.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings(fields: Value) -> Result<Settings, ApiError> {
        let Value::Object(fields) = fields else { panic!("{fields}") };
        Settings::of(&HostedTool { kind: "web_search".to_owned(), fields }, "tools[0]")
    }

    #[test]
    fn nothing_said_is_medium_and_everywhere() {
        let found = settings(json!({"filters": null, "user_location": null})).unwrap();
        assert_eq!((found.amount, found.is_live), (MEDIUM, true));
        assert_eq!((found.domains, found.location), (Domains::default(), Location::default()));
    }

    #[test]
    fn what_is_said_is_taken() {
        let found = settings(json!({
            "filters": {"allowed_domains": ["A.org"], "blocked_domains": ["b.a.org"]}, "search_context_size": "low",
            "user_location": {"type": "approximate", "country": "de", "city": " Munich ", "timezone": "Europe/Berlin"},
            "external_web_access": false,
        }))
        .unwrap();
        assert_eq!(
            (found.domains.allowed, found.domains.blocked),
            (vec!["a.org".into()], vec!["b.a.org".into()])
        );
        assert_eq!((found.amount, found.is_live), (LOW, false));
        assert_eq!(found.location.words().as_deref(), Some("near Munich, DE (time zone Europe/Berlin)"));
    }

    #[test]
    fn what_is_no_domain_is_refused_with_its_place() {
        let error = settings(json!({"filters": {"allowed_domains": ["a.org", "a b"]}})).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("tools[0].filters.allowed_domains[1]"));
        let many = vec!["a.org"; 101];
        let error = settings(json!({"filters": {"blocked_domains": many}})).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("tools[0].filters.blocked_domains"));
    }

    #[test]
    fn filters_that_are_no_lists_are_refused() {
        for (filters, param) in [
            (json!("evil.example"), "tools[0].filters"),
            (json!([]), "tools[0].filters"),
            (json!({"blocked_domains": "evil.example"}), "tools[0].filters.blocked_domains"),
            (json!({"allowed_domains": {"0": "a.org"}}), "tools[0].filters.allowed_domains"),
        ] {
            let error = settings(json!({"filters": filters})).unwrap_err();
            assert_eq!((error.status, error.param.as_deref()), (400, Some(param)));
            assert_eq!(error.code.as_deref(), Some("invalid_value"));
        }
        assert!(settings(json!({"filters": {"allowed_domains": null}})).is_ok());
    }

    #[test]
    fn the_nested_location_of_chat_is_read_too() {
        let location =
            json!({"type": "approximate", "approximate": {"country": "United States", "region": "CA"}});
        let found = settings(json!({"user_location": location})).unwrap();
        assert_eq!(found.location.words().as_deref(), Some("near CA"));
    }
}
