//! Points in time as Kubernetes writes them.

use std::borrow::Cow;

use k8s_openapi::jiff::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A point in time as RFC 3339 writes it: `2027-06-30T00:00:00Z`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Time(String);

impl Time {
    /// Takes a point in time in its written form.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns whole seconds since 1970, rounded down. Absent if the text is no point in time.
    #[must_use]
    pub fn as_unix_seconds(&self) -> Option<i64> {
        let parsed: Timestamp = self.0.parse().ok().filter(|_| is_rfc3339(&self.0))?;
        Some(parsed.as_millisecond().div_euclid(1000))
    }
}

/// Tells whether `text` has the form of RFC 3339, with an offset and without anything after it.
fn is_rfc3339(text: &str) -> bool {
    let digits = |from: usize, to: usize| {
        text.get(from..to).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let date = digits(0, 4) && text.get(4..5) == Some("-") && digits(5, 7) && text.get(7..8) == Some("-");
    let separated = date && digits(8, 10) && text.get(10..11).is_some_and(|byte| "Tt".contains(byte));
    let offset = matches!(text.as_bytes(), [.., b'Z' | b'z'] | [.., b'+' | b'-', _, _, b':', _, _]);
    separated && offset
}

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "format": "date-time", "maxLength": 64})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_count_seconds() {
        let cases = [
            ("1970-01-01T00:00:01Z", 1),
            ("2027-06-30T00:00:00Z", 1_814_313_600),
            ("2027-06-30T02:00:00.5+02:00", 1_814_313_600),
        ];
        for (text, seconds) in cases {
            assert_eq!(Time::new(text).as_unix_seconds(), Some(seconds), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_has_no_seconds() {
        for text in [
            "",
            "soon",
            "2027-06-30",
            "2027-06-30T00:00:00",
            "2027-02-30T00:00:00Z",
            "2027-06-30T00:00:00Z[UTC]",
            "é2027-06-30T00:00é+02:00",
        ] {
            assert_eq!(Time::new(text).as_unix_seconds(), None, "{text}");
        }
    }
}
