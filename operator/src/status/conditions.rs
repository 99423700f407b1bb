//! The conditions of one object, and what else its status holds.

use config::delivery::Mismatches;
use config::{Attachment, ConditionState, Diagnostics, GatewayId, Health, NOT_PROBED, Serving};
use serde_json::{Map, Value, json};

use crate::cluster::{ALLOW_REMOVAL, PAUSE};
use crate::delivery::fleet::Progress;
use crate::guard::Held;

/// The reason of Programmed that tells of a removal that is held back.
pub(crate) const REMOVAL_HELD: &str = "RemovalHeld";

/// How far an object has come at each of its gateways.
pub(crate) type Reached = Vec<(GatewayId, Option<Progress>)>;

/// How many gateways a status lists: the CRD has no room for more.
const GATEWAYS: usize = 16;

/// The status of an object, without times. `mismatches` are tools that are not as they should be.
pub(crate) fn status(
    about: &Diagnostics,
    reached: &Reached,
    effective: Option<Value>,
    mismatches: &Mismatches,
) -> Map<String, Value> {
    let compiled = about.conditions_with(mismatches);
    let is_true = |name: &str| compiled.iter().find(|one| one.name == name).is_none_or(|one| one.status);
    let (accepted, resolved) = (is_true("Accepted"), is_true("ResolvedRefs"));
    let programmed = programmed(about, reached);
    let ready = ready(accepted, resolved, &programmed);
    let mut conditions: Vec<Value> = compiled.iter().map(|one| condition(one, about.generation)).collect();
    conditions.push(condition(&programmed, about.generation));
    conditions.push(condition(&ready, about.generation));
    if !accepted {
        let reason = compiled.iter().find(|one| one.name == "Accepted").map(|one| one.reason.clone());
        let stalled = state("Stalled", true, reason.unwrap_or_default(), String::new());
        conditions.push(condition(&stalled, about.generation));
    }
    let mut status = Map::new();
    status.insert("observedGeneration".to_owned(), about.generation.into());
    status.insert("conditions".to_owned(), conditions.into());
    if !about.gateways.is_empty() {
        status.insert("gateways".to_owned(), gateways(about, reached));
    }
    if let Some(effective) = effective {
        status.insert("effective".to_owned(), effective);
    }
    status
}

/// How an upstream fares, as the proxy of that name at a gateway sees it. `None` if none has seen enough.
pub(crate) fn healthy(seen: Option<(&GatewayId, &str, Health)>, generation: i64) -> Value {
    let (status, reason, message) = match seen {
        None => ("Unknown", NOT_PROBED.to_owned(), "too few calls were made to tell".to_owned()),
        Some((_, _, Health::Healthy)) => ("True", Health::Healthy.reason(), String::new()),
        Some((gateway, proxy, health)) => {
            ("False", health.reason(), format!("gateway {gateway}: {proxy} says: {}", health.message()))
        }
    };
    json!({
        "type": "Healthy",
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": generation,
    })
}

/// True if all that is missing are proxies that have not spoken to this replica yet.
pub(crate) fn is_unheard(reached: &Reached) -> bool {
    let is_unheard = |progress: &Option<Progress>| {
        use Progress::{Disconnected, Everywhere, NoProxies, Pending};
        matches!(progress, Some(Everywhere | NoProxies | Pending { .. } | Disconnected { .. }))
    };
    reached.iter().all(|(_, progress)| is_unheard(progress))
        && reached.iter().any(|(_, progress)| *progress != Some(Progress::Everywhere))
}

/// True if the only thing that is missing is an acknowledgement that is on its way.
pub(crate) fn is_pending(reached: &Reached) -> bool {
    reached.iter().any(|(_, progress)| matches!(progress, Some(Progress::Pending { .. })))
}

fn state(
    name: &'static str,
    status: bool,
    reason: impl Into<String>,
    message: impl Into<String>,
) -> ConditionState {
    ConditionState { name, status, reason: reason.into(), message: message.into() }
}

