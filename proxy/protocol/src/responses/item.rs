//! Items: what goes into and comes out of a turn.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::responses::content::Content;
use crate::{Object, tags};

tags! {
    /// `message`.
    MessageTag = "message";
    /// `function_call`.
    FunctionCallTag = "function_call";
    /// `function_call_output`.
    FunctionCallOutputTag = "function_call_output";
    /// `custom_tool_call`.
    CustomToolCallTag = "custom_tool_call";
    /// `custom_tool_call_output`.
    CustomToolCallOutputTag = "custom_tool_call_output";
    /// `reasoning`.
    ReasoningTag = "reasoning";
    /// `file_search_call`.
    FileSearchCallTag = "file_search_call";
    /// `web_search_call`.
    WebSearchCallTag = "web_search_call";
    /// `image_generation_call`.
    ImageGenerationCallTag = "image_generation_call";
    /// `mcp_list_tools`.
    McpListToolsTag = "mcp_list_tools";
    /// `mcp_call`.
    McpCallTag = "mcp_call";
    /// `mcp_approval_request`.
    McpApprovalRequestTag = "mcp_approval_request";
    /// `mcp_approval_response`.
    McpApprovalResponseTag = "mcp_approval_response";
    /// `compaction`.
    CompactionTag = "compaction";
    /// `item_reference`.
    ItemReferenceTag = "item_reference";
}

/// One item; an unknown one is kept as it came.
///
/// The id of an item is empty until one is minted for it (input of a caller that named none).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Item {
    /// A message of any role.
    Message(Message),
    /// The model calls a function of the client.
    FunctionCall(FunctionCall),
    /// The client's answer to a function call.
    FunctionCallOutput(FunctionCallOutput),
    /// The model calls a custom tool of the client.
    CustomToolCall(CustomToolCall),
    /// The client's answer to a custom tool call.
    CustomToolCallOutput(CustomToolCallOutput),
    /// What the model thought.
    Reasoning(Reasoning),
    /// A search in files, run by the server.
    FileSearchCall(FileSearchCall),
    /// A search in the web, run by the server.
    WebSearchCall(WebSearchCall),
    /// An image made by the server.
    ImageGenerationCall(ImageGenerationCall),
    /// The tools of a remote MCP server.
    McpListTools(McpListTools),
    /// A call of a remote MCP tool.
    McpCall(McpCall),
    /// A call that waits for the client's consent.
    McpApprovalRequest(McpApprovalRequest),
    /// The client's answer to it.
    McpApprovalResponse(McpApprovalResponse),
    /// Sealed context.
    Compaction(Compaction),
    /// Input only: stands for a stored item.
    Reference(ItemReference),
    /// Anything else.
    Other(Object),
}

/// Who speaks in a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The end user.
    User,
    /// The model.
    Assistant,
    /// Instructions.
    System,
    /// Instructions, in the newer word.
    Developer,
}

/// How far an item is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemStatus {
    /// Begun.
    InProgress,
    /// A search runs.
    Searching,
    /// A remote call runs.
    Calling,
    /// An image is being made.
    Generating,
    /// Final.
    #[default]
    Completed,
    /// Cut off.
    Incomplete,
    /// The tool failed.
    Failed,
}

/// A message; `content` is always a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// `msg_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `message`.
    #[serde(rename = "type", default)]
    pub tag: MessageTag,
    /// How far it is.
    #[serde(default)]
    pub status: ItemStatus,
    /// Its parts.
    pub content: Vec<Content>,
    /// Who speaks.
    pub role: Role,
    /// Unknown fields, `phase` among them.
    #[serde(flatten)]
    pub rest: Object,
}

impl Message {
    /// A final message without an id.
    pub fn new(role: Role, content: Vec<Content>) -> Self {
        let (tag, status, rest) = (MessageTag, ItemStatus::Completed, Object::new());
        Self { id: String::new(), tag, status, content, role, rest }
    }
}

/// A call of a function that the client runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// `fc_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `function_call`.
    #[serde(rename = "type", default)]
    pub tag: FunctionCallTag,
    /// How far it is.
    #[serde(default)]
    pub status: ItemStatus,
    /// A JSON text, as the model wrote it.
    pub arguments: String,
    /// `call_…`; pairs the call with its output.
    pub call_id: String,
    /// The function.
    pub name: String,
    /// Where the function was declared, if in a namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// What the client says a call returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Output {
    /// Text.
    Text(String),
    /// `input_text`, `input_image` and `input_file` parts.
    Parts(Vec<Content>),
}

