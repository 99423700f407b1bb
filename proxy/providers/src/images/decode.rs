//! What an image model answers: one JSON text, or events.

use agent::image::{ImageEvent, ImageForm, ImageSource, Images, MadeImage, PartialImage, inline};
use agent::model::ModelError;
use protocol::responses::usage::ImageUsage;
use serde::Deserialize;
use serde_json::Value;

use crate::fault::{self, Remote};

/// An answer that is one JSON text; some servers answer with an error in it.
#[derive(Deserialize)]
struct Whole {
    #[serde(default)]
    data: Vec<Datum>,
    #[serde(flatten)]
    about: About,
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Datum {
    b64_json: Option<String>,
    url: Option<String>,
    revised_prompt: Option<String>,
}

/// What is said beside images. Counts that cannot be read are none.
#[derive(Default, Deserialize)]
struct About {
    size: Option<String>,
    quality: Option<String>,
    background: Option<String>,
    output_format: Option<String>,
    #[serde(default)]
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    partial_image_index: u32,
    #[serde(flatten)]
    datum: Datum,
    #[serde(flatten)]
    about: About,
}

/// Reads an answer that is one JSON text.
///
/// Errors: it is an error, holds no image, or cannot be understood.
pub(super) fn whole(body: &[u8]) -> Result<Images, ModelError> {
    let whole: Whole = serde_json::from_slice(body).map_err(|_| fault::malformed("it is not as expected"))?;
    if whole.error.is_some_and(|error| !error.is_null()) {
        return Err(fault::in_answer(&Remote::of(body)));
    }
    let images: Vec<MadeImage> = whole.data.into_iter().filter_map(Datum::made).collect();
    if images.is_empty() {
        return Err(fault::malformed("it has no image"));
    }
    let (form, usage) = whole.about.read();
    Ok(Images { images, form, usage })
}

/// Reads an event; `None` for one of no interest.
///
/// Errors: it is an error or cannot be understood.
pub(super) fn event(data: &[u8]) -> Result<Option<ImageEvent>, ModelError> {
    if data == b"[DONE]" {
        return Ok(None);
    }
    let event: Event =
        serde_json::from_slice(data).map_err(|_| fault::malformed("an event is not as expected"))?;
    let (_, step) = event.kind.rsplit_once('.').unwrap_or_default();
    let (form, usage) = event.about.read();
    match (step, event.kind.as_str()) {
        ("partial_image", _) => Ok(event.datum.b64_json.map(|image| {
            let index = event.partial_image_index;
            ImageEvent::Partial(PartialImage { index, image: bare(image), form })
        })),
        ("completed", _) => {
            let made = event.datum.made().ok_or_else(|| fault::malformed("it has no image"))?;
            Ok(Some(ImageEvent::Done(Images { images: vec![made], form, usage })))
        }
        ("failed", _) | (_, "error" | "") => Err(fault::in_answer(&Remote::of(data))),
        _ => Ok(None),
    }
}

impl Datum {
    fn made(self) -> Option<MadeImage> {
        let source = match (self.b64_json, self.url) {
            (Some(image), _) => ImageSource::Base64(bare(image)),
            (None, Some(url)) => match inline(&url) {
                Some(image) => ImageSource::Base64(image.to_owned()),
                None => ImageSource::Url(url),
            },
            (None, None) => return None,
        };
        Some(MadeImage { source, revised_prompt: self.revised_prompt.filter(|prompt| !prompt.is_empty()) })
    }
}

impl About {
    fn read(self) -> (ImageForm, ImageUsage) {
        let Self { size, quality, background, output_format, usage } = self;
        let usage = usage.and_then(|usage| ImageUsage::deserialize(usage).ok()).unwrap_or_default();
        (ImageForm { size, quality, background, output_format }, usage)
    }
}

/// The Base64 of an image that some servers send as a data URL.
fn bare(image: String) -> String {
    inline(&image).map(str::to_owned).unwrap_or(image)
}
