//! Durations as Go writes them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A duration as Go writes it: `30s`, `1h30m`, `250ms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Duration(String);

impl Duration {
    /// Takes a duration in its written form.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns whole milliseconds, rounded down. Absent if the text is no duration, or a negative one.
    #[must_use]
    pub fn as_millis(&self) -> Option<u64> {
        let parsed: kube::core::Duration = self.0.parse().ok()?;
        if parsed.is_negative() {
            return None;
        }
        u64::try_from(std::time::Duration::from(parsed).as_millis()).ok()
    }
}

impl JsonSchema for Duration {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "maxLength": 32,
            "pattern": r"^([0-9]{1,9}(\.[0-9]{1,6})?(ms|s|m|h)){1,4}$",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_count_milliseconds() {
        let cases = [("30s", 30_000), ("1h30m", 5_400_000), ("250ms", 250), ("1.5s", 1500), ("0s", 0)];
        for (text, millis) in cases {
            assert_eq!(Duration::new(text).as_millis(), Some(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_has_no_milliseconds() {
        for text in ["soon", "5", "-5s", "5d"] {
            assert_eq!(Duration::new(text).as_millis(), None, "{text}");
        }
    }
}
