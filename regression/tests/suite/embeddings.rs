//! Embeddings in both formats, whatever the upstream makes of the format.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regression::fakes::model::Script;
use regression::harness::Answer;
use serde_json::{Value, json};

use super::stage::Stage;

async fn embed(stage: &Stage, body: &Value) -> anyhow::Result<Answer> {
    stage.api().post("/v1/embeddings", body).await
}

#[tokio::test]
async fn base64_and_floats_are_the_same_numbers_in_little_endian() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let floats = embed(&stage, &json!({"model": "embed", "input": "a fox"})).await?.json();
    let coded = embed(&stage, &json!({"model": "embed", "input": "a fox", "encoding_format": "base64"}))
        .await?
        .json();
    let bytes = STANDARD.decode(coded["data"][0]["embedding"].as_str().unwrap())?;
    let read = bytes.as_chunks::<4>().0.iter().map(|four| f64::from(f32::from_le_bytes(*four)));
    for (one, other) in read.zip(floats["data"][0]["embedding"].as_array().unwrap()) {
        assert!((one - other.as_f64().unwrap()).abs() < 1e-6);
    }
    assert_eq!(bytes.len(), 32);
    Ok(())
}

#[tokio::test]
async fn a_format_that_the_upstream_ignores_is_made_here() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let row = |embedding: Value| json!({"object": "list", "model": "e", "data": [{"object": "embedding", "index": 0, "embedding": embedding}], "usage": {"prompt_tokens": 1, "total_tokens": 1}});
    let coded = STANDARD.encode([0.5_f32, -1.0].iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
    stage.script(Script::error(200, &row(json!([0.5, -1.0]))));
    let answer =
        embed(&stage, &json!({"model": "embed", "input": "a", "encoding_format": "base64"})).await?.json();
    assert_eq!(answer["data"][0]["embedding"], coded.as_str(), "{answer}");
    stage.script(Script::error(200, &row(json!(coded))));
    let answer =
        embed(&stage, &json!({"model": "embed", "input": "a", "encoding_format": "float"})).await?.json();
    assert_eq!(answer["data"][0]["embedding"], json!([0.5, -1.0]), "{answer}");
    Ok(())
}

#[tokio::test]
async fn lists_tokens_and_dimensions_are_passed_on() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    let many =
        embed(&stage, &json!({"model": "embed", "input": ["a", "b", "c"], "dimensions": 4})).await?.json();
    assert_eq!(many["data"].as_array().map(Vec::len), Some(3));
    assert_eq!(many["data"][2]["index"], 2);
    assert_eq!(many["data"][0]["embedding"].as_array().map(Vec::len), Some(4));
    let tokens = embed(&stage, &json!({"model": "embed", "input": [[1, 2], [3]]})).await?;
    assert_eq!(
        (tokens.status, tokens.json()["data"].as_array().map(Vec::len)),
        (200, Some(2)),
        "{}",
        tokens.text()
    );
    assert!(many["usage"]["total_tokens"].as_u64().is_some_and(|tokens| tokens > 0));
    Ok(())
}

#[tokio::test]
async fn empty_inputs_and_wrong_types_are_refused() -> anyhow::Result<()> {
    let stage = Stage::chat().await?;
    for input in [json!(""), json!([]), json!([""]), json!({"a": 1}), json!([true])] {
        let answer = embed(&stage, &json!({"model": "embed", "input": input})).await?;
        assert_eq!(answer.status, 400, "{input}: {}", answer.text());
        assert!(answer.json()["error"]["param"].as_str().is_some_and(|param| param.starts_with("input")));
    }
    let format = embed(&stage, &json!({"model": "embed", "input": "a", "encoding_format": "hex"})).await?;
    assert_eq!((format.status, format.json()["error"]["param"].as_str()), (400, Some("encoding_format")));
    assert_eq!(stage.model.requests().len(), 0);
    Ok(())
}