fn programmed(about: &Diagnostics, reached: &Reached) -> ConditionState {
    let mut attached = about.gateways.values().filter(|attachment| !attachment.is_refused());
    let is_everywhere = attached.all(|attachment| is_served(attachment.serving, about.generation));
    if !is_served(about.serving, about.generation) || !is_everywhere {
        return unserved();
    }
    for (gateway, progress) in reached {
        if let Some((reason, message)) = trouble(progress.as_ref()) {
            return state("Programmed", false, reason, format!("gateway {gateway}: {message}"));
        }
    }
    if reached.is_empty() {
        return state("Programmed", false, "Pending", "attached to no gateway");
    }
    state("Programmed", true, "Programmed", "")
}

/// How the object stands at each of its gateways.
fn gateways(about: &Diagnostics, reached: &Reached) -> Value {
    let at = |(gateway, attachment): (&GatewayId, &Attachment)| {
        let mut conditions = about.conditions_at(attachment);
        if !attachment.is_refused() {
            let progress = reached.iter().find(|(known, _)| known == gateway);
            conditions.push(programmed_at(
                attachment,
                about.generation,
                progress.and_then(|(_, far)| far.as_ref()),
            ));
        }
        let conditions: Vec<Value> = conditions.iter().map(|one| condition(one, about.generation)).collect();
        json!({"namespace": gateway.namespace(), "name": gateway.name(), "conditions": conditions})
    };
    about.gateways.iter().take(GATEWAYS).map(at).collect()
}

fn programmed_at(attachment: &Attachment, generation: i64, progress: Option<&Progress>) -> ConditionState {
    if !is_served(attachment.serving, generation) {
        return unserved();
    }
    match trouble(progress) {
        Some((reason, message)) => state("Programmed", false, reason, message),
        None => state("Programmed", true, "Programmed", ""),
    }
}

fn is_served(serving: Option<Serving>, generation: i64) -> bool {
    serving.is_some_and(|serving| serving.generation == generation)
}

fn unserved() -> ConditionState {
    state("Programmed", false, "Invalid", "nothing of this generation is served")
}

/// What keeps an object from being served by every proxy of a gateway.
fn trouble(progress: Option<&Progress>) -> Option<(&'static str, String)> {
    Some(match progress {
        None => ("Pending", "not published yet".to_owned()),
        Some(Progress::Everywhere) => return None,
        Some(Progress::NoProxies) => ("NoProxies", "no proxy serves".to_owned()),
        Some(Progress::Rejected { proxy, message }) => {
            ("RejectedByProxy", format!("{proxy} rejected it: {message}"))
        }
        Some(Progress::Pending { proxy }) => ("Pending", format!("{proxy} has not acknowledged it yet")),
        Some(Progress::Stale { proxy }) => ("ProxyStale", format!("{proxy} acknowledges nothing")),
        Some(Progress::Disconnected { proxy }) => (
            "ProxyDisconnected",
            format!("{proxy} has lost its connection and may still serve the old version"),
        ),
        Some(Progress::Paused) => ("Paused", format!("nothing is published while {PAUSE} is true")),
        Some(Progress::RemovalHeld(held)) => (REMOVAL_HELD, held_back(held)),
    })
}

fn held_back(Held { count, of, token }: &Held) -> String {
    format!(
        "{count} of {of} objects that it routes by were removed at once and are still served: \
         annotate the gateway with {ALLOW_REMOVAL}={token} to let them go, or apply them again"
    )
}

fn ready(accepted: bool, resolved: bool, programmed: &ConditionState) -> ConditionState {
    match (accepted, resolved, programmed.status) {
        (false, _, _) => state("Ready", false, "NotAccepted", ""),
        (true, false, _) => state("Ready", false, "NotResolved", ""),
        (true, true, false) => state("Ready", false, "NotProgrammed", ""),
        (true, true, true) => state("Ready", true, "Ready", ""),
    }
}

fn condition(state: &ConditionState, generation: i64) -> Value {
    json!({
        "type": state.name,
        "status": if state.status { "True" } else { "False" },
        "reason": state.reason,
        "message": state.message,
        "observedGeneration": generation,
    })
}

