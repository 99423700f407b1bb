//! Tables of refusals: files of what is refused, and with which words.

use serde_json::Value;

use crate::error::ApiError;

/// Asserts that every value of `table` is refused with a 400.
///
/// Shape of an entry: a line of JSON, a line `code param`, a line with the message, an empty line. `null` is no value.
pub(crate) fn assert_refused(table: &str, parse: impl Fn(Value) -> Result<(), ApiError>) {
    for entry in table.split("\n\n") {
        let lines: Vec<&str> = entry.trim_end().split('\n').collect();
        let [given, summary, message] = lines.as_slice() else { panic!("three lines: {entry}") };
        let Err(error) = parse(serde_json::from_str(given).unwrap()) else { panic!("accepted: {given}") };
        let (code, param) =
            (error.code.as_deref().unwrap_or("null"), error.param.as_deref().unwrap_or("null"));
        assert_eq!(
            (format!("{code} {param}").as_str(), error.message.as_str()),
            (*summary, *message),
            "{given}"
        );
        assert_eq!((error.status, error.kind), (400, "invalid_request_error"), "{given}");
    }
}
