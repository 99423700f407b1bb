//! `image_generation`, seen from outside: streamed or not, edits, histories, refusals, and what the database keeps.

use regression::fakes::images::{Answer, ImageServer, image};
use regression::fakes::model::{ModelServer, Say, Usage};
use regression::harness::{Setup, setup};
use serde_json::{Value, json};

use super::events::lawful;
use super::stage::{Stage, kinds, last, text};

const GATEWAY: &str = "apiVersion: fairlead.dev/v1alpha1\nkind: ResponsesGateway\nmetadata: {name: main}\nspec:\n  \
    authentication: {mode: Disabled, acknowledgeInsecure: true}\n  tools: {imageGeneration: {modelRef: {name: painter}}}\n";

const DENIED: &str = "apiVersion: fairlead.dev/v1alpha1\nkind: ToolPolicy\nmetadata: {name: none}\nspec:\n  \
    targetRefs: [{kind: ResponsesGateway, name: main}]\n  defaultAction: Allow\n  \
    rules: [{name: images, action: Deny, tools: {types: [ImageGeneration]}}]\n";

struct Scene {
    stage: Stage,
    images: ImageServer,
}

impl Scene {
    async fn new() -> anyhow::Result<Self> {
        Self::with(&[]).await
    }

    async fn with(files: &[(&str, &str)]) -> anyhow::Result<Self> {
        let (model, images) = (ModelServer::start().await?, ImageServer::start().await?);
        let mut setup = Setup::chat(&model.url())
            .file("images.yaml", &setup::provider("images", &images.url(), "ChatCompletions"))
            .file("painter.yaml", &setup::model("painter", "Image", "images"))
            .file("gateway.yaml", GATEWAY);
        for (name, text) in files {
            setup = setup.file(name, text);
        }
        let proxy = setup.start().await?;
        Ok(Self { stage: Stage { model, proxy }, images })
    }

    /// The model paints, then says `Done`.
    fn paints(&self, arguments: &Value) -> &Self {
        self.stage.script(Say::call("c1", "image_generation", arguments)).script(Say::text(&["Done"]));
        self
    }

    async fn respond(&self, body: &Value) -> anyhow::Result<Value> {
        let answer = self.stage.respond(body).await?;
        anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        Ok(answer.json())
    }

    /// What the model read last.
    fn told(&self) -> String {
        self.stage.model.requests().last().map(|request| request.body.clone()).unwrap_or_default()
    }
}

fn ask(tool: &Value) -> Value {
    json!({"model": "demo", "input": "Draw a cat", "tools": [tool]})
}

fn tool() -> Value {
    json!({"type": "image_generation"})
}

fn cat() -> Value {
    json!({"prompt": "A cat"})
}

#[tokio::test]
async fn an_image_is_made_shown_stored_and_never_told_to_the_model() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.paints(&cat());
    let response = scene
        .respond(&ask(&json!({"type": "image_generation", "size": "1024x1024", "quality": "high"})))
        .await?;
    let call = &response["output"][0];
    assert_eq!((&call["type"], &call["status"]), (&json!("image_generation_call"), &json!("completed")));
    assert!(call["id"].as_str().is_some_and(|id| id.starts_with("ig_")));
    assert!(call["result"] == image(1), "the image is in the item");
    assert_eq!(
        (&call["size"], &call["quality"], &call["revised_prompt"]),
        (&json!("1024x1024"), &json!("medium"), &json!("A cat"))
    );
    assert_eq!(text(&response), "Done");
    assert_eq!(response["tool_usage"]["image_gen"]["total_tokens"], 33);
    assert!(response["usage"]["total_tokens"].as_u64() > Some(33), "{}", response["usage"]);
    let sent = scene.images.requests()[0].json();
    assert_eq!(sent["model"], "painter");
    assert_eq!(
        (&sent["size"], &sent["quality"], &sent["prompt"]),
        (&json!("1024x1024"), &json!("high"), &json!("A cat"))
    );
    let told = scene.told();
    assert!(told.contains("It is image 1") && told.len() < 10_000, "{} bytes", told.len());
    let read = scene
        .stage
        .api()
        .get(&format!("/v1/responses/{}", response["id"].as_str().unwrap_or_default()))
        .await?
        .json();
    assert!(read["output"] == response["output"], "what is stored reads back whole");
    Ok(())
}

