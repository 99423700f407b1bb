//! What a tenant may see: objects of the gateway's namespace and of its own, narrowed by its lists.

use std::collections::BTreeSet;

use config::spec::{CallerUrls, Filter, GatewaySpec, TenantSpec};

/// What a tenant may see.
#[derive(Clone, Debug)]
pub struct View {
    /// The gateway's namespace, then the tenant's own; `None` sees every namespace.
    namespaces: Option<Namespaces>,
    models: Filter,
    mcp_servers: Filter,
    /// Whether requests may bring URLs of their own.
    pub caller_urls: CallerUrls,
    /// Streams at a time; `None` is what the gateway says.
    pub streams: Option<u32>,
}

#[derive(Clone, Debug)]
struct Namespaces {
    shared: String,
    own: BTreeSet<String>,
}

impl View {
    /// Of somebody of whom nothing is known.
    pub fn everything() -> Self {
        Self {
            namespaces: None,
            models: Filter::default(),
            mcp_servers: Filter::default(),
            caller_urls: CallerUrls::default(),
            streams: None,
        }
    }

    /// Of a gateway that tells no tenants apart.
    pub fn undivided(gateway: Option<&GatewaySpec>) -> Self {
        let caller_urls = gateway.map(|gateway| gateway.caller_urls.clone()).unwrap_or_default();
        Self { caller_urls, ..Self::everything() }
    }

    /// Of one tenant.
    pub fn of(gateway: &GatewaySpec, tenant: &TenantSpec) -> Self {
        let shared = gateway.name.split('/').next().unwrap_or_default().to_owned();
        let namespaces = Some(Namespaces { shared, own: tenant.namespaces.clone() });
        Self {
            namespaces,
            models: tenant.models.clone(),
            mcp_servers: tenant.mcp_servers.clone(),
            caller_urls: tenant.caller_urls.within(&gateway.caller_urls),
            streams: tenant.streams,
        }
    }

    /// How near an object is: 0 for the shared namespace, 1 for the tenant's own; `None` if it is out of sight.
    pub fn distance(&self, namespace: &str) -> Option<u8> {
        match &self.namespaces {
            None => Some(0),
            Some(seen) if seen.shared == namespace => Some(0),
            Some(seen) => seen.own.contains(namespace).then_some(1),
        }
    }

    /// True if the gateway tells no tenants apart.
    pub fn is_whole(&self) -> bool {
        self.namespaces.is_none()
    }

    /// True if the lists of the tenant let a model through, by the name that the caller sends.
    pub fn may_use(&self, model: &str) -> bool {
        self.models.passes(model)
    }

    /// True if the lists of the tenant let an MCP server through, by its label.
    pub fn may_reach(&self, label: &str) -> bool {
        self.mcp_servers.passes(label)
    }

    /// True if the tenant's lists deny a name.
    pub fn denies(&self, model: &str) -> bool {
        self.models.denies(model)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deny_wins_over_allow() {
        let models = Filter { allow: Some(["gpt-*".to_owned()].into()), deny: ["gpt-5".to_owned()].into() };
        let view = View { models, ..View::everything() };
        assert!(view.may_use("gpt-4o") && !view.may_use("gpt-5") && !view.may_use("llama"));
    }
}
