//! Compiles Models.

use std::collections::BTreeSet;

use crds::Model;
use crds::model::{Capabilities, ModelType, Retry, RetryReason, Target};
use crds::reference::ObjectRef;

use super::{Claim, Resource};
use crate::compile::{Scope, View};
use crate::diagnostics::Degraded;
use crate::id::{EntryId, ObjectId};
use crate::spec::{self, Decimal, ModelSpec, Spec};

impl Resource for Model {
    fn gateway_refs(&self) -> Option<&[ObjectRef]> {
        self.gateway_refs.as_deref()
    }

    fn claims(&self, id: &ObjectId, _: &View<'_>) -> Vec<Claim> {
        let own = self.model_name.clone().unwrap_or_else(|| id.name.clone());
        [own].into_iter().chain(self.aliases.iter().flatten().cloned()).map(Claim::Name).collect()
    }

    fn model_type(&self) -> Option<ModelType> {
        Some(self.kind)
    }

    fn compile(&self, id: &ObjectId, scope: &mut Scope<'_>) -> Option<Spec> {
        let name = self.model_name.clone().unwrap_or_else(|| id.name.clone());
        Some(Spec::Model(ModelSpec {
            namespace: id.namespace.clone(),
            aliases: self.aliases.iter().flatten().filter(|alias| **alias != name).cloned().collect(),
            name,
            kind: self.kind,
            targets: targets(&self.targets, id, scope),
            retry: retry(self.retry.clone().unwrap_or_default()),
            capabilities: self.capabilities.as_ref().map(capabilities).unwrap_or_default(),
            defaults: self.defaults.as_ref().map(defaults).unwrap_or_default(),
        }))
    }
}

/// Keeps the targets whose provider is served, and reports the others.
fn targets(targets: &[Target], id: &ObjectId, scope: &mut Scope<'_>) -> Vec<spec::Target> {
    let mut kept = Vec::new();
    for (index, target) in targets.iter().enumerate() {
        let namespace = target.provider_ref.namespace.as_ref().unwrap_or(&id.namespace);
        let provider = ObjectId::new("ModelProvider", namespace, &target.provider_ref.name);
        match scope.reach(&provider, id) {
            Ok(()) => kept.push(usable(target, EntryId::provider(namespace, &provider.name))),
            Err(reason) => {
                let message = unreachable(&provider, id, scope.view());
                scope.unresolved(reason, format!("spec.targets[{index}].providerRef"), message);
                scope.degrade(Degraded::PartialTargets);
            }
        }
    }
    kept.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    kept
}

fn unreachable(provider: &ObjectId, id: &ObjectId, view: &View<'_>) -> String {
    let unattached = match view.is_implicit() {
        true => String::new(),
        false => format!(", not attached to gateway {}", view.gateway()),
    };
    if provider.namespace == id.namespace {
        format!(
            "{provider} is missing{unattached} or not accepted: create or mend it, or correct the reference"
        )
    } else {
        format!(
            "{provider} is missing{unattached}, not accepted, or neither its allowedNamespaces nor a ReferenceGrant admits {}",
            id.namespace
        )
    }
}

fn usable(target: &Target, provider: EntryId) -> spec::Target {
    spec::Target {
        name: target.name.clone(),
        provider,
        upstream_model: target.upstream_model.clone(),
        priority: u8::try_from(target.priority).unwrap_or_default(),
        weight: u16::try_from(target.weight).unwrap_or_default(),
    }
}

fn retry(retry: Retry) -> spec::Retry {
    let backoff = retry.backoff.unwrap_or_default();
    spec::Retry {
        max_attempts: u8::try_from(retry.max_attempts).unwrap_or(1),
        reasons: retry
            .reasons
            .map_or_else(|| BTreeSet::from(RetryReason::ALL), |reasons| reasons.into_iter().collect()),
        backoff: spec::Backoff {
            base_ms: backoff.base.as_millis().unwrap_or_default(),
            max_ms: backoff.max.as_millis().unwrap_or_default(),
        },
    }
}

fn capabilities(capabilities: &Capabilities) -> spec::Capabilities {
    spec::Capabilities {
        tools: capabilities.tools,
        vision: capabilities.vision,
        json_schema: capabilities.json_schema,
        reasoning: capabilities.reasoning,
        max_input_tokens: tokens(capabilities.max_input_tokens),
        max_output_tokens: tokens(capabilities.max_output_tokens),
    }
}

fn defaults(defaults: &crds::model::Defaults) -> spec::Defaults {
    spec::Defaults {
        temperature: defaults.temperature.as_deref().and_then(Decimal::parse),
        top_p: defaults.top_p.as_deref().and_then(Decimal::parse),
        max_output_tokens: tokens(defaults.max_output_tokens),
    }
}

fn tokens(count: Option<i32>) -> Option<u32> {
    count.and_then(|count| u32::try_from(count).ok())
}
