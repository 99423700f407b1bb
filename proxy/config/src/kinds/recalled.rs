//! Compiles content that a proxy gave back: it was compiled once, and what it was compiled from is lost. All that can be
//! revoked is looked at again: gateways, references, Secrets. MCPServers and ToolPolicies are not among it: without what they were
//! compiled from, calls of tools fail or are denied.

use std::collections::{BTreeMap, BTreeSet};

use crds::model::ModelType;
use crds::model_provider::OnMissingSecret;
use crds::reference::{Namespaces, ObjectRef};
use serde::Deserialize;
use serde_json::Value;

use super::{Claim, Resource};
use crate::compile::{Scope, View};
use crate::diagnostics::Degraded;
use crate::id::{EntryId, GatewayId, ObjectId};
use crate::spec::{Credential, ModelSpec, ProviderSpec, Spec, Target};

/// Content that a proxy gave back.
#[derive(Clone, Debug, PartialEq)]
pub struct Recalled {
    spec: Spec,
    gateways: Vec<ObjectRef>,
    /// Who may refer to it.
    admits: Namespaces,
    /// Whether its last credential stays where the present one is missing.
    keeps_credential: bool,
}

impl Recalled {
    /// Takes what a proxy of `gateway` serves. Who may refer to it, and what a missing Secret means, is as `present` says: the
    /// spec of the object as it is, of which everything else may be wrong.
    #[must_use]
    pub fn new(spec: Spec, gateway: &GatewayId, present: &Value) -> Self {
        let name = gateway.as_str().rsplit('/').next().unwrap_or_default().to_owned();
        let gateway = ObjectRef { name, namespace: Some(gateway.namespace().to_owned()) };
        let admits = Namespaces::deserialize(&present["allowedNamespaces"]).unwrap_or_default();
        let on_missing = OnMissingSecret::deserialize(&present["onMissingSecret"]).unwrap_or_default();
        let keeps_credential = on_missing == OnMissingSecret::KeepLastGood;
        Self { spec, gateways: vec![gateway], admits, keeps_credential }
    }
}

impl Recalled {
    /// The credential as it is at present; where it is missing, the last one if that may stay.
    fn credential(&self, known: &Credential, id: &ObjectId, scope: &mut Scope<'_>) -> Credential {
        let Credential::Key { secret, placement, .. } = known else { return known.clone() };
        match scope.secret((secret, id), "spec.auth.apiKey.secretRef", self.keeps_credential) {
            Some(hash) => Credential::Key { secret: secret.clone(), hash, placement: placement.clone() },
            None => Credential::Missing,
        }
    }
}

impl Resource for Recalled {
    fn gateway_refs(&self) -> Option<&[ObjectRef]> {
        Some(&self.gateways)
    }

    fn claims(&self, id: &ObjectId, _: &View<'_>) -> Vec<Claim> {
        let names = |names: &BTreeSet<String>| names.iter().cloned().map(Claim::Name).collect::<Vec<_>>();
        match &self.spec {
            Spec::Model(model) => [vec![Claim::Name(model.name.clone())], names(&model.aliases)].concat(),
            Spec::Provider(provider) => names(&provider.direct_names),
            Spec::Tenant(tenant) => {
                let owned = tenant.namespaces.iter().cloned().map(Claim::Namespace);
                [Claim::Name(id.name.clone())].into_iter().chain(owned).collect()
            }
            Spec::Gateway(_) | Spec::Key(_) | Spec::McpServer(_) | Spec::ToolPolicy(_) => Vec::new(),
        }
    }

    fn admits(&self, own: &str, other: &str, labels: &BTreeMap<String, String>) -> bool {
        self.admits.admit(own, other, Some(labels))
    }

    fn secrets(&self, _: &ObjectId) -> Vec<ObjectId> {
        let Spec::Provider(provider) = &self.spec else { return Vec::new() };
        match &provider.credential {
            Credential::Key { secret, .. } => vec![secret.holder.clone()],
            Credential::None | Credential::Missing => Vec::new(),
        }
    }

    fn owned(&self) -> Option<BTreeSet<String>> {
        match &self.spec {
            Spec::Tenant(tenant) => Some(tenant.namespaces.clone()),
            Spec::Gateway(_)
            | Spec::Key(_)
            | Spec::Provider(_)
            | Spec::Model(_)
            | Spec::McpServer(_)
            | Spec::ToolPolicy(_) => None,
        }
    }

    fn model_type(&self) -> Option<ModelType> {
        let Spec::Model(model) = &self.spec else { return None };
        Some(model.kind)
    }

    fn compile(&self, id: &ObjectId, scope: &mut Scope<'_>) -> Option<Spec> {
        match self.spec.clone() {
            Spec::Model(model) => {
                let targets = model.targets.into_iter().filter(|target| reaches(target, id, scope)).collect();
                Some(Spec::Model(ModelSpec { targets, ..model }))
            }
            Spec::Provider(provider) => {
                let credential = self.credential(&provider.credential, id, scope);
                Some(Spec::Provider(ProviderSpec { credential, ..provider }))
            }
            Spec::Tenant(tenant) => Some(Spec::Tenant(tenant)),
            Spec::Gateway(_) | Spec::Key(_) | Spec::McpServer(_) | Spec::ToolPolicy(_) => None,
        }
    }
}

fn reaches(target: &Target, id: &ObjectId, scope: &mut Scope<'_>) -> bool {
    let provider = provider(&target.provider).ok_or(());
    let reached = provider.and_then(|provider| scope.reach(&provider, id).map_err(|_| ()));
    if reached.is_err() {
        scope.degrade(Degraded::PartialTargets);
    }
    reached.is_ok()
}

/// The object of a provider's entry.
fn provider(entry: &EntryId) -> Option<ObjectId> {
    let mut parts = entry.as_str().splitn(3, '/').skip(1);
    Some(ObjectId::new("ModelProvider", parts.next()?, parts.next()?))
}
