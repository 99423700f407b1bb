//! `POST /v1/embeddings`.

mod base64;

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::Object;
use crate::error::{ApiError, INVALID_REQUEST};
use crate::read::{self, Fields, Path, too_many};

pub use base64::{floats, text};

/// Entries of a request.
const ENTRIES: usize = 2048;

/// A checked request. `raw` is what goes to an upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateEmbeddings {
    /// The name as the caller wrote it.
    pub model: String,
    /// What is to be embedded; 1 to 2048 entries, none empty.
    pub input: Input,
    /// How the caller wants the numbers.
    pub encoding: Encoding,
    /// How long the vectors shall be.
    pub dimensions: Option<u64>,
    /// Forwarded.
    pub user: Option<String>,
    /// The whole request.
    pub raw: Object,
}

/// What is to be embedded, always as a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Texts.
    Texts(Vec<String>),
    /// Texts as tokens of `cl100k_base`, the way some clients send them.
    Tokens(Vec<Vec<u32>>),
}

impl Input {
    /// How many entries.
    pub fn len(&self) -> usize {
        match self {
            Self::Texts(texts) => texts.len(),
            Self::Tokens(lists) => lists.len(),
        }
    }

    /// True if there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// How the numbers of a vector are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// A list of numbers.
    #[default]
    Float,
    /// Base64 of little-endian 32-bit floats.
    Base64,
}

/// `{"object":"list","data","model","usage"}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Embeddings {
    /// Always `list`.
    pub object: &'static str,
    /// In the order of the input.
    pub data: Vec<Embedding>,
    /// The model that answers.
    pub model: String,
    /// Tokens.
    pub usage: EmbeddingUsage,
}

/// One vector.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Embedding {
    /// Always `embedding`.
    pub object: &'static str,
    /// The place of its text in the input, from 0.
    pub index: usize,
    /// The vector.
    pub embedding: Vector,
}

/// A vector as it is written.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    /// The numbers.
    pub numbers: Vec<f32>,
    /// How they are written.
    pub encoding: Encoding,
}

/// Tokens that were read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EmbeddingUsage {
    /// Of the input.
    pub prompt_tokens: u64,
    /// The same.
    pub total_tokens: u64,
}

impl Embeddings {
    /// Makes the envelope; `vectors` in the order of the input.
    pub fn new(model: &str, vectors: Vec<Vec<f32>>, encoding: Encoding, tokens: u64) -> Self {
        let embedding = |(index, numbers)| Embedding {
            object: "embedding",
            index,
            embedding: Vector { numbers, encoding },
        };
        Self {
            object: "list",
            data: vectors.into_iter().enumerate().map(embedding).collect(),
            model: model.to_owned(),
            usage: EmbeddingUsage { prompt_tokens: tokens, total_tokens: tokens },
        }
    }
}

impl Serialize for Vector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.encoding {
            Encoding::Float => self.numbers.serialize(serializer),
            Encoding::Base64 => serializer.serialize_str(&text(&self.numbers)),
        }
    }
}

impl Vector {
    /// Reads a vector of an upstream, which may ignore the encoding it was asked for; `None` if it is neither form.
    pub fn numbers_of(value: &Value) -> Option<Vec<f32>> {
        match value {
            Value::String(text) => floats(text),
            Value::Array(list) => {
                list.iter().map(|number| number.as_f64().map(|number| number as f32)).collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
        }
    }
}

/// Parses and checks a body.
///
/// Errors: 400 in OpenAI's words, for the first fault in the order JSON, `model`, `input`, the rest.
pub fn parse(body: &[u8]) -> Result<CreateEmbeddings, ApiError> {
    let raw = read::object(body)?;
    let mut fields = Fields::new(Value::Object(raw.clone()), Path::Root)?;
    let model = fields.required_string("model")?;
    if model.is_empty() {
        return Err(ApiError::invalid_value("model", "you must provide a model parameter."));
    }
    let input = input(&mut fields)?;
    let dimensions = fields.count("dimensions", 1)?;
    let words = &[("float", Encoding::Float), ("base64", Encoding::Base64)];
    let encoding = fields.word("encoding_format", words)?.unwrap_or_default();
    let user = fields.string("user")?;
    Ok(CreateEmbeddings { model, input, encoding, dimensions, user, raw })
}

fn input(fields: &mut Fields<'_>) -> Result<Input, ApiError> {
    let path = Path::Root.key("input");
    match fields.value("input") {
        None => Err(fields.missing("input")),
        Some(Value::String(text)) => Ok(Input::Texts(vec![filled(text, &path)?])),
        Some(Value::Array(list)) if list.is_empty() => Err(empty(&path)),
        Some(Value::Array(list)) if list.len() > ENTRIES && !list[0].is_number() => {
            Err(too_many("input", ENTRIES, list.len()))
        }
        Some(Value::Array(list)) => entries(list, &path),
        Some(other) => Err(ApiError::invalid_type("input", "a string or an array", &other)),
    }
}

/// The first entry says what all of them are.
fn entries(list: Vec<Value>, path: &Path<'_>) -> Result<Input, ApiError> {
    match &list[0] {
        Value::Number(_) => Ok(Input::Tokens(vec![tokens(&list, path)?])),
        Value::Array(_) => {
            let each = |(index, entry): (usize, &Value)| {
                let at = path.index(index);
                let entry = entry.as_array().ok_or_else(|| wrong(&at, "an array", entry))?;
                if entry.is_empty() { Err(empty(&at)) } else { tokens(entry, &at) }
            };
            list.iter().enumerate().map(each).collect::<Result<_, _>>().map(Input::Tokens)
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_) => {
            let each = |(index, entry)| {
                let at = path.index(index);
                filled(read::string_at(entry, &at)?, &at)
            };
            list.into_iter().enumerate().map(each).collect::<Result<_, _>>().map(Input::Texts)
        }
    }
}

fn tokens(list: &[Value], path: &Path<'_>) -> Result<Vec<u32>, ApiError> {
    let token = |(index, value): (usize, &Value)| {
        let token = value.as_u64().and_then(|token| u32::try_from(token).ok());
        token.ok_or_else(|| wrong(&path.index(index), "a token", value))
    };
    list.iter().enumerate().map(token).collect()
}

fn filled(text: String, path: &Path<'_>) -> Result<String, ApiError> {
    if text.is_empty() { Err(empty(path)) } else { Ok(text) }
}

fn wrong(path: &Path<'_>, expected: &str, got: &Value) -> ApiError {
    ApiError::invalid_type(&path.to_string(), expected, got)
}

fn empty(path: &Path<'_>) -> ApiError {
    let message = format!("Invalid '{path}': input cannot be empty.");
    ApiError::new(400, INVALID_REQUEST, message).with_code("invalid_value").with_param(&path.to_string())
}

#[cfg(test)]
mod tests;
