//! Tool policies of a snapshot → the engine's own.

use std::collections::BTreeMap;
use std::sync::Arc;

use config::spec::{
    PolicyRule, PolicySpec, PolicySubject, PolicyTarget, Subject as TokenSubject, ToolChoice,
};
use config::{EntryId, Hash, Snapshot, Spec};
use crds::tool_policy::{Action as Said, Taint, ToolType};
use rules::expression::OF_TOOL_CALLS;
use rules::{Expression, Redaction};
use tools::policy::{Action, Choice, Hints, Policies, Policy, Rule, Subject, Target, ToolKind};

use crate::live::build::Rejected;

/// Policies that could be read, by entry, so that those that did not change are not read again.
pub(super) type Known = BTreeMap<EntryId, (Hash, Policy)>;

/// Reads all policies. One that cannot be read is told, and in its place calls are denied: what is missing must not loosen
/// anything.
pub(super) fn read(snapshot: &Snapshot, before: &Known) -> (Known, Policies, Vec<Rejected>) {
    let (mut known, mut closed, mut rejected) = (Known::new(), Vec::new(), Vec::new());
    for entry in snapshot.entries.values() {
        let Spec::ToolPolicy(spec) = &entry.spec else { continue };
        let same = before.get(&entry.id).filter(|(hash, _)| *hash == entry.hash);
        match same.map_or_else(|| policy(spec), |(_, policy)| Ok(policy.clone())) {
            Ok(policy) => {
                known.insert(entry.id.clone(), (entry.hash, policy));
            }
            Err(message) => {
                rejected.push(Rejected { entry: entry.id.clone(), message });
                closed.push(denying(spec));
            }
        }
    }
    let open = known.values().map(|(_, policy)| policy.clone());
    let policies = Policies::new(open.chain(closed).collect());
    (known, policies, rejected)
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
        ..denying(spec)
    })
}

/// The policy with all calls denied.
fn denying(spec: &PolicySpec) -> Policy {
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

#[cfg(test)]
mod tests {
    use config::Entry;
    use tools::policy::{Call, Caller, Decision, Identity, Tool};

    use super::*;

    fn snapshot(when: &str) -> Snapshot {
        let rule = PolicyRule {
            name: "r".into(),
            subjects: None,
            tools: None,
            when: Some(when.to_owned()),
            action: Said::Allow,
            calls_per_response: None,
            calls_per_minute: None,
        };
        let spec = PolicySpec {
            name: "default/p".into(),
            targets: [PolicyTarget::Gateway].into(),
            default_action: Said::Allow,
            taint: Taint::Ignore,
            rules: vec![rule],
            result_bytes: None,
            redactions: Vec::new(),
        };
        let id = EntryId::of(&config::ObjectId::new("ToolPolicy", "default", "p"));
        let entry = Arc::new(Entry::new(id.clone(), 1, Spec::ToolPolicy(spec)));
        Snapshot::new(BTreeMap::from([(id, entry)]), BTreeMap::new(), None)
    }

    fn decision(policies: &Policies) -> Decision {
        let caller = Caller { tenant: "red".into(), identity: Identity::Anonymous };
        let tool = Tool { kind: ToolKind::Think, name: "think", server: None, hints: Hints::default() };
        let (arguments, headers) = (serde_json::json!({}), []);
        let call = Call {
            caller: &caller,
            tool,
            arguments: &arguments,
            headers: &headers,
            untrusted: false,
            asked: false,
        };
        policies.decide(&call).decision
    }

    #[test]
    fn a_policy_that_cannot_be_read_denies_and_is_told_each_time() {
        let (known, policies, rejected) = read(&snapshot("true"), &Known::new());
        assert!(rejected.is_empty() && known.len() == 1);
        assert_eq!(decision(&policies), Decision::Allow);
        let bad = snapshot("this is no expression");
        let (known, policies, rejected) = read(&bad, &known);
        assert_eq!((rejected.len(), known.len()), (1, 0));
        assert!(matches!(decision(&policies), Decision::Deny { .. }));
        assert_eq!(read(&bad, &known).2.len(), 1, "it is no less wrong the second time");
    }
}
