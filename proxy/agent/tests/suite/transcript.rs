//! A run in words: one line per input (`<`) and per effect (`>`), with short ids.

use agent::model::{ModelChoice, ModelEvent, ModelRequest};
use agent::run::{Effect, Input, Run};
use agent::tool::{ListOutcome, ServerTool};
use protocol::responses::content::Content;
use protocol::responses::event::{Event, EventBody};
use protocol::responses::item::{Item, Output};
use protocol::responses::response::Response;
use serde_json::Value;

use super::support::{Owners, drain};

/// An input that may name a call by its number: `call_1` is the first call of the run.
pub(crate) fn transcript(mut run: Run<Owners>, script: impl IntoIterator<Item = Input>) -> String {
    let mut names = Names::default();
    let mut lines: Vec<String> = drain(&mut run).iter().map(effect).collect();
    names.shorten(&mut lines);
    for next in script {
        let next = names.lengthen(next);
        let mut more = vec![input(&next)];
        run.handle(next);
        more.extend(drain(&mut run).iter().map(effect));
        names.shorten(&mut more);
        lines.extend(more);
    }
    lines.join("\n")
}

/// Minted ids in the order in which they were seen.
#[derive(Default)]
struct Names(Vec<(String, String)>);

impl Names {
    fn shorten(&mut self, lines: &mut [String]) {
        for line in lines {
            self.learn(line);
            for (long, short) in &self.0 {
                *line = line.replace(long, short);
            }
        }
    }

    fn learn(&mut self, line: &str) {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        for word in line.split(|c| !is_part(c)) {
            let Some((prefix, tail)) = word.split_once('_') else { continue };
            let is_minted = tail.len() == if prefix == "call" { 24 } else { 48 };
            if is_minted && self.0.iter().all(|(long, _)| long != word) {
                let number =
                    self.0.iter().filter(|(long, _)| long.starts_with(&format!("{prefix}_"))).count() + 1;
                self.0.push((word.to_owned(), format!("{prefix}_{number}")));
            }
        }
    }

    fn lengthen(&self, input: Input) -> Input {
        let long = |short: String| {
            let known = self.0.iter().find(|(_, name)| *name == short);
            known.map_or(short, |(long, _)| long.clone())
        };
        match input {
            Input::ToolDone { call, outcome } => Input::ToolDone { call: long(call), outcome },
            Input::Progress { call, progress } => Input::Progress { call: long(call), progress },
            other @ (Input::Model(_)
            | Input::ModelFailed(_)
            | Input::Listed { .. }
            | Input::Failed(_)
            | Input::Quiet
            | Input::Expired
            | Input::Cancelled) => other,
        }
    }
}

