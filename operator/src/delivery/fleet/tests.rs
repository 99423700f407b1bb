use std::collections::BTreeMap;

use config::Entry;
use config::Spec;
use config::delivery::{Observed, Recalled};
use config::spec::{CallerUrls, Filter, TenantSpec};

use super::*;

const SECOND: Time = Duration::from_secs(1);

pub(super) fn tenant(name: &str, namespace: &str) -> Arc<Entry> {
    let spec = TenantSpec {
        name: name.to_owned(),
        namespaces: [namespace.to_owned()].into(),
        subjects: Vec::new(),
        models: Filter::default(),
        mcp_servers: Filter::default(),
        caller_urls: CallerUrls::default(),
        streams: None,
    };
    Arc::new(Entry::new(EntryId::tenant("a", name), 1, Spec::Tenant(spec)))
}

fn snapshot(entries: &[Arc<Entry>]) -> Arc<Snapshot> {
    let entries = entries.iter().map(|entry| (entry.id.clone(), Arc::clone(entry))).collect();
    Arc::new(Snapshot::new(entries, BTreeMap::new(), None))
}

pub(super) fn gateway() -> GatewayId {
    GatewayId::new("a", "main")
}

/// A fleet that serves these entries.
pub(super) fn serving(entries: &[Arc<Entry>]) -> Fleet {
    let mut fleet = Fleet::default();
    fleet.lead(7);
    publish(&mut fleet, entries);
    fleet
}

pub(super) fn publish(fleet: &mut Fleet, entries: &[Arc<Entry>]) -> bool {
    fleet.publish(&[(gateway(), (snapshot(entries), 60 * SECOND))].into())
}

/// A proxy joins; its session.
pub(super) fn join(fleet: &mut Fleet, name: &str, applied: Option<Applied>) -> String {
    let hello =
        Hello { proxy: name.into(), gateway: gateway(), version: String::new(), ir: vec![IR], applied };
    let answer = fleet.hello(&hello);
    let FromOperator::Welcome(welcome) = answer else { panic!("{answer:?}") };
    welcome.session
}

fn applied(frames: &[FromOperator]) -> Applied {
    match frames {
        [FromOperator::Snapshot(frame)] => frame.applied,
        [FromOperator::Current(applied)] => *applied,
        other => panic!("{other:?}"),
    }
}

fn ack(fleet: &mut Fleet, session: &str, applied: Applied, rejected: Vec<Rejected>) {
    let result = if rejected.is_empty() { Outcome::Applied } else { Outcome::Partial };
    let ack = Ack { session: session.to_owned(), applied, result, serving: true, rejected };
    assert!(fleet.ack(&gateway(), ack, SECOND));
}

/// Sends what is due to a session and acknowledges it.
pub(super) fn settle(fleet: &mut Fleet, session: &str) -> Applied {
    let due = fleet.next(&gateway(), session, SECOND);
    let applied = applied(&due);
    ack(fleet, session, applied, Vec::new());
    applied
}

fn progress(fleet: &Fleet, entry: &Entry, now: Time) -> Option<Progress> {
    fleet.progress(&gateway(), &entry.id, &entry.hash, now)
}

#[test]
fn nothing_is_programmed_without_a_proxy() {
    let entry = tenant("red", "x");
    let fleet = serving(std::slice::from_ref(&entry));
    assert_eq!(progress(&fleet, &entry, SECOND), Some(Progress::NoProxies));
    assert_eq!(progress(&fleet, &tenant("red", "y"), SECOND), None, "not what is served");
}

#[test]
fn the_last_proxy_that_acknowledges_makes_it_programmed() {
    let (old, new) = (tenant("red", "x"), tenant("red", "y"));
    let mut fleet = serving(std::slice::from_ref(&old));
    let sessions = ["one", "two"].map(|name| join(&mut fleet, name, None));
    sessions.iter().for_each(|session| _ = settle(&mut fleet, session));
    assert_eq!(progress(&fleet, &old, SECOND), Some(Progress::Everywhere));
    publish(&mut fleet, std::slice::from_ref(&new));
    settle(&mut fleet, &sessions[0]);
    assert_eq!(progress(&fleet, &new, SECOND), Some(Progress::Pending { proxy: "two".into() }));
    settle(&mut fleet, &sessions[1]);
    assert_eq!(progress(&fleet, &new, SECOND), Some(Progress::Everywhere));
}