#[tokio::test]
async fn the_tokens_of_an_image_do_not_hide_that_the_model_counts_none() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.stage.script(Say::call("c1", "image_generation", &cat()).usage(Usage::Absent));
    scene.stage.script(Say::text(&["Done"]).usage(Usage::Absent));
    let usage = &scene.respond(&ask(&tool())).await?["usage"];
    let counts =
        ["input_tokens", "output_tokens", "total_tokens"].map(|key| usage[key].as_u64().unwrap_or(0));
    assert_eq!(counts[0] + counts[1], counts[2]);
    assert!(counts[2] > 33, "those of the image, and those of the model as they are estimated: {usage}");
    Ok(())
}

#[tokio::test]
async fn unfinished_images_are_streamed_in_order() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.paints(&cat()).images.answer(Answer::Stream(2));
    let events = scene.stage.stream(&ask(&json!({"type": "image_generation", "partial_images": 2}))).await?;
    lawful(&events)?;
    let kinds: Vec<&str> = kinds(&events).into_iter().filter(|kind| kind.contains("image")).collect();
    let name = |step: &str| format!("response.image_generation_call.{step}");
    let expected = ["in_progress", "generating", "partial_image", "partial_image", "completed"].map(name);
    assert_eq!(kinds, expected);
    let partial = events.iter().find(|event| event["type"] == expected[2]).cloned().unwrap_or_default();
    assert_eq!(
        (&partial["partial_image_index"], &partial["partial_image_b64"]),
        (&json!(0), &json!("UEFSVElBTA0="))
    );
    assert_eq!((&partial["size"], &partial["output_format"]), (&json!("1024x1024"), &json!("png")));
    assert!(last(&events)["output"][0]["result"] == image(1));
    let sent = scene.images.requests()[0].json();
    assert_eq!((&sent["stream"], &sent["partial_images"]), (&json!(true), &json!(2)));
    Ok(())
}

#[tokio::test]
async fn an_image_that_lies_elsewhere_is_fetched_where_that_is_allowed() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.paints(&cat()).images.answer(Answer::Url);
    let response = scene.respond(&ask(&tool())).await?;
    assert!(response["output"][0]["result"] == image(1));
    for refused in ["http://169.254.169.254/latest/meta-data", "http://10.0.0.1/a.png", "file:///etc/passwd"]
    {
        scene.paints(&cat()).images.answer(Answer::Elsewhere(refused.to_owned()));
        let response = scene.respond(&ask(&tool())).await?;
        assert_eq!(
            (&response["output"][0]["status"], &response["output"][0]["result"]),
            (&json!("failed"), &Value::Null)
        );
        assert!(scene.told().contains("cannot be fetched") && !scene.told().contains(refused), "{refused}");
    }
    Ok(())
}

#[tokio::test]
async fn an_image_of_the_user_is_edited() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.paints(&json!({"prompt": "Make it blue", "images": [1]}));
    let url = format!("data:image/png;base64,{}", image(7));
    let mut body = ask(&json!({"type": "image_generation", "input_fidelity": "high"}));
    body["input"] = json!([{"role": "user", "content": [
        {"type": "input_text", "text": "Make it blue"}, {"type": "input_image", "image_url": url}]}]);
    let response = scene.respond(&body).await?;
    assert_eq!(response["output"][0]["action"], "edit");
    let sent = scene.images.requests().remove(0);
    assert_eq!(sent.path, "/v1/images/edits");
    assert!(
        sent.header("content-type").is_some_and(|kind| kind.starts_with("multipart/form-data; boundary="))
    );
    for part in [
        "name=\"image\"; filename=\"image-1.png\"",
        "Content-Type: image/png",
        "Make it blue",
        "name=\"input_fidelity\"",
    ] {
        assert!(sent.body.contains(part), "{part}");
    }
    assert!(sent.body.len() > 290_000, "the file is in the form");
    Ok(())
}

