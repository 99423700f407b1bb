//! Everything that a turn refers to, looked up under the caller's tenant before the first event.

use std::sync::Arc;

use agent::choice::{Choice, Pick};
use agent::ids::Ids;
use agent::model::{Hints, ModelRequest, Sampling};
use agent::run::Turn;
use config::spec::Decimal;
use protocol::Object;
use protocol::error::ApiError;
use protocol::id::{self, Id};
use protocol::responses::content::Content;
use protocol::responses::item::{Item, Output};
use protocol::responses::request::{CreateResponse, Include};
use protocol::responses::response::TextFormat;
use protocol::responses::tool::{NamedChoice, Tool, ToolChoice, ToolMode};
use store::Chain;
use tools::toolbox::{Behind, Toolbox};

use crate::app::{App, Request};
use crate::auth::Caller;
use crate::error::from_store;
use crate::live::resolve::Resolution;
use crate::runs::approvals::{Answers, answered};
use crate::runs::governed::Finder;
use crate::runs::{echo, governed, mint, remotes};

/// A turn that is ready to run.
pub struct Prepared {
    pub turn: Turn,
    pub toolbox: Toolbox,
    pub resolution: Resolution,
    pub ids: Ids,
    /// The turn's own input, for the store.
    pub input: Vec<Item>,
}

/// Looks everything up.
///
/// Errors: 400 and 404 as the contract says; 503 if the store is down. Nothing is stored and nothing is sent.
pub async fn prepare(
    app: &Arc<App>,
    asked: &Request,
    mut request: CreateResponse,
    resolution: Resolution,
) -> Result<Prepared, ApiError> {
    let caller = &asked.caller;
    let mut ids = Ids::new(app.seeds.next(), app.clock.now_ms());
    let Context { history, mut input } = context(app, caller, &mut request).await?;
    input.iter_mut().for_each(|item| mint::mint(item, &mut ids));
    if input.is_empty() && history.is_empty() {
        let message = "Missing required parameter: 'input'.";
        let mut error = ApiError::bad_request("missing_required_parameter", "input", message);
        error.param = None;
        return Err(error);
    }
    check_calls(&history, &input)?;
    let finder = Finder { app, request: asked, answers: &resolution, items: (&history, &input) };
    let toolbox = toolbox(&finder, &request.tools)?;
    check_capabilities(&request, &input, &resolution)?;
    let servers = toolbox.servers();
    let (tenant, now) = (&caller.tenant, app.clock.now());
    let answers = Answers { tenant, history: &history, input: &input, servers: &servers, now };
    let approved = answered(&*app.store.approvals, &answers).await?;
    let turn = Turn {
        response: echoed(app, &request, &resolution, &mut ids),
        tool_choice: choice(&request.tool_choice, &toolbox),
        max_tool_calls: request.max_tool_calls,
        servers,
        approved,
        can_ask: true,
        keeps_model_name: false,
        request: template(&request, &toolbox, &resolution),
        history,
        input: input.clone(),
    };
    Ok(Prepared { turn, toolbox, resolution, ids, input })
}

/// The tools of a request, under the policies that hold for the caller.
fn toolbox(finder: &Finder<'_>, tools: &[Tool]) -> Result<Toolbox, ApiError> {
    let (app, asked, (history, input)) = (finder.app, finder.request, finder.items);
    let mut context = governed::once(app, asked, history.iter().chain(input));
    let remotes = remotes::of(app, asked, tools, &mut context)?;
    let builtins = governed::builtins(tools, finder, &mut context);
    Toolbox::new(tools, &Behind { remotes, builtins })
}

/// What a model is to read: what was before the turn, and the turn's own input.
pub struct Context {
    pub history: Vec<Item>,
    pub input: Vec<Item>,
}

/// Reads the context of a request, and takes its input out of it.
///
/// Errors: 400 and 404 as the contract says; 503 if the store is down.
pub async fn context(app: &App, caller: &Caller, request: &mut CreateResponse) -> Result<Context, ApiError> {
    refuse_unserved(request)?;
    let history = history(app, caller, request).await?;
    let mut input = std::mem::take(&mut request.input);
    for (index, item) in input.iter_mut().enumerate() {
        dereference(app, caller, index, item).await?;
    }
    Ok(Context { history, input })
}

