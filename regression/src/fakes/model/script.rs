//! What a test tells the model server to do; the same as JSON for suites in other languages.

use serde::Deserialize;
use serde_json::Value;

mod build;

/// How some requests are answered. The first script that matches a request is used.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Script {
    /// Only requests whose path ends so, such as `/embeddings`.
    #[serde(default)]
    pub path: Option<String>,
    /// Only requests whose body has this text.
    #[serde(default)]
    pub contains: Option<String>,
    /// For how many requests; 0 is for all that come.
    #[serde(default = "once")]
    pub times: u32,
    /// From the request to the head of the answer.
    #[serde(default)]
    pub delay_ms: u64,
    pub reply: Reply,
}

/// The answer itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// What the model says, in the wire format that the request asks for.
    Say(Say),
    /// Bytes as they are.
    Raw(Raw),
    /// No answer, and the connection stays open.
    Silence,
    /// The connection is closed (or reset) before any byte of an answer.
    Hang(Ending),
}

/// What the model says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Say {
    pub parts: Vec<Part>,
    /// The finish reason of Chat Completions; `stop` or `tool_calls` unless given, none where empty.
    pub finish: Option<String>,
    pub usage: Usage,
    /// Between two frames of a stream.
    pub pace_ms: u64,
    /// Leaves out `data: [DONE]`.
    pub without_done: bool,
    /// Ends the stream early.
    pub cut: Option<Cut>,
}

/// A part of what the model says; its strings are the chunks of a stream.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Text(Vec<String>),
    /// Visible thinking: `reasoning_content` in Chat Completions.
    Reasoning(Vec<String>),
    Refusal(Vec<String>),
    Call(Call),
}

/// A call of a function.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    pub id: String,
    pub name: String,
    /// The JSON text of the arguments, in chunks.
    pub arguments: Vec<String>,
}

/// The token counts of an answer.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Usage {
    /// Words are counted.
    #[default]
    Counted,
    /// Left out.
    Absent,
    Exact {
        input: u64,
        output: u64,
    },
}

/// An end before the end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// How many chunks of content are sent first.
    pub after: usize,
    /// What is sent then.
    #[serde(default)]
    pub pieces: Vec<Piece>,
    pub ending: Ending,
}

/// An answer as bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raw {
    pub status: u16,
    #[serde(default)]
    pub headers: Vec<(String, String)>,
    pub pieces: Vec<Piece>,
    #[serde(default)]
    pub pace_ms: u64,
    #[serde(default)]
    pub ending: Ending,
}

/// Bytes that are written at once; as JSON a string or a list of numbers.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Piece {
    Text(String),
    Bytes(Vec<u8>),
}

/// How an answer ends.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// As HTTP wants it.
    #[default]
    Clean,
    /// The connection is closed in mid-body.
    Fin,
    /// The connection is reset.
    Reset,
    /// Nothing more comes, and the connection stays open.
    Stall,
}

fn once() -> u32 {
    1
}

impl Script {
    /// Whether it is meant for this request.
    pub(super) fn matches(&self, path: &str, body: &str) -> bool {
        let path_fits = self.path.as_ref().is_none_or(|end| path.ends_with(end.as_str()));
        path_fits && self.contains.as_ref().is_none_or(|text| body.contains(text.as_str()))
    }

    /// Reads one script or a list of them.
    ///
    /// Errors: the JSON does not say a script.
    pub(super) fn read(body: &[u8]) -> serde_json::Result<Vec<Self>> {
        let value: Value = serde_json::from_slice(body)?;
        if value.is_array() {
            return serde_json::from_value(value);
        }
        Ok(vec![serde_json::from_value(value)?])
    }
}

impl Piece {
    pub(super) fn into_bytes(self) -> bytes::Bytes {
        match self {
            Self::Text(text) => text.into(),
            Self::Bytes(bytes) => bytes.into(),
        }
    }
}