#[tokio::test]
async fn the_image_of_an_earlier_turn_is_edited_and_histories_stay_small() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.paints(&cat());
    let first = scene.respond(&ask(&tool())).await?;
    for (previous, expected) in [(true, "by chain"), (false, "by reference")] {
        scene.paints(&json!({"prompt": "Add a hat", "images": [1]}));
        let mut body = ask(&tool());
        if previous {
            body["previous_response_id"] = first["id"].clone();
        } else {
            body["input"] = json!([{"type": "item_reference", "id": first["output"][0]["id"]}, {"role": "user", "content": "A hat"}]);
        }
        let second = scene.respond(&body).await?;
        assert_eq!(
            (&second["output"][0]["status"], &second["output"][0]["action"]),
            (&json!("completed"), &json!("edit")),
            "{expected}"
        );
        let sent = scene.images.requests().pop().map(|request| request.body.len()).unwrap_or_default();
        assert!(sent > 290_000, "{expected}: {sent}");
        assert!(scene.told().len() < 10_000, "{expected}: the model reads no image");
        let id = second["id"].as_str().unwrap_or_default();
        let items = scene.stage.api().get(&format!("/v1/responses/{id}/input_items?order=asc")).await?.json();
        let items = items["data"].as_array().cloned().unwrap_or_default();
        let shown =
            items.iter().find(|item| item["type"] == "image_generation_call").cloned().unwrap_or_default();
        assert!(shown["result"] == image(1), "{expected}: a list shows the image");
    }
    let sizes = sizes(&scene).await?;
    assert!(sizes.0 < 4096, "the largest item row has {} bytes", sizes.0);
    assert_eq!(sizes.1, 3, "each image is kept once");
    let path = format!("/v1/responses/{}", first["id"].as_str().unwrap_or_default());
    assert_eq!(scene.stage.api().delete(&path).await?.status, 200);
    assert_eq!(self::sizes(&scene).await?.1, 2, "an image goes with its response");
    Ok(())
}

/// The bytes of the largest item row, and how many images there are.
async fn sizes(scene: &Scene) -> anyhow::Result<(i64, i64)> {
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(scene.stage.proxy.database()).read_only(true);
    let mut database = sqlx::ConnectOptions::connect(&options).await?;
    let sql = "SELECT (SELECT max(length(body)) FROM items), (SELECT count(*) FROM images)";
    Ok(sqlx::query_as(sql).fetch_one(&mut database).await?)
}

#[tokio::test]
async fn a_client_that_keeps_the_history_may_send_the_image_or_leave_it_out() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let user = json!({"role": "user", "content": "A hat, please"});
    let call = json!({"type": "image_generation_call", "id": "ig_1", "status": "completed", "revised_prompt": "A cat"});
    let mut whole = call.clone();
    whole["result"] = json!(image(9));
    for (item, status) in [(whole, "completed"), (call, "failed")] {
        scene.paints(&json!({"prompt": "Add a hat", "images": [1]}));
        let mut body = ask(&tool());
        body["store"] = json!(false);
        body["input"] = json!([item, user]);
        let response = scene.respond(&body).await?;
        assert_eq!(response["output"][0]["status"], status);
        let told = scene.told();
        assert!(
            told.contains("The image was made and shown to the user.") && told.len() < 10_000,
            "{} bytes",
            told.len()
        );
    }
    assert!(scene.told().contains("image 1 is no longer there"));
    Ok(())
}

