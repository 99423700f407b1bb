//! The policies as they hold for the calls of one request, and built-in tools under them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use agent::tool::{Decision as Verdict, ToolCall, ToolOutcome};
use async_trait::async_trait;
use parking_lot::Mutex;
use protocol::error::ApiError;
use protocol::id::Tenant;
use protocol::responses::tool::HostedTool;
use serde_json::Value;
use tokio::time::Instant;

use crate::builtin::{Builtin, Executor, Offer};
use crate::mcp::Trace;
use crate::policy::{
    Call, Caller, Counts, Decision, Exceeded, Hints, Policies, Rates, ResultRules, Ruling, Tool, ToolKind,
};
use crate::progress::Reporter;

/// What the model is told of a call beyond a limit.
pub(crate) const LIMITED: &str = "The limit of calls of this tool is reached. Try again later.";

/// The verdict of a tool that cannot ask: the API has requests for approval of MCP calls only.
pub(crate) fn without_asking(verdict: Verdict) -> Verdict {
    const WHY: &str = "The call was denied: it needs an approval, which a built-in tool cannot ask for.";
    match verdict {
        Verdict::Approval => Verdict::Denied(WHY.to_owned()),
        verdict @ (Verdict::Run | Verdict::Denied(_)) => verdict,
    }
}

/// What all tools of a request share.
#[derive(Clone)]
pub struct Context {
    /// The policies of the gateway as they are: one that comes while a request runs counts at once.
    pub policies: Arc<dyn Fn() -> Arc<Policies> + Send + Sync>,
    /// The calls of the last minute, and since when seconds are counted.
    pub rates: Arc<Rates>,
    /// The beginning of its time.
    pub since: Instant,
    /// Who asks, for what is kept by tenant.
    pub tenant: Tenant,
    /// Who asks, for policies.
    pub caller: Arc<Caller>,
    /// The headers of the request, names in lower case.
    pub headers: Arc<[(String, String)]>,
    /// The trace of the request.
    pub trace: Trace,
    /// The id of the request, for the audit log.
    pub request: String,
    /// Whether content that nobody vouches for is in context.
    pub untrusted: Arc<AtomicBool>,
    /// The calls of this response.
    pub counts: Arc<Mutex<Counts>>,
}

impl Context {
    /// What the policies say of a call; `asked` is whether the request wants an approval of it.
    pub(crate) fn rule(&self, tool: Tool<'_>, call: &ToolCall, asked: bool) -> Ruling {
        let arguments = serde_json::from_str(&call.arguments).unwrap_or(Value::Null);
        (self.policies)().decide(&Call {
            caller: &self.caller,
            tool,
            arguments: &arguments,
            headers: &self.headers,
            untrusted: self.untrusted.load(Ordering::Relaxed),
            asked,
        })
    }

    /// Whether some call of a tool may run, so that it is worth offering.
    pub(crate) fn may_offer(&self, tool: &Tool<'_>) -> bool {
        (self.policies)().may_offer(&self.caller, tool)
    }

    /// Writes a ruling into the audit log, and says it in the words of the loop.
    pub(crate) fn verdict(&self, ruling: &Ruling) -> Verdict {
        self.audit(ruling, ruling.audit.rule.as_deref(), &word(&ruling.audit.outcome));
        match &ruling.decision {
            Decision::Allow => Verdict::Run,
            Decision::RequireApproval { .. } => Verdict::Approval,
            Decision::Deny { reason, .. } => Verdict::Denied(format!("The call was denied: {reason}.")),
        }
    }

    /// Why a call that was let run may not any more, with its line in the audit log: a policy may come while it waits. A rule
    /// that wants an approval is none: it was given, or asked for in vain when the start was decided.
    pub(crate) fn withdrawn(&self, ruling: &Ruling) -> Option<String> {
        match &ruling.decision {
            Decision::Allow | Decision::RequireApproval { .. } => None,
            Decision::Deny { .. } => match self.verdict(ruling) {
                Verdict::Denied(why) => Some(why),
                Verdict::Run | Verdict::Approval => None,
            },
        }
    }

    /// Counts a call that is about to run.
    pub(crate) fn count(&self, ruling: &Ruling) -> Result<(), Exceeded> {
        self.counts.lock().take(&ruling.limits)?;
        self.rates.take(self.tenant.as_str(), &ruling.limits, self.now())
    }

    /// From now on content that nobody vouches for is in context.
    pub(crate) fn taint(&self) {
        self.untrusted.store(true, Ordering::Relaxed);
    }

