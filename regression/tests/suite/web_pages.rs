//! Pages that `web_search` opens and looks into, and pages that misbehave.

use std::time::Duration;

use regression::fakes::model::{ModelServer, Say};
use regression::fakes::web::{Body, Engine, Page, WebServer};
use regression::harness::Setup;
use serde_json::json;

use super::web_search::{KEY, Scene, ask, gateway, told, tool};

#[tokio::test]
async fn a_page_is_opened_once_and_looked_into() -> anyhow::Result<()> {
    let scene = Scene::of(Engine::Searxng).await?;
    let html = format!(
        "<title>All about foxes</title><h1>Foxes</h1><p>Hidden.<script>x()</script>{}<p>The tail is <b>bushy</b>.</source>",
        "<p>Filler of the page.".repeat(800)
    );
    scene.web.page("/old", Page::redirect("/page"));
    scene.web.page("/page", Page::html(&html));
    let (old, page) = (scene.web.url("/old"), scene.web.url("/page"));
    let both = Say::call("c1", "web_open_page", &json!({"url": old}));
    let find = Say::call("c2", "web_find_in_page", &json!({"url": old, "pattern": "TAIL"}));
    let answer = Say::text(&["It is bushy: [foxes](", &page, ")."]);
    scene.script(vec![both, find, answer]);
    let mut body = ask(&json!({"type": "web_search", "search_context_size": "low"}));
    body["include"] = json!(["web_search_call.results"]);
    let response = scene.respond(&body).await?;
    let [open, find] = [&response["output"][0], &response["output"][1]];
    assert_eq!(open["action"], json!({"type": "open_page", "url": old}));
    assert_eq!(find["action"], json!({"type": "find_in_page", "url": old, "pattern": "TAIL"}));
    assert_eq!(
        (&open["results"][0]["title"], &open["results"][0]["url"]),
        (&json!("All about foxes"), &json!(page))
    );
    assert_eq!(
        find["results"],
        json!([{"url": page, "title": "All about foxes", "text": "The tail is bushy."}])
    );
    let cited = &response["output"][2]["content"][0]["annotations"][0];
    assert_eq!((&cited["url"], &cited["title"]), (&json!(page), &json!("All about foxes")));
    assert_eq!((scene.web.asked("/old"), scene.web.asked("/page")), (1, 1));
    let seen = scene.stage.model.requests();
    let read = told(&seen[..2]);
    assert!(
        read.contains("# Foxes\n\nHidden.\n\nFiller") && read.contains("open the page again with start 8"),
        "{read}"
    );
    assert!(!read.contains("x()"));
    assert!(told(&seen).contains("The tail is bushy."));
    assert_eq!(response.get("tool_usage"), None, "to open a page is no search");
    Ok(())
}

#[tokio::test]
async fn a_long_page_is_read_in_parts() -> anyhow::Result<()> {
    let scene = Scene::of(Engine::Searxng).await?;
    scene.web.page("/text", Page::new(200, "text/plain", "é".repeat(10_000) + "end"));
    let url = scene.web.url("/text");
    let low = json!({"type": "web_search", "search_context_size": "low"});
    let (_, first) = scene.call("web_open_page", &json!({"url": url}), &low).await?;
    assert!(first.contains("start 8192") && !first.contains("end</source>"), "{first}");
    let (_, last) = scene.call("web_open_page", &json!({"url": url, "start": 16_384}), &low).await?;
    assert!(
        last.contains("éend\n</source>")
            && last.contains("begins at 16384")
            && !last.contains("There is more")
    );
    let (_, beyond) = scene.call("web_open_page", &json!({"url": url, "start": 1_000_000}), &low).await?;
    assert!(beyond.contains("<source>"), "{beyond}");
    Ok(())
}

