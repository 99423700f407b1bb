//! The decision.

use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::BTreeSet;

use protocol::Object;
use rules::{Facts, Failure, glob};
use serde_json::{Value, json};

use super::argument_hash;
use super::call::{Call, Caller, Identity, Server, Tool};
use super::result::ResultRules;
use super::ruling::{Audit, Decision, Limit, Reason, Ruling};
use super::settings::{Action, Choice, Floor, Policy, Rule, Subject, Target};

/// Headers that no expression sees.
const CREDENTIALS: [&str; 7] = [
    "authorization",
    "proxy-authorization",
    "cookie",
    "x-api-key",
    "api-key",
    "x-model-provider-key",
    "x-amz-security-token",
];

/// Every policy of a gateway.
#[derive(Clone, Debug, Default)]
pub struct Policies(Vec<Policy>);

/// What somebody says about a call.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Opinion {
    action: Action,
    by: String,
    reason: Reason,
}

/// A call, and what expressions are told of it, made when the first one asks.
struct Case<'a> {
    call: &'a Call<'a>,
    facts: OnceCell<Facts>,
}

impl Policies {
    /// Takes policies in any order.
    pub fn new(mut policies: Vec<Policy>) -> Self {
        policies.sort_by(|one, other| one.name.cmp(&other.name));
        Self(policies)
    }

    /// Decides about a call. Of everything that is said about it the strictest counts; where nothing is said, it runs.
    pub fn decide(&self, call: &Call<'_>) -> Ruling {
        let case = Case { call, facts: OnceCell::new() };
        let (mut opinions, mut limits) = (terms(call), Vec::new());
        for policy in self.about(call.caller, &call.tool) {
            policy.judge(&case, &mut opinions, &mut limits);
        }
        limits.sort();
        let strictest = opinions.into_iter().max_by_key(|found| (found.action, Reverse(found.by.clone())));
        let decision = decision(strictest.as_ref());
        let audit = audit(call, strictest, &decision);
        Ruling { decision, limits, result: self.result(call), audit }
    }

    /// Tells whether some call of the tool by this caller may run, be it after an approval, so that it is worth offering.
    pub fn may_offer(&self, caller: &Caller, tool: &Tool<'_>) -> bool {
        let is_offered = tool.server.is_none_or(|server| server.offers(tool.name));
        is_offered && self.about(caller, tool).all(|policy| policy.may_run(caller, tool))
    }

    fn about<'a>(&'a self, caller: &'a Caller, tool: &'a Tool<'_>) -> impl Iterator<Item = &'a Policy> {
        self.0.iter().filter(|policy| policy.targets.iter().any(|target| target.is_about(caller, tool)))
    }

    fn result(&self, call: &Call<'_>) -> ResultRules {
        let about: Vec<_> = self.about(call.caller, &call.tool).collect();
        ResultRules {
            max_bytes: about.iter().filter_map(|policy| policy.result_bytes).min(),
            redactions: about.iter().flat_map(|policy| &policy.redactions).cloned().collect(),
        }
    }
}

/// What the server and the request say.
fn terms(call: &Call<'_>) -> Vec<Opinion> {
    let Call { tool, asked, .. } = call;
    let of = |by: &str, action, reason| Opinion { action, by: by.to_owned(), reason };
    let mut opinions = Vec::new();
    if let Some(server) = tool.server {
        if !server.offers(tool.name) {
            opinions.push(of("server", Action::Deny, Reason::Server));
        }
        if server.wants_approval(tool.name) {
            opinions.push(of("server", Action::RequireApproval, Reason::Server));
        }
    }
    if *asked {
        opinions.push(of("request", Action::RequireApproval, Reason::Request));
    }
    opinions
}

fn decision(strictest: Option<&Opinion>) -> Decision {
    match strictest {
        Some(Opinion { action: Action::Deny, by, reason }) => {
            Decision::Deny { rule: by.clone(), reason: *reason }
        }
        Some(Opinion { action: Action::RequireApproval, by, .. }) => {
            Decision::RequireApproval { rule: by.clone() }
        }
        Some(Opinion { action: Action::Allow, .. }) | None => Decision::Allow,
    }
}

fn audit(call: &Call<'_>, strictest: Option<Opinion>, decision: &Decision) -> Audit {
    let (rule, reason) = strictest.map(|found| (found.by, found.reason)).unzip();
    Audit {
        tenant: call.caller.tenant.clone(),
        subject: call.caller.identity.name(),
        kind: call.tool.kind.name(),
        server: call.tool.label().map(str::to_owned),
        tool: call.tool.name.to_owned(),
        rule,
        outcome: decision.outcome(),
        reason,
        arguments: argument_hash::hash(call.arguments),
    }
}

impl Policy {
    /// Adds what the policy says about a call.
    fn judge(&self, case: &Case<'_>, opinions: &mut Vec<Opinion>, limits: &mut Vec<Limit>) {
        let Call { caller, tool, untrusted, .. } = case.call;
        let mut is_silent = true;
        for rule in self.rules.iter().filter(|rule| rule.is_about(caller, tool)) {
            let by = format!("{}#{}", self.name, rule.name);
            match case.holds(rule) {
                Ok(false) => continue,
                Ok(true) => {
                    limits.extend(rule.limit(&by));
                    opinions.push(Opinion { action: rule.action, by, reason: Reason::Rule });
                }
                Err(failure) => {
                    opinions.push(Opinion { action: Action::Deny, by, reason: Reason::of(failure) });
                }
            }
            is_silent = false;
        }
        if is_silent {
            opinions.push(Opinion { action: self.default, by: self.name.clone(), reason: Reason::Default });
        }
        if self.taint != Action::Allow && *untrusted && tool.believed().read_only != Some(true) {
            opinions.push(Opinion { action: self.taint, by: self.name.clone(), reason: Reason::Taint });
        }
    }