/// The status with times: a condition keeps the time of its last transition as long as its status stays.
pub(crate) fn timed(mut status: Map<String, Value>, before: &Value, now: &str) -> Map<String, Value> {
    if let Some(conditions) = status.get_mut("conditions") {
        time(conditions, before, now);
    }
    for gateway in status.get_mut("gateways").and_then(Value::as_array_mut).into_iter().flatten() {
        let known = before["gateways"].as_array().into_iter().flatten();
        let is_it = |known: &&Value| ["namespace", "name"].iter().all(|key| known[key] == gateway[key]);
        let known = known.into_iter().find(is_it).unwrap_or(&Value::Null);
        time(&mut gateway["conditions"], known, now);
    }
    status
}

/// A condition as it is before it gets its time.
pub(crate) fn untimed(condition: &Value) -> Value {
    let mut condition = condition.clone();
    if let Some(fields) = condition.as_object_mut() {
        fields.remove("lastTransitionTime");
    }
    condition
}

fn time(conditions: &mut Value, before: &Value, now: &str) {
    for condition in conditions.as_array_mut().into_iter().flatten() {
        let known =
            of_type(before, &condition["type"]).filter(|known| known["status"] == condition["status"]);
        let since = known.and_then(|known| known["lastTransitionTime"].as_str()).unwrap_or(now);
        condition["lastTransitionTime"] = since.into();
    }
}

/// True if two statuses say the same, whatever their times.
pub(crate) fn is_same(status: &Map<String, Value>, before: &Value) -> bool {
    status.iter().all(|(key, value)| same(value, before.get(key).unwrap_or(&Value::Null)))
}

/// The order of conditions does not count, nor does the order of keys, nor the times of transitions. What is in the same order is
/// compared in one pass: lists of tools can be long.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            let in_order = || one.iter().zip(other).all(|(entry, known)| same(entry, known));
            let in_any = || one.iter().all(|entry| other.iter().any(|known| same(entry, known)));
            one.len() == other.len() && (in_order() || in_any())
        }
        (Value::Object(one), Value::Object(other)) => {
            let count = other.keys().filter(|key| *key != "lastTransitionTime").count();
            one.len() == count
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|known| same(value, known)))
        }
        _ => one == other,
    }
}

fn of_type<'a>(status: &'a Value, kind: &Value) -> Option<&'a Value> {
    status["conditions"].as_array()?.iter().find(|known| known["type"] == *kind)
}

#[cfg(test)]
mod tests {
    use config::{Condition, Hash, Problem, Reason};

    use super::*;

    fn about() -> Diagnostics {
        let serving = Some(Serving { generation: 7, hash: Hash::of(b"x") });
        Diagnostics { generation: 7, serving, ..Diagnostics::default() }
    }

    fn gateway(name: &str) -> GatewayId {
        GatewayId::new("a", name)
    }