    /// Seconds since the beginning.
    pub(crate) fn now(&self) -> u64 {
        self.since.elapsed().as_secs()
    }

    /// One line a decision and a start: who, what, which rule, what became of it, and a hash of the arguments.
    pub(crate) fn audit(&self, ruling: &Ruling, rule: Option<&str>, outcome: &str) {
        let audit = &ruling.audit;
        tracing::info!(
            target: "audit",
            request = self.request,
            tenant = audit.tenant,
            subject = audit.subject,
            kind = audit.kind,
            server = audit.server,
            tool = audit.tool,
            rule,
            outcome,
            reason = audit.reason.as_ref().map(word),
            arguments = audit.arguments,
            "Tool call"
        );
    }
}

/// A built-in tool under the policies: what they deny to the caller is not offered, and every call is asked about.
pub struct Governed {
    /// The tool.
    pub builtin: Arc<dyn Builtin>,
    /// What policies call it.
    pub kind: ToolKind,
    /// Its type as requests write it, where it has one name only.
    pub name: &'static str,
    /// What it is like: whether its results come from outside decides on the taint.
    pub hints: Hints,
    /// The request.
    pub context: Context,
}

impl Builtin for Governed {
    fn offer(&self, tool: &HostedTool, param: &str) -> Result<Vec<Offer>, ApiError> {
        let offers = self.builtin.offer(tool, param)?;
        let subject = Tool { kind: self.kind, name: self.name, server: None, hints: self.hints };
        if !self.context.may_offer(&subject) {
            return Ok(Vec::new());
        }
        let guard = |offer: Offer| {
            let guarded = Guarded {
                executor: offer.executor,
                context: self.context.clone(),
                kind: self.kind,
                name: self.name,
                hints: self.hints,
            };
            Offer { executor: Arc::new(guarded), ..offer }
        };
        Ok(offers.into_iter().map(guard).collect())
    }
}

/// An executor under the policies.
struct Guarded {
    executor: Arc<dyn Executor>,
    context: Context,
    kind: ToolKind,
    name: &'static str,
    hints: Hints,
}

impl Guarded {
    fn rule(&self, call: &ToolCall) -> Ruling {
        let tool = Tool { kind: self.kind, name: self.name, server: None, hints: self.hints };
        self.context.rule(tool, call, false)
    }
}

#[async_trait]
impl Executor for Guarded {
    fn label(&self) -> &'static str {
        self.executor.label()
    }

    fn is_entry(&self) -> bool {
        self.executor.is_entry()
    }

    fn decide(&self, call: &ToolCall) -> Verdict {
        match without_asking(self.context.verdict(&self.rule(call))) {
            Verdict::Run => self.executor.decide(call),
            verdict @ (Verdict::Denied(_) | Verdict::Approval) => verdict,
        }
    }

    async fn execute(&self, call: &ToolCall, progress: &Reporter) -> ToolOutcome {
        // Whether it may run was decided; denials, limits and what is passed on of the result are as they are now.
        let ruling = self.rule(call);
        if let Some(why) = self.context.withdrawn(&ruling) {
            return ToolOutcome::failure(why);
        }
        if let Err(exceeded) = self.context.count(&ruling) {
            self.context.audit(&ruling, Some(&exceeded.rule), "limited");
            return ToolOutcome::failure(LIMITED);
        }
        self.context.audit(&ruling, ruling.audit.rule.as_deref(), "started");
        let outcome = self.executor.execute(call, progress).await;
        if self.hints.open_world != Some(false) {
            self.context.taint();
        }
        passed_on(&ruling.result, outcome)
    }
}

/// An outcome as the model and the client may see it: what is found is stored with the item, and read again in later turns.
fn passed_on(rules: &ResultRules, mut outcome: ToolOutcome) -> ToolOutcome {
    outcome.output = rules.apply(outcome.output);
    let found = outcome.shown.get_mut("results");
    found.into_iter().for_each(|results| rules.apply_within(results));
    let sources = outcome.shown.get_mut("action").and_then(|action| action.get_mut("sources"));
    sources.into_iter().for_each(|sources| rules.apply_within(sources));
    // A link to it would show what nobody is to see.
    outcome.sources.retain(|source| rules.redact(source.url.clone()) == source.url);
    for source in &mut outcome.sources {
        source.title = rules.apply(std::mem::take(&mut source.title));
    }
    outcome
}

/// A word as it stands in serialized records.
fn word(word: &impl serde::Serialize) -> String {
    serde_json::to_value(word).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}

#[cfg(test)]
mod tests;
