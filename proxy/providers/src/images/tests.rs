use std::sync::Arc;

use agent::image::{ImageSettings, ImageSource, Images, Picture};
use agent::model::Failure;
use bytes::Bytes;
use http_body_util::Full;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::encode::encode;
use super::*;
use crate::profile::Profile;
use crate::retry::Retry;
use crate::settings::{Api, Settings, Timeouts};
use crate::support::server::{Reply, Server};
use crate::targets::Target;
use crate::transport::Transport;
use crate::upstream::Upstream;

fn request() -> ImageRequest {
    ImageRequest { model: "painter".to_owned(), prompt: "A cat".to_owned(), ..ImageRequest::default() }
}

fn full() -> ImageSettings {
    let text = |text: &str| Some(text.to_owned());
    ImageSettings {
        count: 1,
        size: text("1024x1024"),
        quality: text("high"),
        background: text("opaque"),
        output_format: text("webp"),
        output_compression: Some(50),
        moderation: text("low"),
        input_fidelity: text("high"),
        partial_images: 2,
        user: None,
    }
}

fn png() -> Picture {
    Picture::of(Bytes::from_static(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")).unwrap()
}

fn body(request: &ImageRequest, model: &str, knows_openai: bool) -> Value {
    let encoded = encode(request, (model, knows_openai), "b");
    assert_eq!((encoded.path, encoded.content_type), ("/images/generations", None));
    serde_json::from_slice(&encoded.body).unwrap()
}

#[test]
fn a_new_image_is_asked_for_in_json_with_what_was_given_and_no_more() {
    let bare = body(&request(), "gpt-image-1", true);
    assert_eq!(bare, json!({"model": "gpt-image-1", "prompt": "A cat"}));
    let asked = body(&ImageRequest { settings: full(), ..request() }, "gpt-image-1", true);
    let expected = json!({
        "model": "gpt-image-1", "prompt": "A cat", "size": "1024x1024", "quality": "high", "background": "opaque",
        "output_format": "webp", "moderation": "low", "output_compression": 50, "stream": true, "partial_images": 2,
    });
    assert_eq!(asked, expected);
}

#[test]
fn only_models_that_answer_by_url_are_asked_for_base64() {
    let format = |model, knows_openai| body(&request(), model, knows_openai)["response_format"].clone();
    assert_eq!(format("dall-e-3", true), "b64_json");
    assert_eq!(format("sdxl", false), "b64_json");
    for model in [("my-deployment", true), ("gpt-image-1", true), ("openai/gpt-image-1", false)] {
        assert_eq!(format(model.0, model.1), Value::Null, "{model:?}");
    }
}

#[test]
fn an_edit_is_a_form_with_its_files() {
    let request = ImageRequest {
        sources: vec![png()],
        mask: Some(png()),
        settings: ImageSettings { partial_images: 0, output_compression: None, ..full() },
        ..request()
    };
    let encoded = encode(&request, ("gpt-image-1", true), "XX");
    assert_eq!(encoded.path, "/images/edits");
    assert_eq!(encoded.content_type.unwrap(), "multipart/form-data; boundary=XX");
    let text = String::from_utf8_lossy(&encoded.body).replace("\r\n", "\n");
    let field = |name: &str, value: &str| {
        format!("--XX\nContent-Disposition: form-data; name=\"{name}\"\n\n{value}\n")
    };
    let file = |name: &str, file: &str| {
        format!(
            "--XX\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\nContent-Type: image/png\n\n{}\n",
            String::from_utf8_lossy(&png().bytes).replace("\r\n", "\n")
        )
    };
    let expected = [
        field("model", "gpt-image-1"),
        field("prompt", "A cat"),
        field("size", "1024x1024"),
        field("quality", "high"),
        field("background", "opaque"),
        field("output_format", "webp"),
        field("input_fidelity", "high"),
        file("image", "image-1.png"),
        file("mask", "mask.png"),
        "--XX--\n".to_owned(),
    ];
    assert_eq!(text, expected.concat());
    let two = ImageRequest { sources: vec![png(), png()], mask: None, ..request };
    let encoded = encode(&two, ("gpt-image-1", true), "XX");
    assert_eq!(String::from_utf8_lossy(&encoded.body).matches("name=\"image[]\"").count(), 2);
}

#[test]
fn answers_are_read_in_their_many_forms() {
    let read = |value: Value| decode::whole(value.to_string().as_bytes());
    let images = read(json!({"created": 1, "data": [{"b64_json": "QQ==", "revised_prompt": "A grey cat"}, {"url": "https://x/y"}],
        "size": "1024x1024", "quality": "low", "background": "opaque", "output_format": "png",
        "usage": {"input_tokens": 3, "output_tokens": 4, "total_tokens": 7, "input_tokens_details": {"text_tokens": 3, "image_tokens": 0}}}))
    .unwrap();
    let sources: Vec<ImageSource> = images.images.iter().map(|made| made.source.clone()).collect();
    assert_eq!(sources, [ImageSource::Base64("QQ==".to_owned()), ImageSource::Url("https://x/y".to_owned())]);
    assert_eq!(images.images[0].revised_prompt.as_deref(), Some("A grey cat"));
    assert_eq!(
        (images.form.size.as_deref(), images.form.quality.as_deref()),
        (Some("1024x1024"), Some("low"))
    );
    assert_eq!((images.usage.total_tokens, images.usage.input_tokens_details.text_tokens), (7, 3));
    let inline = read(json!({"data": [{"url": "data:image/png;base64,QQ=="}], "usage": "none"})).unwrap();
    assert_eq!(inline.images[0].source, ImageSource::Base64("QQ==".to_owned()));
    for bad in [json!({}), json!({"data": []}), json!({"data": [{}]}), json!([])] {
        assert_eq!(read(bad).unwrap_err().cause, Failure::Malformed);
    }
    let refused = read(
        json!({"error": {"message": "no", "type": "invalid_request_error", "code": "moderation_blocked"}}),
    );
    assert_eq!(refused.unwrap_err().error.code.as_deref(), Some("moderation_blocked"));
}

#[test]
fn events_of_both_paths_are_read() {
    for kind in ["image_generation", "image_edit"] {
        let partial = json!({"type": format!("{kind}.partial_image"), "b64_json": "QQ==", "partial_image_index": 1, "size": "auto"});
        let Ok(Some(ImageEvent::Partial(partial))) = decode::event(partial.to_string().as_bytes()) else {
            panic!("{kind}")
        };
        assert_eq!(
            (partial.index, partial.image.as_str(), partial.form.size.as_deref()),
            (1, "QQ==", Some("auto"))
        );
        let done =
            json!({"type": format!("{kind}.completed"), "b64_json": "Qg==", "usage": {"total_tokens": 9}});
        let Ok(Some(ImageEvent::Done(done))) = decode::event(done.to_string().as_bytes()) else {
            panic!("{kind}")
        };
        assert_eq!(done.usage.total_tokens, 9);
    }
    assert_eq!(decode::event(b"[DONE]"), Ok(None));
    assert_eq!(decode::event(br#"{"type":"image_generation.thinking"}"#), Ok(None));
    let failed = decode::event(br#"{"type":"error","error":{"code":"moderation_blocked","type":"invalid_request_error","message":"no"}}"#);
    assert_eq!(failed.unwrap_err().error.message, "no");
}

#[expect(clippy::disallowed_methods, reason = "the tests stand in for the process that makes clients")]
fn client() -> Arc<dyn Transport> {
    Arc::new(Client::builder(TokioExecutor::new()).build::<_, Full<Bytes>>(HttpConnector::new()))
}

fn painter(server: &Server) -> Targets {
    let settings = Settings {
        name: "images".to_owned(),
        base_url: server.base_url.clone(),
        api: Api::ChatCompletions,
        profile: Profile::default(),
        credential: None,
        headers: Vec::new(),
        timeouts: Timeouts::default(),
        retry_budget_percent: 20,
    };
    let upstream = Arc::new(Upstream::new(settings, client()));
    let target = Target { upstream, model: "gpt-image-1".to_owned(), priority: 0, weight: 1 };
    Targets::new(vec![target], Retry::default())
}

async fn paint(replies: Vec<Reply>) -> (Vec<Result<ImageEvent, ModelError>>, Server) {
    let server = Server::new(replies);
    let events = painter(&server).paint(request(), Call::default()).collect().await;
    (events, server)
}

fn done(images: &str) -> ImageEvent {
    let made =
        agent::image::MadeImage { source: ImageSource::Base64(images.to_owned()), revised_prompt: None };
    ImageEvent::Done(Images { images: vec![made], ..Images::default() })
}

#[tokio::test]
async fn a_failure_before_the_first_event_is_tried_again_and_a_refusal_is_not() {
    let good = Reply::json(200, r#"{"data":[{"b64_json":"QQ=="}]}"#);
    let (events, server) = paint(vec![Reply::json(503, "{}"), good]).await;
    assert_eq!(events, [Ok(done("QQ=="))]);
    assert_eq!(server.requests().len(), 2);
    assert!(server.requests()[0].starts_with("POST /v1/images/generations HTTP/1.1"));
    let refusal =
        Reply::json(400, r#"{"error":{"message":"Your request was rejected.","code":"moderation_blocked"}}"#);
    let (events, server) = paint(vec![refusal, Reply::json(200, "{}")]).await;
    let [Err(error)] = &events[..] else { panic!("{events:?}") };
    assert_eq!(
        (error.cause, error.error.message.as_str()),
        (Failure::Status(400), "Your request was rejected.")
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn more_images_than_were_asked_for_are_left() {
    let two = Reply::json(200, r#"{"data":[{"b64_json":"QQ=="},{"url":"https://x/y"}]}"#);
    let (events, _) = paint(vec![two]).await;
    assert_eq!(events, [Ok(done("QQ=="))]);
}

#[tokio::test]
async fn a_stream_tells_unfinished_images_first_and_must_come_to_its_end() {
    let partial = r#"{"type":"image_generation.partial_image","b64_json":"QQ==","partial_image_index":0}"#;
    let last = r#"{"type":"image_generation.completed","b64_json":"Qg=="}"#;
    let (events, _) = paint(vec![Reply::stream().data(partial).data(last)]).await;
    assert!(
        matches!(&events[..], [Ok(ImageEvent::Partial(_)), Ok(last)] if *last == done("Qg==")),
        "{events:?}"
    );
    let (events, server) = paint(vec![Reply::stream().data(partial)]).await;
    assert!(matches!(&events[..], [Ok(_), Err(error)] if error.cause == Failure::Truncated), "{events:?}");
    assert_eq!(server.requests().len(), 1, "what was told is not told twice");
}

#[tokio::test]
async fn an_image_beyond_the_bound_is_refused() {
    let huge = format!(r#"{{"type":"image_generation.completed","b64_json":"{}"}}"#, "A".repeat(29 << 20));
    let (events, _) = paint(vec![Reply::stream().data(&huge), Reply::json(400, "{}")]).await;
    let Some(Err(error)) = events.last() else { panic!("no error") };
    assert_eq!(events.len(), 1);
    assert!(matches!(error.cause, Failure::Malformed | Failure::Status(400)), "{error:?}");
}
