//! What the built-in tools of a gateway use of other objects.

use config::spec::{GatewaySpec, WebSearch};
use config::{Reason, Spec};

use crate::kit::{Process, placed};

const GATEWAY: &str = "authentication: {mode: Disabled, acknowledgeInsecure: true}";

fn gateway(tools: &str) -> String {
    placed("ResponsesGateway team/main", &format!("{GATEWAY}, tools: {{{tools}}}"))
}

/// A Model of some type with its provider.
fn model(kind: &str) -> String {
    let provider = placed("ModelProvider team/p", "type: OpenAI, baseURL: 'https://p.example.com/v1'");
    let target = "{name: only, providerRef: {name: p}, upstreamModel: up}";
    provider + &placed("Model team/painter", &format!("type: {kind}, targets: [{target}]"))
}

fn server() -> String {
    placed("MCPServer team/sandbox", "endpoint: {url: 'https://sandbox.example.com/mcp'}")
}

fn spec(process: &Process) -> &GatewaySpec {
    let Some(Spec::Gateway(spec)) = process.at("team/main", "gateway/team/main") else { panic!() };
    spec
}

fn reasons(process: &Process) -> Vec<(Reason, &str)> {
    let about = process.of_object("ResponsesGateway team/main");
    about.problems.iter().map(|problem| (problem.reason, problem.path.as_str())).collect()
}

const IMAGE: &str = "imageGeneration: {modelRef: {name: painter}}";
const IMAGE_PATH: &str = "spec.tools.imageGeneration.modelRef";

#[test]
fn images_are_made_by_a_model_of_type_image_and_by_no_other() {
    let process = Process::of(&(gateway(IMAGE) + &model("Image")));
    assert_eq!(spec(&process).image_model.as_ref().map(|id| id.as_str()), Some("model/team/painter"));
    assert_eq!(reasons(&process), []);
    for others in [model("Chat"), model("Embedding"), String::new()] {
        let process = Process::of(&(gateway(IMAGE) + &others));
        assert_eq!(spec(&process).image_model, None);
        assert_eq!(reasons(&process), [(Reason::TargetNotFound, IMAGE_PATH)]);
    }
}

#[test]
fn a_model_that_changes_its_type_is_noticed() {
    let mut process = Process::of(&(gateway(IMAGE) + &model("Chat")));
    process.apply(&(gateway(IMAGE) + &model("Image")));
    assert!(spec(&process).image_model.is_some() && reasons(&process).is_empty());
    process.apply(&(gateway(IMAGE) + &model("Chat")));
    assert_eq!((spec(&process).image_model.as_ref(), reasons(&process).len()), (None, 1));
}

#[test]
fn a_model_of_another_namespace_needs_a_grant() {
    let tools = "imageGeneration: {modelRef: {name: painter, namespace: far}}";
    let process = Process::of(&(gateway(tools) + &model("Image")));
    assert_eq!(reasons(&process), [(Reason::RefNotPermitted, IMAGE_PATH)]);
}

#[test]
fn a_tool_of_a_server_stands_for_a_built_in_one() {
    let mapped = "mcp: {serverRef: {name: sandbox}, tool: run, argument: code, arguments: {timeout: 30}}";
    let code = format!("codeInterpreter: {{{mapped}}}");
    let process = Process::of(&(gateway(&code) + &server()));
    let tool = spec(&process).code_interpreter.as_deref().unwrap();
    assert_eq!(
        (tool.server.as_str(), tool.tool.as_str(), tool.argument.as_str()),
        ("mcp/team/sandbox", "run", "code")
    );
    assert_eq!(tool.arguments["timeout"], 30);
    let search = format!("webSearch: {{type: MCP, {mapped}}}");
    let process = Process::of(&(gateway(&search) + &server()));
    assert!(matches!(&spec(&process).web_search, Some(WebSearch::Mcp(found)) if found == tool));
    let missing = Process::of(&gateway(&code));
    assert_eq!(spec(&missing).code_interpreter, None);
    assert_eq!(reasons(&missing), [(Reason::TargetNotFound, "spec.tools.codeInterpreter.mcp.serverRef")]);
}

#[test]
fn a_fixed_argument_is_not_the_one_that_the_model_gives() {
    let code = "codeInterpreter: {mcp: {serverRef: {name: sandbox}, tool: run, argument: code, arguments: {code: '1'}}}";
    let process = Process::of(&(gateway(code) + &server()));
    assert_eq!(reasons(&process), [(Reason::Invalid, "spec.tools.codeInterpreter.mcp.arguments")]);
}