#[test]
fn a_change_of_one_entry_is_sent_alone_and_leaves_the_others_programmed() {
    let (red, blue) = (tenant("red", "x"), tenant("blue", "y"));
    let mut fleet = serving(&[Arc::clone(&red), Arc::clone(&blue)]);
    let session = join(&mut fleet, "one", None);
    settle(&mut fleet, &session);
    publish(&mut fleet, &[Arc::clone(&red), tenant("blue", "z")]);
    assert_eq!(progress(&fleet, &red, SECOND), Some(Progress::Everywhere), "its own entry did not change");
    let due = fleet.next(&gateway(), &session, SECOND);
    let [FromOperator::Snapshot(frame)] = due.as_slice() else { panic!("{due:?}") };
    assert_eq!((frame.upsert.len(), frame.base.is_some()), (1, true));
}

#[test]
fn a_rejection_is_told_with_its_proxy_and_ends_with_the_next_content() {
    let entry = tenant("red", "x");
    let mut fleet = serving(std::slice::from_ref(&entry));
    let session = join(&mut fleet, "one", None);
    let due = fleet.next(&gateway(), &session, SECOND);
    let (id, hash) = (entry.id.clone(), entry.hash);
    let rejected = Rejected { id, hash, generation: 1, reason: "BuildFailed".into(), message: "no".into() };
    ack(&mut fleet, &session, applied(&due), vec![rejected]);
    let expected = Progress::Rejected { proxy: "one".into(), message: "no".into() };
    assert_eq!(progress(&fleet, &entry, SECOND), Some(expected));
    let figures = fleet.figures(&gateway(), 2 * SECOND);
    let told = figures.last_rejections.iter().map(|one| (one.proxy.as_str(), one.at)).collect::<Vec<_>>();
    assert_eq!((figures.rejected, told), (1, vec![("one", SECOND)]));
    let mended = tenant("red", "y");
    publish(&mut fleet, std::slice::from_ref(&mended));
    settle(&mut fleet, &session);
    assert_eq!(progress(&fleet, &mended, SECOND), Some(Progress::Everywhere));
}

#[test]
fn one_snapshot_is_on_its_way_at_a_time_and_the_newest_is_next() {
    let mut fleet = serving(&[tenant("red", "x")]);
    let session = join(&mut fleet, "one", None);
    let first = applied(&fleet.next(&gateway(), &session, SECOND));
    publish(&mut fleet, &[tenant("red", "y")]);
    publish(&mut fleet, &[tenant("red", "z")]);
    assert_eq!(fleet.next(&gateway(), &session, SECOND), []);
    ack(&mut fleet, &session, first, Vec::new());
    assert_eq!(settle(&mut fleet, &session).sequence, 3, "what was in between is left out");
}

#[test]
fn who_has_the_content_already_is_told_so() {
    let mut fleet = serving(&[tenant("red", "x")]);
    let session = join(&mut fleet, "one", None);
    let applied = settle(&mut fleet, &session);
    let mut next = Fleet::default();
    next.lead(8);
    publish(&mut next, &[tenant("red", "x")]);
    let session = join(&mut next, "one", Some(applied));
    let due = next.next(&gateway(), &session, SECOND);
    assert!(matches!(due.as_slice(), [FromOperator::Current(current)] if current.epoch == 8), "{due:?}");
}

#[test]
fn a_proxy_that_vanished_counts_until_its_time_is_over() {
    let (old, new) = (tenant("red", "x"), tenant("red", "y"));
    let mut fleet = serving(std::slice::from_ref(&old));
    let sessions = ["one", "two"].map(|name| join(&mut fleet, name, None));
    sessions.iter().for_each(|session| _ = settle(&mut fleet, session));
    fleet.gone(&gateway(), &sessions[1], 10 * SECOND);
    publish(&mut fleet, std::slice::from_ref(&new));
    settle(&mut fleet, &sessions[0]);
    let away = Some(Progress::Disconnected { proxy: "two".into() });
    assert_eq!(progress(&fleet, &new, 20 * SECOND), away);
    fleet.tick(69 * SECOND);
    assert_eq!(progress(&fleet, &new, 69 * SECOND), away);
    fleet.tick(70 * SECOND);
    assert_eq!(progress(&fleet, &new, 70 * SECOND), Some(Progress::Everywhere));
}

