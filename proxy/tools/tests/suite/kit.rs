//! Policies and calls in a few words.

use std::collections::BTreeSet;
use std::sync::Arc;

use rules::Expression;
use rules::expression::OF_TOOL_CALLS;
use serde_json::Value;
use tools::policy::{
    Action, Call, Caller, Choice, Decision, Floor, Hints, Identity, Policies, Policy, Rule, Ruling, Server,
    Target, Tool, ToolKind,
};

pub(crate) fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

pub(crate) fn expression(text: &str) -> Arc<Expression> {
    Arc::new(Expression::parse(text, OF_TOOL_CALLS).unwrap())
}

/// A policy about every call.
pub(crate) fn policy(name: &str, default: Action, rules: Vec<Rule>) -> Policy {
    let (targets, taint) = (vec![Target::Gateway], Action::Allow);
    Policy {
        name: name.to_owned(),
        targets,
        default,
        taint,
        rules,
        result_bytes: None,
        redactions: Vec::new(),
    }
}

/// A rule about every tool that fits a pattern.
pub(crate) fn rule(name: &str, tools: &str, action: Action) -> Rule {
    let tools = Some(Choice { names: Some(set(&[tools])), ..Choice::default() });
    let (calls_per_response, calls_per_minute) = (None, None);
    Rule {
        name: name.to_owned(),
        subjects: None,
        tools,
        when: None,
        action,
        calls_per_response,
        calls_per_minute,
    }
}

pub(crate) fn server(label: &str) -> Server {
    Server {
        id: Some(format!("mcp/default/{label}")),
        label: label.to_owned(),
        trusted: false,
        allow: None,
        deny: BTreeSet::new(),
        approval: Floor::Never,
    }
}

/// A call under way to a decision.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) caller: Caller,
    pub(crate) server: Server,
    pub(crate) name: String,
    pub(crate) hints: Hints,
    pub(crate) arguments: Value,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) untrusted: bool,
    pub(crate) asked: bool,
}

impl Asked {
    pub(crate) fn of(name: &str, arguments: Value) -> Self {
        let identity = Identity::Key { id: "key/default/app".into(), name: "app".into() };
        Self {
            caller: Caller { tenant: "red".into(), identity },
            server: server("docs"),
            name: name.to_owned(),
            hints: Hints::default(),
            arguments,
            headers: Vec::new(),
            untrusted: false,
            asked: false,
        }
    }

    pub(crate) fn tool(&self) -> Tool<'_> {
        Tool { kind: ToolKind::Mcp, name: &self.name, server: Some(&self.server), hints: self.hints }
    }

    pub(crate) fn decide(&self, policies: &Policies) -> Ruling {
        policies.decide(&Call {
            caller: &self.caller,
            tool: self.tool(),
            arguments: &self.arguments,
            headers: &self.headers,
            untrusted: self.untrusted,
            asked: self.asked,
        })
    }

    pub(crate) fn under(&self, policies: Vec<Policy>) -> Ruling {
        self.decide(&Policies::new(policies))
    }
}

pub(crate) fn strictness(decision: &Decision) -> Action {
    match decision {
        Decision::Allow => Action::Allow,
        Decision::RequireApproval { .. } => Action::RequireApproval,
        Decision::Deny { .. } => Action::Deny,
    }
}
