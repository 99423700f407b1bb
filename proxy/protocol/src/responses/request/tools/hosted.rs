//! Every tool that is neither a function nor custom: known fields are checked and defaults filled in as they are echoed.

use serde_json::{Value, json};

use crate::Object;
use crate::error::ApiError;
use crate::read::Fields;
use crate::responses::request::tools::{NAME_LIMIT, function};
use crate::responses::tool::HostedTool;

pub(super) fn hosted(kind: &str, mut fields: Fields<'_>) -> Result<HostedTool, ApiError> {
    let alias = alias(&mut fields)?;
    let mut known = match kind {
        "namespace" => namespace(&mut fields)?,
        "file_search" => file_search(&mut fields)?,
        "agentic_search" => agentic_search(&mut fields)?,
        "image_generation" => image_generation(&mut fields)?,
        _ if kind.starts_with("web_search") => web_search(kind, &mut fields)?,
        _ => Object::new(),
    };
    known.extend(alias);
    known.extend(fields.rest());
    Ok(HostedTool { kind: kind.to_owned(), fields: known })
}

/// The name and the text that the model sees, so that one type can be offered twice.
fn alias(fields: &mut Fields<'_>) -> Result<Object, ApiError> {
    let (alias, description) = (fields.name("alias", NAME_LIMIT)?, fields.string("alias_description")?);
    let given = [("alias", alias), ("alias_description", description)];
    let given = given.into_iter().filter_map(|(key, text)| Some((key.to_owned(), Value::String(text?))));
    Ok(given.collect())
}

fn namespace(fields: &mut Fields<'_>) -> Result<Object, ApiError> {
    let name = fields.required_name("name", NAME_LIMIT)?;
    let description = fields.string("description")?;
    let tools = fields.array("tools")?.ok_or_else(|| fields.missing("tools"))?;
    let tools = function::inner(tools, &fields.path().key("tools"))?;
    Ok(map(json!({"name": name, "description": description, "tools": tools})))
}

fn file_search(fields: &mut Fields<'_>) -> Result<Object, ApiError> {
    let stores = stores(fields)?;
    let filters = fields.object("filters")?;
    let results = fields.integer("max_num_results", 1, 50)?.unwrap_or(20);
    let ranking = ranking_options(fields)?;
    Ok(map(json!({
        "vector_store_ids": stores, "filters": filters, "max_num_results": results, "ranking_options": ranking,
    })))
}

fn agentic_search(fields: &mut Fields<'_>) -> Result<Object, ApiError> {
    let stores = stores(fields)?;
    let results = fields.integer("max_num_results", 1, 50)?.unwrap_or(20);
    let iterations = fields.integer("max_iterations", 1, 20)?.unwrap_or(5);
    let filters = fields.object("filters")?;
    Ok(map(json!({
        "vector_store_ids": stores, "max_num_results": results, "max_iterations": iterations, "filters": filters,
    })))
}

fn stores(fields: &mut Fields<'_>) -> Result<Vec<String>, ApiError> {
    let stores = fields.strings("vector_store_ids")?.ok_or_else(|| fields.missing("vector_store_ids"))?;
    if stores.is_empty() {
        let param = fields.at("vector_store_ids");
        return Err(ApiError::invalid_value(&param, "expected at least one vector store."));
    }
    Ok(stores)
}

fn ranking_options(fields: &mut Fields<'_>) -> Result<Value, ApiError> {
    let Some(mut options) = fields.fields("ranking_options")? else {
        return Ok(json!({"ranker": "auto", "score_threshold": 0.0}));
    };
    let ranker = options.choice("ranker", &["auto", "none", "default-2024-11-15"])?.unwrap_or("auto");
    let threshold = options.number("score_threshold", 0.0, 1.0)?.unwrap_or(0.0);
    let mut known = map(json!({"ranker": ranker, "score_threshold": threshold}));
    if let Some(mut hybrid) = options.fields("hybrid_search")? {
        let embedding = hybrid.number("embedding_weight", 0.0, f64::MAX)?;
        let text = hybrid.number("text_weight", 0.0, f64::MAX)?;
        known.insert("hybrid_search".to_owned(), json!({"embedding_weight": embedding, "text_weight": text}));
    }
    known.extend(options.rest());
    Ok(Value::Object(known))
}

fn web_search(kind: &str, fields: &mut Fields<'_>) -> Result<Object, ApiError> {
    let mut known = Object::new();
    if !kind.starts_with("web_search_preview") {
        let filters = fields.object("filters")?;
        if let Some(filters) = filters.clone() {
            let path = fields.path().key("filters");
            Fields::new(Value::Object(filters), path)?.strings("allowed_domains")?;
        }
        known.insert("filters".to_owned(), json!(filters));
    }
    let size = fields.choice("search_context_size", &["low", "medium", "high"])?.unwrap_or("medium");
    known.insert("search_context_size".to_owned(), Value::from(size));
    known.insert("user_location".to_owned(), json!(fields.object("user_location")?));
    fields.check("external_web_access", |fields| fields.boolean("external_web_access"))?;
    Ok(known)
}

fn image_generation(fields: &mut Fields<'_>) -> Result<Object, ApiError> {
    for (key, min, max) in [("n", 1, 10), ("output_compression", 0, 100), ("partial_images", 0, 3)] {
        fields.check(key, |fields| fields.integer(key, min, max))?;
    }
    for (key, words) in IMAGE_WORDS {
        fields.check(key, |fields| fields.choice(key, words))?;
    }
    fields.check("model", |fields| fields.string("model"))?;
    fields.check("size", image_size)?;
    fields.check("input_image_mask", |fields| fields.object("input_image_mask"))?;
    Ok(Object::new())
}

/// Settings of images with the words that they may have.
const IMAGE_WORDS: [(&str, &[&str]); 6] = [
    ("quality", &["low", "medium", "high", "auto", "standard", "hd"]),
    ("background", &["transparent", "opaque", "auto"]),
    ("output_format", &["png", "webp", "jpeg"]),
    ("moderation", &["auto", "low"]),
    ("input_fidelity", &["high", "low"]),
    ("action", &["generate", "edit", "auto"]),
];

/// `auto`, or width and height in pixels; which of them a model makes, it says itself.
fn image_size(fields: &mut Fields<'_>) -> Result<Option<String>, ApiError> {
    let size = fields.string("size")?;
    let is_number =
        |text: &str| (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_size = |size: &str| {
        size == "auto"
            || size.split_once('x').is_some_and(|(width, height)| is_number(width) && is_number(height))
    };
    match &size {
        Some(size) if !is_size(size) => {
            let why = "expected 'auto' or a width and a height, such as '1024x1024'.";
            Err(ApiError::invalid_value(&fields.at("size"), why))
        }
        _ => Ok(size),
    }
}

/// The entries of an object literal.
fn map(value: Value) -> Object {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Object::new(),
    }
}