#[test]
fn a_proxy_that_acknowledges_nothing_is_stale() {
    let (old, new) = (tenant("red", "x"), tenant("red", "y"));
    let mut fleet = serving(std::slice::from_ref(&old));
    let session = join(&mut fleet, "one", None);
    settle(&mut fleet, &session);
    publish(&mut fleet, std::slice::from_ref(&new));
    fleet.next(&gateway(), &session, SECOND);
    assert_eq!(progress(&fleet, &new, 30 * SECOND), Some(Progress::Pending { proxy: "one".into() }));
    assert_eq!(progress(&fleet, &new, 31 * SECOND), Some(Progress::Stale { proxy: "one".into() }));
}

#[test]
fn a_gateway_that_is_gone_ends_its_streams() {
    let mut fleet = serving(&[tenant("red", "x")]);
    let session = join(&mut fleet, "one", None);
    fleet.publish(&BTreeMap::new());
    let due = fleet.next(&gateway(), &session, SECOND);
    assert_eq!(due, [FromOperator::Drain { reason: "GatewayDeleted".into() }]);
}

#[test]
fn a_stream_that_was_replaced_ends() {
    let mut fleet = serving(&[tenant("red", "x")]);
    let first = join(&mut fleet, "one", None);
    join(&mut fleet, "one", None);
    assert_eq!(fleet.next(&gateway(), &first, SECOND), [FromOperator::Drain { reason: "Replaced".into() }]);
    assert_eq!(fleet.report(&gateway(), report(&first, Vec::new()), SECOND), None);
}

#[test]
fn a_snapshot_that_is_refused_as_a_whole_is_told_and_not_sent_again_at_once() {
    let (old, new) = (tenant("red", "x"), tenant("red", "y"));
    let mut fleet = serving(std::slice::from_ref(&old));
    let session = join(&mut fleet, "one", None);
    settle(&mut fleet, &session);
    publish(&mut fleet, std::slice::from_ref(&new));
    let applied = applied(&fleet.next(&gateway(), &session, SECOND));
    let refusal = Ack {
        session: session.clone(),
        applied,
        result: Outcome::Rejected,
        serving: true,
        rejected: Vec::new(),
    };
    assert!(fleet.ack(&gateway(), refusal, SECOND));
    let told = progress(&fleet, &new, SECOND);
    assert!(matches!(told, Some(Progress::Rejected { proxy, .. }) if proxy == "one"));
    assert_eq!(fleet.figures(&gateway(), SECOND).rejected, 1);
    assert_eq!(fleet.next(&gateway(), &session, SECOND), []);
    let again = join(&mut fleet, "one", None);
    let told = progress(&fleet, &new, SECOND);
    assert!(matches!(told, Some(Progress::Rejected { .. })), "another session changes nothing by itself");
    settle(&mut fleet, &again);
    assert_eq!(progress(&fleet, &new, SECOND), Some(Progress::Everywhere));
}

#[test]
fn a_rejection_outlives_the_session_in_which_it_was_told() {
    let entry = tenant("red", "x");
    let mut fleet = serving(std::slice::from_ref(&entry));
    let session = join(&mut fleet, "one", None);
    let due = applied(&fleet.next(&gateway(), &session, SECOND));
    let (id, hash) = (entry.id.clone(), entry.hash);
    let rejected = Rejected { id, hash, generation: 1, reason: "BuildFailed".into(), message: "no".into() };
    ack(&mut fleet, &session, due, vec![rejected]);
    join(&mut fleet, "one", Some(due));
    let expected = Progress::Rejected { proxy: "one".into(), message: "no".into() };
    assert_eq!(progress(&fleet, &entry, SECOND), Some(expected));
}

