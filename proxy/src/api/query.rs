//! Query parameters: repeated keys and `key[]` are lists; unknown keys are ignored.

use protocol::error::ApiError;
use protocol::page::{Order, Page};
use protocol::responses::request::Include;

/// The parameters of a request, decoded, in order.
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Parses what follows the `?`.
    pub fn parse(text: &str) -> Self {
        Self(url::form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// The last value of a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// All values of a key, `key=a&key=b` and `key[]=a&key[]=b` alike.
    pub fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        let listed = move |name: &str| name == key || name.strip_suffix("[]") == Some(key);
        self.0.iter().filter(move |(name, _)| listed(name)).map(|(_, value)| value.as_str())
    }

    /// Pairs of a map, `key[k]=v`.
    pub fn map(&self, key: &str) -> Vec<(String, String)> {
        let inner = |name: &str| {
            let rest = name.strip_prefix(key)?.strip_prefix('[')?.strip_suffix(']')?;
            (!rest.is_empty()).then(|| rest.to_owned())
        };
        self.0.iter().filter_map(|(name, value)| inner(name).map(|inner| (inner, value.clone()))).collect()
    }

    /// True for `true` and `1`.
    ///
    /// Errors: 400 for anything that is no boolean.
    pub fn flag(&self, key: &str) -> Result<bool, ApiError> {
        match self.get(key) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(other) => Err(ApiError::invalid_choice(key, other, &["true", "false"])),
        }
    }

    /// `limit` 1 to 100 (20), `order`, `after`, `before`.
    ///
    /// Errors: 400 for a limit or order out of range.
    pub fn page(&self, order: Order) -> Result<Page, ApiError> {
        let order = match self.get("order") {
            None => order,
            Some("asc") => Order::Asc,
            Some("desc") => Order::Desc,
            Some(other) => return Err(ApiError::invalid_choice("order", other, &["asc", "desc"])),
        };
        let cursor = |key| self.get(key).filter(|id| !id.is_empty()).map(str::to_owned);
        Ok(Page { limit: self.limit()?, order, after: cursor("after"), before: cursor("before") })
    }

    fn limit(&self) -> Result<u32, ApiError> {
        let Some(text) = self.get("limit") else { return Ok(20) };
        let range = "Expected an integer between 1 and 100.";
        let limit: i64 = text.parse().map_err(|_| ApiError::invalid_value("limit", range))?;
        match u32::try_from(limit) {
            Ok(limit @ 1..=100) => Ok(limit),
            Ok(0) | Err(_) if limit < 1 => {
                let message = format!(
                    "Invalid 'limit': integer below minimum value. Expected a value >= 1, but got {limit} instead."
                );
                Err(ApiError::bad_request("integer_below_min_value", "limit", message))
            }
            Ok(_) | Err(_) => {
                let message = format!(
                    "Invalid 'limit': integer above maximum value. Expected a value <= 100, but got {limit} instead."
                );
                Err(ApiError::bad_request("integer_above_max_value", "limit", message))
            }
        }
    }

    /// `include` in both forms.
    ///
    /// Errors: 400 `invalid_value` for a value that OpenAI does not know.
    pub fn include(&self) -> Result<Vec<Include>, ApiError> {
        let parse = |(index, text): (usize, &str)| {
            let values = Include::ALL.map(Include::as_str);
            let path = format!("include[{index}]");
            Include::parse(text).ok_or_else(|| ApiError::invalid_choice(&path, text, &values))
        };
        self.all("include").enumerate().map(parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_come_repeated_or_bracketed() {
        let query = Query::parse("include=a&include[]=b&include%5B%5D=c");
        assert_eq!(query.all("include").collect::<Vec<_>>(), ["a", "b", "c"]);
    }

    #[test]
    fn maps_are_bracketed() {
        let query = Query::parse("metadata[team]=red&metadata%5Bx%5D=1");
        assert_eq!(query.map("metadata"), [("team".into(), "red".into()), ("x".into(), "1".into())]);
    }

    #[test]
    fn a_limit_out_of_range_is_refused() {
        for (text, code) in
            [("0", "integer_below_min_value"), ("101", "integer_above_max_value"), ("x", "invalid_value")]
        {
            let error = Query::parse(&format!("limit={text}")).page(Order::Desc).expect_err("refused");
            assert_eq!((error.status, error.code.as_deref()), (400, Some(code)), "{text}");
        }
    }
}
