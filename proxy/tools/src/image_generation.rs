//! `image_generation`: the model describes an image, an image model makes it, and the client sees it. The model reads that it
//! was made, never the image.

mod declare;
mod gallery;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use agent::image::{
    ImageEvent, ImageForm, ImageRequest, ImageSource, Images, MadeImage, PartialImage, Picture,
};
use agent::model::ModelError;
use agent::tool::{Progress, ServerTool, ToolCall, ToolOutcome};
use async_trait::async_trait;
use futures_util::StreamExt;
use futures_util::stream::BoxStream;
use protocol::Object;
use protocol::error::ApiError;
use protocol::responses::tool::HostedTool;
use protocol::responses::usage::Usage;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::builtin::{Builtin, Executor, Offer};
use crate::progress::Reporter;

pub use gallery::Gallery;
use settings::{Action, Asked};

/// The largest image that is shown, in bytes of Base64: 20 MiB of image.
const IMAGE_BYTES: usize = 28 << 20;
/// How many images an edit may start from, and their bytes in all.
const SOURCES: usize = 16;
const SOURCE_BYTES: usize = 64 << 20;
/// What the model reads where the images of a run take all the room there is for them.
const NO_ROOM: &str = "No image was made: there is no room for more images in this turn.";
const PARTIAL: &str = "response.image_generation_call.partial_image";

/// Finds image models by their names.
pub trait Studios: Send + Sync {
    /// The model that a tool names, or the one for tools that name none.
    ///
    /// Errors: 400 for a name that is not known, with a param below `param`.
    fn studio(&self, model: Option<&str>, param: &str) -> Result<Arc<dyn Studio>, ApiError>;
}

/// An image model as one request reaches it.
#[async_trait]
pub trait Studio: Send + Sync {
    /// Asks for images; finished ones are in Base64. Dropping the stream cancels the call.
    fn paint(&self, request: ImageRequest) -> BoxStream<'static, Result<ImageEvent, ModelError>>;

    /// The image of an earlier call, in Base64; `None` if it is gone.
    ///
    /// Errors: the store is down.
    async fn kept(&self, item_id: &str) -> Result<Option<String>, ModelError>;
}

/// The tool of one request.
pub struct ImageGeneration {
    /// The image models.
    pub studios: Arc<dyn Studios>,
    /// The images of the conversation.
    pub gallery: Arc<Gallery>,
}

/// What runs the calls of one declaration.
struct Painter {
    studio: Arc<dyn Studio>,
    gallery: Arc<Gallery>,
    asked: Asked,
}

/// What the model wrote.
#[derive(Deserialize)]
struct Arguments {
    prompt: String,
    #[serde(default)]
    images: Option<Vec<usize>>,
}

impl Builtin for ImageGeneration {
    fn offer(&self, tool: &HostedTool, param: &str) -> Result<Vec<Offer>, ApiError> {
        let asked = settings::read(tool, param)?;
        let studio = self.studios.studio(tool.text("model"), param)?;
        let model = declare::function(tool, &asked, &self.gallery);
        let executor = Arc::new(Painter { studio, gallery: Arc::clone(&self.gallery), asked });
        Ok(vec![Offer { model, tool: ServerTool::ImageGeneration, executor }])
    }
}

#[async_trait]
impl Executor for Painter {
    fn label(&self) -> &'static str {
        "image_generation"
    }

    async fn execute(&self, call: &ToolCall, progress: &Reporter) -> ToolOutcome {
        let Ok(arguments) = serde_json::from_str::<Arguments>(&call.arguments) else {
            return ToolOutcome::failure("No image was made: the arguments need a 'prompt'.");
        };
        if !self.gallery.has_room() {
            return ToolOutcome::failure(NO_ROOM);
        }
        let sources = match self.sources(arguments.images.unwrap_or_default()).await {
            Ok(sources) => sources,
            Err(why) => return ToolOutcome::failure(format!("No image was made: {why}")),
        };
        let is_edit = !sources.is_empty();
        let request = ImageRequest {
            model: String::new(), // the studio knows its name
            prompt: arguments.prompt.clone(),
            mask: self.asked.mask.clone().filter(|_| is_edit),
            sources,
            settings: self.asked.settings.clone(),
        };
        let mut events = self.studio.paint(request);
        while let Some(event) = events.next().await {
            match event {
                Ok(ImageEvent::Partial(partial)) => progress.report(self.partial(partial)).await,
                Ok(ImageEvent::Done(images)) => return self.made(images, &arguments.prompt, is_edit),
                Err(error) => return failed(&error),
            }
        }
        ToolOutcome::failure("No image was made: the image model gave no answer.")
    }
}