/// What the contract knows and this server does not do is refused, never ignored.
fn refuse_unserved(request: &CreateResponse) -> Result<(), ApiError> {
    if let Some(prompt) = &request.prompt {
        let id = prompt.get("id").and_then(serde_json::Value::as_str).unwrap_or_default();
        return Err(ApiError::not_found(format!("Prompt with id '{id}' not found.")));
    }
    if let Some(conversation) = &request.conversation {
        return Err(ApiError::not_found(format!("Conversation with id '{conversation}' not found.")));
    }
    let refused = |param: &str| {
        Err(ApiError::unsupported_value(param, format!("'{param}' is not available on this server.")))
    };
    if request.background {
        return refused("background");
    }
    if request.context_management.is_some() {
        return refused("context_management");
    }
    Ok(())
}

async fn history(app: &App, caller: &Caller, request: &CreateResponse) -> Result<Vec<Item>, ApiError> {
    let Some(previous) = &request.previous_response_id else { return Ok(Vec::new()) };
    let id = Id::<id::Response>::parse_param(previous, "previous_response_id")?;
    let chain = app.store.responses.chain(&caller.tenant, id.as_str(), app.clock.now()).await;
    match chain.map_err(|error| from_store(&error))? {
        Chain::Found { items, .. } => Ok(items),
        Chain::NotFound => Err(ApiError::previous_response_not_found(previous)),
    }
}

/// Replaces a reference by the stored item that it names.
async fn dereference(app: &App, caller: &Caller, index: usize, item: &mut Item) -> Result<(), ApiError> {
    let Item::Reference(reference) = item else { return Ok(()) };
    let found = app.store.responses.item(&caller.tenant, &reference.id, app.clock.now()).await;
    match found.map_err(|error| from_store(&error))? {
        Some(stored) => {
            *item = stored;
            Ok(())
        }
        None => {
            let message = format!(
                "Item with id '{}' not found. Items are not persisted when `store` is set to false.",
                reference.id
            );
            Err(ApiError::not_found(message).with_param(&format!("input[{index}]")))
        }
    }
}

fn check_calls(history: &[Item], input: &[Item]) -> Result<(), ApiError> {
    agent::context::check(history.iter().chain(input))
}

fn check_capabilities(request: &CreateResponse, input: &[Item], model: &Resolution) -> Result<(), ApiError> {
    let can = &model.capabilities;
    let lacking = |param: &str, what: &str| {
        let message = format!("The model '{}' does not support {what}.", request.model);
        Err(ApiError::unsupported_value(param, message))
    };
    if can.tools == Some(false) && !request.tools.is_empty() {
        return lacking("tools", "tools");
    }
    if can.json_schema == Some(false) && matches!(request.text.format, TextFormat::JsonSchema { .. }) {
        return lacking("text.format", "JSON schemas");
    }
    if can.reasoning == Some(false)
        && request.reasoning.effort.as_deref().is_some_and(|effort| effort != "none")
    {
        return lacking("reasoning.effort", "reasoning");
    }
    if can.vision == Some(false) && input.iter().any(has_image) {
        return lacking("input", "images");
    }
    match (can.max_output_tokens, request.max_output_tokens) {
        (Some(limit), Some(asked)) if asked > u64::from(limit) => {
            let message =
                format!("max_output_tokens is too large: {asked}. This model supports at most {limit}.");
            Err(ApiError::bad_request("integer_above_max_value", "max_output_tokens", message))
        }
        _ => Ok(()),
    }
}

fn has_image(item: &Item) -> bool {
    let image = |parts: &[Content]| parts.iter().any(|part| matches!(part, Content::InputImage(_)));
    match item {
        Item::Message(message) => image(&message.content),
        Item::FunctionCallOutput(output) => matches!(&output.output, Output::Parts(parts) if image(parts)),
        Item::CustomToolCallOutput(output) => matches!(&output.output, Output::Parts(parts) if image(parts)),
        Item::FunctionCall(_)
        | Item::CustomToolCall(_)
        | Item::Reasoning(_)
        | Item::FileSearchCall(_)
        | Item::WebSearchCall(_)
        | Item::ImageGenerationCall(_)
        | Item::McpListTools(_)
        | Item::McpCall(_)
        | Item::McpApprovalRequest(_)
        | Item::McpApprovalResponse(_)
        | Item::Compaction(_)
        | Item::Reference(_)
        | Item::Other(_) => false,
    }
}

