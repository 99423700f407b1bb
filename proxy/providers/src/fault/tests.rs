use http::{HeaderMap, HeaderName, HeaderValue};

use super::*;

const OURS: Asked<'_> =
    Asked { model: "team-model", by_caller: false, secret: Some("Bearer hunter22secret") };

fn of(status: u16, body: &str) -> ApiError {
    of_status(status, &Remote::of(body.as_bytes()), None, OURS).error
}

fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let parse = |(name, value): &(&'static str, &'static str)| {
        (HeaderName::from_static(name), HeaderValue::from_static(value))
    };
    pairs.iter().map(parse).collect()
}

#[test]
fn the_providers_text_of_a_400_passes() {
    let error =
        of(400, r#"{"error":{"message":"bad tool","type":"x","param":"tools[0]","code":"invalid_tool"}}"#);
    assert_eq!((error.status, error.message.as_str()), (400, "bad tool"));
    assert_eq!((error.param.as_deref(), error.code.as_deref()), (Some("tools[0]"), Some("invalid_tool")));
}

#[test]
fn a_422_becomes_a_400() {
    assert_eq!(of(422, r#"{"detail":[{"loc":["body"],"msg":"extra"}]}"#).status, 400);
}

#[test]
fn errors_come_in_many_shapes() {
    assert_eq!(of(400, r#"[{"error":{"message":"in a list"}}]"#).message, "in a list");
    assert_eq!(of(400, r#"{"error":"a string"}"#).message, "a string");
    assert_eq!(of(400, r#"{"message":"flat"}"#).message, "flat");
    assert_eq!(of(400, "just text").message, "just text");
    assert_eq!(of(400, "<html>proxy</html>").message, "The model server refused the request.");
    assert_eq!(of(400, "").message, "The model server refused the request.");
}

#[test]
fn a_5xx_body_never_passes() {
    for status in [500, 502, 503, 504, 529] {
        let error = of(status, r#"{"error":{"message":"panic at db01.internal"}}"#);
        assert!(!error.message.contains("db01"), "{error}");
        assert_eq!(error.kind, SERVER_ERROR);
        assert!((502..=504).contains(&error.status));
    }
}

#[test]
fn our_refused_credential_is_a_502() {
    for status in [401, 403] {
        let error = of(status, r#"{"error":{"message":"Incorrect API key provided: sk-abc"}}"#);
        assert_eq!((error.status, error.kind), (502, SERVER_ERROR));
        assert!(!error.message.contains("sk-"));
    }
}

#[test]
fn the_callers_refused_credential_is_told_as_sent() {
    let remote = Remote::of(br#"{"error":{"message":"Incorrect API key provided: sk-abc***xyz."}}"#);
    let asked = Asked { by_caller: true, ..OURS };
    let error = of_status(401, &remote, None, asked).error;
    assert_eq!((error.status, error.code.as_deref()), (401, Some("invalid_api_key")));
    assert_eq!(error.message, "Incorrect API key provided: [redacted]");
    assert_eq!(of_status(403, &remote, None, asked).error.status, 403);
}

#[test]
fn an_unknown_model_keeps_the_callers_name() {
    let error = of(404, r#"{"error":{"message":"no such deployment gpt-4o-eu-3"}}"#);
    assert_eq!((error.status, error.code.as_deref()), (404, Some("model_not_found")));
    assert!(error.message.contains("team-model") && !error.message.contains("eu-3"));
}

#[test]
fn a_context_overflow_has_its_code() {
    for text in [
        "This model's maximum context length is 8192 tokens.",
        "the request exceeds the available context size, try increasing it",
        "prompt is too long: 210000 tokens",
    ] {
        let body = serde_json::json!({"error": {"message": text}}).to_string();
        assert_eq!(of(400, &body).code.as_deref(), Some("context_length_exceeded"), "{text}");
    }
}

#[test]
fn an_exhausted_quota_is_not_retryable() {
    for error in [of(429, r#"{"error":{"code":"insufficient_quota","message":"pay"}}"#), of(402, "{}")] {
        assert_eq!((error.status, error.code.as_deref()), (429, Some("insufficient_quota")));
        assert_eq!(error.should_retry, Some(false));
    }
}

#[test]
fn retry_after_is_told_to_the_client() {
    let wait = Some(Duration::from_secs(7));
    assert_eq!(of_status(429, &Remote::default(), wait, OURS).error.retry_after, wait);
}

#[test]
fn a_wait_is_understood_in_all_its_forms() {
    type Case = (&'static [(&'static str, &'static str)], Option<f64>);
    let cases: [Case; 9] = [
        (&[("retry-after", "7")], Some(7.0)),
        (&[("retry-after", "0.5")], Some(0.5)),
        (&[("retry-after-ms", "1500"), ("retry-after", "9")], Some(1.5)),
        (
            &[("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), ("date", "Sun, 06 Nov 1994 08:49:07 GMT")],
            Some(30.0),
        ),
        (&[("x-ratelimit-reset-tokens", "2m59.5s")], Some(179.5)),
        (&[("x-ratelimit-reset-requests", "9"), ("x-ratelimit-remaining-requests", "5")], None),
        (&[("x-ratelimit-reset-requests", "120ms"), ("x-ratelimit-reset-tokens", "6")], Some(6.0)),
        (&[("retry-after", "soon")], None),
        (&[], None),
    ];
    for (pairs, expected) in cases {
        let pairs: HeaderMap = pairs
            .iter()
            .map(|(name, value)| {
                (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
            })
            .collect();
        assert_eq!(wait::of_headers(&pairs), expected.map(Duration::from_secs_f64), "{pairs:?}");
    }
    assert_eq!(wait::of_headers(&headers(&[("retry-after", "1e300")])), None);
}

#[test]
fn google_says_the_wait_in_the_body() {
    let body =
        br#"{"error":{"code":429,"details":[{"@type":"x"},{"@type":"RetryInfo","retryDelay":"37s"}]}}"#;
    let delay = Remote::of(body).delay.unwrap();
    assert_eq!(wait::span(&delay), Some(Duration::from_secs(37)));
}

#[test]
fn keys_are_masked() {
    let message =
        "Key sk-proj-12345678 or Bearer abcdefgh12 or hunter22secret; id 0123456789abcdef0123456789abcdef!";
    let shown = redact::text(message, Some("Bearer hunter22secret"));
    assert_eq!(shown, "Key [redacted] or Bearer [redacted] or [redacted]; id [redacted]!");
}

#[test]
fn plain_words_are_not_masked() {
    let message = "Unsupported value: 'messages[0].role' of claude-3-5-sonnet-20241022 — see https://example.com/errors.";
    assert_eq!(redact::text(message, None), message);
}

#[test]
fn long_texts_are_cut_between_characters() {
    let shown = redact::text(&"é ".repeat(5000), None);
    assert!(shown.len() <= 2048 + '…'.len_utf8() && shown.ends_with('…'));
}

#[test]
fn an_error_inside_of_an_answer_stands_for_its_status() {
    let fails = |body: &str| in_answer(&Remote::of(body.as_bytes()));
    let limited = fails(r#"{"error":{"message":"slow down","code":429}}"#);
    assert_eq!((limited.error.status, limited.cause), (429, Failure::Status(429)));
    let overloaded = fails(r#"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#);
    assert_eq!((overloaded.error.status, overloaded.cause), (503, Failure::Status(503)));
    let unknown = fails(r#"{"error":{"message":"KV cache at 10.0.0.7 is corrupt"}}"#);
    assert_eq!(unknown.cause, Failure::Malformed);
    assert!(!unknown.error.message.contains("10.0.0.7"));
}
