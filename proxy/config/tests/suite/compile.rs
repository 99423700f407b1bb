use std::collections::BTreeSet;

use config::spec::{Credential, ModelType, Placement, Protocol, RetryReason, WireApi};
use config::{Degraded, EntryId, Reason};

use crate::kit::{Process, model, provider, secret};

const KEYED: &str = "auth: {apiKey: {secretRef: {name: k, key: apiKey}}}";

fn reasons(about: &config::Diagnostics) -> Vec<Reason> {
    about.problems.iter().map(|problem| problem.reason).collect()
}

#[test]
fn defaults_are_applied_once_and_for_all() {
    let process = Process::of(&(provider("p", "") + &model("m", "p", "")));
    let model = process.model("m").unwrap();
    assert_eq!((model.name.as_str(), model.kind, model.retry.max_attempts), ("m", ModelType::Chat, 3));
    assert_eq!(model.retry.reasons, BTreeSet::from(RetryReason::ALL));
    assert_eq!((model.retry.backoff.base_ms, model.retry.backoff.max_ms), (100, 5000));
    let provider = process.provider("p").unwrap();
    let times = provider.timeouts;
    let times = [times.connect_ms, times.first_byte_ms, times.stream_idle_ms, times.total_ms];
    assert_eq!(times, [2000, 120_000, 60_000, 600_000]);
    assert_eq!((provider.retry_budget_percent, &provider.credential), (20, &Credential::None));
    assert_eq!(provider.direct_names, BTreeSet::new());
}

#[test]
fn targets_are_sorted_by_priority_and_refer_to_entries() {
    let target = |name: &str, priority| {
        format!(
            "{{name: {name}, providerRef: {{name: p}}, upstreamModel: up-{name}, priority: {priority}, weight: 5}}"
        )
    };
    let targets = [target("c", 0), target("a", 1), target("b", 0)].join(", ");
    let yaml =
        provider("p", "") + &model("m", "p", "").replace("targets: [", &format!("targets: [{targets}, "));
    let process = Process::of(&yaml);
    let targets = &process.model("m").unwrap().targets;
    let names: Vec<_> =
        targets.iter().map(|target| (target.name.as_str(), target.priority, target.weight)).collect();
    assert_eq!(names, [("b", 0, 5), ("c", 0, 5), ("only", 0, 1), ("a", 1, 5)]);
    assert_eq!(targets[0].provider, EntryId::provider("default", "p"));
}

#[test]
fn auto_speaks_responses_at_openai_only() {
    let yaml = provider("p", "") + &provider("openai", "").replace("openai.example.com", "api.openai.com");
    let process = Process::of(&yaml);
    let api = |name: &str| match &process.provider(name).unwrap().protocol {
        Protocol::OpenAi(openai) => openai.api,
    };
    assert_eq!((api("p"), api("openai")), (WireApi::ChatCompletions, WireApi::Responses));
}

#[test]
fn direct_names_are_there_only_with_consent() {
    let yaml = provider("p", "aliases: [q], directModels: Allow") + &provider("r", "aliases: [s]");
    let process = Process::of(&yaml);
    assert_eq!(process.provider("p").unwrap().direct_names, BTreeSet::from(["p".to_owned(), "q".to_owned()]));
    assert!(process.provider("r").unwrap().direct_names.is_empty());
}

#[test]
fn a_key_is_named_in_the_entry_and_kept_beside_it() {
    let keyed = "auth: {apiKey: {secretRef: {name: k, key: apiKey}, header: X-Key}}";
    let process = Process::of(&(provider("p", keyed) + &secret("k", "apiKey", "sk-1\\n")));
    let Credential::Key { secret, placement, .. } = &process.provider("p").unwrap().credential else {
        panic!()
    };
    assert_eq!(process.snapshot().secrets[secret].expose(), "sk-1");
    assert_eq!(*placement, Placement::Header("x-key".to_owned()));
    let printed = format!("{:?}", process.compiled) + &serde_json::to_string(&process.provider("p")).unwrap();
    assert!(!printed.contains("sk-1"));
}

#[test]
fn a_rotated_key_changes_its_provider_and_no_model() {
    let yaml = provider("p", KEYED) + &model("m", "p", "");
    let mut process = Process::of(&(yaml.clone() + &secret("k", "apiKey", "sk-1")));
    let before = process.snapshot().clone();
    process.apply(&(yaml + &secret("k", "apiKey", "sk-2")));
    let hash = |id: &EntryId| (before.entries[id].hash, process.entry(id).unwrap().hash);
    let (old, new) = hash(&EntryId::provider("default", "p"));
    assert_ne!(old, new);
    let (old, new) = hash(&EntryId::model("default", "m"));
    assert_eq!(old, new);
    assert_ne!(before.hash, process.snapshot().hash);
}

