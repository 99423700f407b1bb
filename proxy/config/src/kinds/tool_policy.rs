//! Compiles ToolPolicies.

mod rule;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crds::ToolPolicy;
use crds::tool_policy::{Action, Redaction, ResultRules, Taint, TargetKind, TargetRef};
use rules::Expression;
use rules::expression::OF_TOOL_CALLS;
use serde::Deserialize;
use serde_json::Value;

use super::{Claim, Resource, count};
use crate::compile::{Scope, View};
use crate::diagnostics::{Problem, Reason};
use crate::id::{EntryId, ObjectId};
use crate::spec::{PolicyRedaction, PolicySpec, PolicyTarget, Spec};

impl Resource for ToolPolicy {
    fn targets(&self, id: &ObjectId) -> Option<Vec<ObjectId>> {
        Some(self.target_refs.iter().map(|target| object(target, id)).collect())
    }

    /// Checks expressions and patterns.
    fn check(&self) -> Vec<Problem> {
        let rules = self.rules.iter().flatten().enumerate();
        let expressions = rules.filter_map(|(place, rule)| {
            let error = Expression::parse(rule.when.as_ref()?, OF_TOOL_CALLS).err()?;
            Some(Problem::invalid(format!("spec.rules[{place}].when"), error))
        });
        let redactions = self.result.iter().flat_map(|result| result.redact.iter().flatten()).enumerate();
        let patterns = redactions.filter_map(|(place, redaction)| {
            let error = rules::Redaction::new(&redaction.pattern, "").err()?;
            Some(Problem::invalid(format!("spec.result.redact[{place}].pattern"), error))
        });
        expressions.chain(patterns).collect()
    }

    fn claims(&self, _: &ObjectId, _: &View<'_>) -> Vec<Claim> {
        Vec::new()
    }

    fn compile(&self, id: &ObjectId, scope: &mut Scope<'_>) -> Option<Spec> {
        let targets = targets(&self.target_refs, id, scope);
        // Whether it is meant for a gateway that serves none of its targets may depend on what their last good forms were.
        if targets.is_empty() {
            return None;
        }
        let result = self.result.clone().unwrap_or_default();
        Some(Spec::ToolPolicy(PolicySpec {
            name: format!("{}/{}", id.namespace, id.name),
            targets,
            default_action: self.default_action,
            taint: self.taint,
            rules: rule::rules(self.rules.as_deref().unwrap_or_default(), id, scope),
            result_bytes: result.max_bytes.map(count),
            redactions: redactions(&result),
        }))
    }
}

/// Makes the policy that stands in for one that cannot be served: it denies every call that the other would be about. Targets that
/// cannot be read are left out.
pub(super) fn guard(target_refs: &Value) -> Arc<dyn Resource> {
    let targets = target_refs.as_array().into_iter().flatten();
    Arc::new(ToolPolicy {
        target_refs: targets.filter_map(|target| TargetRef::deserialize(target).ok()).collect(),
        default_action: Action::Deny,
        taint: Taint::Ignore,
        rules: None,
        result: None,
    })
}

fn object(target: &TargetRef, id: &ObjectId) -> ObjectId {
    ObjectId::new(target.kind.name(), &id.namespace, &target.name)
}

/// Keeps the targets that this gateway serves, and reports those that it should.
fn targets(asked: &[TargetRef], id: &ObjectId, scope: &mut Scope<'_>) -> BTreeSet<PolicyTarget> {
    let mut kept = BTreeSet::new();
    for (place, target) in asked.iter().enumerate() {
        let object = object(target, id);
        if scope.serves(&object) {
            kept.insert(match target.kind {
                TargetKind::McpServer => PolicyTarget::Server(EntryId::of(&object)),
                TargetKind::Tenant => PolicyTarget::Tenant(target.name.clone()),
                TargetKind::ResponsesGateway => PolicyTarget::Gateway,
            });
        } else if scope.should_serve(&object) {
            let message =
                format!("{object} is missing or not accepted: create or mend it, or correct the reference");
            scope.unresolved(Reason::TargetNotFound, format!("spec.targetRefs[{place}]"), message);
        }
    }
    kept
}

fn redactions(result: &ResultRules) -> Vec<PolicyRedaction> {
    let sorted: BTreeMap<_, _> = result.redact.iter().flatten().map(|found| (&found.name, found)).collect();
    let redaction = |found: &Redaction| PolicyRedaction {
        pattern: found.pattern.clone(),
        replacement: found.replacement.clone(),
    };
    sorted.into_values().map(redaction).collect()
}
