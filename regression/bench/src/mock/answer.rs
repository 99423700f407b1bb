//! The texts of answers.

use memchr::memmem;

use crate::stamp;

const TEXT: &str = "Paris is mild in spring, with cool mornings, soft light in the afternoon and a good chance of a \
    short shower on any day of the week. Take a light coat that keeps the rain off, a scarf for the evenings by the \
    river, and shoes that forgive a long walk over old stones. By the end of May a shirt will do at noon, but the \
    wind can still turn, and the terraces know it: they keep their blankets until June. Pack in layers, leave room \
    in the bag for a book, and look at the sky before you trust the forecast.";
const USAGE: &str = r#""usage":{"prompt_tokens":24,"completion_tokens":96,"total_tokens":120,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}"#;

/// Whether the request sets the flag `name`; spaces after the colon are allowed.
pub(crate) fn wants(request: &[u8], name: &str) -> bool {
    let key = format!(r#""{name}":"#);
    memmem::find_iter(request, &key)
        .any(|at| request[at + key.len()..].trim_ascii_start().starts_with(b"true"))
}

/// A whole completion, about 1 KB.
pub(crate) fn whole(number: u64) -> String {
    format!(
        r#"{{"id":"chatcmpl-{number:012}","object":"chat.completion","created":1760000000,"model":"mock","choices":[{{"index":0,"message":{{"role":"assistant","content":"{TEXT}","refusal":null}},"logprobs":null,"finish_reason":"stop"}}],{USAGE},"service_tier":"default","system_fingerprint":"fp_bench"}}"#
    )
}

/// Whether the tool of the MCP server is offered and was not called yet.
pub(crate) fn has_tool_to_call(request: &[u8]) -> bool {
    memmem::find(request, br#""mcp__bench__add""#).is_some()
        && memmem::find(request, br#""tool_call_id""#).is_none()
}

/// A whole completion that calls that tool.
pub(crate) fn call(number: u64) -> String {
    format!(
        r#"{{"id":"chatcmpl-{number:012}","object":"chat.completion","created":1760000000,"model":"mock","choices":[{{"index":0,"message":{{"role":"assistant","content":null,"tool_calls":[{{"id":"call_{number:012}","type":"function","function":{{"name":"mcp__bench__add","arguments":"{{\"a\":2,\"b\":3}}"}}}}]}},"logprobs":null,"finish_reason":"tool_calls"}}],{USAGE}}}"#
    )
}

/// The frame that opens a stream.
pub(crate) fn opening(number: u64) -> String {
    chunk(number, r#"{"role":"assistant","content":""}"#, "null")
}

/// A frame of 240 bytes with its send time in the text.
pub(crate) fn content(number: u64, at_ns: u64) -> String {
    chunk(number, &format!(r#"{{"content":"{} "}}"#, stamp::write(at_ns)), "null")
}

/// The frames that end a stream.
pub(crate) fn closing(number: u64, with_usage: bool) -> String {
    let mut frames = chunk(number, "{}", r#""stop""#);
    if with_usage {
        let head = head(number);
        frames.push_str(&format!("data: {{{head},\"choices\":[],{USAGE}}}\n\n"));
    }
    frames.push_str("data: [DONE]\n\n");
    frames
}

fn chunk(number: u64, delta: &str, finish_reason: &str) -> String {
    let head = head(number);
    format!(
        "data: {{{head},\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish_reason}}}]}}\n\n"
    )
}

fn head(number: u64) -> String {
    format!(
        r#""id":"chatcmpl-{number:012}","object":"chat.completion.chunk","created":1760000000,"model":"mock","system_fingerprint":"fp_b""#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_frame_has_240_bytes() {
        assert_eq!(content(7, 1_234_567_890).len(), 240);
    }

    #[test]
    fn a_whole_answer_has_about_a_kilobyte() {
        assert!((900..=1_150).contains(&whole(7).len()), "{}", whole(7).len());
    }

    #[test]
    fn answers_are_json() {
        let closing = closing(1, true);
        let frames =
            [opening(1), content(1, 5), closing.trim_end_matches("data: [DONE]\n\n").to_owned()].concat();
        for frame in frames.split_terminator("\n\n") {
            let json = frame.strip_prefix("data: ").unwrap();
            serde_json::from_str::<serde_json::Value>(json).unwrap();
        }
        serde_json::from_str::<serde_json::Value>(&whole(1)).unwrap();
        let called = serde_json::from_str::<serde_json::Value>(&call(1)).unwrap();
        let function = &called["choices"][0]["message"]["tool_calls"][0]["function"];
        assert_eq!(function["arguments"], r#"{"a":2,"b":3}"#);
    }

    #[test]
    fn flags_are_found_with_and_without_a_space() {
        assert!(wants(br#"{"stream": true}"#, "stream"));
        assert!(wants(br#"{"stream_options":{"include_usage":true}}"#, "include_usage"));
        assert!(!wants(br#"{"stream":false,"text":"true"}"#, "stream"));
    }
}
