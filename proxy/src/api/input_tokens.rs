//! `POST /v1/responses/input_tokens`: what a request would cost to read.

use std::sync::Arc;

use protocol::error::ApiError;
use protocol::responses::tokens::{InputTokens, parse};

use crate::app::{App, Reply, Request, json_of};
use crate::runs::measure;
use crate::runs::resolve::context;
use crate::tokens;

/// What each message costs beside its text.
const MESSAGE: usize = 4;

/// Counts by OpenAI's tokenizer, whatever the model: a good estimate for others.
pub async fn count(app: &Arc<App>, request: Request) -> Result<Reply, ApiError> {
    let mut asked = parse(&request.body, request.runtime.settings.strict)?;
    if !asked.model.is_empty() {
        request.runtime.resolve(&asked.model, &request.headers, &request.caller)?;
    }
    let context = context(app, &request.caller, &mut asked).await?;
    let mut texts: Vec<String> = asked.instructions.iter().cloned().collect();
    let items = context.history.iter().chain(&context.input);
    let overhead = items.clone().count() * MESSAGE;
    for item in items {
        measure::texts(item, |text| texts.push(text.to_owned()));
    }
    for tool in &asked.tools {
        texts.push(serde_json::to_string(tool).map_err(|_| ApiError::internal())?);
    }
    let counted = tokens::of_texts(texts).await;
    json_of(&InputTokens::new(counted + u64::try_from(overhead).unwrap_or(u64::MAX)))
}