/// The client's answer to a function call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FunctionCallOutput {
    /// `fco_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `function_call_output`.
    #[serde(rename = "type", default)]
    pub tag: FunctionCallOutputTag,
    /// How far it is.
    #[serde(default)]
    pub status: ItemStatus,
    /// The call that it answers.
    pub call_id: String,
    /// What the call returned.
    pub output: Output,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// A call of a custom tool that the client runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CustomToolCall {
    /// `ctc_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `custom_tool_call`.
    #[serde(rename = "type", default)]
    pub tag: CustomToolCallTag,
    /// How far it is.
    #[serde(default)]
    pub status: ItemStatus,
    /// `call_…`.
    pub call_id: String,
    /// The tool.
    pub name: String,
    /// Free text.
    pub input: String,
    /// Where the tool was declared, if in a namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// The client's answer to a custom tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomToolCallOutput {
    /// `ctco_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `custom_tool_call_output`.
    #[serde(rename = "type", default)]
    pub tag: CustomToolCallOutputTag,
    /// How far it is.
    #[serde(default)]
    pub status: ItemStatus,
    /// The call that it answers.
    pub call_id: String,
    /// What the call returned.
    pub output: Output,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// What the model thought; it has no status on OpenAI's wire.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reasoning {
    /// `rs_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `reasoning`.
    #[serde(rename = "type", default)]
    pub tag: ReasoningTag,
    /// `summary_text` parts; may be empty.
    #[serde(default)]
    pub summary: Vec<Content>,
    /// `reasoning_text` parts; empty when hidden.
    #[serde(default, deserialize_with = "null_is_default")]
    pub content: Vec<Content>,
    /// Sealed reasoning; shown only when asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encrypted_content: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// A search in files.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileSearchCall {
    /// `fs_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `file_search_call`.
    #[serde(rename = "type", default)]
    pub tag: FileSearchCallTag,
    /// How far it is.
    #[serde(default)]
    pub status: ItemStatus,
    /// What was searched.
    #[serde(default)]
    pub queries: Vec<String>,
    /// What was found; null unless asked for.
    #[serde(default)]
    pub results: Option<Vec<Value>>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// A search in the web.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WebSearchCall {
    /// `ws_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `web_search_call`.
    #[serde(rename = "type", default)]
    pub tag: WebSearchCallTag,
    /// How far it is.
    #[serde(default)]
    pub status: ItemStatus,
    /// `search`, `open_page` or `find_in_page` with its fields.
    #[serde(default)]
    pub action: Object,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// Stands in the place of an image that the store keeps beside its item. It is no Base64, and a client that sends it names
/// the image that the tenant has under the item's id.
pub const KEPT_IMAGE: &str = "fairlead:kept";

/// An image made by the server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ImageGenerationCall {
    /// `ig_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `image_generation_call`.
    #[serde(rename = "type", default)]
    pub tag: ImageGenerationCallTag,
    /// How far it is.
    #[serde(default)]
    pub status: ItemStatus,
    /// Base64 of the image, or null.
    #[serde(default)]
    pub result: Option<String>,
    /// Unknown fields: size, quality, background, output_format.
    #[serde(flatten)]
    pub rest: Object,
}

/// The tools of a remote MCP server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct McpListTools {
    /// `mcpl_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `mcp_list_tools`.
    #[serde(rename = "type", default)]
    pub tag: McpListToolsTag,
    /// The server.
    pub server_label: String,
    /// `{name, input_schema, description, annotations}` each.
    #[serde(default)]
    pub tools: Vec<Value>,
    /// Why the list could not be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// A call of a remote MCP tool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct McpCall {
    /// `mcp_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `mcp_call`.
    #[serde(rename = "type", default)]
    pub tag: McpCallTag,
    /// How far it is.
    #[serde(default)]
    pub status: ItemStatus,
    /// The consent that allowed it.
    #[serde(default)]
    pub approval_request_id: Option<String>,
    /// A JSON text.
    pub arguments: String,
    /// What went wrong.
    #[serde(default)]
    pub error: Option<Value>,
    /// The tool.
    pub name: String,
    /// What it returned.
    #[serde(default)]
    pub output: Option<String>,
    /// The server.
    pub server_label: String,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// A call that waits for the client's consent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct McpApprovalRequest {
    /// `mcpr_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `mcp_approval_request`.
    #[serde(rename = "type", default)]
    pub tag: McpApprovalRequestTag,
    /// A JSON text.
    pub arguments: String,
    /// The tool.
    pub name: String,
    /// The server.
    pub server_label: String,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// The client's answer to an approval request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct McpApprovalResponse {
    /// `mcpr_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `mcp_approval_response`.
    #[serde(rename = "type", default)]
    pub tag: McpApprovalResponseTag,
    /// The request.
    pub approval_request_id: String,
    /// Yes or no.
    pub approve: bool,
    /// Why, in the words of whoever decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// Context that was folded and sealed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Compaction {
    /// `cmp_…`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// The constant `compaction`.
    #[serde(rename = "type", default)]
    pub tag: CompactionTag,
    /// The sealed context.
    pub encrypted_content: String,
    /// Unknown fields.
    #[serde(flatten)]
    pub rest: Object,
}

