//! Translation to and from one wire format: pure, without I/O, clock or randomness.

use std::fmt::Debug;

use agent::model::{ModelError, ModelEvent, ModelRequest};
use bytes::Bytes;
use protocol::error::ApiError;
use protocol::sse::decode::Frame;

/// One wire format.
pub trait Dialect: Send + Sync + Debug {
    /// Where requests go, below the base URL; begins with a slash.
    fn path(&self) -> &'static str;

    /// The JSON body of a request.
    ///
    /// Errors: 400 `unsupported_value` with the path of what this format cannot express. Of what the caller sent, only
    /// sampling parameters that the upstream would refuse are left out.
    fn encode(&self, request: &ModelRequest) -> Result<Bytes, ApiError>;

    /// Reads one answer to `request`.
    fn decoder(&self, request: &ModelRequest) -> Box<dyn Decoder>;
}

/// Reads one answer. Events go to the end of `out`, those before an error too.
///
/// Laws: `ToolStart` before its `ToolArguments` before its `ToolEnd`; exactly one `Stop` or error, last; the arguments of
/// an ended function call are a JSON object.
pub trait Decoder: Send {
    /// Reads a frame of a stream. Frames after the end of the answer are ignored.
    ///
    /// Errors: the frame is an error or cannot be understood.
    fn feed(&mut self, frame: Frame<'_>, out: &mut Vec<ModelEvent>) -> Result<(), ModelError>;

    /// Reads an answer that is one JSON text.
    ///
    /// Errors: it is an error or cannot be understood.
    fn whole(&mut self, body: &[u8], out: &mut Vec<ModelEvent>) -> Result<(), ModelError>;

    /// The stream is over.
    ///
    /// Errors: it ended before the answer did.
    fn end(&mut self, out: &mut Vec<ModelEvent>) -> Result<(), ModelError>;

    /// True once the answer said why it ended: [`Decoder::end`] will not fail for an early end, and little can follow.
    fn is_finished(&self) -> bool;

    /// True once `Stop` was produced: whatever follows is of no interest.
    fn is_done(&self) -> bool;
}
