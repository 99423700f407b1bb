//! Tool policies of a snapshot → the engine's own.

use std::sync::Arc;

use config::spec::{
    PolicyRule, PolicySpec, PolicySubject, PolicyTarget, Subject as TokenSubject, ToolChoice,
};
use config::{EntryId, Snapshot, Spec};
use crds::tool_policy::{Action as Said, Taint, ToolType};
use rules::expression::OF_TOOL_CALLS;
use rules::{Expression, Redaction};
use tools::policy::{Action, Choice, Hints, Policies, Policy, Rule, Subject, Target, ToolKind};

use crate::live::build::Rejected;

/// Builds all policies. One that cannot be built is told, and in its place calls are denied: what is missing must not loosen
/// anything.
pub(super) fn build(snapshot: &Snapshot) -> (Policies, Vec<Rejected>) {
    let (mut policies, mut rejected) = (Vec::new(), Vec::new());
    for entry in snapshot.entries.values() {
        let Spec::ToolPolicy(spec) = &entry.spec else { continue };
        policies.push(policy(spec).unwrap_or_else(|message| {
            rejected.push(Rejected { entry: entry.id.clone(), message });
            closed(spec)
        }));
    }
    (Policies::new(policies), rejected)
}

fn policy(spec: &PolicySpec) -> Result<Policy, String> {
    let redactions = spec
        .redactions
        .iter()
        .map(|redaction| Redaction::new(&redaction.pattern, &redaction.replacement).map(Arc::new));
    Ok(Policy {
        default: action(spec.default_action),
        taint: match spec.taint {
            Taint::Ignore => Action::Allow,
            Taint::RequireApproval => Action::RequireApproval,
            Taint::Deny => Action::Deny,
        },
        rules: spec.rules.iter().map(rule).collect::<Result<_, _>>()?,
        redactions: redactions.collect::<Result<_, _>>()?,
        ..closed(spec)
    })
}

/// The policy with all calls denied.
fn closed(spec: &PolicySpec) -> Policy {
    Policy {
        name: spec.name.clone(),
        targets: spec.targets.iter().map(target).collect(),
        default: Action::Deny,
        taint: Action::Deny,
        rules: Vec::new(),
        result_bytes: spec.result_bytes.and_then(|bytes| usize::try_from(bytes).ok()),
        redactions: Vec::new(),
    }
}

fn target(target: &PolicyTarget) -> Target {
    match target {
        PolicyTarget::Gateway => Target::Gateway,
        PolicyTarget::Tenant(name) => Target::Tenant(name.clone()),
        PolicyTarget::Server(id) => Target::Server(id.as_str().to_owned()),
    }
}

fn rule(spec: &PolicyRule) -> Result<Rule, String> {
    let when = spec.when.as_ref().map(|text| Expression::parse(text, OF_TOOL_CALLS).map(Arc::new));
    Ok(Rule {
        name: spec.name.clone(),
        subjects: spec.subjects.as_ref().map(|subjects| subjects.iter().map(subject).collect()),
        tools: spec.tools.as_ref().map(choice),
        when: when.transpose()?,
        action: action(spec.action),
        calls_per_response: spec.calls_per_response,
        calls_per_minute: spec.calls_per_minute,
    })
}

fn action(said: Said) -> Action {
    match said {
        Said::Allow => Action::Allow,
        Said::RequireApproval => Action::RequireApproval,
        Said::Deny => Action::Deny,
    }
}

fn subject(spec: &PolicySubject) -> Subject {
    match spec {
        PolicySubject::Key(id) => Subject::Key(key_id(id)),
        PolicySubject::Token(TokenSubject::Jwt { issuer, claim, values }) => {
            Subject::Claim { issuer: issuer.clone(), claim: claim.clone(), values: values.clone() }
        }
        PolicySubject::Token(TokenSubject::ServiceAccount { namespace, name }) => {
            Subject::ServiceAccount { namespace: namespace.clone(), name: name.clone() }
        }
    }
}

/// Keys are known by `namespace/name`.
fn key_id(id: &EntryId) -> String {
    id.as_str().split_once('/').map_or_else(String::new, |(_, name)| name.to_owned())
}

fn choice(spec: &ToolChoice) -> Choice {
    let hint = |name: &str| spec.annotations.get(name).copied();
    Choice {
        names: spec.names.clone(),
        servers: spec.servers.clone(),
        types: spec.types.as_ref().map(|types| types.iter().map(|kind| kind_of(*kind)).collect()),
        hints: Hints {
            read_only: hint("readOnlyHint"),
            destructive: hint("destructiveHint"),
            idempotent: hint("idempotentHint"),
            open_world: hint("openWorldHint"),
        },
    }
}

fn kind_of(kind: ToolType) -> ToolKind {
    match kind {
        ToolType::Mcp => ToolKind::Mcp,
        ToolType::FileSearch => ToolKind::FileSearch,
        ToolType::WebSearch => ToolKind::WebSearch,
        ToolType::ImageGeneration => ToolKind::ImageGeneration,
        ToolType::Think => ToolKind::Think,
    }
}