/// Stands for a stored item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ItemReference {
    /// The item's id.
    pub id: String,
    /// The constant `item_reference`.
    #[serde(rename = "type", default)]
    pub tag: ItemReferenceTag,
}

impl Item {
    /// The id; empty if none was minted yet.
    pub fn id(&self) -> &str {
        match self {
            Self::Message(item) => &item.id,
            Self::FunctionCall(item) => &item.id,
            Self::FunctionCallOutput(item) => &item.id,
            Self::CustomToolCall(item) => &item.id,
            Self::CustomToolCallOutput(item) => &item.id,
            Self::Reasoning(item) => &item.id,
            Self::FileSearchCall(item) => &item.id,
            Self::WebSearchCall(item) => &item.id,
            Self::ImageGenerationCall(item) => &item.id,
            Self::McpListTools(item) => &item.id,
            Self::McpCall(item) => &item.id,
            Self::McpApprovalRequest(item) => &item.id,
            Self::McpApprovalResponse(item) => &item.id,
            Self::Compaction(item) => &item.id,
            Self::Reference(item) => &item.id,
            Self::Other(item) => item.get("id").and_then(Value::as_str).unwrap_or_default(),
        }
    }

    /// The `type` on the wire.
    pub fn kind(&self) -> &str {
        match self {
            Self::Message(_) => MessageTag::TEXT,
            Self::FunctionCall(_) => FunctionCallTag::TEXT,
            Self::FunctionCallOutput(_) => FunctionCallOutputTag::TEXT,
            Self::CustomToolCall(_) => CustomToolCallTag::TEXT,
            Self::CustomToolCallOutput(_) => CustomToolCallOutputTag::TEXT,
            Self::Reasoning(_) => ReasoningTag::TEXT,
            Self::FileSearchCall(_) => FileSearchCallTag::TEXT,
            Self::WebSearchCall(_) => WebSearchCallTag::TEXT,
            Self::ImageGenerationCall(_) => ImageGenerationCallTag::TEXT,
            Self::McpListTools(_) => McpListToolsTag::TEXT,
            Self::McpCall(_) => McpCallTag::TEXT,
            Self::McpApprovalRequest(_) => McpApprovalRequestTag::TEXT,
            Self::McpApprovalResponse(_) => McpApprovalResponseTag::TEXT,
            Self::Compaction(_) => CompactionTag::TEXT,
            Self::Reference(_) => ItemReferenceTag::TEXT,
            Self::Other(item) => item.get("type").and_then(Value::as_str).unwrap_or_default(),
        }
    }
}

impl<'de> Deserialize<'de> for Item {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = Object::deserialize(deserializer)?;
        Self::try_from(map).map_err(serde::de::Error::custom)
    }
}

impl TryFrom<Object> for Item {
    type Error = serde_json::Error;

    fn try_from(map: Object) -> Result<Self, serde_json::Error> {
        let kind = map.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
        let value = Value::Object(map);
        Ok(match kind.as_str() {
            MessageTag::TEXT => Self::Message(serde_json::from_value(value)?),
            FunctionCallTag::TEXT => Self::FunctionCall(serde_json::from_value(value)?),
            FunctionCallOutputTag::TEXT => Self::FunctionCallOutput(serde_json::from_value(value)?),
            CustomToolCallTag::TEXT => Self::CustomToolCall(serde_json::from_value(value)?),
            CustomToolCallOutputTag::TEXT => Self::CustomToolCallOutput(serde_json::from_value(value)?),
            ReasoningTag::TEXT => Self::Reasoning(serde_json::from_value(value)?),
            FileSearchCallTag::TEXT => Self::FileSearchCall(serde_json::from_value(value)?),
            WebSearchCallTag::TEXT => Self::WebSearchCall(serde_json::from_value(value)?),
            ImageGenerationCallTag::TEXT => Self::ImageGenerationCall(serde_json::from_value(value)?),
            McpListToolsTag::TEXT => Self::McpListTools(serde_json::from_value(value)?),
            McpCallTag::TEXT => Self::McpCall(serde_json::from_value(value)?),
            McpApprovalRequestTag::TEXT => Self::McpApprovalRequest(serde_json::from_value(value)?),
            McpApprovalResponseTag::TEXT => Self::McpApprovalResponse(serde_json::from_value(value)?),
            CompactionTag::TEXT => Self::Compaction(serde_json::from_value(value)?),
            ItemReferenceTag::TEXT => Self::Reference(serde_json::from_value(value)?),
            _ => serde_json::from_value(value).map(Self::Other)?,
        })
    }
}

fn null_is_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(d: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(d)?.unwrap_or_default())
}
