//! A call that the client runs, while its arguments are being written.

use protocol::responses::event::{CallKind, EventBody, Slot};
use protocol::responses::item::{CustomToolCall, FunctionCall, Item, ItemStatus};

use crate::emit::Emitter;
use crate::tool::{CallId, ClientTool};

/// An open `function_call` or `custom_tool_call`.
pub(crate) struct ClientCall {
    slot: Slot,
    tool: ClientTool,
    call_id: CallId,
    arguments: String,
}

impl ClientCall {
    pub(crate) fn open(out: &mut Emitter, tool: ClientTool, call_id: &CallId) -> Self {
        let prefix = match &tool {
            ClientTool::Function { .. } => "fc_",
            ClientTool::Custom { .. } => "ctc_",
        };
        let call = Call { call_id, arguments: "", status: ItemStatus::InProgress };
        let slot = out.add(prefix, |id| item(&tool, id, call));
        Self { slot, tool, call_id: call_id.clone(), arguments: String::new() }
    }

    pub(crate) fn write(&mut self, out: &mut Emitter, fragment: String) {
        self.arguments.push_str(&fragment);
        out.emit(EventBody::ArgumentsDelta(self.kind(), self.slot.clone(), fragment));
    }

    /// Closes a whole call; a function without arguments gets an empty object.
    pub(crate) fn end(mut self, out: &mut Emitter) {
        if self.arguments.is_empty() && self.kind() == CallKind::Function {
            self.write(out, "{}".to_owned());
        }
        self.close(out, ItemStatus::Completed);
    }

    /// Closes a call that was cut off.
    pub(crate) fn cut(self, out: &mut Emitter) {
        self.close(out, ItemStatus::Incomplete);
    }

    fn close(self, out: &mut Emitter, status: ItemStatus) {
        let (ClientTool::Function { name, .. } | ClientTool::Custom { name, .. }) = &self.tool;
        let (slot, text) = (self.slot.clone(), self.arguments.clone());
        out.emit(EventBody::ArgumentsDone(self.kind(), slot, text, name.clone()));
        let call = Call { call_id: &self.call_id, arguments: &self.arguments, status };
        out.done(&self.slot, item(&self.tool, self.slot.item_id.clone(), call));
    }

    fn kind(&self) -> CallKind {
        match &self.tool {
            ClientTool::Function { .. } => CallKind::Function,
            ClientTool::Custom { .. } => CallKind::Custom,
        }
    }
}

#[derive(Clone, Copy)]
struct Call<'a> {
    call_id: &'a str,
    arguments: &'a str,
    status: ItemStatus,
}

fn item(tool: &ClientTool, id: String, call: Call<'_>) -> Item {
    let Call { call_id, arguments, status } = call;
    let (call_id, arguments) = (call_id.to_owned(), arguments.to_owned());
    match tool.clone() {
        ClientTool::Function { name, namespace } => Item::FunctionCall(FunctionCall {
            id,
            status,
            arguments,
            call_id,
            name,
            namespace,
            ..FunctionCall::default()
        }),
        ClientTool::Custom { name, namespace } => {
            let input = arguments;
            Item::CustomToolCall(CustomToolCall {
                id,
                status,
                call_id,
                name,
                input,
                namespace,
                ..CustomToolCall::default()
            })
        }
    }
}