#[test]
fn the_last_key_stays_when_its_secret_goes() {
    let mut process = Process::of(&(provider("p", KEYED) + &secret("k", "apiKey", "sk-1")));
    let before = process.snapshot().clone();
    process.apply(&provider("p", KEYED));
    assert_eq!(*process.snapshot(), before);
    assert_eq!(reasons(process.about("ModelProvider", "p")), [Reason::SecretNotFound]);
    assert_eq!(process.about("ModelProvider", "p").degraded, Some(Degraded::ServingLastGood));
}

#[test]
fn a_key_that_never_was_is_missing() {
    let process = Process::of(&(provider("p", KEYED) + &secret("k", "other", "sk-1")));
    assert_eq!(process.provider("p").unwrap().credential, Credential::Missing);
    let expected = "a.yaml:2: ModelProvider default/p: spec.auth.apiKey.secretRef: Secret default/k has no key \"apiKey\": add it";
    assert_eq!(process.findings(), [expected]);
    assert_eq!(reasons(process.about("ModelProvider", "p")), [Reason::SecretKeyNotFound]);
}

#[test]
fn with_fail_no_key_outlives_its_secret() {
    let failing = format!("{KEYED}, onMissingSecret: Fail");
    let mut process = Process::of(&(provider("p", &failing) + &secret("k", "apiKey", "sk-1")));
    process.apply(&provider("p", &failing));
    assert_eq!(process.provider("p").unwrap().credential, Credential::Missing);
    assert!(process.snapshot().secrets.is_empty());
}

#[test]
fn a_key_that_no_header_can_carry_is_reported() {
    let process = Process::of(&(provider("p", KEYED) + &secret("k", "apiKey", "a\\nb")));
    assert_eq!(reasons(process.about("ModelProvider", "p")), [Reason::InvalidSecret]);
}

#[test]
fn an_update_that_breaks_a_rule_leaves_the_last_good_content() {
    let good = provider("p", "") + &model("m", "p", "");
    let mut process = Process::of(&good);
    let before = process.snapshot().clone();
    process.apply(&(provider("p", "retryBudgetPercent: 101") + &model("m", "p", "type: Song")));
    assert_eq!(*process.snapshot(), before);
    let about = process.about("Model", "m");
    assert_eq!((reasons(about), about.degraded), (vec![Reason::Invalid], Some(Degraded::ServingLastGood)));
    assert!(!about.is_accepted());
    assert_eq!(about.serving.unwrap().hash, before.entries[&EntryId::model("default", "m")].hash);
}

#[test]
fn the_last_good_content_survives_many_bad_updates() {
    let mut process = Process::of(&(provider("p", "") + &model("m", "p", "aliases: [nick]")));
    for kind in ["Song", "Dance"] {
        process.apply(&(provider("p", "") + &model("m", "p", &format!("type: {kind}"))));
    }
    assert!(process.model("m").unwrap().aliases.contains("nick"));
}

#[test]
fn a_type_cannot_change() {
    let yaml = provider("p", "");
    let mut process = Process::of(&yaml);
    process.apply(&yaml.replace("type: OpenAI", "type: Anthropic"));
    assert!(process.provider("p").is_some());
    assert!(process.findings()[0].contains("spec.type: Unsupported value"), "{:?}", process.findings());
}

#[test]
fn a_deleted_object_is_gone() {
    let mut process = Process::of(&(provider("p", "") + &model("m", "p", "")));
    process.apply(&provider("p", ""));
    assert!(process.model("m").is_none());
    assert!(process.compiled.last_good.len() == 1 && process.compiled.diagnostics.len() == 1);
}

#[test]
fn a_target_without_provider_leaves_the_others() {
    let extra = "{name: gone, providerRef: {name: none}, upstreamModel: up}, ";
    let yaml = provider("p", "") + &model("m", "p", "").replace("targets: [", &format!("targets: [{extra}"));
    let process = Process::of(&yaml);
    let names: Vec<_> =
        process.model("m").unwrap().targets.iter().map(|target| target.name.as_str()).collect();
    assert_eq!(names, ["only"]);
    let about = process.about("Model", "m");
    assert_eq!(
        (reasons(about), about.degraded),
        (vec![Reason::ProviderNotFound], Some(Degraded::PartialTargets))
    );
    assert!(about.is_accepted());
    assert_eq!(about.problems[0].path, "spec.targets[0].providerRef");
}

