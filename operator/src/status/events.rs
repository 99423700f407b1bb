//! Kubernetes events: what changed about an object, told when its status is written, and at no other time.

use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::api::DynamicObject;
use kube::runtime::events::{Event, EventType, Recorder, Reporter};
use kube::{Client, Resource, ResourceExt};
use serde_json::Value;
use tokio::time::timeout;
use tracing::warn;

use crate::status::conditions::REMOVAL_HELD;
use crate::watch::resource;

const REPORTER: &str = "fairlead-operator";
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest texts that an event may have.
const NOTE_BYTES: usize = 1024;
const INSTANCE_BYTES: usize = 128;
/// The conditions whose transitions are told, the cause before what follows from it.
const TOLD: [&str; 5] = ["Accepted", "ResolvedRefs", "Degraded", "Programmed", "Ready"];

/// Publishes events.
pub(crate) struct Events {
    recorder: Recorder,
}

/// One transition, worth an event.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Transition {
    is_good: bool,
    /// The condition.
    name: &'static str,
    reason: String,
    message: String,
}

impl Events {
    /// `identity` names this replica in the events.
    pub(crate) fn new(client: Client, identity: &str) -> Self {
        let instance = Some(clipped(identity, INSTANCE_BYTES));
        let reporter = Reporter { controller: REPORTER.to_owned(), instance };
        Self { recorder: Recorder::new(client, reporter) }
    }

    /// Tells what changed from the status `before` to that of `written`. An event that cannot be published is lost, and
    /// the log says so: the status has it all.
    pub(crate) async fn tell(&self, kind: &crds::Kind, written: &DynamicObject, before: &Value) {
        let reference = ObjectReference { resource_version: None, ..written.object_ref(&resource(kind)) };
        let Some(transition) = transition(before, &written.data["status"]) else { return };
        match timeout(PATIENCE, self.recorder.publish(&transition.event(), &reference)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn!(object = written.name_any(), %error, "Cannot publish an event"),
            Err(_) => warn!(object = written.name_any(), "Publishing an event takes too long"),
        }
    }
}

impl Transition {
    fn event(&self) -> Event {
        Event {
            type_: if self.is_good { EventType::Normal } else { EventType::Warning },
            reason: self.reason.clone(),
            note: Some(clipped(&self.message, NOTE_BYTES)).filter(|note| !note.is_empty()),
            action: self.name.to_owned(),
            secondary: None,
        }
    }
}

/// The first condition that changed for the worse; where none did, that the object is ready now. What only waits for
/// acknowledgements is no news.
fn transition(before: &Value, after: &Value) -> Option<Transition> {
    let changed = TOLD.into_iter().filter_map(|name| {
        let (was, is) = (state(before, name), state(after, name)?);
        // A removal that has grown is named by another token.
        let field = if is["reason"] == REMOVAL_HELD { "message" } else { "reason" };
        let is_news = (was.map(|was| &was["status"]), was.map(|was| &was[field]))
            != (Some(&is["status"]), Some(&is[field]));
        let text = |field: &str| is[field].as_str().unwrap_or_default().to_owned();
        let is_good = (is["status"] == "True") == (name != "Degraded");
        is_news.then(|| Transition { is_good, name, reason: text("reason"), message: text("message") })
    });
    let changed: Vec<Transition> = changed.filter(|one| one.reason != "Pending").collect();
    let bad = changed.iter().find(|one| !one.is_good && one.name != "Ready").cloned();
    bad.or_else(|| changed.into_iter().find(|one| one.is_good && one.name == "Ready"))
}

fn clipped(text: &str, bytes: usize) -> String {
    text[..text.floor_char_boundary(bytes)].to_owned()
}

fn state<'a>(status: &'a Value, name: &str) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|one| one["type"] == name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn status(conditions: &[(&str, &str, &str)]) -> Value {
        let condition = |(name, status, reason): &(&str, &str, &str)| json!({"type": name, "status": status, "reason": reason, "message": format!("about {name}")});
        json!({"conditions": conditions.iter().map(condition).collect::<Vec<_>>()})
    }

    fn told(before: &Value, after: &Value) -> Option<(bool, String)> {
        transition(before, after).map(|one| (one.is_good, one.reason))
    }

    #[test]
    fn only_transitions_are_told_and_the_cause_before_what_follows() {
        let ready = status(&[
            ("Accepted", "True", "Accepted"),
            ("Programmed", "True", "Programmed"),
            ("Ready", "True", "Ready"),
        ]);
        let waits = status(&[
            ("Accepted", "True", "Accepted"),
            ("Programmed", "False", "Pending"),
            ("Ready", "False", "NotProgrammed"),
        ]);
        let broken = status(&[
            ("Accepted", "False", "Invalid"),
            ("Programmed", "False", "Invalid"),
            ("Ready", "False", "NotAccepted"),
        ]);
        assert_eq!(told(&Value::Null, &ready), Some((true, "Ready".into())));
        assert_eq!(told(&ready, &ready), None);
        assert_eq!(told(&ready, &waits), None);
        assert_eq!(told(&waits, &ready), Some((true, "Ready".into())));
        assert_eq!(told(&ready, &broken), Some((false, "Invalid".into())));
        assert_eq!(told(&broken, &broken), None);
    }

    #[test]
    fn a_long_message_is_cut_to_what_an_event_may_have() {
        let message = format!("{}é and more", "x".repeat(NOTE_BYTES - 1));
        let transition = Transition { is_good: false, name: "Accepted", reason: "Invalid".into(), message };
        assert_eq!(transition.event().note.map(|note| note.len()), Some(NOTE_BYTES - 1));
    }

    #[test]
    fn less_than_asked_for_is_a_warning() {
        let before = status(&[("Ready", "True", "Ready")]);
        let after = status(&[("Degraded", "True", "ServingLastGood"), ("Ready", "True", "Ready")]);
        assert_eq!(told(&before, &after), Some((false, "ServingLastGood".into())));
        assert_eq!(told(&after, &before), None);
    }
}
