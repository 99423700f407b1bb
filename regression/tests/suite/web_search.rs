//! `web_search`, seen from outside: three engines, filters, citations, and engines that misbehave.

use std::time::Duration;

use regression::fakes::model::{ModelServer, Recorded, Say};
use regression::fakes::web::{Body, Engine, Hit, Page, WebServer};
use regression::harness::Setup;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::events::lawful;
use super::stage::{Stage, kinds, last, text};

pub(crate) const KEY: &str = "key-that-nobody-sees";

pub(crate) struct Scene {
    pub(crate) stage: Stage,
    pub(crate) web: WebServer,
}

/// A gateway whose `web_search` asks an engine of `web`.
pub(crate) fn gateway(engine: Engine, web: &WebServer) -> String {
    let tool = match engine {
        Engine::Searxng => format!("type: SearXNG, searxng: {{url: \"{}\"}}", web.url("/searxng")),
        Engine::Brave => format!(
            "type: Brave, brave: {{apiKeySecretRef: {{name: search, key: key}}, baseURL: \"{}\"}}",
            web.url("/brave")
        ),
        Engine::Tavily => format!(
            "type: Tavily, tavily: {{apiKeySecretRef: {{name: search, key: key}}, baseURL: \"{}\"}}",
            web.url("/tavily")
        ),
    };
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: ResponsesGateway\nmetadata: {{name: main}}\nspec:\n  \
         authentication: {{mode: Disabled, acknowledgeInsecure: true}}\n  limits: {{fetch: {{pageBytes: 65536, timeout: 1s}}}}\n  \
         tools: {{webSearch: {{{tool}}}}}\n---\n\
         {{apiVersion: v1, kind: Secret, metadata: {{name: search}}, stringData: {{key: {KEY}}}}}\n"
    )
}

impl Scene {
    async fn with(engine: Engine, setup: impl FnOnce(Setup) -> Setup) -> anyhow::Result<Self> {
        let (model, web) = (ModelServer::start().await?, WebServer::start(KEY).await?);
        let base = Setup::chat(&model.url()).file("gateway.yaml", &gateway(engine, &web));
        let proxy = setup(base).start().await?;
        Ok(Self { stage: Stage { model, proxy }, web })
    }

    pub(crate) async fn of(engine: Engine) -> anyhow::Result<Self> {
        Self::with(engine, |setup| setup).await
    }

    pub(crate) fn script(&self, says: Vec<Say>) {
        says.into_iter().for_each(|say| {
            self.stage.script(say);
        });
    }

    pub(crate) async fn respond(&self, body: &Value) -> anyhow::Result<Value> {
        let answer = self.stage.respond(body).await?;
        anyhow::ensure!(answer.status == 200, "{} {}", answer.status, answer.text());
        Ok(answer.json())
    }

    /// One call, then an answer; what the client sees of the call, and what the model is told.
    pub(crate) async fn call(
        &self,
        function: &str,
        arguments: &Value,
        tool: &Value,
    ) -> anyhow::Result<(Value, String)> {
        self.stage.model.reset();
        self.script(vec![Say::call("c1", function, arguments), Say::text(&["Done."])]);
        let mut body = ask(tool);
        body["include"] = json!(["web_search_call.results"]);
        let response = self.respond(&body).await?;
        let told = told(&self.stage.model.requests());
        Ok((response["output"][0].clone(), told))
    }
}

pub(crate) fn ask(tool: &Value) -> Value {
    json!({"model": "demo", "input": "What about foxes?", "tools": [tool]})
}

pub(crate) fn tool() -> Value {
    json!({"type": "web_search"})
}

/// What the model was told last by a tool.
pub(crate) fn told(requests: &[Recorded]) -> String {
    let body = requests.last().map(Recorded::json).unwrap_or_default();
    let messages = body["messages"].as_array().cloned().unwrap_or_default();
    let last = messages.iter().rfind(|message| message["role"] == "tool");
    last.and_then(|message| message["content"].as_str()).unwrap_or_default().to_owned()
}

/// The functions that the model was offered.
fn offered(request: &Recorded) -> Vec<String> {
    let body = request.json();
    let tools = body["tools"].as_array().cloned().unwrap_or_default();
    tools.iter().filter_map(|tool| tool["function"]["name"].as_str().map(str::to_owned)).collect()
}

fn foxes() -> Vec<Hit> {
    vec![
        Hit::new("Füchse", "https://fox.example/a", "Foxes are sly."),
        Hit::new("Hens", "https://www.hen.example/b", "Hens are not."),
    ]
}

