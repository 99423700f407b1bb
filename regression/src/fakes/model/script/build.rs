//! Scripts as values: short forms for tests.

use serde_json::Value;

use super::{Call, Cut, Ending, Part, Piece, Raw, Reply, Say, Script, Usage};

impl Script {
    /// A script for the next request of any path.
    pub fn new(reply: Reply) -> Self {
        Self { path: None, contains: None, times: 1, delay_ms: 0, reply }
    }

    /// The model says `text` in one chunk.
    pub fn text(text: &str) -> Self {
        Say::text(&[text]).into()
    }

    /// The answer is an error of the API.
    pub fn error(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let pieces = vec![Piece::Text(body.to_string())];
        Self::new(Reply::Raw(Raw { status, headers, pieces, pace_ms: 0, ending: Ending::Clean }))
    }

    /// A status 200 stream of these bytes.
    pub fn stream(pieces: &[&str], ending: Ending) -> Self {
        let headers = vec![("content-type".to_owned(), "text/event-stream".to_owned())];
        let pieces = pieces.iter().map(|piece| Piece::Text((*piece).to_owned())).collect();
        Self::new(Reply::Raw(Raw { status: 200, headers, pieces, pace_ms: 0, ending }))
    }

    /// Serves all requests that come.
    #[must_use]
    pub fn forever(self) -> Self {
        Self { times: 0, ..self }
    }

    /// Serves so many requests.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Only for requests whose path ends so.
    #[must_use]
    pub fn on(self, path: &str) -> Self {
        Self { path: Some(path.to_owned()), ..self }
    }

    /// Only for requests whose body has this text.
    #[must_use]
    pub fn containing(self, text: &str) -> Self {
        Self { contains: Some(text.to_owned()), ..self }
    }

    /// Waits before the head of the answer.
    #[must_use]
    pub fn delayed(self, delay_ms: u64) -> Self {
        Self { delay_ms, ..self }
    }

    /// Adds a header to a raw answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Reply::Raw(raw) = &mut self.reply {
            raw.headers.retain(|(known, _)| known != name);
            raw.headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}

impl From<Say> for Script {
    fn from(say: Say) -> Self {
        Self::new(Reply::Say(say))
    }
}

impl Say {
    /// Text in these chunks.
    pub fn text(chunks: &[&str]) -> Self {
        Self::default().then(Part::Text(owned(chunks)))
    }

    /// A call of a function with the arguments in one chunk.
    pub fn call(id: &str, name: &str, arguments: &Value) -> Self {
        Self::default().and_call(id, name, arguments)
    }

    /// Adds a call.
    #[must_use]
    pub fn and_call(self, id: &str, name: &str, arguments: &Value) -> Self {
        let arguments = vec![arguments.to_string()];
        self.then(Part::Call(Call { id: id.to_owned(), name: name.to_owned(), arguments }))
    }

    /// Adds visible thinking.
    #[must_use]
    pub fn and_reasoning(self, chunks: &[&str]) -> Self {
        self.then(Part::Reasoning(owned(chunks)))
    }

    /// Adds text.
    #[must_use]
    pub fn and_text(self, chunks: &[&str]) -> Self {
        self.then(Part::Text(owned(chunks)))
    }

    /// Adds a part.
    #[must_use]
    pub fn then(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    #[must_use]
    pub fn usage(self, usage: Usage) -> Self {
        Self { usage, ..self }
    }

    #[must_use]
    pub fn finish(self, reason: &str) -> Self {
        Self { finish: Some(reason.to_owned()), ..self }
    }

    #[must_use]
    pub fn paced(self, pace_ms: u64) -> Self {
        Self { pace_ms, ..self }
    }

    #[must_use]
    pub fn without_done(self) -> Self {
        Self { without_done: true, ..self }
    }

    /// Ends after so many chunks of content.
    #[must_use]
    pub fn cut(self, after: usize, ending: Ending) -> Self {
        self.interrupted(after, &[], ending)
    }

    /// Sends these pieces after so many chunks of content, and ends.
    #[must_use]
    pub fn interrupted(self, after: usize, pieces: &[&str], ending: Ending) -> Self {
        let pieces = pieces.iter().map(|piece| Piece::Text((*piece).to_owned())).collect();
        Self { cut: Some(Cut { after, pieces, ending }), ..self }
    }
}

fn owned(chunks: &[&str]) -> Vec<String> {
    chunks.iter().map(|chunk| (*chunk).to_owned()).collect()
}
