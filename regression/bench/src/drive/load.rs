//! What the load client is asked to do.

use std::path::PathBuf;
use std::process::Command;

use crate::drive::bodies;

/// One kind of load. Starts from chat requests on 16 connections.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) path: &'static str,
    pub(crate) body: Option<String>,
    pub(crate) expect: &'static str,
    pub(crate) connections: u64,
    pub(crate) is_stream: bool,
    pub(crate) ramp_ms: u64,
    pub(crate) chain: u64,
    pub(crate) ids: Option<PathBuf>,
    pub(crate) requests: Option<u64>,
    /// Requests that reach the model server, and the MCP server beside it, for each answer.
    pub(crate) calls: u64,
}

impl Load {
    pub(crate) fn chat() -> Self {
        Self {
            path: "/v1/chat/completions",
            body: Some(bodies::CHAT.to_owned()),
            expect: r#""finish_reason":"stop""#,
            connections: 16,
            is_stream: false,
            ramp_ms: 0,
            chain: 0,
            ids: None,
            requests: None,
            calls: 1,
        }
    }

    pub(crate) fn chat_stream() -> Self {
        let body = Some(bodies::CHAT_STREAM.to_owned());
        Self { body, expect: "[DONE]", is_stream: true, ..Self::chat() }
    }

    pub(crate) fn responses(body: &str) -> Self {
        let expect = r#""status":"completed""#;
        Self { path: "/v1/responses", body: Some(body.to_owned()), expect, ..Self::chat() }
    }

    pub(crate) fn responses_stream() -> Self {
        let expect = r#""type":"response.completed""#;
        Self { expect, is_stream: true, ..Self::responses(bodies::UNSTORED_STREAM) }
    }

    /// The agent loop with one call of an MCP tool.
    pub(crate) fn agent_loop() -> Self {
        Self { expect: r#""output":"The sum is 5.""#, calls: 3, ..Self::responses(bodies::LOOP) }
    }

    /// Reads stored responses by id.
    pub(crate) fn get(ids: PathBuf) -> Self {
        let expect = r#""status":"completed""#;
        Self { path: "/v1/responses/{id}", body: None, expect, ids: Some(ids), calls: 0, ..Self::chat() }
    }

    pub(crate) fn connections(self, connections: u64) -> Self {
        Self { connections, ..self }
    }

    pub(crate) fn chain(self, chain: u64) -> Self {
        Self { chain, ..self }
    }

    pub(crate) fn ramp_ms(self, ramp_ms: u64) -> Self {
        Self { ramp_ms, ..self }
    }

    pub(crate) fn requests(self, requests: u64) -> Self {
        Self { requests: Some(requests), ..self }
    }

    /// Completes the command of the client.
    pub(crate) fn arguments(&self, command: &mut Command, address: &str, seconds: f64) {
        command.args(["--address", address, "--path", self.path, "--expect", self.expect]);
        command.args(["--connections", &self.connections.to_string(), "--seconds", &seconds.to_string()]);
        command.args(["--ramp-ms", &self.ramp_ms.to_string(), "--chain", &self.chain.to_string()]);
        if let Some(body) = &self.body {
            command.args(["--body", body]);
        }
        if let Some(ids) = &self.ids {
            command.arg("--ids").arg(ids);
        }
        if let Some(requests) = self.requests {
            command.args(["--requests", &requests.to_string()]);
        }
        if self.is_stream {
            command.arg("--stream");
        }
    }
}