fn search() -> Value {
    json!({"query": "fox facts"})
}

#[tokio::test]
async fn a_search_is_made_shown_and_cited() -> anyhow::Result<()> {
    for engine in [Engine::Searxng, Engine::Brave, Engine::Tavily] {
        let scene = Scene::of(engine).await?;
        scene.web.find(foxes());
        for streamed in [false, true] {
            scene.stage.model.reset();
            let pieces = ["Ja: [Fü", "chse](https://fox.exam", "ple/a) und [mehr](https://other.example)."];
            scene.script(vec![Say::call("c1", "web_search", &search()), Say::text(&pieces)]);
            let mut body = ask(&tool());
            body["include"] = json!(["web_search_call.action.sources"]);
            let response = if streamed {
                let events = scene.stage.stream(&body).await?;
                lawful(&events)?;
                in_order(&events);
                last(&events)
            } else {
                scene.respond(&body).await?
            };
            searched_and_cited(&response);
        }
        let told = told(&scene.stage.model.requests());
        let first = "<source>\n1. Füchse\nURL: https://fox.example/a\nFoxes are sly.";
        for part in ["written by others", first, "2. Hens"] {
            assert!(told.contains(part), "{part} is not in {told}");
        }
        let names = offered(&scene.stage.model.requests()[0]);
        assert_eq!(names, ["web_search", "web_open_page", "web_find_in_page"]);
        assert!(!scene.stage.proxy.log().contains(KEY));
    }
    Ok(())
}

/// The events of a search that is cited come one after the other.
fn in_order(events: &[Value]) {
    let kinds = kinds(events);
    let order = [
        "response.output_item.added",
        "response.web_search_call.in_progress",
        "response.web_search_call.searching",
        "response.web_search_call.completed",
        "response.output_item.done",
        "response.output_text.delta",
        "response.output_text.annotation.added",
        "response.output_text.done",
    ];
    let places = order.map(|kind| kinds.iter().position(|known| *known == kind));
    assert!(places.is_sorted() && places.iter().all(Option::is_some), "{places:?} {kinds:?}");
    let added = events.iter().find(|event| event["type"] == "response.output_item.added");
    assert_eq!(added.map(|event| event["item"]["action"].clone()), Some(json!({"type": "search"})));
}

/// One search with its sources, and an answer that cites one of them.
fn searched_and_cited(response: &Value) {
    let call = &response["output"][0];
    let urls = ["https://fox.example/a", "https://www.hen.example/b"];
    let sources = urls.map(|url| json!({"type": "url", "url": url}));
    let action =
        json!({"type": "search", "query": "fox facts", "queries": ["fox facts"], "sources": sources});
    assert_eq!((&call["type"], &call["status"]), (&json!("web_search_call"), &json!("completed")));
    assert_eq!((&call["action"], call.get("results")), (&action, None));
    assert!(call["id"].as_str().is_some_and(|id| id.starts_with("ws_")));
    let cited = json!([{
        "type": "url_citation", "start_index": 4, "end_index": 35, "url": "https://fox.example/a", "title": "Füchse",
    }]);
    assert_eq!(response["output"][1]["content"][0]["annotations"], cited);
    let letters: String = text(response).chars().skip(4).take(31).collect();
    assert_eq!(letters, "[Füchse](https://fox.example/a)");
    assert_eq!(response["tool_usage"]["web_search"]["num_requests"], 1);
    assert_eq!(response["tools"][0]["type"], "web_search");
}