fn input(input: &Input) -> String {
    match input {
        Input::Model(ModelEvent::TextDelta { text, .. }) => format!("< text {text:?}"),
        Input::Model(ModelEvent::ToolStart { index, name }) => format!("< tool {index} {name}"),
        Input::Model(ModelEvent::ToolArguments { index, fragment }) => {
            format!("< arguments {index} {fragment}")
        }
        Input::Model(ModelEvent::ToolEnd { index }) => format!("< tool {index} end"),
        Input::Model(ModelEvent::Usage(usage)) => {
            format!("< usage {}+{}", usage.input_tokens, usage.output_tokens)
        }
        Input::Model(event) => format!("< {event:?}"),
        Input::ModelFailed(error) => format!("< failed {}", error.error),
        Input::Failed(error) => format!("< ended {}", error.error),
        Input::Listed { server_label, outcome: ListOutcome::Listed(tools) } => {
            let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
            format!("< listed {server_label} {names:?}")
        }
        Input::Listed { server_label, outcome } => format!("< unlisted {server_label} {outcome:?}"),
        Input::ToolDone { call, outcome } if outcome.failed => {
            format!("< broken {call} {:?}", outcome.output)
        }
        Input::ToolDone { call, outcome } => format!("< done {call} {:?}", outcome.output),
        Input::Progress { call, progress } => format!("< progress {call} {}", progress.event),
        Input::Quiet => "< quiet".to_owned(),
        Input::Expired => "< expired".to_owned(),
        Input::Cancelled => "< cancelled".to_owned(),
    }
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Emit(event) => emitted(event),
        Effect::CallModel(request) => asked(request),
        Effect::ListTools(label) => format!("> list_tools {label}"),
        Effect::CallTool { tool: ServerTool::Mcp { server_label, name }, call }
            if call.name != "docs_read" =>
        {
            format!("> call_tool {} {}={server_label}/{name} {}", call.id, call.name, call.arguments)
        }
        Effect::CallTool { call, .. } => format!("> call_tool {} {} {}", call.id, call.name, call.arguments),
        Effect::Abort => "> abort".to_owned(),
        Effect::Finish(finished) => {
            let event = finished.event();
            let failure = finished.failure.as_ref().map(|failure| format!(" failure={:?}", failure.cause));
            let output: Vec<String> = finished.response.output.iter().map(compact).collect();
            let mut lines = vec![format!("{}{}", emitted(&event), failure.unwrap_or_default())];
            lines.extend(output.into_iter().map(|item| format!("    {item}")));
            lines.join("\n")
        }
    }
}

fn emitted(event: &Event) -> String {
    let head = format!("> {} {}", event.sequence_number, event.kind().trim_start_matches("response."));
    if let EventBody::Lifecycle(_, response) = &event.body {
        return format!("{head} {}", standing(response));
    }
    let Ok(Value::Object(mut fields)) = serde_json::to_value(event) else { panic!("an event is an object") };
    let (_, _) = (fields.shift_remove("type"), fields.shift_remove("sequence_number"));
    format!("{head} {}", Value::Object(fields))
}

fn standing(response: &Response) -> String {
    let mut words = vec![response.status.as_str().to_owned(), format!("model={}", response.model)];
    words.extend(response.error.as_ref().map(|error| format!("error={}", error.code)));
    if let Some(details) = &response.incomplete_details {
        words.push(format!("reason={}", details.reason));
        words.extend(details.limit.as_ref().map(|limit| format!("limit={limit}")));
    }
    words.extend(response.usage.map(|usage| format!("usage={}+{}", usage.input_tokens, usage.output_tokens)));
    words.join(" ")
}

fn asked(request: &ModelRequest) -> String {
    let choice = match &request.tool_choice {
        ModelChoice::Auto => "auto".to_owned(),
        ModelChoice::None => "none".to_owned(),
        ModelChoice::Required => "required".to_owned(),
        ModelChoice::Tool(name) => format!("tool:{name}"),
    };
    let left = request.sampling.max_output_tokens.map(|left| format!(" left={left}")).unwrap_or_default();
    let items: Vec<String> = request.items.iter().map(said).collect();
    format!("> call_model {choice} tools={}{left} [{}]", request.tools.len(), items.join(" | "))
}

/// An item as the model reads it.
pub(crate) fn said(item: &Item) -> String {
    match item {
        Item::Message(message) => format!("{:?} {}", message.role, texts(&message.content)).to_lowercase(),
        Item::Reasoning(item) => format!("reasoning {} {}", texts(&item.summary), texts(&item.content)),
        Item::FunctionCall(call) => format!("{}={}({})", call.call_id, call.name, call.arguments),
        Item::FunctionCallOutput(output) => match &output.output {
            Output::Text(text) => format!("{}->{text:?}", output.call_id),
            Output::Parts(parts) => format!("{}->{}", output.call_id, texts(parts)),
        },
        other => compact(other),
    }
}

fn texts(parts: &[Content]) -> String {
    let texts: Vec<&str> = parts.iter().filter_map(Content::text).collect();
    format!("{texts:?}")
}

fn compact(item: &Item) -> String {
    serde_json::to_string(item).expect("an item is JSON")
}