    /// Tells whether the policy lets some call of the tool run: arguments could make any condition hold, or not.
    fn may_run(&self, caller: &Caller, tool: &Tool<'_>) -> bool {
        let about = || self.rules.iter().filter(|rule| rule.is_about(caller, tool));
        let is_open = |rule: &Rule| rule.action != Action::Deny;
        if about().any(|rule| rule.when.is_none() && !is_open(rule)) {
            return false;
        }
        self.default != Action::Deny || about().any(is_open)
    }
}

impl Rule {
    fn is_about(&self, caller: &Caller, tool: &Tool<'_>) -> bool {
        self.subjects.as_ref().is_none_or(|subjects| subjects.iter().any(|subject| subject.is(caller)))
            && self.tools.as_ref().is_none_or(|choice| choice.fits(tool))
    }

    fn limit(&self, by: &str) -> Option<Limit> {
        let (per_response, per_minute) = (self.calls_per_response, self.calls_per_minute);
        let is_limited = per_response.is_some() || per_minute.is_some();
        is_limited.then(|| Limit { rule: by.to_owned(), per_response, per_minute })
    }
}

impl Case<'_> {
    fn holds(&self, rule: &Rule) -> Result<bool, Failure> {
        let Some(expression) = &rule.when else { return Ok(true) };
        expression.holds(self.facts.get_or_init(|| facts(self.call)))
    }
}

/// Tells expressions what they may know.
fn facts(call: &Call<'_>) -> Facts {
    let Call { caller, tool, .. } = call;
    let hints = tool.believed();
    let annotations = json!({
        "readOnlyHint": hints.read_only,
        "destructiveHint": hints.destructive,
        "idempotentHint": hints.idempotent,
        "openWorldHint": hints.open_world,
    });
    let server = tool.label().unwrap_or_default();
    let about_tool =
        json!({"name": tool.name, "server": server, "type": tool.kind.name(), "annotations": annotations});
    let nothing = Object::new();
    let claims = if let Identity::Token { claims, .. } = &caller.identity { claims } else { &nothing };
    let subject = json!({"kind": caller.identity.kind(), "name": caller.identity.name(), "claims": claims});
    let headers = call.headers.iter().filter(|(name, _)| !CREDENTIALS.contains(&name.as_str()));
    let headers: Object = headers.map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    Facts::new([
        ("args", call.arguments),
        ("tool", &about_tool),
        ("tenant", &Value::from(caller.tenant.as_str())),
        ("subject", &subject),
        ("request", &json!({"headers": headers})),
        ("context", &json!({"untrusted": call.untrusted})),
    ])
}

impl Target {
    fn is_about(&self, caller: &Caller, tool: &Tool<'_>) -> bool {
        match self {
            Self::Gateway => true,
            Self::Tenant(name) => *name == caller.tenant,
            Self::Server(id) => tool.server.is_some_and(|server| server.id.as_ref() == Some(id)),
        }
    }
}

impl Subject {
    fn is(&self, caller: &Caller) -> bool {
        match (self, &caller.identity) {
            (Self::Key(wanted), Identity::Key { id, .. }) => wanted == id,
            (Self::Claim { issuer: wanted, claim, values }, Identity::Token { issuer, claims, .. }) => {
                wanted == issuer && has(claims, claim, values)
            }
            (
                Self::ServiceAccount { namespace: wanted, name: account },
                Identity::ServiceAccount { namespace, name },
            ) => wanted == namespace && account.as_ref().is_none_or(|account| account == name),
            (Self::Key(_) | Self::Claim { .. } | Self::ServiceAccount { .. }, _) => false,
        }
    }
}

/// Tells whether a claim is one of `values`, or a list that has one of them. `a.b` also finds `b` inside of `a`.
fn has(claims: &Object, claim: &str, values: &BTreeSet<String>) -> bool {
    let nested = || {
        let (outer, inner) = claim.split_once('.')?;
        claims.get(outer)?.get(inner)
    };
    match claims.get(claim).or_else(nested) {
        Some(Value::String(text)) => values.contains(text),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(|text| values.contains(text)),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => false,
    }
}

impl Choice {
    fn fits(&self, tool: &Tool<'_>) -> bool {
        self.names.as_ref().is_none_or(|names| glob::any_fits(names, tool.name))
            && self.types.as_ref().is_none_or(|types| types.contains(&tool.kind))
            && self
                .servers
                .as_ref()
                .is_none_or(|servers| tool.label().is_some_and(|label| glob::any_fits(servers, label)))
            && tool.believed().are(&self.hints)
    }
}

impl Server {
    /// Tells whether the tool is among those that the server offers.
    pub fn offers(&self, name: &str) -> bool {
        self.allow.as_ref().is_none_or(|allow| glob::any_fits(allow, name))
            && !glob::any_fits(&self.deny, name)
    }

    fn wants_approval(&self, name: &str) -> bool {
        match &self.approval {
            Floor::Always(exempt) => !glob::any_fits(exempt, name),
            Floor::Never => false,
        }
    }
}
