//! What holds for any bytes.

use proptest::prelude::*;

use super::*;

/// Lines that are close to what servers send.
fn line() -> impl Strategy<Value = String> {
    let delta = prop_oneof![
        Just(json!({})),
        Just(json!({"content": null})),
        "[a-z<>/ ]{0,6}".prop_map(|text| json!({"content": text})),
        "[a-z]{0,3}".prop_map(|text| json!({"reasoning_content": text})),
        (prop::option::of(0i64..3), prop::option::of("[ab]"), prop::option::of("(get|add|patch|_weather|)"), prop::option::of(r#"(\{|\}|"a":1|\{"a":1\}|x|)"#))
            .prop_map(|(index, id, name, arguments)| {
                json!({"tool_calls": [{"index": index, "id": id, "function": {"name": name, "arguments": arguments}}]})
            }),
        Just(json!({"tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}]})),
        Just(json!({"refusal": "no"})),
    ];
    let finish = prop::option::of("(stop|length|tool_calls|content_filter|eos|error||odd)");
    let chunk = (delta, finish).prop_map(|(delta, finish)| {
        json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}).to_string()
    });
    prop_oneof![
        8 => chunk,
        1 => Just("[DONE]".to_owned()),
        1 => Just(r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#.to_owned()),
        1 => Just(r#"{"error":{"message":"x"}}"#.to_owned()),
        1 => "[ -~]{0,20}",
    ]
}

proptest! {
    // `support::read` checks the laws of a decoder.
    #[test]
    fn any_stream_ends_with_one_stop_or_error(lines in prop::collection::vec(line(), 0..12)) {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        support::lines(&dialect(), &lines);
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        support::read(&dialect(), [&bytes[..]]);
    }

    #[test]
    fn any_body_is_survived(body in "[ -~]{0,60}") {
        support::whole(&dialect(), &body);
    }

    #[test]
    fn cuts_of_any_stream_change_nothing(lines in prop::collection::vec(line(), 0..6), cut in 0usize..400) {
        let text: String = lines.iter().map(|line| format!("data: {line}\n\n")).collect();
        let bytes = text.as_bytes();
        let (head, tail) = bytes.split_at(cut.min(bytes.len()));
        prop_assert_eq!(support::read(&dialect(), [head, tail]), support::read(&dialect(), [bytes]));
    }
}