fn echoed(
    app: &App,
    request: &CreateResponse,
    model: &Resolution,
    ids: &mut Ids,
) -> protocol::responses::response::Response {
    let mut response = echo::of(request, ids.mint("resp_"), app.clock.now());
    response.temperature = sampling(request.temperature, model.defaults.temperature.as_ref()).unwrap_or(1.0);
    response.top_p = sampling(request.top_p, model.defaults.top_p.as_ref()).unwrap_or(1.0);
    response
}

/// Paragraphs as one text.
fn joined(parts: [Option<String>; 2]) -> Option<String> {
    parts.into_iter().flatten().reduce(|one, other| format!("{one}\n\n{other}"))
}

fn template(request: &CreateResponse, toolbox: &Toolbox, model: &Resolution) -> ModelRequest {
    let offered = toolbox.offered();
    ModelRequest {
        model: String::new(), // each target names the model in its own way
        instructions: joined([request.instructions.clone(), toolbox.descriptions()]),
        items: Arc::default(),
        parallel_tool_calls: request.parallel_tool_calls.filter(|_| !offered.is_empty()),
        tools: offered,
        tool_choice: agent::model::ModelChoice::Auto,
        sampling: Sampling {
            temperature: sampling(request.temperature, model.defaults.temperature.as_ref()),
            top_p: sampling(request.top_p, model.defaults.top_p.as_ref()),
            presence_penalty: request.presence_penalty,
            frequency_penalty: request.frequency_penalty,
            top_logprobs: request.top_logprobs.filter(|count| *count > 0),
            max_output_tokens: request
                .max_output_tokens
                .or_else(|| model.defaults.max_output_tokens.map(u64::from)),
            stop: Vec::new(),
            seed: None,
        },
        text: request.text.clone(),
        reasoning: request.reasoning.clone(),
        encrypted_reasoning: true, // nobody else keeps it; shown only where `include` asks
        logprobs: request.include.contains(&Include::Logprobs),
        stream: request.stream,
        hints: Hints {
            user: request.user.clone(),
            safety_identifier: request.safety_identifier.clone(),
            prompt_cache_key: request.prompt_cache_key.clone(),
            prompt_cache_retention: request.prompt_cache_retention.clone(),
            service_tier: request.service_tier.clone(),
        },
        native: request.native.clone(),
    }
}

/// What the request says, else the model's default.
fn sampling(asked: Option<f64>, default: Option<&Decimal>) -> Option<f64> {
    asked.or_else(|| default.map(Decimal::to_f64))
}

/// The choice by the names that the model sees.
fn choice(choice: &ToolChoice, toolbox: &Toolbox) -> Choice {
    match choice {
        ToolChoice::Mode(ToolMode::Auto) => Choice::Auto,
        ToolChoice::Mode(ToolMode::None) => Choice::None,
        ToolChoice::Mode(ToolMode::Required) => Choice::Required,
        ToolChoice::Named(NamedChoice::Function { name } | NamedChoice::Custom { name }) => {
            Choice::Tool(vec![Pick::Name(name.clone())])
        }
        ToolChoice::Named(NamedChoice::Mcp { server_label, name }) => {
            Choice::Tool(vec![Pick::Remote { server_label: server_label.clone(), tool: name.clone() }])
        }
        ToolChoice::Named(NamedChoice::Hosted { kind }) => {
            Choice::Tool(toolbox.entries(kind).into_iter().map(Pick::Name).collect())
        }
        ToolChoice::Named(NamedChoice::AllowedTools { mode, tools }) => {
            let names = tools.iter().flat_map(|tool| allowed(tool, toolbox)).collect();
            Choice::Allowed { names, required: *mode == ToolMode::Required }
        }
    }
}

fn allowed(tool: &Object, toolbox: &Toolbox) -> Vec<Pick> {
    let text = |key: &str| tool.get(key).and_then(serde_json::Value::as_str);
    match (text("type"), text("name")) {
        (Some("function" | "custom"), Some(name)) => vec![Pick::Name(name.to_owned())],
        (Some("mcp"), tool) => {
            let server_label = text("server_label").unwrap_or_default().to_owned();
            vec![Pick::Remote { server_label, tool: tool.map(str::to_owned) }]
        }
        (Some(kind), _) => named(kind, toolbox),
        (None, _) => Vec::new(),
    }
}

fn named(kind: &str, toolbox: &Toolbox) -> Vec<Pick> {
    toolbox.named(kind).into_iter().map(Pick::Name).collect()
}