#[test]
fn a_model_without_any_provider_is_known_and_unusable() {
    let process = Process::of(&(provider("other", "") + &model("m", "p", "")));
    assert_eq!(process.model("m").unwrap().targets, []);
}

#[test]
fn another_namespace_must_admit_a_reference() {
    let elsewhere = |admit: &str| provider("p", admit).replace("name: p}", "name: p, namespace: platform}");
    let model = model("m", "p", "").replace("{name: p}", "{name: p, namespace: platform}");
    let closed = Process::of(&(elsewhere("") + &model));
    assert_eq!(closed.model("m").unwrap().targets, []);
    assert_eq!(reasons(closed.about("Model", "m")), [Reason::RefNotPermitted]);
    let missing = Process::of(&(provider("p", "") + &model));
    assert_eq!(closed.about("Model", "m").problems, missing.about("Model", "m").problems);
    let open = Process::of(&(elsewhere("allowedNamespaces: {from: All}") + &model));
    assert_eq!(open.model("m").unwrap().targets[0].provider, EntryId::provider("platform", "p"));
}

#[test]
fn of_two_claims_to_a_name_the_older_wins_and_both_are_told() {
    let older = model("z", "p", "modelName: smart")
        .replace("name: z}", "name: z, creationTimestamp: '2026-01-01T00:00:00Z'}");
    let younger = model("a", "p", "aliases: [smart]")
        .replace("name: a}", "name: a, creationTimestamp: '2026-02-01T00:00:00Z'}");
    let process = Process::of(&(provider("p", "") + &younger + &older));
    assert!(process.model("z").is_some() && process.model("a").is_none());
    assert_eq!(reasons(process.about("Model", "a")), [Reason::Conflicted]);
    assert!(process.about("Model", "a").problems[0].message.contains("Model default/z"));
    assert!(process.about("Model", "z").is_accepted());
    assert_eq!(
        process.about("Model", "z").notes,
        ["Model default/a claims the name \"smart\" too, and does not get it"]
    );
}

#[test]
fn without_ages_the_first_name_wins() {
    let yaml =
        provider("p", "") + &model("b", "p", "modelName: smart") + &model("a", "p", "modelName: smart");
    let process = Process::of(&yaml);
    assert!(process.model("a").is_some() && process.model("b").is_none());
}

#[test]
fn the_loser_takes_over_when_the_winner_goes() {
    let loser = model("b", "p", "modelName: smart");
    let mut process = Process::of(&(provider("p", "") + &model("a", "p", "modelName: smart") + &loser));
    process.apply(&(provider("p", "") + &loser));
    assert_eq!(process.model("b").unwrap().name, "smart");
}

#[test]
fn who_reaches_for_a_taken_name_keeps_the_own_one() {
    let winner = provider("p", "") + &model("a", "p", "");
    let mut process = Process::of(&(winner.clone() + &model("b", "p", "")));
    process.apply(&(winner + &model("b", "p", "aliases: [a]")));
    assert!(process.model("b").unwrap().aliases.is_empty());
    let about = process.about("Model", "b");
    assert_eq!((reasons(about), about.degraded), (vec![Reason::Conflicted], Some(Degraded::ServingLastGood)));
}

#[test]
fn providers_share_a_name_only_where_nobody_can_call_it() {
    let open = "aliases: [x], directModels: Allow";
    let process = Process::of(&(provider("a", open) + &provider("b", open) + &provider("c", "aliases: [x]")));
    let served: Vec<_> = ["a", "b", "c"].map(|name| process.provider(name).is_some()).into();
    assert_eq!(served, [true, false, true]);
}

#[test]
fn conditions_are_ready_to_show() {
    let process = Process::of(&(provider("other", "") + &model("m", "p", "")));
    let shown = serde_json::to_value(process.about("Model", "m").conditions()).unwrap();
    let message = "spec.targets[0].providerRef: ModelProvider default/p is missing or not accepted: create or mend it, or correct the reference";
    let expected = serde_json::json!([
        {"type": "Accepted", "status": true, "reason": "Accepted", "message": ""},
        {"type": "ResolvedRefs", "status": false, "reason": "ProviderNotFound", "message": message},
        {"type": "Degraded", "status": true, "reason": "PartialTargets", "message": ""},
    ]);
    assert_eq!(shown, expected);
}
