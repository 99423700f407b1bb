use agent::tool::{Origin, Progress};
use async_trait::async_trait;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::progress::Progresses;

fn tools_of(tools: Value) -> Vec<Tool> {
    serde_json::from_value(tools).expect("tools")
}

fn toolbox(tools: Value) -> Result<Toolbox, ApiError> {
    let think: Arc<dyn crate::builtin::Builtin> = Arc::new(crate::think::Think);
    let builtins = Builtins::from([("think".to_owned(), think)]);
    Toolbox::new(&tools_of(tools), &Behind { builtins, ..Behind::default() })
}

#[test]
fn functions_belong_to_the_client_and_think_to_the_server() {
    let toolbox = toolbox(json!([{"type": "function", "name": "f"}, {"type": "think"}])).expect("known");
    let client = ClientTool::Function { name: "f".into(), namespace: None };
    assert_eq!(toolbox.owner("f"), Owner::Client(client));
    assert_eq!(toolbox.owner("think"), Owner::Server(ServerTool::Think));
    assert!(matches!(toolbox.owner("g"), Owner::Nobody(_)));
}

#[test]
fn an_alias_renames_what_the_model_sees() {
    let tools = json!([{"type": "think", "alias": "ponder", "alias_description": "Ponder."}]);
    let toolbox = toolbox(tools).expect("known");
    let offered = toolbox.offered();
    assert_eq!((offered[0].name.as_str(), offered[0].description.as_deref()), ("ponder", Some("Ponder.")));
    assert_eq!(toolbox.owner("ponder"), Owner::Server(ServerTool::Think));
}

#[test]
fn a_client_function_is_never_taken_over_by_a_server_tool_of_its_name() {
    let toolbox = toolbox(json!([{"type": "think"}, {"type": "function", "name": "think"}])).expect("known");
    assert!(matches!(toolbox.owner("think"), Owner::Client(_)));
    assert_eq!(toolbox.offered().len(), 1);
}

