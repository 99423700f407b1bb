use serde_json::Value;

use super::*;
use crate::connected::tests::connected;
use crate::mcp::Image;
use crate::policy::{Floor, Server};
use crate::progress::Progresses;

fn mapped(guise: Guise, server: Connected) -> Mapped {
    let arguments = json!({"timeout": 30, "network": {"allow": false}});
    let Value::Object(arguments) = arguments else { panic!("no object") };
    Mapped { guise, server: Arc::new(server), tool: "run".into(), argument: "source".into(), arguments }
}

fn call(arguments: &str) -> ToolCall {
    ToolCall { id: "call_1".into(), name: "code_interpreter".into(), arguments: arguments.into() }
}

fn tool(kind: &str, fields: Value) -> HostedTool {
    let Value::Object(fields) = fields else { panic!("no object") };
    HostedTool { kind: kind.into(), fields }
}

/// The server `docs` under other terms.
fn under(change: impl FnOnce(&mut Server)) -> Connected {
    let mut server = connected(Some("mcp/team/docs"), false);
    let mut terms = server.terms.as_ref().clone();
    change(&mut terms);
    server.terms = Arc::new(terms);
    server
}

#[tokio::test]
async fn the_server_is_sent_its_own_argument_and_the_fixed_ones() {
    let mapped = mapped(Guise::CodeInterpreter, connected(None, false));
    let sent = mapped.translated(&call(r#"{"code":"print(1)","timeout":9}"#)).unwrap();
    let sent: Value = serde_json::from_str(&sent.arguments).unwrap();
    assert_eq!(sent, json!({"timeout": 30, "network": {"allow": false}, "source": "print(1)"}));
    for wrong in ["", "[]", "{}", r#"{"code":1}"#, r#"{"source":"x"}"#] {
        assert!(mapped.translated(&call(wrong)).is_none(), "{wrong}");
    }
}

#[tokio::test]
async fn a_call_without_code_fails_in_words() {
    let mapped = mapped(Guise::CodeInterpreter, connected(None, false));
    assert_eq!(mapped.decide(&call("{}")), Decision::Run);
    let outcome = mapped.execute(&call("{}"), &Progresses::channel().0.of("call_1".into())).await;
    assert_eq!((outcome.failed, outcome.output.as_str()), (true, "The arguments need a text 'code'."));
}

#[tokio::test]
async fn the_terms_of_the_server_hold() {
    let code = r#"{"code":"1"}"#;
    let asks = under(|terms| terms.approval = Floor::Always(Default::default()));
    let decision = mapped(Guise::CodeInterpreter, asks).decide(&call(code));
    assert!(matches!(&decision, Decision::Denied(why) if why.contains("approval")), "{decision:?}");
    let free = mapped(Guise::CodeInterpreter, under(|_| {}));
    assert_eq!(free.decide(&call(code)), Decision::Run);
    let denied = mapped(Guise::CodeInterpreter, under(|terms| terms.deny = ["run".to_owned()].into()));
    let offers = denied.offer(&tool("code_interpreter", json!({})), "tools[0]");
    assert!(offers.map_err(|error| error.message).unwrap().is_empty());
}

#[tokio::test]
async fn what_no_server_can_be_told_is_refused() {
    let refused = |guise, kind: &str, fields: Value| {
        let offers = mapped(guise, under(|_| {})).offer(&tool(kind, fields), "tools[0]");
        offers.err().and_then(|error| error.param)
    };
    let (code, search) = (Guise::CodeInterpreter, Guise::WebSearch);
    let param = |param: &str| Some(param.to_owned());
    let files = json!({"container": {"type": "auto", "file_ids": ["file_1"]}});
    assert_eq!(refused(code, "code_interpreter", files), param("tools[0].container.file_ids"));
    let domains = json!({"filters": {"allowed_domains": ["example.com"]}});
    assert_eq!(refused(search, "web_search", domains), param("tools[0].filters.allowed_domains"));
    let offline = json!({"external_web_access": false});
    assert_eq!(refused(search, "web_search", offline), param("tools[0].external_web_access"));
    for container in [json!({"container": {"type": "auto"}}), json!({"container": "cntr_1"}), json!({})] {
        assert_eq!(refused(code, "code_interpreter", container), None);
    }
    assert_eq!(refused(search, "web_search", json!({"filters": null, "search_context_size": "low"})), None);
}

#[tokio::test]
async fn code_shows_logs_and_images_and_a_search_its_query() {
    let performed = Performed {
        outcome: ToolOutcome::text("[…]"),
        said: "6".into(),
        images: vec![Image { media_type: "image/png".into(), data: "QQ==".into() }],
    };
    let code = mapped(Guise::CodeInterpreter, connected(None, false));
    let shown = code.shown(&call(r#"{"code":"2*3"}"#), &performed);
    let expected =
        json!([{"type": "logs", "logs": "6"}, {"type": "image", "url": "data:image/png;base64,QQ=="}]);
    assert_eq!(shown["outputs"], expected);
    let search = mapped(Guise::WebSearch, connected(None, false));
    let shown = search.shown(&call(r#"{"query":"cats"}"#), &performed);
    assert_eq!(shown["action"], json!({"type": "search", "query": "cats", "queries": ["cats"]}));
    assert_eq!(shown["results"], json!([{"text": "[…]"}]));
}

#[test]
fn what_cannot_be_obeyed_is_refused_however_it_is_written() {
    for (guise, fields, param) in [
        (Guise::CodeInterpreter, json!({"container": {"file_ids": "file_1"}}), "t.container.file_ids"),
        (
            Guise::WebSearch,
            json!({"filters": {"blocked_domains": "evil.example"}}),
            "t.filters.blocked_domains",
        ),
        (Guise::WebSearch, json!({"filters": "evil.example"}), "t.filters"),
        (Guise::WebSearch, json!({"filters": {"allowed_domains": ["a.org"]}}), "t.filters.allowed_domains"),
    ] {
        let error = guise.check(&tool("t", fields), "t").unwrap_err();
        assert_eq!((error.status, error.param.as_deref()), (400, Some(param)));
    }
    assert!(Guise::WebSearch.check(&tool("t", json!({"filters": {"blocked_domains": []}})), "t").is_ok());
}
