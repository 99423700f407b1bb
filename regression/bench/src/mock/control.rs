//! Settings that change at run time, and counters that prove what a peer asked for.

use std::cell::Cell;
use std::time::Duration;

use memchr::memmem;

/// Settings and counters of the one thread.
#[derive(Debug)]
pub(crate) struct Control {
    chunks: Cell<u64>,
    pace_us: Cell<u64>,
    calls: Cell<u64>,
    messages: Cell<usize>,
}

impl Default for Control {
    fn default() -> Self {
        Self { chunks: Cell::new(64), pace_us: Cell::new(0), calls: Cell::new(0), messages: Cell::new(0) }
    }
}

impl Control {
    /// Content frames of a stream.
    pub(crate) fn chunks(&self) -> u64 {
        self.chunks.get()
    }

    /// Time between two content frames.
    pub(crate) fn pace(&self) -> Duration {
        Duration::from_micros(self.pace_us.get())
    }

    /// Counts a chat request and its messages. Returns its number.
    pub(crate) fn count(&self, request: &[u8]) -> u64 {
        self.messages.set(memmem::find_iter(request, br#""role":"#).count());
        self.count_call();
        self.calls.get()
    }

    /// Counts any other request.
    pub(crate) fn count_call(&self) {
        self.calls.set(self.calls.get() + 1);
    }

    /// Takes `chunks=N&pace_us=N` and answers with the counters as JSON: `calls`, and `messages` of the last request.
    pub(crate) fn change(&self, query: &str) -> String {
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let Ok(value) = value.parse() else { continue };
            match name {
                "chunks" => self.chunks.set(value),
                "pace_us" => self.pace_us.set(value),
                _ => {}
            }
        }
        format!(r#"{{"calls":{},"messages":{}}}"#, self.calls.get(), self.messages.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_change_and_counters_answer() {
        let control = Control::default();
        control.count(br#"{"messages":[{"role":"user"},{"role":"assistant"}]}"#);
        assert_eq!(control.change("chunks=3&pace_us=2000&other=1"), r#"{"calls":1,"messages":2}"#);
        assert_eq!((control.chunks(), control.pace()), (3, Duration::from_millis(2)));
    }
}
