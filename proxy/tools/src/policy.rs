//! Who may call which tool with which arguments: one decision per call, from every policy that is about it, the server's own
//! terms and the request's wishes.
//!
//! Pure: no I/O and no clock. Everything only tightens: of all that is said about a call, the strictest counts.

mod argument_hash;
mod call;
mod counters;
mod decide;
mod result;
mod ruling;
mod settings;

pub use call::{Call, Caller, Hints, Identity, Server, Tool};
pub use counters::{Counts, Exceeded, Rates};
pub use decide::Policies;
pub use result::ResultRules;
pub use ruling::{Audit, Decision, Limit, Outcome, Reason, Ruling};
pub use settings::{Action, Choice, Floor, Policy, Rule, Subject, Target, ToolKind};
