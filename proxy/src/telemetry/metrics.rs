//! One instrument set, read as Prometheus text on the admin port.

use std::time::Duration;

use opentelemetry::metrics::{Counter, Histogram, MeterProvider, UpDownCounter};
use opentelemetry::{KeyValue, metrics::Meter};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use prometheus::{Encoder, Registry, TextEncoder};
use protocol::responses::usage::Usage;

/// The instruments. Labels come from closed sets or from the configuration.
pub struct Metrics {
    registry: Registry,
    requests: Histogram<f64>,
    inference: Histogram<f64>,
    first_chunk: Histogram<f64>,
    input_tokens: Counter<u64>,
    output_tokens: Counter<u64>,
    tools: Histogram<f64>,
    estimated: Counter<u64>,
    egress_denied: Counter<u64>,
    streams: UpDownCounter<i64>,
    _provider: SdkMeterProvider,
}

const SECONDS: [f64; 14] =
    [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];

impl Metrics {
    /// Makes the instruments.
    ///
    /// Errors: the exporter cannot be registered.
    pub fn new() -> anyhow::Result<Self> {
        let registry = Registry::new();
        let exporter = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()?;
        let provider = SdkMeterProvider::builder().with_reader(exporter).build();
        let meter = provider.meter("fairlead");
        build_info(&meter);
        let seconds = |name: &'static str, about: &'static str| {
            let histogram = meter.f64_histogram(name).with_unit("s").with_description(about);
            histogram.with_boundaries(SECONDS.to_vec()).build()
        };
        let count =
            |name: &'static str, about: &'static str| meter.u64_counter(name).with_description(about).build();
        let metrics = Self {
            requests: seconds("http.server.request.duration", "Requests, by route and status"),
            inference: seconds("gen_ai.client.inference.duration", "Calls of models, retries included"),
            first_chunk: seconds(
                "gen_ai.client.inference.time_to_first_chunk",
                "Until the first event of a stream",
            ),
            input_tokens: count("gen_ai.client.inference.usage.input_tokens", "Tokens that models read"),
            output_tokens: count("gen_ai.client.inference.usage.output_tokens", "Tokens that models wrote"),
            tools: seconds("gen_ai.execute_tool.duration", "Calls of server tools"),
            estimated: count("fairlead.usage.estimated", "Answers whose token counts were estimated"),
            egress_denied: count("fairlead.egress.denied", "Destinations that were refused"),
            streams: meter
                .i64_up_down_counter("fairlead.streams")
                .with_description("Open event streams")
                .build(),
            registry,
            _provider: provider,
        };
        Ok(metrics)
    }

    /// A request has been answered.
    pub fn request(&self, route: &'static str, status: u16, elapsed: Duration) {
        let labels = [
            KeyValue::new("http.route", route),
            KeyValue::new("http.response.status_code", i64::from(status)),
        ];
        self.requests.record(elapsed.as_secs_f64(), &labels);
    }

    /// A model has answered. `error` is a word of a closed set, empty for success.
    pub fn inference(&self, model: &str, elapsed: Duration, error: &'static str) {
        let labels =
            [KeyValue::new("gen_ai.request.model", model.to_owned()), KeyValue::new("error.type", error)];
        self.inference.record(elapsed.as_secs_f64(), &labels);
    }

    /// The first event of a stream has come.
    pub fn first_chunk(&self, model: &str, elapsed: Duration) {
        self.first_chunk
            .record(elapsed.as_secs_f64(), &[KeyValue::new("gen_ai.request.model", model.to_owned())]);
    }

    /// Tokens have been spent.
    pub fn usage(&self, model: &str, usage: &Usage) {
        let labels = [KeyValue::new("gen_ai.request.model", model.to_owned())];
        self.input_tokens.add(usage.input_tokens, &labels);
        self.output_tokens.add(usage.output_tokens, &labels);
    }

    /// A server tool has run.
    pub fn tool(&self, tool: &'static str, elapsed: Duration, failed: bool) {
        let error = if failed { "tool_error" } else { "" };
        let labels = [KeyValue::new("gen_ai.tool.name", tool), KeyValue::new("error.type", error)];
        self.tools.record(elapsed.as_secs_f64(), &labels);
    }

    /// Token counts were estimated because the upstream sent none.
    pub fn estimated(&self, model: &str) {
        self.estimated.add(1, &[KeyValue::new("gen_ai.request.model", model.to_owned())]);
    }

    /// A destination was refused.
    pub fn egress_denied(&self, reason: &'static str) {
        self.egress_denied.add(1, &[KeyValue::new("reason", reason)]);
    }

    /// A stream begins; it ends when the guard is dropped.
    pub fn open_stream(&self) -> OpenStream {
        self.streams.add(1, &[]);
        OpenStream(self.streams.clone())
    }

    /// All of it as Prometheus text.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            tracing::error!(%error, "Cannot write the metrics");
        }
        text
    }
}

/// Counts one open stream.
pub struct OpenStream(UpDownCounter<i64>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.add(-1, &[]);
    }
}

fn build_info(meter: &Meter) {
    let labels = [KeyValue::new("version", env!("CARGO_PKG_VERSION"))];
    meter.u64_gauge("fairlead.build_info").build().record(1, &labels);
}
