//! What a server-run call looks like to the client: its item and the events of its progress.

use protocol::Object;
use protocol::responses::event::{CallKind, EventBody, Slot};
use protocol::responses::item::{
    FileSearchCall, ImageGenerationCall, Item, ItemStatus, McpCall, WebSearchCall,
};
use protocol::responses::mcp::McpError;
use serde_json::{Value, json};

use crate::emit::Emitter;
use crate::tool::{Progress, ServerTool, ToolCall, ToolOutcome};

/// A call that runs, with its item as it was opened.
pub(crate) struct Shown {
    slot: Slot,
    form: Form,
}

/// The item of each kind; id and status are set when it is shown.
#[derive(Clone)]
pub(crate) enum Form {
    FileSearch(FileSearchCall),
    WebSearch(WebSearchCall),
    Image(ImageGenerationCall),
    /// The code.
    Code(String),
    Mcp(McpCall),
}

/// The types of the events of one kind of call.
struct Events {
    begun: &'static str,
    working: Option<&'static str>,
    completed: &'static str,
    failed: Option<&'static str>,
}

const FILE_SEARCH: Events = Events {
    begun: "response.file_search_call.in_progress",
    working: Some("response.file_search_call.searching"),
    completed: "response.file_search_call.completed",
    failed: None,
};
const WEB_SEARCH: Events = Events {
    begun: "response.web_search_call.in_progress",
    working: Some("response.web_search_call.searching"),
    completed: "response.web_search_call.completed",
    failed: None,
};
const IMAGE: Events = Events {
    begun: "response.image_generation_call.in_progress",
    working: Some("response.image_generation_call.generating"),
    completed: "response.image_generation_call.completed",
    failed: None,
};
const CODE: Events = Events {
    begun: "response.code_interpreter_call.in_progress",
    working: Some("response.code_interpreter_call.interpreting"),
    completed: "response.code_interpreter_call.completed",
    failed: None,
};
const MCP: Events = Events {
    begun: "response.mcp_call.in_progress",
    working: None,
    completed: "response.mcp_call.completed",
    failed: Some("response.mcp_call.failed"),
};

impl Shown {
    /// Opens the item of a call whose arguments are whole.
    pub(crate) fn open(out: &mut Emitter, form: Form, call: &ToolCall) -> Self {
        let mut shown = Self::begin(out, form);
        shown.take_arguments(out, &call.arguments);
        shown
    }

    fn begin(out: &mut Emitter, form: Form) -> Self {
        let slot = out.add(form.prefix(), |id| form.item(id, ItemStatus::InProgress));
        let shown = Self { slot, form };
        shown.progress(out, shown.form.events().begun, Vec::new());
        shown
    }

    /// Tells that the call runs.
    pub(crate) fn start(&self, out: &mut Emitter) {
        if let Some(working) = self.form.events().working {
            self.progress(out, working, Vec::new());
        }
    }

    /// Tells a step of the tool's own.
    pub(crate) fn step(&self, out: &mut Emitter, progress: Progress) {
        self.progress(out, progress.event, progress.fields);
    }

    /// Closes the item with what the call returned, and says what the model is told.
    pub(crate) fn close(mut self, out: &mut Emitter, mut outcome: ToolOutcome) -> String {
        let last =
            if outcome.failed { self.form.events().failed } else { Some(self.form.events().completed) };
        self.form.take_outcome(&outcome);
        let status = if outcome.failed { ItemStatus::Failed } else { ItemStatus::Completed };
        self.end(out, (last, status), std::mem::take(&mut outcome.shown));
        for shown in std::mem::take(&mut outcome.further) {
            let further = Self::begin(out, self.form.clone());
            further.end(out, (last, status), shown);
        }
        outcome.output
    }

    fn end(&self, out: &mut Emitter, (last, status): (Option<&'static str>, ItemStatus), shown: Object) {
        if let Some(last) = last {
            self.progress(out, last, Vec::new());
        }
        let item = self.form.item(self.slot.item_id.clone(), status);
        out.done(&self.slot, overlaid(item, shown));
    }

    /// Closes the item of a call that never returned.
    pub(crate) fn give_up(self, out: &mut Emitter) {
        self.close(out, ToolOutcome::failure("The call was ended before it returned."));
    }

    /// Shows the arguments; those of an MCP call arrive whole and are one delta.
    fn take_arguments(&mut self, out: &mut Emitter, arguments: &str) {
        match &mut self.form {
            Form::FileSearch(item) => item.queries.extend(query(arguments)),
            Form::WebSearch(item) => item.action = action(arguments),
            Form::Image(_) => {}
            Form::Code(code) => {
                *code = text_of(arguments, "code").unwrap_or_else(|| arguments.to_owned());
                let (slot, text) = (self.slot.clone(), code.clone());
                out.emit(EventBody::ArgumentsDelta(CallKind::Code, slot.clone(), text.clone()));
                out.emit(EventBody::ArgumentsDone(CallKind::Code, slot, text, String::new()));
            }
            Form::Mcp(item) => {
                item.arguments = arguments.to_owned();
                let (slot, text, name) = (self.slot.clone(), arguments.to_owned(), item.name.clone());
                out.emit(EventBody::ArgumentsDelta(CallKind::Mcp, slot.clone(), text.clone()));
                out.emit(EventBody::ArgumentsDone(CallKind::Mcp, slot, text, name));
            }
        }
    }

    fn progress(&self, out: &mut Emitter, event: &'static str, fields: Vec<(&'static str, Value)>) {
        out.emit(EventBody::Progress(event, self.slot.clone(), fields));
    }
}

