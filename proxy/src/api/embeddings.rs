//! `POST /v1/embeddings`: passed on, with tokens and formats translated where the upstream does not know them.

use std::sync::Arc;

use bytes::Bytes;
use config::spec::ModelType;
use http::StatusCode;
use protocol::Object;
use protocol::embeddings::{CreateEmbeddings, Encoding, Input, Vector, parse, text};
use protocol::error::{ApiError, INVALID_REQUEST, SERVER_ERROR};
use providers::RelayBody;
use serde_json::{Value, json};

use crate::app::{App, Reply, Request, json};
use crate::relay;
use crate::tokens;

/// Embeds texts.
pub async fn create(app: &Arc<App>, request: Request) -> Result<Reply, ApiError> {
    let asked = parse(&request.body)?;
    let model = request.runtime.resolve(&asked.model, &request.headers, &request.caller)?;
    model.expect(ModelType::Embedding)?;
    let body = body(&asked, model.targets.takes_tokens(), &request.body).await?;
    let passed = relay::pass(app, &request, &model, ("/embeddings", RelayBody::parse(body)?)).await?;
    let whole = passed.whole().await?;
    Ok(json(StatusCode::OK, answer(&asked, whole).await?))
}

/// The caller's own bytes, or the same with texts in the place of tokens.
async fn body(asked: &CreateEmbeddings, takes_tokens: bool, bytes: &Bytes) -> Result<Bytes, ApiError> {
    let Input::Tokens(lists) = &asked.input else { return Ok(bytes.clone()) };
    if takes_tokens {
        return Ok(bytes.clone());
    }
    let texts = tokens::texts(lists.clone()).await.ok_or_else(|| {
        let message = "Invalid 'input': the tokens are none of cl100k_base.";
        ApiError::new(400, INVALID_REQUEST, message).with_code("invalid_value").with_param("input")
    })?;
    let mut raw = asked.raw.clone();
    raw.insert("input".to_owned(), json!(texts));
    serde_json::to_vec(&raw).map(Bytes::from).map_err(|_| ApiError::internal())
}

/// The answer's own bytes where its vectors have the form that was asked for, else written anew.
async fn answer(asked: &CreateEmbeddings, whole: Bytes) -> Result<Bytes, ApiError> {
    let Ok(mut object) = serde_json::from_slice::<Object>(&whole) else { return Err(malformed()) };
    let rows = object.get_mut("data").and_then(Value::as_array_mut).ok_or_else(malformed)?;
    if rows.len() != asked.input.len() {
        return Err(malformed());
    }
    let mut changed = false;
    for row in rows {
        let vector = row.get_mut("embedding").ok_or_else(malformed)?;
        changed |= reformat(vector, asked.encoding)?;
    }
    if object.get("usage").is_none_or(Value::is_null) {
        let tokens = tokens::count(asked.input.clone()).await;
        object.insert("usage".to_owned(), json!({"prompt_tokens": tokens, "total_tokens": tokens}));
        changed = true;
    }
    if !changed {
        return Ok(whole);
    }
    serde_json::to_vec(&object).map(Bytes::from).map_err(|_| ApiError::internal())
}

/// Writes a vector in the form that was asked for; false if it has that form already.
fn reformat(vector: &mut Value, encoding: Encoding) -> Result<bool, ApiError> {
    let fits = match encoding {
        Encoding::Float => vector.is_array(),
        Encoding::Base64 => vector.is_string(),
    };
    if fits {
        return Ok(false);
    }
    let numbers = Vector::numbers_of(vector).ok_or_else(malformed)?;
    *vector = match encoding {
        Encoding::Float => json!(numbers),
        Encoding::Base64 => Value::String(text(&numbers)),
    };
    Ok(true)
}

fn malformed() -> ApiError {
    ApiError::new(502, SERVER_ERROR, "The model server's answer could not be understood: it has no vectors.")
}
