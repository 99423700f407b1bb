//! Parts, and where each may stand.

use serde_json::Value;

use crate::error::ApiError;
use crate::read::{Fields, Path};
use crate::responses::content::{
    Content, InputFile, InputImage, InputImageTag, InputText, OutputText, ReasoningText, Refusal, SummaryText,
};
use crate::responses::request::input::{BLOB_LIMIT, TEXT_LIMIT};

/// Characters of a file's data.
const FILE_LIMIT: usize = 73_400_320;

const DETAILS: &[&str] = &["auto", "low", "high", "original"];

/// Every type of part. The last ones are kept as they come.
const TYPES: &[&str] = &[
    "input_text",
    "input_image",
    "input_file",
    "output_text",
    "refusal",
    "summary_text",
    "reasoning_text",
    "input_audio",
    "computer_screenshot",
    "encrypted_content",
];

/// Which parts are legal depends on where they stand.
#[derive(Clone, Copy)]
pub(super) enum Place {
    /// A message of the user, the system or the developer.
    Caller,
    /// A message of the model.
    Assistant,
    /// What a tool returned.
    ToolOutput,
    /// A summary of reasoning.
    Summary,
    /// Raw reasoning.
    Reasoning,
}

impl Place {
    /// The types that are legal here, and how many of them stand in messages of errors.
    fn types(self) -> (&'static [&'static str], usize) {
        match self {
            Self::Caller => {
                (&["input_text", "input_image", "input_file", "input_audio", "computer_screenshot"], 3)
            }
            Self::Assistant => (&["output_text", "refusal"], 2),
            Self::ToolOutput => {
                (&["input_text", "input_image", "input_file", "computer_screenshot", "encrypted_content"], 3)
            }
            Self::Summary => (&["summary_text"], 1),
            Self::Reasoning => (&["reasoning_text"], 1),
        }
    }
}

/// Reads parts.
///
/// Errors: 400 `invalid_value` at the part for a type that is illegal here, at its `type` for one that is unknown.
pub(super) fn parts(list: Vec<Value>, path: &Path<'_>, place: Place) -> Result<Vec<Content>, ApiError> {
    let read = |(index, value)| part(value, &path.index(index), place);
    list.into_iter().enumerate().map(read).collect()
}

fn part(value: Value, path: &Path<'_>, place: Place) -> Result<Content, ApiError> {
    let mut fields = Fields::new(value, *path)?;
    let kind = fields.required_string("type")?;
    if !TYPES.contains(&kind.as_str()) {
        return Err(ApiError::invalid_choice(&fields.at("type"), &kind, TYPES));
    }
    let (legal, named) = place.types();
    if !legal.contains(&kind.as_str()) {
        return Err(ApiError::invalid_choice(&path.to_string(), &kind, &legal[..named]));
    }
    typed(&kind, fields)
}

fn typed(kind: &str, mut fields: Fields<'_>) -> Result<Content, ApiError> {
    Ok(match kind {
        "input_text" => {
            let text = text(&mut fields, "text")?;
            Content::InputText(InputText { text, rest: fields.rest(), ..InputText::default() })
        }
        "input_image" => Content::InputImage(image(fields)?),
        "input_file" => Content::InputFile(file(fields)?),
        "output_text" => Content::OutputText(output_text(fields)?),
        "refusal" => {
            let refusal = text(&mut fields, "refusal")?;
            Content::Refusal(Refusal { refusal, rest: fields.rest(), ..Refusal::default() })
        }
        "summary_text" => {
            let text = text(&mut fields, "text")?;
            Content::SummaryText(SummaryText { text, rest: fields.rest(), ..SummaryText::default() })
        }
        "reasoning_text" => {
            let text = text(&mut fields, "text")?;
            Content::ReasoningText(ReasoningText { text, rest: fields.rest(), ..ReasoningText::default() })
        }
        _ => {
            let mut map = crate::Object::new();
            map.insert("type".to_owned(), Value::String(kind.to_owned()));
            map.extend(fields.rest());
            Content::Other(map)
        }
    })
}

fn text(fields: &mut Fields<'_>, key: &str) -> Result<String, ApiError> {
    fields.bounded_string(key, TEXT_LIMIT)?.ok_or_else(|| fields.missing(key))
}

fn output_text(mut fields: Fields<'_>) -> Result<OutputText, ApiError> {
    let text = text(&mut fields, "text")?;
    let annotations = fields.array("annotations")?.unwrap_or_default();
    let logprobs = fields.array("logprobs")?.unwrap_or_default();
    Ok(OutputText { annotations, logprobs, text, rest: fields.rest(), ..OutputText::default() })
}

/// Neither URL nor file is legal: an image whose URL was hidden comes back like this.
fn image(mut fields: Fields<'_>) -> Result<InputImage, ApiError> {
    let detail = fields.choice("detail", DETAILS)?.unwrap_or("auto").to_owned();
    let image_url = fields.bounded_string("image_url", BLOB_LIMIT)?;
    let file_id = fields.string("file_id")?;
    Ok(InputImage { tag: InputImageTag, detail, image_url, file_id, rest: fields.rest() })
}

fn file(mut fields: Fields<'_>) -> Result<InputFile, ApiError> {
    let file_id = fields.string("file_id")?;
    let file_data = fields.bounded_string("file_data", FILE_LIMIT)?;
    let file_url = fields.string("file_url")?;
    let filename = fields.string("filename")?;
    Ok(InputFile { file_id, file_data, file_url, filename, rest: fields.rest(), ..InputFile::default() })
}