impl Painter {
    /// The images that the call starts from: those that it names; where it must name some, the last one.
    async fn sources(&self, mut places: Vec<usize>) -> Result<Vec<Picture>, String> {
        match self.asked.action {
            Action::Generate => return Ok(Vec::new()),
            Action::Edit if places.is_empty() => match self.gallery.len() {
                0 => return Err("there is no image in this conversation that could be changed.".to_owned()),
                last => places.push(last),
            },
            Action::Edit | Action::Auto => {}
        }
        let mut seen = BTreeSet::new();
        places.retain(|place| seen.insert(*place));
        if places.len() > SOURCES {
            return Err(format!("at most {SOURCES} images can be used at once."));
        }
        let (mut pictures, mut size_bytes) = (Vec::with_capacity(places.len()), 0);
        for place in places {
            let picture = self.gallery.load(place, self.studio.as_ref()).await?;
            size_bytes += picture.bytes.len();
            if size_bytes > SOURCE_BYTES {
                return Err("these images are too large to be used at once: 64 MiB at most.".to_owned());
            }
            pictures.push(picture);
        }
        Ok(pictures)
    }

    fn partial(&self, partial: PartialImage) -> Progress {
        let index = ("partial_image_index", Value::from(partial.index));
        let image = ("partial_image_b64", Value::from(partial.image));
        let form = self.form(partial.form, None);
        Progress { event: PARTIAL, fields: [index, image].into_iter().chain(form).collect() }
    }

    /// What was made; the client sees all images, and the model reads their numbers.
    fn made(&self, images: Images, prompt: &str, is_edit: bool) -> ToolOutcome {
        let Images { images, form, usage } = images;
        let images: Vec<_> = match images.into_iter().map(finished).collect() {
            Ok(images) => images,
            Err(why) => return ToolOutcome::failure(why),
        };
        let Some(places) = self.gallery.add(images.iter().map(|(image, _)| image.as_str())) else {
            return ToolOutcome::failure(NO_ROOM);
        };
        let mut shown = Vec::with_capacity(images.len());
        for (image, revised_prompt) in images {
            let prompt = revised_prompt.unwrap_or_else(|| prompt.to_owned());
            let action = if is_edit { "edit" } else { "generate" };
            let format = gallery::format_of(&image);
            let fields = [("result", Value::from(image))].into_iter().chain(self.form(form.clone(), format));
            let fields = fields.chain([("revised_prompt", prompt.into()), ("action", action.into())]);
            shown.push(fields.map(|(key, value)| (key.to_owned(), value)).collect::<Object>());
        }
        let output = told(places);
        let mut shown = shown.into_iter();
        ToolOutcome {
            shown: shown.next().unwrap_or_default(),
            further: shown.collect(),
            usage: Usage::new(usage.input_tokens, usage.output_tokens),
            image_usage: Some(Box::new(usage)),
            ..ToolOutcome::text(output)
        }
    }

    /// What an image is like: as its model says, else as it was asked for; `found` is what it is.
    fn form(&self, form: ImageForm, found: Option<&'static str>) -> [(&'static str, Value); 4] {
        let asked = &self.asked.settings;
        let or = |told: Option<String>, asked: &Option<String>, usual: &str| {
            Value::from(told.or_else(|| asked.clone()).unwrap_or_else(|| usual.to_owned()))
        };
        let format = form.output_format.or_else(|| found.map(str::to_owned));
        [
            ("size", or(form.size, &asked.size, "auto")),
            ("quality", or(form.quality, &asked.quality, "auto")),
            ("background", or(form.background, &asked.background, "auto")),
            ("output_format", or(format, &asked.output_format, "png")),
        ]
    }
}

/// A finished image in Base64, with the prompt as its model understood it.
///
/// Errors: why it cannot be shown.
fn finished(made: MadeImage) -> Result<(String, Option<String>), &'static str> {
    match made.source {
        ImageSource::Base64(image) if image.len() <= IMAGE_BYTES => Ok((image, made.revised_prompt)),
        ImageSource::Base64(_) => Err("No image was made: it is too large."),
        ImageSource::Url(_) => Err("No image was made: it cannot be fetched."),
    }
}

/// What the model reads of images that were made.
fn told(mut places: Range<usize>) -> String {
    if places.len() == 1 {
        let place = places.start;
        return format!(
            "The image was made and shown to the user. It is image {place} of this conversation."
        );
    }
    let first = places.next().unwrap_or_default().to_string();
    let list = places.fold(first, |list, place| format!("{list}, {place}"));
    format!("The images were made and shown to the user. They are images {list}.")
}

/// The model hears why, so that it can tell the user or ask for something else.
fn failed(error: &ModelError) -> ToolOutcome {
    tracing::warn!(cause = ?error.cause, "An image was not made");
    let told = json!({"error": {"message": error.error.message, "code": error.error.code}});
    ToolOutcome::failure(format!("No image was made. The image model says: {told}"))
}
