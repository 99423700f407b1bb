//! The MCP servers of a request: offered ones by their labels, and the caller's own where that is allowed.

use std::sync::Arc;

use config::spec::CallerCredentials;
use crds::model_provider::Consent;
use parking_lot::Mutex;
use protocol::destination::{Destination, Reach};
use protocol::error::ApiError;
use protocol::responses::tool::{McpTool, Tool};
use secrecy::SecretString;
use tools::connected::Connected;
use tools::governed::Context;
use tools::mcp::{self, Headers};
use tools::policy::{Floor, Server as Terms};
use tools::remote::Remote;
use tools::toolbox::Remotes;

use crate::app::{App, Request};
use crate::egress;
use crate::live::servers::Offered;

/// Finds the servers of a request.
///
/// Errors: 400 for a label that is unknown or not granted, which are told alike; for a URL where none is allowed, or one that
/// may not be dialled; for credentials that the server does not take, or that are missing.
pub fn of(
    app: &App,
    request: &Request,
    tools: &[Tool],
    context: &mut impl FnMut() -> Context,
) -> Result<Remotes, ApiError> {
    let mut remotes = Remotes::new();
    for (index, tool) in tools.iter().enumerate() {
        let Tool::Mcp(tool) = tool else { continue };
        let connected =
            Connecting { pool: app.live.servers(), request, context: context() }.to(index, tool)?;
        let remote: Arc<dyn Remote> = Arc::new(connected);
        remotes.insert(tool.server_label.clone(), remote);
    }
    Ok(remotes)
}

/// What a connection is made with.
struct Connecting<'a> {
    pool: &'a mcp::Pool,
    request: &'a Request,
    context: Context,
}

impl Connecting<'_> {
    fn to(self, index: usize, tool: &McpTool) -> Result<Connected, ApiError> {
        let (runtime, view) = (&self.request.runtime, self.request.caller.view.as_ref());
        match (&tool.server_url, runtime.server(&tool.server_label, view)) {
            (Some(_), Some(_)) => Err(reserved(index, &tool.server_label)),
            (Some(url), None) => self.own((index, tool), url.expose()),
            (None, Some(offered)) => self.ours(offered, (index, tool)),
            (None, None) => Err(not_found(index, &tool.server_label)),
        }
    }

    /// A server of the configuration.
    fn ours(self, offered: &Offered, (index, tool): (usize, &McpTool)) -> Result<Connected, ApiError> {
        let brought = tool.authorization.is_some() || !tool.headers.is_empty();
        let param = format!("tools[{index}]");
        match offered.spec.caller_credentials {
            CallerCredentials::Deny if brought => {
                let message = format!(
                    "The MCP server '{}' takes no headers or authorization of the request.",
                    tool.server_label
                );
                return Err(ApiError::bad_request("mcp_credentials_not_allowed", &param, message));
            }
            CallerCredentials::Require if !brought => {
                let message =
                    format!("The MCP server '{}' needs 'authorization' or 'headers'.", tool.server_label);
                return Err(ApiError::bad_request("mcp_credentials_required", &param, message));
            }
            CallerCredentials::Deny | CallerCredentials::Allow | CallerCredentials::Require => {}
        }
        let server = match &offered.server {
            Some(server) if brought && offered.guards_credentials(server) => {
                let headers = beside(index, tool, &server.headers)?;
                // The credential of the configuration wins, also one that is still to be got.
                let is_own = server.oauth.is_some() && !server.headers.has_authorization();
                let headers = if is_own { headers.without_authorization() } else { headers };
                let mut server = server.with_headers(headers);
                server.witness = Some(offered.witness_of_callers());
                Some(Arc::new(server))
            }
            known => known.as_ref().filter(|_| !brought).cloned(),
        };
        let description = tool.server_description.clone().or_else(|| offered.spec.description.clone());
        Ok(Connected { server, description, ..plain(offered, (self.pool, self.context)) })
    }

    /// A server that the request brings.
    fn own(self, (index, tool): (usize, &McpTool), url: &str) -> Result<Connected, ApiError> {
        let request = self.request;
        let (param, urls) = (format!("tools[{index}].server_url"), &request.caller.view.caller_urls);
        if urls.mcp_servers != Some(Consent::Allow) {
            let message = "Requests cannot bring MCP servers of their own here. Name an offered server by its 'server_label'.";
            return Err(ApiError::unsupported_value(&param, message.to_owned()));
        }
        let loopback = request.runtime.opens_loopback();
        let checked =
            egress::caller_url(url, loopback).ok().filter(|checked| is_listed(checked, urls.hosts.as_ref()));
        let Some(checked) = checked else {
            return Err(ApiError::invalid_value(&param, "this URL cannot be used as an MCP server."));
        };
        let reach = Reach { http: loopback, private: false, loopback };
        let client = request.runtime.caller_client(reach)?;
        let mut server = mcp::Server::new(client, checked, reach);
        server.headers = beside(index, tool, &Headers::default())?;
        let result_bytes = server.limits.output_bytes;
        server.limits.output_bytes = server.limits.message_bytes; // cut after what nobody is to see is replaced
        let terms = Terms {
            id: None,
            label: tool.server_label.clone(),
            trusted: false,
            allow: None,
            deny: Default::default(),
            approval: Floor::Never,
        };
        Ok(Connected {
            context: self.context,
            pool: self.pool.clone(),
            server: Some(Arc::new(server)),
            terms: Arc::new(terms),
            pace: None,
            presentation: Arc::default(),
            is_required: true,
            description: tool.server_description.clone(),
            result_bytes,
            hints: Mutex::default(),
        })
    }
}

