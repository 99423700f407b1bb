//! W3C trace context: what goes to upstreams.

use http::HeaderMap;

/// A `traceparent` for an upstream: the client's trace goes on under a new span id, or a new trace begins.
///
/// Source: W3C Trace Context, `00-{trace id}-{span id}-{flags}`.
pub fn traceparent(headers: &HeaderMap, seed: &[u8; 32]) -> String {
    let (trace, span) = (hex(&seed[..16]), hex(&seed[16..24]));
    match headers.get("traceparent").and_then(|value| value.to_str().ok()).and_then(parsed) {
        Some((trace, flags)) => format!("00-{trace}-{span}-{flags}"),
        None => format!("00-{trace}-{span}-01"),
    }
}

/// The trace id of a `traceparent`.
pub fn trace_id(traceparent: &str) -> Option<String> {
    parsed(traceparent).map(|(trace, _)| trace.to_owned())
}

fn parsed(text: &str) -> Option<(&str, &str)> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let legal = |part: &str, length: usize| {
        part.len() == length && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let known =
        legal(version, 2) && version != "ff" && legal(trace, 32) && legal(span, 16) && legal(flags, 2);
    (known && trace.bytes().any(|b| b != b'0')).then_some((trace, flags))
}

/// Two lower-case digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_trace_goes_on_under_a_new_span() {
        let mut headers = HeaderMap::new();
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        headers.insert("traceparent", parent.parse().expect("header"));
        let child = traceparent(&headers, &[7; 32]);
        assert_eq!(child, "00-4bf92f3577b34da6a3ce929d0e0e4736-0707070707070707-01");
    }

    #[test]
    fn a_malformed_trace_is_replaced() {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", "00-zz-1-01".parse().expect("header"));
        assert_eq!(traceparent(&headers, &[7; 32]), format!("00-{}-{}-01", "07".repeat(16), "07".repeat(8)));
    }
}