#[tokio::test]
async fn include_acts_on_each_read_and_a_chain_knows_its_sources() -> anyhow::Result<()> {
    let scene = Scene::of(Engine::Searxng).await?;
    scene.web.find(foxes());
    scene.script(vec![
        Say::call("c1", "web_search", &search()),
        Say::text(&["Sly."]),
        Say::text(&["See [a](https://fox.example/a/)."]),
    ]);
    let first = scene.respond(&ask(&tool())).await?;
    assert_eq!(
        first["output"][0]["action"],
        json!({"type": "search", "query": "fox facts", "queries": ["fox facts"]})
    );
    assert_eq!(first["output"][0].get("results"), None);
    let id = first["id"].as_str().unwrap_or_default();
    let include = "include[]=web_search_call.results&include[]=web_search_call.action.sources";
    let read = scene.stage.api().get(&format!("/v1/responses/{id}?{include}")).await?.json();
    let call = &read["output"][0];
    let result = json!({"url": "https://fox.example/a", "title": "Füchse", "text": "Foxes are sly."});
    assert_eq!(
        (&call["results"][0], &call["action"]["sources"][0]["url"]),
        (&result, &json!("https://fox.example/a"))
    );
    let mut second = ask(&tool());
    second["previous_response_id"] = first["id"].clone();
    let second = scene.respond(&second).await?;
    let cited = &second["output"][0]["content"][0]["annotations"][0];
    assert_eq!((&cited["url"], &cited["title"]), (&json!("https://fox.example/a"), &json!("Füchse")));
    let told = told(&scene.stage.model.requests());
    assert!(told.contains("Foxes are sly.") && told.contains("never instructions"), "{told}");
    assert_eq!(scene.web.asked("/searxng/search"), 1);
    assert_eq!(second.get("tool_usage"), None);
    Ok(())
}

#[tokio::test]
async fn an_engine_that_fails_is_told_to_the_model_and_to_the_operator() -> anyhow::Result<()> {
    for (engine, trouble, words, advice) in [
        (Engine::Searxng, Page::new(403, "text/html", "Forbidden"), "HTTP status 403", "search.formats"),
        (
            Engine::Tavily,
            Page::json(401, &json!({"detail": {"error": "Unauthorized"}})),
            "HTTP status 401",
            "spec.tools.webSearch",
        ),
        (
            Engine::Brave,
            Page::json(429, &json!({})).header("retry-after", "3"),
            "asked again in 3 s",
            "asked too often",
        ),
        (Engine::Brave, Page::html("<p>no JSON"), "cannot be understood", "cannot be understood"),
        (
            Engine::Searxng,
            Page::html("").body(Body::Silence(Duration::from_secs(60))),
            "not answer in time",
            "in time",
        ),
        (Engine::Tavily, Page::html("").body(Body::Endless(" ".repeat(65_536))), "", "A search failed"),
    ] {
        let scene = Scene::of(engine).await?;
        scene.web.trouble(Some(trouble));
        let (call, told) = scene.call("web_search", &search(), &tool()).await?;
        assert_eq!(call["status"], "failed", "{engine:?}");
        assert_eq!(call["action"], json!({"type": "search", "query": "fox facts"}));
        assert!(told.starts_with("The search failed") && told.contains(words), "{engine:?} {told}");
        let log = scene.stage.proxy.log();
        assert!(log.contains(advice) && !log.contains(KEY) && !log.contains("fox facts"), "{engine:?} {log}");
    }
    Ok(())
}

#[tokio::test]
async fn an_engine_that_is_away_fails_the_call() -> anyhow::Result<()> {
    let Scene { stage, web } = Scene::of(Engine::Searxng).await?;
    drop(web);
    stage.script(Say::call("c1", "web_search", &search()));
    stage.script(Say::text(&["I do not know."]));
    let response = stage.respond(&ask(&tool())).await?.json();
    assert_eq!(
        (&response["status"], &response["output"][0]["status"]),
        (&json!("completed"), &json!("failed"))
    );
    assert!(told(&stage.model.requests()).contains("cannot be reached"));
    Ok(())
}

#[tokio::test]
async fn filters_and_places_reach_the_engine_and_are_kept() -> anyhow::Result<()> {
    let filtered = json!({
        "type": "web_search", "filters": {"allowed_domains": ["hen.example"], "blocked_domains": ["old.hen.example"]},
        "user_location": {"type": "approximate", "country": "DE", "city": "München", "timezone": "Europe/Berlin"},
    });
    for engine in [Engine::Searxng, Engine::Brave, Engine::Tavily] {
        let scene = Scene::of(engine).await?;
        let mut hits = foxes();
        hits.push(Hit::new("Old", "https://a.old.hen.example/", "Old."));
        hits.push(Hit::new("Odd", "javascript:alert(1)", "Odd."));
        scene.web.find(hits);
        let (call, told) = scene.call("web_search", &search(), &filtered).await?;
        let urls: Vec<&Value> =
            call["results"].as_array().into_iter().flatten().map(|result| &result["url"]).collect();
        assert_eq!(urls, ["https://www.hen.example/b"], "{told}");
        let asked = scene.web.requests().pop().unwrap();
        let body = asked.json();
        match engine {
            Engine::Searxng => assert!(
                asked.path.contains("q=fox+facts+site%3Ahen.example+-site%3Aold.hen.example&format=json"),
                "{}",
                asked.path
            ),
            Engine::Brave => {
                assert!(
                    asked.path.contains("site%3Ahen.example") && asked.path.contains("count=8"),
                    "{}",
                    asked.path
                );
                assert_eq!(
                    (asked.header("x-loc-country"), asked.header("x-loc-city")),
                    (Some("DE"), Some("München"))
                );
            }
            Engine::Tavily => {
                assert_eq!(
                    (&body["include_domains"], &body["country"]),
                    (&json!(["hen.example"]), &json!("germany"))
                );
                assert_eq!(
                    (&body["exclude_domains"], &body["max_results"]),
                    (&json!(["old.hen.example"]), &json!(8))
                );
            }
        }
        let page = json!({"url": scene.web.url("/page")});
        let (_, told) = scene.call("web_open_page", &page, &filtered).await?;
        assert!(told.contains("limited to"), "{told}");
        let seen = scene.stage.model.requests()[0].json();
        let words = seen["tools"][0]["function"]["description"].as_str().unwrap_or_default().to_owned();
        assert!(words.contains("near München, DE") && words.contains("hen.example"), "{words}");
    }
    Ok(())
}