#[tokio::test]
async fn the_model_hears_of_a_refusal_and_of_an_image_that_is_too_large() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let refusal = json!({"error": {"message": "Your request was rejected by the safety system.", "code": "moderation_blocked"}});
    let cases = [
        (Answer::Error(400, refusal), "rejected by the safety system"),
        (Answer::Huge(29 << 20), "too large"),
        (
            Answer::Error(401, json!({"error": {"message": "bad key sk-secret"}})),
            "refused the gateway's credential",
        ),
    ];
    for (answer, words) in cases {
        scene.paints(&cat()).images.answer(answer);
        let response = scene.respond(&ask(&tool())).await?;
        let call = &response["output"][0];
        assert_eq!(
            (&call["status"], &call["result"], &response["status"]),
            (&json!("failed"), &Value::Null, &json!("completed"))
        );
        assert!(
            scene.told().contains(words) && !scene.told().contains("sk-secret"),
            "{words}: {}",
            scene.told()
        );
    }
    Ok(())
}

#[tokio::test]
async fn settings_and_models_that_cannot_be_are_refused() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    let cases = [
        (json!({"type": "image_generation", "size": "large"}), "tools[0].size"),
        (json!({"type": "image_generation", "quality": "best"}), "tools[0].quality"),
        (json!({"type": "image_generation", "partial_images": 4}), "tools[0].partial_images"),
        (
            json!({"type": "image_generation", "background": "transparent", "output_format": "jpeg"}),
            "tools[0].background",
        ),
        (json!({"type": "image_generation", "model": "none"}), "tools[0].model"),
        (json!({"type": "image_generation", "model": "demo"}), "tools[0].model"),
    ];
    for (tool, param) in cases {
        let answer = scene.stage.respond(&ask(&tool)).await?;
        assert_eq!(
            (answer.status, &answer.json()["error"]["param"]),
            (400, &json!(param)),
            "{}",
            answer.text()
        );
    }
    for (path, body) in [
        ("/v1/responses", json!({"model": "painter", "input": "hi"})),
        (
            "/v1/chat/completions",
            json!({"model": "painter", "messages": [{"role": "user", "content": "hi"}]}),
        ),
    ] {
        let answer = scene.stage.api().post(path, &body).await?;
        assert_eq!(answer.status, 400);
        assert!(answer.text().contains("does not generate text"), "{}", answer.text());
    }
    let models = scene.stage.api().get("/v1/models").await?.text();
    assert!(models.contains("painter"));
    assert!(scene.images.requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn without_a_model_or_with_a_policy_against_it_there_is_no_tool() -> anyhow::Result<()> {
    let bare = Stage::chat().await?;
    let answer = bare.respond(&ask(&tool())).await?;
    assert_eq!((answer.status, &answer.json()["error"]["param"]), (400, &json!("tools[0].type")));
    assert!(answer.text().contains("spec.tools.imageGeneration"), "{}", answer.text());
    let scene = Scene::with(&[("policy.yaml", DENIED)]).await?;
    scene.paints(&cat());
    let response = scene.respond(&ask(&tool())).await?;
    assert_eq!(text(&response), "Done");
    assert!(scene.images.requests().is_empty(), "nothing was asked of the image model");
    let offered = scene.stage.model.requests()[0].json();
    assert!(offered["tools"].is_null(), "{}", offered["tools"]);
    Ok(())
}

#[tokio::test]
async fn chat_goes_on_without_the_image() -> anyhow::Result<()> {
    let scene = Scene::new().await?;
    scene.paints(&cat());
    let body = json!({"model": "demo", "messages": [{"role": "user", "content": "Draw"}], "tools": [tool()]});
    let answer = scene.stage.api().post("/v1/chat/completions", &body).await?;
    assert_eq!((answer.status, &answer.json()["choices"][0]["message"]["content"]), (200, &json!("Done")));
    assert!(answer.text().len() < 2_000 && scene.images.requests().len() == 1);
    Ok(())
}
