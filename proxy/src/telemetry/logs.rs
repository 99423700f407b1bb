//! Where log lines go: one buffered writer, flushed at once for warnings and every tenth of a second otherwise.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::time::Duration;

use clap::ValueEnum;
use parking_lot::Mutex;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// One JSON object a line.
    #[default]
    Json,
    /// For people.
    Text,
}

const FLUSH_EVERY: Duration = Duration::from_millis(100);
const BUFFER_BYTES: usize = 64 << 10;

static FORMAT: OnceLock<Format> = OnceLock::new();
static BUFFER: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Starts logging; `directives` as `tracing` knows them. To be called once, before anything logs.
pub fn start(format: Format, directives: &str) {
    if FORMAT.set(format).is_err() {
        return;
    }
    let filter = EnvFilter::try_new(directives).unwrap_or_else(|_| EnvFilter::new("info"));
    let quiet = filter
        .add_directive(directive("pingora=warn"))
        .add_directive(directive("pingora_core=warn"))
        .add_directive(directive("pingora_proxy=off"))
        // It logs session ids and what MCP servers say.
        .add_directive(directive("rmcp=off"));
    let lines = tracing_subscriber::fmt::layer().with_writer(Lines).with_ansi(io::stdout().is_terminal());
    let registry = tracing_subscriber::registry().with(quiet);
    match format {
        Format::Json => registry.with(lines.json().flatten_event(true)).init(),
        Format::Text => registry.with(lines.with_target(false)).init(),
    }
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(FLUSH_EVERY);
            flush();
        }
    });
}

/// The format that was chosen.
pub fn format() -> Format {
    FORMAT.get().copied().unwrap_or_default()
}

/// Appends one line without flushing it.
pub fn line(bytes: &[u8]) {
    let mut buffer = BUFFER.lock();
    buffer.extend_from_slice(bytes);
    if buffer.len() >= BUFFER_BYTES {
        emit(&mut buffer);
    }
}

/// Writes what is buffered.
pub fn flush() {
    emit(&mut BUFFER.lock());
}

/// A standard output that cannot be written to has nobody who could be told.
fn emit(buffer: &mut Vec<u8>) {
    if !buffer.is_empty() {
        let _ = io::stdout().lock().write_all(buffer).and_then(|()| io::stdout().flush());
        buffer.clear();
    }
}

fn directive(text: &str) -> tracing_subscriber::filter::Directive {
    text.parse().unwrap_or_default()
}

struct Lines;

struct Writer {
    urgent: bool,
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Writer;

    fn make_writer(&'a self) -> Writer {
        Writer { urgent: true }
    }

    fn make_writer_for(&'a self, meta: &tracing::Metadata<'_>) -> Writer {
        Writer { urgent: *meta.level() <= tracing::Level::INFO }
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        line(bytes);
        if self.urgent {
            flush();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        flush();
        Ok(())
    }
}