#[tokio::test]
async fn every_name_of_the_tool_is_known_and_kept() -> anyhow::Result<()> {
    let scene = Scene::of(Engine::Searxng).await?;
    scene.web.find(foxes());
    for kind in ["web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11"]
    {
        scene.stage.model.reset();
        scene.script(vec![Say::call("c1", "web_search", &search()), Say::text(&["Done."])]);
        let mut body = ask(&json!({"type": kind}));
        body["tool_choice"] = json!({"type": "web_search"});
        let response = scene.respond(&body).await?;
        assert_eq!(
            (&response["tools"][0]["type"], &response["output"][0]["type"]),
            (&json!(kind), &json!("web_search_call"))
        );
        let first = scene.stage.model.requests()[0].json();
        assert_eq!(first["tool_choice"]["function"]["name"], "web_search", "{kind}");
    }
    let (_, told) = scene.call("web_search", &json!({"queries": ["a", "b", " a "]}), &tool()).await?;
    assert_eq!(told.matches("URL: https://fox.example/a").count(), 1, "{told}");
    let (_, told) = scene.call("web_search", &json!({}), &tool()).await?;
    assert!(told.contains("give a query"), "{told}");
    Ok(())
}

#[tokio::test]
async fn without_live_access_no_page_is_fetched() -> anyhow::Result<()> {
    let scene = Scene::of(Engine::Searxng).await?;
    scene.web.find(foxes());
    let cached = json!({"type": "web_search", "external_web_access": false});
    let (call, _) = scene.call("web_search", &search(), &cached).await?;
    assert_eq!(call["status"], "completed");
    assert_eq!(offered(&scene.stage.model.requests()[0]), ["web_search"]);
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_obeyed_is_refused() -> anyhow::Result<()> {
    let scene = Scene::of(Engine::Searxng).await?;
    let bad = json!({"type": "web_search", "filters": {"allowed_domains": ["a b"]}});
    let answer = scene.stage.respond(&ask(&bad)).await?;
    assert_eq!(
        (answer.status, &answer.json()["error"]["param"]),
        (400, &json!("tools[0].filters.allowed_domains[0]"))
    );
    let plain = Stage::chat().await?;
    let answer = plain.respond(&ask(&tool())).await?;
    let error = &answer.json()["error"];
    assert_eq!(
        (answer.status, &error["code"], &error["param"]),
        (400, &json!("unsupported_value"), &json!("tools[0].type"))
    );
    assert!(
        error["message"]
            .as_str()
            .is_some_and(|words| words.contains("spec.tools.webSearch of the ResponsesGateway"))
    );
    Ok(())
}

#[tokio::test]
async fn a_missing_key_is_an_outage_and_not_the_callers_fault() -> anyhow::Result<()> {
    let (model, web) = (ModelServer::start().await?, WebServer::start(KEY).await?);
    let object = gateway(Engine::Brave, &web);
    let (object, _) = object.split_once("---").unwrap();
    let proxy = Setup::chat(&model.url()).file("gateway.yaml", object).start().await?;
    let answer = proxy.api().post("/v1/responses", &ask(&tool())).await?;
    assert_eq!((answer.status, &answer.json()["error"]["param"]), (503, &json!("tools[0]")));
    web.find(foxes());
    model.script(Say::call("c1", "web_search", &search()));
    model.script(Say::text(&["Done."]));
    proxy.configure("gateway.yaml", &gateway(Engine::Brave, &web))?;
    let end = Instant::now() + Duration::from_secs(10);
    let response = loop {
        let answer = proxy.api().post("/v1/responses", &ask(&tool())).await?;
        if answer.status == 200 {
            break answer.json();
        }
        anyhow::ensure!(Instant::now() < end, "the key has no effect: {}\n{}", answer.text(), proxy.log());
        sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(response["output"][0]["status"], "completed");
    assert_eq!(web.requests().pop().unwrap().header("x-subscription-token"), Some(KEY));
    Ok(())
}

#[tokio::test]
async fn policies_hold_for_the_web() -> anyhow::Result<()> {
    let policy = "apiVersion: fairlead.dev/v1alpha1\nkind: ToolPolicy\nmetadata: {name: p}\nspec:\n  \
         targetRefs: [{kind: ResponsesGateway, name: main}]\n  defaultAction: Allow\n  rules:\n  \
         - {name: no-hens, tools: {types: [WebSearch]}, when: \"has(args.url) && args.url.contains('hen')\", action: Deny}\n";
    let scene = Scene::with(Engine::Searxng, |setup| setup.file("policy.yaml", policy)).await?;
    scene.web.page("/fox", Page::html("<p>Fox"));
    let (call, told) = scene.call("web_open_page", &json!({"url": scene.web.url("/hen")}), &tool()).await?;
    assert_eq!(call["status"], "failed", "{told}");
    assert!(told.contains("denied"), "{told}");
    let (call, _) = scene.call("web_open_page", &json!({"url": scene.web.url("/fox")}), &tool()).await?;
    assert_eq!((&call["status"], scene.web.asked("/hen")), (&json!("completed"), 0));
    Ok(())
}

#[tokio::test]
async fn chat_shows_citations_in_its_own_form() -> anyhow::Result<()> {
    let scene = Scene::of(Engine::Searxng).await?;
    scene.web.find(foxes());
    for streamed in [false, true] {
        let answer = Say::text(&["Ja: [Füchse](https://fox.example/a)."]);
        scene.stage.model.reset();
        scene.script(vec![Say::call("c1", "web_search", &search()), answer]);
        let body = json!({
            "model": "demo", "messages": [{"role": "user", "content": "Foxes?"}], "tools": [tool()], "stream": streamed,
        });
        let answer = scene.stage.api().post("/v1/chat/completions", &body).await?;
        anyhow::ensure!(answer.status == 200, "{}", answer.text());
        let cited = json!({"type": "url_citation", "url_citation": {
            "start_index": 4, "end_index": 35, "url": "https://fox.example/a", "title": "Füchse",
        }});
        if streamed {
            assert!(answer.text().contains(&format!("\"annotations\":[{cited}]")), "{}", answer.text());
        } else {
            let completion = answer.json();
            let message = &completion["choices"][0]["message"];
            assert_eq!((&message["annotations"], message.get("tool_calls")), (&json!([cited]), None));
            assert_eq!(message["content"], "Ja: [Füchse](https://fox.example/a).");
        }
    }
    Ok(())
}

#[tokio::test]
async fn the_search_options_of_chat_are_a_tool_where_a_turn_runs() -> anyhow::Result<()> {
    let (model, web) = (ModelServer::start().await?, WebServer::start(KEY).await?);
    web.find(foxes());
    let proxy =
        Setup::native(&model.url()).file("gateway.yaml", &gateway(Engine::Tavily, &web)).start().await?;
    model.script(Say::call("c1", "web_search", &search()));
    model.script(Say::text(&["[a](https://fox.example/a)"]));
    let place = json!({"type": "approximate", "approximate": {"country": "FR"}});
    let body = json!({
        "model": "demo", "messages": [{"role": "user", "content": "Foxes?"}],
        "web_search_options": {"search_context_size": "low", "user_location": place},
    });
    let answer = proxy.api().post("/v1/chat/completions", &body).await?;
    anyhow::ensure!(answer.status == 200, "{}", answer.text());
    let message = &answer.json()["choices"][0]["message"];
    assert_eq!(message["annotations"][0]["url_citation"]["url"], "https://fox.example/a");
    let asked = web.requests().pop().unwrap().json();
    assert_eq!((&asked["country"], &asked["max_results"]), (&json!("france"), &json!(4)));
    Ok(())
}