/// A server of the configuration that serves a built-in tool. What wants credentials of the caller cannot be called.
pub fn mapped(app: &App, offered: &Offered, context: Context) -> Connected {
    let wants_credentials = offered.spec.caller_credentials == CallerCredentials::Require;
    let server = offered.server.clone().filter(|_| !wants_credentials);
    Connected { server, ..plain(offered, (app.live.servers(), context)) }
}

/// A server of the configuration, with its own credentials.
fn plain(offered: &Offered, (pool, context): (&mcp::Pool, Context)) -> Connected {
    Connected {
        context,
        pool: pool.clone(),
        server: offered.server.clone(),
        terms: Arc::clone(&offered.terms),
        pace: Some(Arc::clone(&offered.pace)),
        presentation: Arc::clone(&offered.presentation),
        is_required: offered.is_required(),
        description: None,
        result_bytes: offered.result_bytes(),
        hints: Mutex::default(),
    }
}

fn is_listed(url: &Destination, hosts: Option<&std::collections::BTreeSet<String>>) -> bool {
    let host = url.url().host_str().unwrap_or_default();
    hosts.is_none_or(|hosts| rules::glob::any_fits(hosts, host))
}

/// The caller's headers, and those of the configuration, which win.
fn beside(index: usize, tool: &McpTool, own: &Headers) -> Result<Headers, ApiError> {
    let secret = |text: &str| SecretString::from(text.to_owned());
    let refused = |error: mcp::BadHeader| {
        ApiError::invalid_value(&format!("tools[{index}].headers"), &format!("{error}."))
    };
    let mut headers = Headers::default();
    for (name, value) in &tool.headers {
        headers = headers.with(name, &secret(value.expose())).map_err(refused)?;
    }
    if let Some(token) = &tool.authorization {
        headers = headers.with_bearer(&secret(token.expose())).map_err(refused)?;
    }
    Ok(headers.overlaid(own))
}

fn reserved(index: usize, label: &str) -> ApiError {
    let message =
        format!("'{label}' is the label of an offered MCP server; use another one for a server of your own.");
    ApiError::bad_request("mcp_server_label_reserved", &format!("tools[{index}].server_label"), message)
}

fn not_found(index: usize, label: &str) -> ApiError {
    let message = format!(
        "There is no MCP server with the label '{label}'. Give a 'server_url', or the label of an offered server."
    );
    ApiError::bad_request("mcp_server_not_found", &format!("tools[{index}].server_label"), message)
}
