use std::collections::VecDeque;

use agent::model::{Failure, ToolInput};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::stream;
use parking_lot::Mutex;
use protocol::responses::item::{Item, KEPT_IMAGE};
use protocol::responses::usage::ImageUsage;

use super::*;
use crate::progress::{Progresses, Steps};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";

/// Answers from a script, and remembers what it was asked.
#[derive(Default)]
struct Fake {
    answers: Mutex<VecDeque<Vec<Result<ImageEvent, ModelError>>>>,
    asked: Mutex<Vec<ImageRequest>>,
}

#[async_trait]
impl Studio for Fake {
    fn paint(&self, request: ImageRequest) -> BoxStream<'static, Result<ImageEvent, ModelError>> {
        self.asked.lock().push(request);
        let answer = self.answers.lock().pop_front().unwrap_or_else(|| vec![Ok(done(&[&png()]))]);
        stream::iter(answer).boxed()
    }

    async fn kept(&self, item_id: &str) -> Result<Option<String>, ModelError> {
        Ok((item_id == "ig_1").then(png))
    }
}

struct Only(Arc<Fake>);

impl Studios for Only {
    fn studio(&self, _: Option<&str>, _: &str) -> Result<Arc<dyn Studio>, ApiError> {
        let studio: Arc<dyn Studio> = self.0.clone();
        Ok(studio)
    }
}

fn png() -> String {
    STANDARD.encode(PNG)
}

fn done(images: &[&str]) -> ImageEvent {
    let made =
        |image: &&str| MadeImage { source: ImageSource::Base64((*image).to_owned()), revised_prompt: None };
    let usage = ImageUsage { input_tokens: 5, output_tokens: 7, total_tokens: 12, ..ImageUsage::default() };
    ImageEvent::Done(Images { images: images.iter().map(made).collect(), usage, ..Images::default() })
}

fn tool(settings: Value) -> HostedTool {
    let Value::Object(fields) = settings else { panic!("no object") };
    HostedTool { kind: "image_generation".to_owned(), fields }
}

fn items(items: Value) -> Arc<Gallery> {
    let items: Vec<Item> = serde_json::from_value(items).unwrap();
    Arc::new(Gallery::of(items.iter()))
}

/// An image of the user, one of the store, one that the client left out, and one that is elsewhere.
fn four() -> Arc<Gallery> {
    items(json!([
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "Look"},
            {"type": "input_image", "detail": "auto", "image_url": format!("data:image/png;base64,{}", png())}]},
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": KEPT_IMAGE},
        {"type": "image_generation_call", "id": "ig_2", "status": "completed"},
        {"type": "image_generation_call", "id": "ig_3", "status": "failed", "result": null},
        {"type": "message", "role": "user", "content": [
            {"type": "input_image", "detail": "auto", "image_url": "https://example.com/a.png"}]},
    ]))
}

struct Scene {
    fake: Arc<Fake>,
    offers: Vec<Offer>,
    reporter: Reporter,
    steps: Steps,
}

fn scene(settings: Value, gallery: Arc<Gallery>) -> Scene {
    let fake = Arc::new(Fake::default());
    let builtin = ImageGeneration { studios: Arc::new(Only(Arc::clone(&fake))), gallery };
    let offers = builtin.offer(&tool(settings), "tools[0]").map_err(|error| error.message).unwrap();
    let (progresses, steps) = Progresses::channel();
    Scene { fake, offers, reporter: progresses.of("call_1".to_owned()), steps }
}

impl Scene {
    async fn call(&self, arguments: Value) -> ToolOutcome {
        let call = ToolCall {
            id: "call_1".into(),
            name: "image_generation".into(),
            arguments: arguments.to_string(),
        };
        self.offers[0].executor.execute(&call, &self.reporter).await
    }

    fn sources(&self) -> Vec<usize> {
        self.fake.asked.lock().iter().map(|request| request.sources.len()).collect()
    }
}