#[test]
fn functions_of_a_namespace_keep_their_own_name() {
    let tools =
        json!([{"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "find"}]}]);
    let toolbox = toolbox(tools).expect("known");
    let client = ClientTool::Function { name: "find".into(), namespace: Some("crm".into()) };
    assert_eq!(toolbox.owner("crm__find"), Owner::Client(client));
}

#[test]
fn a_tool_that_nothing_can_run_is_refused() {
    let Err(error) = toolbox(json!([{"type": "code_interpreter"}])) else { panic!("accepted") };
    assert_eq!((error.status, error.param.as_deref()), (400, Some("tools[0].type")));
    assert_eq!(error.code.as_deref(), Some("unsupported_value"));
}

#[tokio::test]
async fn think_acknowledges() {
    let toolbox = toolbox(json!([{"type": "think"}])).expect("known");
    let call = ToolCall { id: "call_1".into(), name: "think".into(), arguments: "{}".into() };
    let reporter = Progresses::channel().0.of("call_1".into());
    let outcome = toolbox.execute(&ServerTool::Think, &call, &reporter).await;
    assert!(!outcome.failed && !outcome.output.is_empty());
}

/// Offers all but `secret`, denies `danger`, and wants approval for `floor`.
struct Wiki;

#[async_trait]
impl Remote for Wiki {
    fn is_required(&self) -> bool {
        true
    }

    fn allows(&self, tool: &ListedTool, _: Origin) -> bool {
        tool.name != "secret"
    }

    fn is_read_only(&self, tool: &ListedTool, origin: Origin) -> bool {
        origin == Origin::Server && tool.read_only_hint()
    }

    fn decide(&self, tool: &str, call: &ToolCall, asked: bool) -> Decision {
        match tool {
            _ if call.arguments.contains("danger") => Decision::Denied("Too dangerous.".to_owned()),
            "floor" => Decision::Approval,
            _ if asked => Decision::Approval,
            _ => Decision::Run,
        }
    }

    async fn list(&self) -> ListOutcome {
        ListOutcome::Listed(listing(Origin::Server).tools)
    }

    async fn call(&self, tool: &str, call: &ToolCall, progress: &Reporter) -> ToolOutcome {
        progress.report(Progress { event: "response.mcp_call.in_progress", fields: Vec::new() }).await;
        ToolOutcome::text(format!("{tool}({})", call.arguments))
    }
}

fn listing(origin: Origin) -> Listing {
    let tools = json!([{"name": "read", "annotations": {"readOnlyHint": true}}, {"name": "edit"}, {"name": "floor"},
        {"name": "secret"}]);
    Listing { tools: serde_json::from_value(tools).expect("tools"), origin }
}

fn wiki(rules: &Value) -> Toolbox {
    let mut tool = json!({"type": "mcp", "server_label": "wiki"});
    tool.as_object_mut().expect("an object").extend(rules.as_object().cloned().unwrap_or_default());
    let remotes = Remotes::from([("wiki".to_owned(), Arc::new(Wiki) as Arc<dyn Remote>)]);
    Toolbox::new(&tools_of(json!([tool])), &Behind { remotes, ..Behind::default() }).expect("known")
}

fn decision(toolbox: &Toolbox, name: &str, arguments: &str) -> Decision {
    let tool = ServerTool::Mcp { server_label: "wiki".into(), name: name.into() };
    let call = ToolCall { id: "call_1".into(), name: "n".into(), arguments: arguments.into() };
    toolbox.decide(&tool, &call)
}

fn offered(toolbox: &mut Toolbox, origin: Origin) -> Vec<String> {
    toolbox.listed("wiki", &listing(origin)).into_iter().map(|tool| tool.name).collect()
}

#[test]
fn a_request_only_tightens_what_a_server_offers() {
    assert_eq!(offered(&mut wiki(&json!({})), Origin::Server), ["read", "edit", "floor"]);
    assert_eq!(offered(&mut wiki(&json!({"allowed_tools": ["edit", "secret"]})), Origin::Server), ["edit"]);
    let read_only = json!({"allowed_tools": {"read_only": true}});
    assert_eq!(offered(&mut wiki(&read_only), Origin::Server), ["read"]);
    assert!(
        offered(&mut wiki(&read_only), Origin::Context).is_empty(),
        "a claim of the caller is not believed"
    );
}

#[test]
fn the_stricter_of_rule_and_request_decides() {
    let mut never = wiki(&json!({"require_approval": "never"}));
    offered(&mut never, Origin::Server);
    assert_eq!(decision(&never, "edit", "{}"), Decision::Run);
    assert_eq!(decision(&never, "floor", "{}"), Decision::Approval);
    assert_eq!(decision(&never, "edit", "danger"), Decision::Denied("Too dangerous.".to_owned()));
    assert!(matches!(decision(&never, "secret", "{}"), Decision::Denied(_)), "it is not offered");
    let mut default = wiki(&json!({}));
    offered(&mut default, Origin::Server);
    assert_eq!(decision(&default, "read", "{}"), Decision::Approval);
    let mut filtered = wiki(&json!({"require_approval": {"never": {"read_only": true}}}));
    offered(&mut filtered, Origin::Server);
    assert_eq!(
        (decision(&filtered, "read", ""), decision(&filtered, "edit", "")),
        (Decision::Run, Decision::Approval)
    );
}

fn rules() -> impl Strategy<Value = Value> {
    let names = prop::sample::subsequence(vec!["read", "edit", "floor", "secret"], 0..4);
    let filter = (prop::option::of(names), prop::option::of(any::<bool>())).prop_map(|(names, read_only)| {
        let mut filter = Object::new();
        filter.extend(names.map(|names| ("tool_names".to_owned(), json!(names))));
        filter.extend(read_only.map(|read_only| ("read_only".to_owned(), json!(read_only))));
        Value::Object(filter)
    });
    let by_tool = (filter.clone(), filter.clone())
        .prop_map(|(always, never)| json!({"always": always, "never": never}));
    let approval = prop_oneof![Just(json!("always")), Just(json!("never")), by_tool];
    (prop::option::of(filter), approval)
        .prop_map(|(allowed, approval)| json!({"allowed_tools": allowed, "require_approval": approval}))
}

proptest! {
    #[test]
    fn no_request_loosens(rules in rules(), danger in any::<bool>()) {
        let strictness = |decision: Decision| match decision {
            Decision::Run => 0,
            Decision::Approval => 1,
            Decision::Denied(_) => 2,
        };
        let (mut open, mut asked) = (wiki(&json!({"require_approval": "never"})), wiki(&rules));
        let all = offered(&mut open, Origin::Server);
        prop_assert!(offered(&mut asked, Origin::Server).iter().all(|name| all.contains(name)));
        let arguments = if danger { "danger" } else { "{}" };
        for name in ["read", "edit", "floor", "secret"] {
            let (with, without) = (decision(&asked, name, arguments), decision(&open, name, arguments));
            prop_assert!(strictness(with) >= strictness(without), "{} {}", name, rules);
        }
    }
}

#[tokio::test]
async fn a_remote_call_goes_to_its_server_and_reports_steps() {
    let toolbox = wiki(&json!({}));
    let (progresses, mut steps) = Progresses::channel();
    let tool = ServerTool::Mcp { server_label: "wiki".into(), name: "read".into() };
    let call = ToolCall { id: "call_1".into(), name: "mcp__wiki__read".into(), arguments: "{}".into() };
    let outcome = toolbox.execute(&tool, &call, &progresses.of("call_1".into())).await;
    assert_eq!((outcome.output.as_str(), toolbox.label(&tool, &call.name)), ("read({})", "mcp"));
    assert_eq!(steps.recv().await.map(|(call, _)| call), Some("call_1".to_owned()));
    assert!(matches!(toolbox.list("wiki").await, ListOutcome::Listed(tools) if tools.len() == 4));
    assert!(matches!(toolbox.list("gone").await, ListOutcome::Failed(McpError::Http { code: 404, .. })));
}

#[test]
fn a_server_that_nothing_reaches_is_refused() {
    let Err(error) = toolbox(json!([{"type": "think"}, {"type": "mcp", "server_label": "wiki"}])) else {
        panic!("accepted")
    };
    assert_eq!((error.status, error.param.as_deref()), (400, Some("tools[1].type")));
}
