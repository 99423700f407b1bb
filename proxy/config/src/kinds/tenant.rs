//! Compiles Tenants.

use std::collections::BTreeSet;

use crds::Tenant;
use crds::reference::ObjectRef;
use crds::tenant::{self as resource};

use super::{Claim, Resource, caller_urls, count, set};
use crate::compile::{Scope, View};
use crate::diagnostics::Reason;
use crate::id::ObjectId;
use crate::spec::{Filter, Spec, Subject, TenantSpec};

impl Resource for Tenant {
    fn gateway_refs(&self) -> Option<&[ObjectRef]> {
        self.gateway_refs.as_deref()
    }

    fn claims(&self, id: &ObjectId, _: &View<'_>) -> Vec<Claim> {
        let namespaces = self.namespaces.iter().flatten().cloned().map(Claim::Namespace);
        [Claim::Name(id.name.clone())].into_iter().chain(namespaces).collect()
    }

    fn compile(&self, id: &ObjectId, scope: &mut Scope<'_>) -> Option<Spec> {
        for (place, subject) in self.subjects.iter().flatten().enumerate() {
            if let Some(jwt) = subject.jwt.as_ref().filter(|jwt| !scope.view().has_issuer(&jwt.issuer)) {
                unknown_issuer(place, &jwt.issuer, scope);
            }
        }
        Some(Spec::Tenant(TenantSpec {
            name: id.name.clone(),
            namespaces: self.namespaces.iter().flatten().cloned().collect(),
            subjects: self.subjects.iter().flatten().filter_map(subject).collect(),
            models: self.models.as_ref().map(filter).unwrap_or_default(),
            mcp_servers: self.mcp_servers.as_ref().map(filter).unwrap_or_default(),
            caller_urls: caller_urls(self.caller_urls.as_ref()),
            streams: self.limits.as_ref().and_then(|limits| limits.streams).map(count),
        }))
    }

    fn owned(&self) -> Option<BTreeSet<String>> {
        Some(self.namespaces.iter().flatten().cloned().collect())
    }
}

/// Says that nobody can come by a subject whose issuer the gateway does not know.
fn unknown_issuer(place: usize, issuer: &str, scope: &mut Scope<'_>) {
    let gateway = scope.view().gateway();
    let message = format!(
        "gateway {gateway} has no issuer {issuer:?} in authentication.jwt: add it there, or correct the name"
    );
    scope.unresolved(Reason::TargetNotFound, format!("spec.subjects[{place}].jwt.issuer"), message);
}

fn subject(asked: &resource::Subject) -> Option<Subject> {
    let jwt = asked.jwt.as_ref().map(|jwt| Subject::Jwt {
        issuer: jwt.issuer.clone(),
        claim: jwt.claim.clone(),
        values: jwt.values.iter().cloned().collect(),
    });
    let account = asked.service_account.as_ref().map(|account| Subject::ServiceAccount {
        namespace: account.namespace.clone(),
        name: account.name.clone(),
    });
    jwt.or(account)
}

fn filter(asked: &resource::Filter) -> Filter {
    Filter { allow: asked.allow.as_deref().map(set), deny: set(asked.deny.as_deref().unwrap_or_default()) }
}