#[tokio::test]
async fn an_image_is_shown_and_the_model_reads_that_it_was_made() {
    let scene = scene(json!({"size": "1024x1024", "quality": "low"}), four());
    let outcome = scene.call(json!({"prompt": "A cat"})).await;
    assert!(!outcome.failed && outcome.output.contains("It is image 5"), "{}", outcome.output);
    assert!(!outcome.output.contains(&png()));
    let shown = Value::Object(outcome.shown);
    let expected = json!({"result": png(), "size": "1024x1024", "quality": "low", "background": "auto",
        "output_format": "png", "revised_prompt": "A cat", "action": "generate"});
    assert_eq!(shown, expected);
    assert_eq!((outcome.usage.total_tokens, outcome.image_usage.unwrap().output_tokens), (12, 7));
    assert_eq!(scene.sources(), [0]);
}

#[tokio::test]
async fn images_of_the_conversation_are_edited_by_their_numbers() {
    let scene = scene(json!({}), four());
    let description = scene.offers[0].model.description.clone().unwrap();
    assert!(description.contains("1 sent by the user, 2 made with this tool, 3 made"), "{description}");
    let outcome = scene.call(json!({"prompt": "Blue", "images": [1, 2]})).await;
    assert_eq!((outcome.failed, outcome.shown["action"].as_str()), (false, Some("edit")));
    let again = scene.call(json!({"prompt": "Green", "images": [5]})).await;
    assert!(!again.failed, "what was made in this turn can be changed: {}", again.output);
    assert_eq!(scene.sources(), [2, 1]);
    for (number, why) in [(3, "no longer"), (4, "by reference"), (9, "no image 9"), (0, "no image 0")] {
        let outcome = scene.call(json!({"prompt": "x", "images": [number]})).await;
        assert!(outcome.failed && outcome.output.contains(why), "{number}: {}", outcome.output);
    }
    assert_eq!(scene.sources().len(), 2, "nothing is asked of the model then");
}

#[tokio::test]
async fn an_image_that_is_named_twice_is_used_once_in_its_order() {
    let scene = scene(json!({}), four());
    let mut images = vec![2, 1];
    images.extend([2; 20]);
    assert!(!scene.call(json!({"prompt": "x", "images": images})).await.failed);
    assert_eq!(scene.sources(), [2]);
}

/// A PNG that is so large, in Base64.
fn large(size_bytes: usize) -> String {
    let mut bytes = PNG.to_vec();
    bytes.resize(size_bytes, 0);
    STANDARD.encode(bytes)
}

#[tokio::test]
async fn images_that_are_too_large_together_are_not_used() {
    let gallery = Arc::new(Gallery::default());
    let image = large(20 << 20);
    assert_eq!(gallery.add([image.as_str(); 4].into_iter()), Some(1..5));
    let scene = scene(json!({}), gallery);
    let outcome = scene.call(json!({"prompt": "x", "images": [1, 2, 3, 4]})).await;
    assert!(outcome.failed && outcome.output.contains("64 MiB"), "{}", outcome.output);
    assert!(!scene.call(json!({"prompt": "x", "images": [1, 2, 3]})).await.failed);
}

#[tokio::test]
async fn a_run_has_room_for_so_many_bytes_of_images() {
    let scene = scene(json!({}), Arc::new(Gallery::with_room(IMAGE_BYTES + 2 * png().len() - 1)));
    for made in [true, true, false] {
        let outcome = scene.call(json!({"prompt": "x"})).await;
        assert_eq!(outcome.failed, !made, "{}", outcome.output);
    }
    assert_eq!(scene.sources().len(), 2, "nothing is asked of the model without room");

    let gallery = Gallery::with_room(4);
    assert_eq!(gallery.add(["QUFB", "QQ=="].into_iter()), None, "all or none");
    assert_eq!(gallery.add(["QUFB"].into_iter()), Some(1..2));
}

#[tokio::test]
async fn the_action_says_whether_images_are_used() {
    let edit = scene(
        json!({"action": "edit"}),
        items(json!([
        {"type": "image_generation_call", "id": "ig_1", "status": "completed", "result": KEPT_IMAGE}])),
    );
    assert!(!edit.call(json!({"prompt": "x"})).await.failed);
    assert_eq!(edit.sources(), [1], "the last image");
    let nothing = scene(json!({"action": "edit"}), Arc::default());
    assert!(nothing.call(json!({"prompt": "x"})).await.output.contains("no image in this conversation"));
    let generate = scene(json!({"action": "generate"}), four());
    assert!(!generate.call(json!({"prompt": "x", "images": [1]})).await.failed);
    assert_eq!(generate.sources(), [0]);
    let ToolInput::Schema { parameters: Some(parameters), .. } = &generate.offers[0].model.input else {
        panic!()
    };
    assert!(parameters["properties"].get("images").is_none());
}

