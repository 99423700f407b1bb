//! The images of a conversation, numbered from 1 in the order in which they came.

use agent::image::Picture;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use protocol::responses::content::Content;
use protocol::responses::item::{Item, ItemStatus, KEPT_IMAGE, Output};

use super::{IMAGE_BYTES, Studio};

/// How many images the model reads about; numbers count all of them.
const LISTED: usize = 32;

/// The images of a conversation; those that are made join them.
#[derive(Default)]
pub struct Gallery(Mutex<Vec<Exhibit>>);

#[derive(Clone)]
struct Exhibit {
    origin: Origin,
    place: Place,
}

#[derive(Clone, Copy)]
enum Origin {
    User,
    Tool,
    Made,
}

#[derive(Clone)]
enum Place {
    /// In Base64.
    Here(String),
    /// In the store, by the id of its item.
    Kept(String),
    /// By URL or id of a file: it can be looked at by a model and not be had here.
    Elsewhere,
}

impl Gallery {
    /// Collects the images of items.
    pub fn of<'a>(items: impl Iterator<Item = &'a Item>) -> Self {
        let mut exhibits = Vec::new();
        items.for_each(|item| collect(item, &mut exhibits));
        Self(Mutex::new(exhibits))
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().len()
    }

    /// Adds an image that was made, and returns its number.
    pub(super) fn add(&self, image: String) -> usize {
        let mut exhibits = self.0.lock();
        exhibits.push(Exhibit { origin: Origin::Made, place: Place::Here(image) });
        exhibits.len()
    }

    /// What the model reads about the images.
    pub(super) fn describe(&self) -> Option<String> {
        let exhibits = self.0.lock();
        let hidden = exhibits.len().saturating_sub(LISTED);
        let line = |(place, exhibit): (usize, &Exhibit)| {
            let origin = match exhibit.origin {
                Origin::User => "sent by the user",
                Origin::Tool => "returned by a tool",
                Origin::Made => "made with this tool",
            };
            format!("{} {origin}", place + 1)
        };
        let lines: Vec<String> = exhibits.iter().enumerate().skip(hidden).map(line).collect();
        (!lines.is_empty()).then(|| format!("Images of this conversation by number: {}.", lines.join(", ")))
    }

    /// The image of a number, as a file.
    ///
    /// Errors: why it cannot be had, in words for the model.
    pub(super) async fn load(&self, number: usize, studio: &dyn Studio) -> Result<Picture, String> {
        let found = number.checked_sub(1).and_then(|place| self.0.lock().get(place).cloned());
        let Some(Exhibit { place, .. }) = found else {
            return Err(format!("this conversation has no image {number}."));
        };
        let image = match place {
            Place::Here(image) => image,
            Place::Kept(item) => match studio.kept(&item).await {
                Ok(Some(image)) => image,
                Ok(None) => return Err(format!("image {number} is no longer there.")),
                Err(error) => return Err(error.error.message),
            },
            Place::Elsewhere => {
                return Err(format!(
                    "image {number} was given by reference; the user has to send the file itself."
                ));
            }
        };
        picture(&image).ok_or_else(|| format!("image {number} is no PNG, JPEG or WebP of at most 20 MiB."))
    }
}

/// The format of an image in Base64, by its first bytes.
pub(super) fn format_of(image: &str) -> Option<&'static str> {
    let head = STANDARD.decode(image.get(..16)?).ok()?;
    Picture::of(head.into()).map(|picture| picture.format.extension())
}

fn picture(image: &str) -> Option<Picture> {
    if image.len() > IMAGE_BYTES {
        return None;
    }
    Picture::of(STANDARD.decode(image).ok()?.into())
}

fn collect(item: &Item, exhibits: &mut Vec<Exhibit>) {
    match item {
        Item::Message(message) => parts(&message.content, Origin::User, exhibits),
        Item::FunctionCallOutput(output) => outputs(&output.output, exhibits),
        Item::CustomToolCallOutput(output) => outputs(&output.output, exhibits),
        Item::ImageGenerationCall(call) => {
            let place = match &call.result {
                Some(image) if image != KEPT_IMAGE => Place::Here(image.clone()),
                None if call.status != ItemStatus::Completed => return,
                // A client that keeps the history may leave the image out; the store may have it.
                Some(_) | None => Place::Kept(call.id.clone()),
            };
            exhibits.push(Exhibit { origin: Origin::Made, place });
        }
        Item::FunctionCall(_)
        | Item::CustomToolCall(_)
        | Item::Reasoning(_)
        | Item::FileSearchCall(_)
        | Item::WebSearchCall(_)
        | Item::McpListTools(_)
        | Item::McpCall(_)
        | Item::McpApprovalRequest(_)
        | Item::McpApprovalResponse(_)
        | Item::Compaction(_)
        | Item::Reference(_)
        | Item::Other(_) => {}
    }
}

fn outputs(output: &Output, exhibits: &mut Vec<Exhibit>) {
    if let Output::Parts(list) = output {
        parts(list, Origin::Tool, exhibits);
    }
}

fn parts(list: &[Content], origin: Origin, exhibits: &mut Vec<Exhibit>) {
    for part in list {
        let Content::InputImage(image) = part else { continue };
        let inline =
            image.image_url.as_deref().and_then(|url| url.strip_prefix("data:")?.split_once(";base64,"));
        let place = inline.map_or(Place::Elsewhere, |(_, image)| Place::Here(image.to_owned()));
        exhibits.push(Exhibit { origin, place });
    }
}
