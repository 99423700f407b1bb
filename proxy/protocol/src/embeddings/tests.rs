use proptest::prelude::*;
use serde_json::json;

use super::*;

fn parsed(input: &Value) -> Result<CreateEmbeddings, ApiError> {
    parse(json!({"model": "m", "input": input}).to_string().as_bytes())
}

#[test]
fn every_form_of_input_is_a_list() {
    let texts = |texts: &[&str]| Input::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
    assert_eq!(parsed(&json!("a")).unwrap().input, texts(&["a"]));
    assert_eq!(parsed(&json!(["a", "b"])).unwrap().input, texts(&["a", "b"]));
    assert_eq!(parsed(&json!([1, 2])).unwrap().input, Input::Tokens(vec![vec![1, 2]]));
    assert_eq!(parsed(&json!([[1], [2, 3]])).unwrap().input, Input::Tokens(vec![vec![1], vec![2, 3]]));
    assert_eq!(parsed(&json!(vec!["a"; 2048])).unwrap().input.len(), 2048);
    assert_eq!(parsed(&json!(vec![7; 5000])).unwrap().input.len(), 1, "tokens of one text are one entry");
}

#[test]
fn options_are_read() {
    let body = json!({"model": "m", "input": "a", "dimensions": 8, "encoding_format": "base64", "user": "u", "x": 1});
    let request = parse(body.to_string().as_bytes()).unwrap();
    assert_eq!((request.dimensions, request.encoding), (Some(8), Encoding::Base64));
    assert_eq!((request.user.as_deref(), request.raw["x"].as_u64()), (Some("u"), Some(1)));
    assert_eq!(parsed(&json!("a")).unwrap().encoding, Encoding::Float);
}

#[test]
fn each_fault_names_its_field() {
    let table = [
        (json!({"input": "a"}), "missing_required_parameter", "model"),
        (json!({"model": "m"}), "missing_required_parameter", "input"),
        (json!({"model": "m", "input": ""}), "invalid_value", "input"),
        (json!({"model": "m", "input": []}), "invalid_value", "input"),
        (json!({"model": "m", "input": ["a", ""]}), "invalid_value", "input[1]"),
        (json!({"model": "m", "input": [[1], []]}), "invalid_value", "input[1]"),
        (json!({"model": "m", "input": ["a", 1]}), "invalid_type", "input[1]"),
        (json!({"model": "m", "input": [1, "a"]}), "invalid_type", "input[1]"),
        (json!({"model": "m", "input": [[1, -1]]}), "invalid_type", "input[0][1]"),
        (json!({"model": "m", "input": {}}), "invalid_type", "input"),
        (json!({"model": "m", "input": vec!["a"; 2049]}), "array_above_max_length", "input"),
        (json!({"model": "m", "input": "a", "dimensions": 0}), "integer_below_min_value", "dimensions"),
        (json!({"model": "m", "input": "a", "encoding_format": "hex"}), "invalid_value", "encoding_format"),
    ];
    for (body, code, param) in table {
        let error = parse(body.to_string().as_bytes()).unwrap_err();
        assert_eq!(
            (error.code.as_deref(), error.param.as_deref()),
            (Some(code), Some(param)),
            "{}",
            error.message
        );
    }
}

#[test]
fn replies_are_written_in_both_encodings() {
    let reply =
        |encoding| serde_json::to_string(&Embeddings::new("m", vec![vec![1.0, -0.5]], encoding, 3)).unwrap();
    let around = |embedding: &str| {
        format!(
            r#"{{"object":"list","data":[{{"object":"embedding","index":0,"embedding":{embedding}}}],"model":"m","usage":{{"prompt_tokens":3,"total_tokens":3}}}}"#
        )
    };
    assert_eq!(reply(Encoding::Float), around("[1.0,-0.5]"));
    assert_eq!(reply(Encoding::Base64), around(r#""AACAPwAAAL8=""#));
}

#[test]
fn upstreams_may_answer_in_either_form() {
    assert_eq!(Vector::numbers_of(&json!([1, -0.5])), Some(vec![1.0, -0.5]));
    assert_eq!(Vector::numbers_of(&json!("AACAPwAAAL8=")), Some(vec![1.0, -0.5]));
    for bad in [json!("AAC"), json!("A"), json!("!!!!"), json!(["a"]), json!(null), json!("AACAPwA=")] {
        assert_eq!(Vector::numbers_of(&bad), None, "{bad}");
    }
}

proptest! {
    #[test]
    fn base64_keeps_every_bit(numbers in proptest::collection::vec(any::<u32>().prop_map(f32::from_bits), 0..40)) {
        let written = text(&numbers);
        prop_assert_eq!(written.len() % 4, 0);
        let bits = |numbers: &[f32]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&floats(&written).unwrap()), bits(&numbers));
    }
}
