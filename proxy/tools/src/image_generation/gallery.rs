//! The images of a conversation, numbered from 1 in the order in which they came.

use std::ops::Range;
use std::sync::Arc;

use agent::image::{Picture, inline};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use protocol::responses::content::Content;
use protocol::responses::item::{Item, ItemStatus, KEPT_IMAGE, Output};

use super::{IMAGE_BYTES, Studio};

/// How many images the model reads about; numbers count all of them.
const LISTED: usize = 32;
/// What the images of a run may take, in bytes of Base64.
const ROOM: usize = 256 << 20;

/// The images of a conversation; those that are made join them.
pub struct Gallery(Mutex<Wall>);

/// The images, and the room that is left.
struct Wall {
    exhibits: Vec<Exhibit>,
    room_bytes: usize,
}

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
    Here(Arc<str>),
    /// In the store, by the id of its item.
    Kept(String),
    /// By URL or id of a file: it can be looked at by a model and not be had here.
    Elsewhere,
    /// For want of room it was left out.
    LeftOut,
}

impl Default for Gallery {
    fn default() -> Self {
        Self::with_room(ROOM)
    }
}

impl Gallery {
    /// Collects the images of items.
    pub fn of<'a>(items: impl Iterator<Item = &'a Item>) -> Self {
        let gallery = Self::default();
        items.for_each(|item| collect(item, &mut gallery.0.lock()));
        gallery
    }

    pub(super) fn with_room(room_bytes: usize) -> Self {
        Self(Mutex::new(Wall { exhibits: Vec::new(), room_bytes }))
    }

    pub(super) fn len(&self) -> usize {
        self.0.lock().exhibits.len()
    }

    /// Whether an image of any size can be added.
    pub(super) fn has_room(&self) -> bool {
        self.0.lock().room_bytes >= IMAGE_BYTES
    }

    /// Adds images that were made, and returns their numbers; `None` if there is no room for all of them.
    pub(super) fn add<'a>(&self, images: impl Iterator<Item = &'a str> + Clone) -> Option<Range<usize>> {
        let mut wall = self.0.lock();
        let first = wall.exhibits.len() + 1;
        if images.clone().map(str::len).sum::<usize>() > wall.room_bytes {
            return None;
        }
        images.for_each(|image| wall.hang(Origin::Made, Ok(image)));
        Some(first..wall.exhibits.len() + 1)
    }

    /// What the model reads about the images.
    pub(super) fn describe(&self) -> Option<String> {
        let Wall { exhibits, .. } = &*self.0.lock();
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
        let found = number.checked_sub(1).and_then(|place| self.0.lock().exhibits.get(place).cloned());
        let Some(Exhibit { place, .. }) = found else {
            return Err(format!("this conversation has no image {number}."));
        };
        let image = match place {
            Place::Here(image) => image,
            Place::Kept(item) => match studio.kept(&item).await {
                Ok(Some(image)) => image.into(),
                Ok(None) => return Err(format!("image {number} is no longer there.")),
                Err(error) => return Err(error.error.message),
            },
            Place::Elsewhere => {
                return Err(format!(
                    "image {number} was given by reference; the user has to send the file itself."
                ));
            }
            Place::LeftOut => return Err(format!("image {number} is one too many for this conversation.")),
        };
        picture(&image).ok_or_else(|| format!("image {number} is no PNG, JPEG or WebP of at most 20 MiB."))
    }
}

impl Wall {
    /// Adds an image, by itself or by its place.
    fn hang(&mut self, origin: Origin, image: Result<&str, Place>) {
        let place = match image {
            Ok(image) => match self.room_bytes.checked_sub(image.len()) {
                Some(left) => {
                    self.room_bytes = left;
                    Place::Here(image.into())
                }
                None => Place::LeftOut,
            },
            Err(place) => place,
        };
        self.exhibits.push(Exhibit { origin, place });
    }
}

/// The format of an image in Base64, by its first bytes.
pub(super) fn format_of(image: &str) -> Option<&'static str> {
    let head = STANDARD.decode(image.get(..16)?).ok()?;
    Picture::of(head.into()).map(|picture| picture.format.extension())
}

/// An image in Base64 as a file; `None` if it is too large or no format that image models take.
pub(super) fn picture(image: &str) -> Option<Picture> {
    if image.len() > IMAGE_BYTES {
        return None;
    }
    Picture::of(STANDARD.decode(image).ok()?.into())
}

fn collect(item: &Item, wall: &mut Wall) {
    match item {
        Item::Message(message) => parts(&message.content, Origin::User, wall),
        Item::FunctionCallOutput(output) => outputs(&output.output, wall),
        Item::CustomToolCallOutput(output) => outputs(&output.output, wall),
        Item::ImageGenerationCall(call) => {
            let image = match &call.result {
                Some(image) if image != KEPT_IMAGE => Ok(image.as_str()),
                None if call.status != ItemStatus::Completed => return,
                // A client that keeps the history may leave the image out; the store may have it.
                Some(_) | None => Err(Place::Kept(call.id.clone())),
            };
            wall.hang(Origin::Made, image);
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

fn outputs(output: &Output, wall: &mut Wall) {
    if let Output::Parts(list) = output {
        parts(list, Origin::Tool, wall);
    }
}

fn parts(list: &[Content], origin: Origin, wall: &mut Wall) {
    for part in list {
        let Content::InputImage(image) = part else { continue };
        let image = image.image_url.as_deref().and_then(inline);
        wall.hang(origin, image.ok_or(Place::Elsewhere));
    }
}
