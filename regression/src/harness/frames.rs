//! The frames of an event stream, read strictly: LF only, `event` and `data` only.

use anyhow::{Context, bail};
use serde_json::Value;

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub event: Option<String>,
    pub data: String,
}

/// Parses a body; comments are left out.
///
/// Errors: a line that is neither `event`, `data` nor a comment, two `data` lines in a frame, or an unfinished frame.
pub fn parse(body: &str) -> anyhow::Result<Vec<Frame>> {
    let whole = body.is_empty() || body.ends_with("\n\n");
    if !whole {
        bail!("the stream ends in mid-frame: {body}");
    }
    let blocks = body.split("\n\n").filter(|block| !block.is_empty() && !block.starts_with(':'));
    blocks.map(frame).collect()
}

/// The JSON of each frame, except `[DONE]`.
///
/// Errors: data that is no JSON.
pub fn events(frames: &[Frame]) -> anyhow::Result<Vec<Value>> {
    let told = frames.iter().filter(|frame| frame.data != "[DONE]");
    told.map(|frame| serde_json::from_str(&frame.data).with_context(|| frame.data.clone())).collect()
}

fn frame(block: &str) -> anyhow::Result<Frame> {
    let mut frame = Frame { event: None, data: String::new() };
    for line in block.lines() {
        match line.split_once(": ") {
            Some(("event", name)) => frame.event = Some(name.to_owned()),
            Some(("data", data)) if frame.data.is_empty() => data.clone_into(&mut frame.data),
            _ => bail!("not a line of our streams: {line:?}"),
        }
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_comments_are_told_apart() {
        let frames = parse("event: a\ndata: {}\n\n: keep-alive\n\ndata: [DONE]\n\n").unwrap();
        assert_eq!(frames.len(), 2);
        assert_eq!(events(&frames).unwrap().len(), 1);
    }

    #[test]
    fn a_carriage_return_or_an_unfinished_frame_is_refused() {
        assert!(parse("data: {}\r\n\r\n").is_err());
        assert!(parse("data: {}\n").is_err());
    }
}
