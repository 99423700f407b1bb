//! What a tenant may see: objects of the gateway's namespace and of its own, narrowed by its lists.

use std::collections::BTreeSet;

use config::spec::{Filter, GatewaySpec, TenantSpec};

/// What a tenant may see.
#[derive(Clone, Debug)]
pub struct View {
    /// The gateway's namespace, then the tenant's own; `None` sees every namespace.
    namespaces: Option<Namespaces>,
    models: Filter,
    /// Streams at a time; `None` is what the gateway says.
    pub streams: Option<u32>,
}

#[derive(Clone, Debug)]
struct Namespaces {
    shared: String,
    own: BTreeSet<String>,
}

impl View {
    /// Of a gateway that tells no tenants apart.
    pub fn everything() -> Self {
        Self { namespaces: None, models: Filter::default(), streams: None }
    }

    /// Of one tenant.
    pub fn of(gateway: &GatewaySpec, tenant: &TenantSpec) -> Self {
        let shared = gateway.name.split('/').next().unwrap_or_default().to_owned();
        let namespaces = Some(Namespaces { shared, own: tenant.namespaces.clone() });
        Self { namespaces, models: tenant.models.clone(), streams: tenant.streams }
    }

    /// How near an object is: 0 for the shared namespace, 1 for the tenant's own; `None` if it is out of sight.
    pub fn distance(&self, namespace: &str) -> Option<u8> {
        match &self.namespaces {
            None => Some(0),
            Some(seen) if seen.shared == namespace => Some(0),
            Some(seen) => seen.own.contains(namespace).then_some(1),
        }
    }

    /// True if the lists of the tenant let a model through, by the name that the caller sends.
    pub fn may_use(&self, model: &str) -> bool {
        self.models.allow.as_ref().is_none_or(|allow| any_fits(allow, model)) && !self.denies(model)
    }

    /// True if the tenant's lists deny a name.
    pub fn denies(&self, model: &str) -> bool {
        any_fits(&self.models.deny, model)
    }
}

fn any_fits(patterns: &BTreeSet<String>, text: &str) -> bool {
    patterns.iter().any(|pattern| fits(pattern, text))
}

/// True if `*` of the pattern can stand for runs of characters so that it equals the text.
fn fits(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(head) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        let Some(found) = text.find(part) else { return false };
        text = &text[found + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run() {
        for (pattern, text) in
            [("*", ""), ("a*", "a"), ("a*c", "abc"), ("*b*", "abc"), ("a*b*c", "a-b-b-c"), ("gpt-*", "gpt-5")]
        {
            assert!(fits(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("a", "ab"), ("a*", "ba"), ("a*c", "ac-"), ("ab*ba", "aba"), ("*x*", "abc")] {
            assert!(!fits(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn deny_wins_over_allow() {
        let models = Filter { allow: Some(["gpt-*".to_owned()].into()), deny: ["gpt-5".to_owned()].into() };
        let view = View { models, ..View::everything() };
        assert!(view.may_use("gpt-4o") && !view.may_use("gpt-5") && !view.may_use("llama"));
    }
}