#[tokio::test]
async fn unfinished_images_are_reported_on_the_way() {
    let mut scene = scene(json!({"partial_images": 1, "output_format": "webp"}), Arc::default());
    let partial = PartialImage { index: 0, image: "UA==".to_owned(), form: ImageForm::default() };
    scene.fake.answers.lock().push_back(vec![Ok(ImageEvent::Partial(partial)), Ok(done(&[&png()]))]);
    assert!(!scene.call(json!({"prompt": "x"})).await.failed);
    let (_, step) = scene.steps.recv().await.unwrap();
    assert_eq!(step.event, PARTIAL);
    let keys: Vec<&str> = step.fields.iter().map(|(key, _)| *key).collect();
    assert_eq!(
        keys,
        ["partial_image_index", "partial_image_b64", "size", "quality", "background", "output_format"]
    );
    assert_eq!(step.fields[5].1, "webp");
}

#[tokio::test]
async fn several_images_are_several_items() {
    let scene = scene(json!({"n": 2}), Arc::default());
    scene.fake.answers.lock().push_back(vec![Ok(done(&[&png(), &png()]))]);
    let outcome = scene.call(json!({"prompt": "x"})).await;
    assert_eq!((outcome.further.len(), outcome.output.contains("images 1, 2")), (1, true));
}

#[tokio::test]
async fn the_model_hears_why_no_image_was_made() {
    let scene = scene(json!({}), Arc::default());
    let error = ApiError::bad_request("moderation_blocked", "prompt", "Your request was rejected.");
    scene.fake.answers.lock().push_back(vec![Err(ModelError { error, cause: Failure::Status(400) })]);
    let url = MadeImage { source: ImageSource::Url("https://x/y".to_owned()), revised_prompt: None };
    let by_url = ImageEvent::Done(Images { images: vec![url], ..Images::default() });
    scene.fake.answers.lock().push_back(vec![Ok(by_url)]);
    scene.fake.answers.lock().push_back(vec![Ok(done(&[&"A".repeat(IMAGE_BYTES + 1)]))]);
    scene.fake.answers.lock().push_back(Vec::new());
    for why in ["Your request was rejected.", "cannot be fetched", "too large", "no answer"] {
        let outcome = scene.call(json!({"prompt": "x"})).await;
        assert!(outcome.failed && outcome.output.contains(why), "{}", outcome.output);
        assert!(outcome.shown.is_empty());
    }
    assert!(scene.call(json!({"text": "x"})).await.failed);
}

#[test]
fn settings_that_contradict_each_other_are_refused() {
    let builtin = ImageGeneration { studios: Arc::new(Only(Arc::default())), gallery: Arc::default() };
    let cases = [
        (json!({"background": "transparent", "output_format": "jpeg"}), "tools[0].background"),
        (json!({"n": 2, "partial_images": 1}), "tools[0].partial_images"),
        (json!({"input_image_mask": {"file_id": "file_1"}}), "tools[0].input_image_mask.file_id"),
        (json!({"input_image_mask": {"image_url": "https://x/y"}}), "tools[0].input_image_mask.image_url"),
        (
            json!({"input_image_mask": {"image_url": format!("data:image/png;base64,{}", large(22 << 20))}}),
            "tools[0].input_image_mask.image_url",
        ),
        (
            json!({"action": "generate", "input_image_mask": {"image_url": format!("data:image/png;base64,{}", png())}}),
            "tools[0].input_image_mask",
        ),
    ];
    for (settings, param) in cases {
        let Err(error) = builtin.offer(&tool(settings), "tools[0]") else { panic!("{param}") };
        assert_eq!((error.status, error.param.as_deref()), (400, Some(param)));
    }
}