    fn of<'a>(status: &'a Map<String, Value>, kind: &str) -> &'a Value {
        let conditions = status["conditions"].as_array().expect("conditions");
        conditions.iter().find(|known| known["type"] == kind).expect("there")
    }

    #[test]
    fn programmed_needs_every_proxy_of_every_gateway() {
        let everywhere = Some(Progress::Everywhere);
        let behind = Some(Progress::Pending { proxy: "p".into() });
        for (second, expected) in [
            (everywhere.clone(), "True"),
            (behind, "False"),
            (Some(Progress::NoProxies), "False"),
            (None, "False"),
        ] {
            let reached = vec![(gateway("b"), everywhere.clone()), (gateway("c"), second)];
            let status = status(&about(), &reached, None, &Mismatches::default());
            assert_eq!(of(&status, "Programmed")["status"], expected, "{reached:?}");
            assert_eq!(of(&status, "Ready")["status"], expected);
        }
        assert_eq!(
            of(&status(&about(), &Vec::new(), None, &Mismatches::default()), "Programmed")["status"],
            "False"
        );
    }

    #[test]
    fn a_rejection_names_proxy_and_reason() {
        let rejected = Progress::Rejected { proxy: "main-1".into(), message: "no such header".into() };
        let status = status(&about(), &vec![(gateway("b"), Some(rejected))], None, &Mismatches::default());
        let programmed = of(&status, "Programmed");
        assert_eq!(programmed["reason"], "RejectedByProxy");
        assert_eq!(programmed["message"], "gateway a/b: main-1 rejected it: no such header");
    }

    #[test]
    fn an_old_generation_that_is_served_is_not_programmed() {
        let serving = Some(Serving { generation: 6, hash: Hash::of(b"x") });
        let about = Diagnostics { serving, ..about() };
        let status =
            status(&about, &vec![(gateway("b"), Some(Progress::Everywhere))], None, &Mismatches::default());
        assert_eq!(of(&status, "Programmed")["reason"], "Invalid");
    }

    #[test]
    fn health_is_unknown_until_a_proxy_has_seen_enough_and_names_who_sees_trouble() {
        let gateway = GatewayId::new("a", "b");
        let of = |seen| {
            let condition = healthy(seen, 7);
            [&condition["status"], &condition["reason"], &condition["message"]]
                .map(|text| text.as_str().unwrap_or_default().to_owned())
        };
        assert_eq!(of(None)[..2], ["Unknown", "NotProbed"]);
        assert_eq!(of(Some((&gateway, "main-1", Health::Healthy))), ["True", "Healthy", ""]);
        let [status, reason, message] = of(Some((&gateway, "main-1", Health::TLSFailure)));
        assert_eq!((status.as_str(), reason.as_str()), ("False", "TLSFailure"));
        assert!(message.starts_with("gateway a/b: main-1 says: "), "{message}");
    }

    #[test]
    fn the_time_of_a_transition_moves_only_with_the_status() {
        let reached = vec![(gateway("b"), Some(Progress::Everywhere))];
        let first = Value::Object(timed(
            status(&about(), &reached, None, &Mismatches::default()),
            &Value::Null,
            "t1",
        ));
        assert!(is_same(&status(&about(), &reached, None, &Mismatches::default()), &first));
        let behind = vec![(gateway("b"), Some(Progress::NoProxies))];
        let second = status(&about(), &behind, None, &Mismatches::default());
        assert!(!is_same(&second, &first));
        let second = timed(second, &first, "t2");
        assert_eq!(of(&second, "Accepted")["lastTransitionTime"], "t1");
        assert_eq!(of(&second, "Programmed")["lastTransitionTime"], "t2");
    }

    #[test]
    fn each_gateway_says_how_the_object_stands_there() {
        let serving = about().serving;
        let refusal = Problem {
            condition: Condition::Accepted,
            reason: Reason::NotAllowedByGateway,
            path: "spec.gatewayRefs[2]".into(),
            message: "no".into(),
        };
        let served = Attachment { serving, ..Attachment::default() };
        let refused = Attachment { problems: vec![refusal], ..Attachment::default() };
        let gateways =
            [(gateway("b"), served.clone()), (gateway("c"), served), (gateway("d"), refused)].into();
        let reached =
            vec![(gateway("b"), Some(Progress::Everywhere)), (gateway("c"), Some(Progress::NoProxies))];
        let first = status(&Diagnostics { gateways, ..about() }, &reached, None, &Mismatches::default());
        let shown: Vec<_> = first["gateways"].as_array().expect("gateways").iter().map(told).collect();
        assert_eq!(
            shown,
            [
                "b Accepted=True ResolvedRefs=True Programmed=True",
                "c Accepted=True ResolvedRefs=True Programmed=False",
                "d Accepted=False ResolvedRefs=True",
            ]
        );
        let first = Value::Object(timed(first, &Value::Null, "t1"));
        let mut later = first.as_object().cloned().expect("an object");
        later["gateways"][1]["conditions"][2]["status"] = "True".into();
        let later = timed(later, &first, "t2");
        let times = |at: usize| later["gateways"][at]["conditions"][2]["lastTransitionTime"].clone();
        assert_eq!((times(0), times(1)), ("t1".into(), "t2".into()));
    }

    fn told(gateway: &Value) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let conditions = gateway["conditions"].as_array().into_iter().flatten();
        let conditions = conditions.map(|one| format!(" {}={}", text(&one["type"]), text(&one["status"])));
        text(&gateway["name"]) + &conditions.collect::<String>()
    }
}