#[tokio::test]
async fn only_the_web_is_opened() -> anyhow::Result<()> {
    let scene = Scene::of(Engine::Searxng).await?;
    for (path, to) in [
        ("/r1", "http://169.254.169.254/latest/meta-data/"),
        ("/r2", "https://[::ffff:169.254.169.254]/"),
        ("/r3", "https://10.0.0.1/"),
        ("/r4", "https://kubernetes.default.svc/"),
        ("/r5", "file:///etc/passwd"),
        ("/loop", "/loop"),
    ] {
        scene.web.page(path, Page::redirect(to));
    }
    let mut urls: Vec<String> = ["/r1", "/r2", "/r3", "/r4", "/r5"].map(|path| scene.web.url(path)).into();
    urls.extend(
        [
            "http://169.254.169.254/latest/meta-data/iam",
            "http://[::ffff:169.254.169.254]/",
            "http://[fd00:ec2::254]/",
            "https://192.168.0.1/",
            "http://0xa9fea9fe/",
            "ftp://example.com/",
            "nonsense",
        ]
        .map(str::to_owned),
    );
    for url in urls {
        let (call, told) = scene.call("web_open_page", &json!({"url": url}), &tool()).await?;
        assert_eq!(
            (&call["status"], told.as_str()),
            (&json!("failed"), "The page was not opened: this URL cannot be opened here."),
            "{url}"
        );
        assert_eq!(call["action"], json!({"type": "open_page", "url": url}));
    }
    let (_, told) = scene.call("web_open_page", &json!({"url": scene.web.url("/loop")}), &tool()).await?;
    assert!(told.contains("redirects too often"), "{told}");
    assert_eq!(scene.web.asked("/loop"), 6);
    Ok(())
}

#[tokio::test]
async fn without_leave_nothing_on_this_machine_is_reached() -> anyhow::Result<()> {
    let model = ModelServer::start().await?;
    let web = WebServer::start(KEY).await?;
    let setup = Setup::chat(&model.url()).file("gateway.yaml", &gateway(Engine::Brave, &web));
    let proxy = setup.without_loopback().start().await?;
    let mut body = ask(&tool());
    body["model"] = json!("demo");
    let answer = proxy.api().post("/v1/responses", &body).await?;
    assert_ne!(answer.status, 200);
    assert!(web.requests().is_empty());
    Ok(())
}

#[tokio::test]
async fn pages_that_misbehave_fail_their_call_and_nothing_else() -> anyhow::Result<()> {
    let scene = Scene::of(Engine::Searxng).await?;
    let slow = Body::Silence(Duration::from_secs(60));
    let endless = Body::Endless("<p>more and more".repeat(1000));
    for (path, page, expected) in [
        ("/gone", Page::new(410, "text/html", "gone"), Err("it answered with HTTP status 410 Gone")),
        (
            "/busy",
            Page::new(429, "text/html", "").header("retry-after", "7"),
            Err("it may be asked again in 7 s"),
        ),
        ("/image", Page::new(200, "image/png", "PNG"), Err("its type, image/png, cannot be read as text")),
        ("/slow", Page::html("").body(slow), Err("it did not answer in time")),
        ("/huge", Page::html("").body(endless), Ok("The page is longer than what can be read here.")),
        ("/json", Page::new(200, "application/ld+json", "{\"a\": 1}"), Ok("{\"a\": 1}")),
        ("/latin", Page::new(200, "text/html; charset=iso-8859-1", b"caf\xe9".as_slice()), Ok("café")),
    ] {
        scene.web.page(path, page);
        let high = json!({"type": "web_search", "search_context_size": "high"});
        let (call, mut told) =
            scene.call("web_open_page", &json!({"url": scene.web.url(path)}), &high).await?;
        if path == "/huge" {
            let next = json!({"url": scene.web.url(path), "start": 49_152});
            told = scene.call("web_open_page", &next, &high).await?.1;
        }
        let (status, words) = match expected {
            Ok(words) => ("completed", words),
            Err(words) => ("failed", words),
        };
        assert_eq!(call["status"], status, "{path} {told}");
        assert!(told.contains(words), "{path}: {told}");
    }
    Ok(())
}