#[test]
fn while_something_is_recalled_a_proxy_that_runs_something_is_asked_once_and_nothing_is_sent() {
    let (known, lost) = (tenant("red", "x"), tenant("blue", "y"));
    let mut fleet = serving(std::slice::from_ref(&known));
    fleet.recall(&gateway(), [lost.id.clone()].into());
    let runs = Applied { hash: Hash::of(b"x"), epoch: 6, sequence: 3 };
    let (old, new) = (join(&mut fleet, "old", Some(runs)), join(&mut fleet, "new", None));
    let ids = vec![lost.id.clone()];
    assert_eq!(fleet.next(&gateway(), &old, SECOND), [FromOperator::Recall { ids }]);
    assert_eq!(fleet.next(&gateway(), &old, SECOND), []);
    assert_eq!(fleet.next(&gateway(), &new, SECOND), []);
    let told = |session: &str, entries: &[&Arc<Entry>]| Recalled {
        session: session.to_owned(),
        entries: entries.iter().map(|entry| Entry::clone(entry)).collect(),
        secrets: Vec::new(),
    };
    assert!(!fleet.recalled(&gateway(), told(&new, &[&lost])), "it was not asked");
    assert!(fleet.recalled(&gateway(), told(&old, &[&lost, &known])));
    assert_eq!(fleet.take_recalled(), [(gateway(), told(&old, &[&lost]))], "what was asked for, and no more");
    fleet.release();
    assert!(!fleet.recalled(&gateway(), told(&old, &[&lost])));
    for session in [old, new] {
        settle(&mut fleet, &session);
    }
    assert_eq!(progress(&fleet, &known, SECOND), Some(Progress::Everywhere));
}

fn report(session: &str, health: Vec<Observed>) -> Report {
    Report {
        session: session.to_owned(),
        serving: true,
        inflight: 0,
        health: Some(health),
        catalogs: Vec::new(),
    }
}

#[test]
fn the_worst_that_a_serving_proxy_says_of_an_upstream_counts() {
    let entry = tenant("red", "x");
    let mut fleet = serving(std::slice::from_ref(&entry));
    let sessions = ["one", "two"].map(|name| join(&mut fleet, name, None));
    for session in &sessions {
        settle(&mut fleet, session);
    }
    let seen = |state| vec![Observed { id: entry.id.clone(), state }];
    assert_eq!(fleet.health(&gateway(), &entry.id), None);
    assert_eq!(fleet.report(&gateway(), report(&sessions[0], seen(Health::Healthy)), SECOND), Some(true));
    assert_eq!(fleet.report(&gateway(), report(&sessions[0], seen(Health::Healthy)), SECOND), Some(false));
    assert_eq!(fleet.health(&gateway(), &entry.id), Some(("one", Health::Healthy)));
    assert_eq!(fleet.report(&gateway(), report(&sessions[1], seen(Health::Unreachable)), SECOND), Some(true));
    assert_eq!(fleet.health(&gateway(), &entry.id), Some(("two", Health::Unreachable)));
    let unknown = Observed { id: tenant("blue", "x").id.clone(), state: Health::Unreachable };
    assert_eq!(fleet.report(&gateway(), report(&sessions[1], vec![unknown]), SECOND), Some(true));
    assert_eq!(fleet.health(&gateway(), &entry.id), Some(("one", Health::Healthy)), "it takes that back");
}

#[test]
fn what_a_proxy_runs_is_asked_about_in_each_session_since_what_it_said_may_be_lost() {
    let (good, bad) = (tenant("red", "x"), tenant("blue", "y"));
    let mut fleet = serving(&[good.clone(), bad.clone()]);
    let first = join(&mut fleet, "one", None);
    let sent = applied(&fleet.next(&gateway(), &first, SECOND));
    // It runs that and rejects one entry, but its acknowledgement is lost with the session.
    let second = join(&mut fleet, "one", Some(sent));
    let due = fleet.next(&gateway(), &second, SECOND);
    assert!(matches!(due.as_slice(), [FromOperator::Current(applied)] if *applied == sent), "{due:?}");
    let is_pending = |progress| matches!(progress, Some(Progress::NoProxies | Progress::Pending { .. }));
    assert!(is_pending(progress(&fleet, &bad, SECOND)), "nothing was heard of it yet");
    let rejected = Rejected {
        id: bad.id.clone(),
        hash: bad.hash,
        generation: 1,
        reason: "r".repeat(1_000),
        message: "no".into(),
    };
    ack(&mut fleet, &second, sent, vec![rejected]);
    assert!(matches!(progress(&fleet, &bad, SECOND), Some(Progress::Rejected { .. })));
    assert_eq!(progress(&fleet, &good, SECOND), Some(Progress::Everywhere));
    let told = fleet.figures(&gateway(), SECOND).last_rejections;
    assert_eq!(told[0].what.reason.len(), REASON, "no more than a status can hold");
    assert!(fleet.next(&gateway(), &second, SECOND).is_empty());
}
