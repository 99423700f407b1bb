//! The wall clock, for times in statuses and Secrets.

use jiff::Timestamp;

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

/// RFC 3339 in whole seconds, as statuses have it.
pub(crate) fn text(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
