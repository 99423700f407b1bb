//! A request for images: JSON for new ones, a form with files for edits.

use agent::image::{ImageRequest, ImageSettings, Picture};
use bytes::Bytes;
use http::HeaderValue;
use protocol::Object;
use serde_json::Value;

use crate::images::multipart::Form;
use crate::images::{EDITS, GENERATIONS};

/// A request as it is sent.
#[derive(Debug)]
pub(super) struct Encoded {
    pub(super) path: &'static str,
    /// `None` is JSON.
    pub(super) content_type: Option<HeaderValue>,
    pub(super) body: Bytes,
}

/// Writes a request; `boundary` parts a form and must not stand in its files.
pub(super) fn encode(request: &ImageRequest, (model, knows_openai): (&str, bool), boundary: &str) -> Encoded {
    let is_edit = !request.sources.is_empty();
    let fields = fields(request, (model, knows_openai), is_edit);
    if !is_edit {
        let fields: Object = fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
        let body = Value::Object(fields).to_string().into();
        return Encoded { path: GENERATIONS, content_type: None, body };
    }
    let mut form = Form::new(boundary);
    for (name, value) in &fields {
        match value.as_str() {
            Some(text) => form.text(name, text),
            None => form.text(name, &value.to_string()),
        }
    }
    let name = if request.sources.len() == 1 { "image" } else { "image[]" };
    for (place, source) in request.sources.iter().enumerate() {
        file(&mut form, name, &format!("image-{}", place + 1), source);
    }
    if let Some(mask) = &request.mask {
        file(&mut form, "mask", "mask", mask);
    }
    Encoded { path: EDITS, content_type: form.content_type(), body: form.finish() }
}

fn file(form: &mut Form, name: &str, file: &str, picture: &Picture) {
    let file = format!("{file}.{}", picture.format.extension());
    form.file(name, (&file, picture.format.media_type()), &picture.bytes);
}

/// What was asked for, in the order of OpenAI's reference; what the model is to choose is left out.
fn fields(
    request: &ImageRequest,
    (model, knows_openai): (&str, bool),
    is_edit: bool,
) -> Vec<(&'static str, Value)> {
    let mut fields = vec![("model", model.into()), ("prompt", request.prompt.as_str().into())];
    let ImageSettings { count, output_compression, partial_images, .. } = request.settings;
    let settings = &request.settings;
    let texts = [
        ("size", &settings.size),
        ("quality", &settings.quality),
        ("background", &settings.background),
        ("output_format", &settings.output_format),
        ("moderation", if is_edit { &None } else { &settings.moderation }),
        ("input_fidelity", if is_edit { &settings.input_fidelity } else { &None }),
        ("user", &settings.user),
    ];
    if count > 1 {
        fields.push(("n", count.into()));
    }
    fields.extend(texts.into_iter().filter_map(|(key, text)| Some((key, text.as_deref()?.into()))));
    fields.extend(output_compression.map(|level| ("output_compression", level.into())));
    if !answers_in_base64(model, knows_openai) {
        fields.push(("response_format", "b64_json".into()));
    }
    if partial_images > 0 {
        fields.extend([("stream", true.into()), ("partial_images", partial_images.into())]);
    }
    fields
}

/// OpenAI's newer models answer in no other way and refuse to be asked; those at Azure have names of their own.
fn answers_in_base64(model: &str, knows_openai: bool) -> bool {
    model.contains("gpt-image") || (knows_openai && !model.starts_with("dall-e"))
}
