//! Frames to bytes. One frame is `event: <type>\ndata: <json>\n\n`, LF only, never split over two writes.

use bytes::{BufMut, BytesMut};

use crate::responses::event::Event;

/// What ends a stream.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// What keeps a silent stream open; readers ignore it.
pub const KEEP_ALIVE: &[u8] = b": keep-alive\n\n";

/// Appends an event of the Responses API.
pub fn event(out: &mut BytesMut, event: &Event) {
    out.put_slice(b"event: ");
    out.put_slice(event.kind().as_bytes());
    out.put_slice(b"\n");
    data(out, event);
}

/// Appends a data-only frame, as Chat Completions wants it.
pub fn data(out: &mut BytesMut, value: &impl serde::Serialize) {
    out.put_slice(b"data: ");
    let start = out.len();
    if serde_json::to_writer(out.writer(), value).is_err() {
        out.truncate(start);
        out.put_slice(b"null");
    }
    out.put_slice(b"\n\n");
}
