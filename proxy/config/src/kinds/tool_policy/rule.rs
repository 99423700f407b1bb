//! Compiles the rules of a ToolPolicy.

use crds::tool_policy::{self as resource, ClaimRef};

use super::super::{count, set};
use crate::compile::Scope;
use crate::diagnostics::Reason;
use crate::id::{EntryId, ObjectId};
use crate::spec::{PolicyRule, PolicySubject, Subject, ToolChoice};

/// Compiles rules, sorted by name.
pub(super) fn rules(asked: &[resource::PolicyRule], id: &ObjectId, scope: &mut Scope<'_>) -> Vec<PolicyRule> {
    let mut rules: Vec<_> =
        asked.iter().enumerate().map(|(place, asked)| rule((place, asked), id, scope)).collect();
    rules.sort_by(|a, b| a.name.cmp(&b.name));
    rules
}

fn rule((place, asked): (usize, &resource::PolicyRule), id: &ObjectId, scope: &mut Scope<'_>) -> PolicyRule {
    let limits = asked.limits.clone().unwrap_or_default();
    let subjects = asked.subjects.as_ref().map(|subjects| {
        let subjects = subjects.iter().enumerate();
        let subject = |(number, asked): (usize, &resource::Subject)| {
            let path = format!("spec.rules[{place}].subjects[{number}]");
            subject((&path, asked), id, scope)
        };
        subjects.filter_map(subject).collect()
    });
    PolicyRule {
        name: asked.name.clone(),
        subjects,
        tools: asked.tools.as_ref().map(choice),
        when: asked.when.clone(),
        action: asked.action,
        calls_per_response: limits.max_calls_per_response.map(count),
        calls_per_minute: limits.calls_per_minute.map(count),
    }
}

/// Compiles a subject. One that nobody can be stays, and fits nobody.
fn subject(
    (path, asked): (&str, &resource::Subject),
    id: &ObjectId,
    scope: &mut Scope<'_>,
) -> Option<PolicySubject> {
    if let Some(key) = &asked.api_key_ref {
        let namespace = key.namespace.as_ref().unwrap_or(&id.namespace);
        let object = ObjectId::new("APIKey", namespace, &key.name);
        // Of keys elsewhere nothing is said, so that nobody can probe other namespaces.
        if *namespace == id.namespace && !scope.serves(&object) {
            let message =
                format!("{object} is missing or not accepted: create or mend it, or correct the reference");
            scope.unresolved(Reason::TargetNotFound, format!("{path}.apiKeyRef"), message);
        }
        return Some(PolicySubject::Key(EntryId::of(&object)));
    }
    let claim = asked.claim.as_ref().map(|claim| claimed(path, claim, scope));
    let account = asked.service_account.as_ref().map(|account| Subject::ServiceAccount {
        namespace: account.namespace.clone(),
        name: account.name.clone(),
    });
    claim.or(account).map(PolicySubject::Token)
}

fn claimed(path: &str, claim: &ClaimRef, scope: &mut Scope<'_>) -> Subject {
    if !scope.view().has_issuer(&claim.issuer) {
        let message = format!(
            "gateway {} has no issuer {:?} in authentication.jwt: add it there, or correct the name",
            scope.view().gateway(),
            claim.issuer
        );
        scope.unresolved(Reason::TargetNotFound, format!("{path}.claim.issuer"), message);
    }
    Subject::Jwt {
        issuer: claim.issuer.clone(),
        claim: claim.name.clone(),
        values: claim.values.iter().cloned().collect(),
    }
}

fn choice(asked: &resource::ToolChoice) -> ToolChoice {
    ToolChoice {
        names: asked.names.as_deref().map(set),
        servers: asked.servers.as_deref().map(set),
        types: asked.types.as_ref().map(|types| types.iter().copied().collect()),
        annotations: asked.annotations.clone().unwrap_or_default(),
    }
}
