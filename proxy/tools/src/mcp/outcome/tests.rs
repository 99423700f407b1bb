use proptest::prelude::*;

use super::*;

fn raw(result: &Value) -> Raw {
    Raw::of(result).expect("a result")
}

fn output(result: &Value) -> String {
    Outcome::read(&raw(result), 64).expect("no failure").output
}

fn said(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

#[test]
fn texts_are_lines() {
    assert_eq!(output(&json!({"content": [said("a"), said("b")]})), "a\nb");
    assert_eq!(output(&json!({})), "");
    assert_eq!(output(&json!({"_meta": {"x": 1}, "resultType": "complete"})), "");
    assert_eq!(output(&json!({"content": []})), "");
}

#[test]
fn structured_content_is_sent_once() {
    let both = |texts: &[&str], structured: Value| {
        let content: Vec<Value> = texts.iter().map(|text| said(text)).collect();
        output(&json!({"content": content, "structuredContent": structured}))
    };
    assert_eq!(both(&["3"], json!({"result": 3})), "3");
    assert_eq!(both(&["{\"n\": [3]}"], json!({"n": [3.0]})), "{\"n\": [3]}");
    assert_eq!(both(&["{\"a\":1}"], json!({"a": 1})), "{\"a\":1}");
    assert_eq!(both(&["x", "y"], json!({"result": ["x", "y"]})), "x\ny");
    assert_eq!(both(&["two"], json!({"n": 2})), "two\n{\"n\":2}");
    assert_eq!(both(&[], json!({"n": 2})), "{\"n\":2}");
    assert_eq!(both(&[], json!([1, 2])), "[1,2]");
    assert_eq!(both(&["null"], json!(null)), "null");
}

#[test]
fn payloads_are_left_out_and_the_rest_stays() {
    let image = json!({"type": "image", "data": "AAAA", "mimeType": "image/png"});
    let blob = json!({"type": "resource", "resource": {"uri": "x:y", "blob": "AAAAAA"}});
    let link = json!({"type": "resource_link", "uri": "x:z", "name": "z"});
    let result = raw(&json!({"content": [said("see"), image, blob, link]}));
    let output = Outcome::read(&result, 4096).expect("no failure").output;
    let expected = json!([
        {"type": "text", "text": "see"},
        {"type": "image", "data": "[4 base64 bytes omitted]", "mimeType": "image/png"},
        {"type": "resource", "resource": {"uri": "x:y", "blob": "[6 base64 bytes omitted]"}},
        {"type": "resource_link", "uri": "x:z", "name": "z"},
    ]);
    assert_eq!(serde_json::from_str::<Value>(&output).expect("JSON"), expected);
}

#[test]
fn blocks_of_an_unknown_kind_are_shown() {
    assert_eq!(output(&json!({"content": [{"type": "hologram", "x": 1}]})), r#"[{"type":"hologram","x":1}]"#);
}

#[test]
fn what_is_no_result_is_not_taken_for_one() {
    for bad in [
        json!({"tools": []}),
        json!([]),
        json!("x"),
        json!({"content": "x"}),
        json!({"resultType": "later", "content": []}),
    ] {
        assert_eq!(Raw::of(&bad), None, "{bad}");
    }
}

#[test]
fn a_long_output_is_cut_and_says_so() {
    let long = output(&json!({"content": [said(&"é".repeat(60))]}));
    assert!(long.ends_with("\n[truncated: 64 of 120 bytes]"), "{long}");
}

#[test]
fn a_tool_that_failed_is_a_failure_with_its_blocks() {
    let result = json!({"content": [said("no such file")], "isError": true});
    let failure = Outcome::read(&raw(&result), 64).expect_err("failed");
    let (content, told) = (json!([said("no such file")]), "no such file".to_owned());
    assert_eq!(failure, Failure::Execution { content, told });
    let long = json!({"content": [said(&"x".repeat(100))], "isError": true});
    let failure = Outcome::read(&raw(&long), 64).expect_err("failed");
    assert!(
        matches!(failure, Failure::Execution { content, told } if content.to_string().len() < 200 && told.len() < 100)
    );
}

proptest! {
    #[test]
    fn an_output_is_never_longer_than_its_limit_and_the_mark(texts in proptest::collection::vec("\\PC{0,60}", 0..6), limit in 1usize..200) {
        let content: Vec<Value> = texts.iter().map(|text| said(text)).collect();
        let outcome = Outcome::read(&raw(&json!({"content": content})), limit).expect("no failure");
        let whole = texts.join("\n");
        prop_assert!(outcome.output.len() <= limit + "\n[truncated: 999 of 9999 bytes]".len());
        prop_assert_eq!(outcome.output == whole, whole.len() <= limit);
    }
}

#[test]
fn images_come_beside_the_words_and_texts_alone_are_there_too() {
    let image = |kind: &str| json!({"type": "image", "mimeType": kind, "data": "QUJD"});
    let text = |text: &str| json!({"type": "text", "text": text});
    let content =
        vec![text("one"), image("image/png"), text("two"), image("image/png;x=\""), image("text/html")];
    let outcome = Outcome::read(&Raw { content, ..Raw::default() }, 1000).expect("no failure");
    assert_eq!(outcome.images, [Image { media_type: "image/png".into(), data: "QUJD".into() }]);
    assert_eq!(outcome.said.as_deref(), Some("one\ntwo"));
    assert!(!outcome.output.contains("QUJD"), "{}", outcome.output);
    let plain =
        Outcome::read(&Raw { content: vec![text("one")], ..Raw::default() }, 1000).expect("no failure");
    assert_eq!((plain.said, plain.images), (None, Vec::new()));
}