impl Form {
    /// The item of a tool; `None` for a thought, which is reasoning and runs nowhere.
    pub(crate) fn of(tool: &ServerTool) -> Option<Self> {
        Some(match tool.clone() {
            ServerTool::Think => return None,
            ServerTool::FileSearch => Self::FileSearch(FileSearchCall::default()),
            ServerTool::WebSearch => {
                let action = Object::from_iter([("type".to_owned(), json!("search"))]);
                Self::WebSearch(WebSearchCall { action, ..WebSearchCall::default() })
            }
            ServerTool::ImageGeneration => Self::Image(ImageGenerationCall::default()),
            ServerTool::CodeInterpreter => Self::Code(String::new()),
            ServerTool::Mcp { server_label, name } => {
                Self::Mcp(McpCall { server_label, name, ..McpCall::default() })
            }
        })
    }

    /// The call runs because the client approved it.
    pub(crate) fn approved(mut self, request_id: String) -> Self {
        if let Self::Mcp(item) = &mut self {
            item.approval_request_id = Some(request_id);
        }
        self
    }

    fn prefix(&self) -> &'static str {
        match self {
            Self::FileSearch(_) => "fs_",
            Self::WebSearch(_) => "ws_",
            Self::Image(_) => "ig_",
            Self::Code(_) => "ci_",
            Self::Mcp(_) => "mcp_",
        }
    }

    fn events(&self) -> &'static Events {
        match self {
            Self::FileSearch(_) => &FILE_SEARCH,
            Self::WebSearch(_) => &WEB_SEARCH,
            Self::Image(_) => &IMAGE,
            Self::Code(_) => &CODE,
            Self::Mcp(_) => &MCP,
        }
    }

    fn item(&self, id: String, status: ItemStatus) -> Item {
        match self {
            Self::FileSearch(item) => Item::FileSearchCall(FileSearchCall { id, status, ..item.clone() }),
            Self::WebSearch(item) => Item::WebSearchCall(WebSearchCall { id, status, ..item.clone() }),
            Self::Image(item) => {
                Item::ImageGenerationCall(ImageGenerationCall { id, status, ..item.clone() })
            }
            Self::Code(code) => interpreter(id, status, code),
            Self::Mcp(item) => Item::McpCall(McpCall { id, status, ..item.clone() }),
        }
    }

    /// An MCP call shows what it returned even if the tool shows nothing by itself.
    fn take_outcome(&mut self, outcome: &ToolOutcome) {
        let Self::Mcp(item) = self else { return };
        if outcome.failed {
            let error = outcome.error.clone().unwrap_or_else(|| McpError::execution(&outcome.output));
            item.error = Some(error.value());
        } else {
            item.output = Some(outcome.output.clone());
        }
    }
}

/// The item with the fields that the tool shows.
fn overlaid(item: Item, shown: Object) -> Item {
    if shown.is_empty() {
        return item;
    }
    let Ok(Value::Object(mut fields)) = serde_json::to_value(&item) else { return item };
    let is_own = |key: &String| matches!(key.as_str(), "id" | "type" | "status");
    fields.extend(shown.into_iter().filter(|(key, _)| !is_own(key)));
    Item::try_from(fields).unwrap_or(item)
}

/// A call of the code interpreter. What runs the code has no containers that clients know: each call is told as one of its own.
fn interpreter(id: String, status: ItemStatus, code: &str) -> Item {
    let container = format!("cntr_{}", id.rsplit('_').next().unwrap_or_default());
    let fields = [
        ("id", Value::from(id)),
        ("type", "code_interpreter_call".into()),
        ("status", json!(status)),
        ("code", code.into()),
        ("container_id", container.into()),
        ("outputs", Value::Null),
    ];
    Item::Other(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// What a call in the web does, by its arguments: it looks into a page, opens one, or searches.
fn action(arguments: &str) -> Object {
    let fields = serde_json::from_str::<Object>(arguments).unwrap_or_default();
    let kind = match (fields.contains_key("url"), fields.contains_key("pattern")) {
        (true, true) => "find_in_page",
        (true, false) => "open_page",
        (false, _) => "search",
    };
    let is_shown = |key: &str| match kind {
        "search" => matches!(key, "query" | "queries"),
        _ => matches!(key, "url" | "pattern"),
    };
    let shown = fields.into_iter().filter(|(key, _)| is_shown(key));
    [("type".to_owned(), json!(kind))].into_iter().chain(shown).collect()
}

/// The `query` of a search's arguments.
fn query(arguments: &str) -> Option<String> {
    text_of(arguments, "query")
}

fn text_of(arguments: &str, key: &str) -> Option<String> {
    let fields = serde_json::from_str::<Object>(arguments).ok()?;
    fields.get(key).and_then(Value::as_str).map(str::to_owned)
}
