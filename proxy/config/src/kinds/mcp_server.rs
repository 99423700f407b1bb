//! Compiles MCPServers.

mod credential;

use crds::McpServer;
use crds::mcp_server::{self as resource, ApprovalDefault, Scheme, ServiceRef};
use crds::reference::ObjectRef;

use super::{Claim, Resource, count, millis, set, tls};
use crate::compile::{Scope, View};
use crate::diagnostics::Reason;
use crate::id::ObjectId;
use crate::spec::{Filter, McpApproval, McpLimits, McpServerSpec, McpTimeouts, McpTools, Spec};

impl Resource for McpServer {
    fn gateway_refs(&self) -> Option<&[ObjectRef]> {
        self.gateway_refs.as_deref()
    }

    fn claims(&self, id: &ObjectId, _: &View<'_>) -> Vec<Claim> {
        vec![Claim::Name(label(self, id))]
    }

    fn secrets(&self, id: &ObjectId) -> Vec<ObjectId> {
        credential::secrets(self, id)
    }

    fn config_maps(&self, id: &ObjectId) -> Vec<ObjectId> {
        tls::config_maps(self.tls.as_ref(), id)
    }

    fn compile(&self, id: &ObjectId, scope: &mut Scope<'_>) -> Option<Spec> {
        let url = url(self, id, scope);
        Some(Spec::McpServer(Box::new(McpServerSpec {
            namespace: id.namespace.clone(),
            name: id.name.clone(),
            label: label(self, id),
            description: self.description.clone(),
            credential: credential::credential((self, url.as_deref().unwrap_or_default()), id, scope),
            url,
            protocol: self.protocol,
            caller_credentials: self.caller_credentials,
            allow_plaintext_credentials: self.allow_plaintext_credentials,
            allow_private_endpoint: self.allow_private_endpoint || self.endpoint.service_ref.is_some(),
            tls: tls::tls(self.tls.as_ref(), id, scope),
            tools: tools(&self.tools.clone().unwrap_or_default()),
            approval: approval(&self.approval.clone().unwrap_or_default()),
            failure_mode: self.failure_mode,
            catalog_ttl_ms: millis(&self.catalog_ttl),
            timeouts: timeouts(&self.timeouts.clone().unwrap_or_default()),
            limits: limits(&self.limits.clone().unwrap_or_default()),
        })))
    }
}

fn label(server: &McpServer, id: &ObjectId) -> String {
    server.server_label.clone().unwrap_or_else(|| id.name.clone())
}

/// Finds the URL of the endpoint. A Service of another namespace needs a ReferenceGrant there at all times.
fn url(server: &McpServer, id: &ObjectId, scope: &mut Scope<'_>) -> Option<String> {
    let Some(service) = &server.endpoint.service_ref else { return server.endpoint.url.clone() };
    let namespace = service.namespace.as_ref().unwrap_or(&id.namespace);
    let target = ObjectId::new("Service", namespace, &service.name);
    if *namespace != id.namespace && !scope.is_granted(&target, id) {
        let message = format!("{target} is missing, or no ReferenceGrant there permits it");
        scope.unresolved(Reason::RefNotPermitted, "spec.endpoint.serviceRef", message);
        return None;
    }
    Some(address(service, namespace))
}

fn address(service: &ServiceRef, namespace: &str) -> String {
    let scheme = match service.scheme {
        Scheme::Http => "http",
        Scheme::Https => "https",
    };
    format!("{scheme}://{}.{namespace}.svc:{}{}", service.name, service.port, service.path)
}

fn tools(asked: &resource::Tools) -> McpTools {
    let overrides = asked.overrides.iter().flatten();
    let pins = asked.pins.iter().flatten();
    McpTools {
        filter: Filter {
            allow: asked.allow.as_deref().map(set),
            deny: set(asked.deny.as_deref().unwrap_or_default()),
        },
        trust_annotations: asked.trust_annotations,
        overrides: overrides.map(|tool| (tool.name.clone(), tool.description.clone())).collect(),
        pinning: asked.pinning,
        pins: pins.map(|pin| (pin.name.clone(), pin.digest.clone())).collect(),
    }
}

fn approval(asked: &resource::Approval) -> McpApproval {
    match asked.default {
        ApprovalDefault::Always => McpApproval::Always(set(asked.exempt.as_deref().unwrap_or_default())),
        ApprovalDefault::Never => McpApproval::Never,
    }
}

fn timeouts(timeouts: &resource::Timeouts) -> McpTimeouts {
    McpTimeouts {
        connect_ms: millis(&timeouts.connect),
        list_ms: millis(&timeouts.list),
        call_ms: millis(&timeouts.call),
        total_ms: millis(&timeouts.total),
    }
}

fn limits(limits: &resource::Limits) -> McpLimits {
    McpLimits {
        concurrent_calls: count(limits.max_concurrent_calls),
        calls_per_second: count(limits.calls_per_second),
        result_bytes: count(limits.max_result_bytes),
        tools: count(limits.max_tools),
    }
}
