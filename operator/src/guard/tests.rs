use std::time::Duration;

use config::{Body, EntryId, Hash, Secret, Spec};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const NOW: Time = Duration::from_secs(100);
const LATER: Time = Duration::from_secs(1_000);

fn object(kind: &str, namespace: &str, name: &str, spec: Value) -> Arc<Object> {
    let created = Some("2026-01-01T00:00:00Z".to_owned());
    let id = ObjectId::new(kind, namespace, name);
    Arc::new(Object { id, generation: 1, created, body: Body::Valid(spec) })
}

fn gateway(name: &str) -> Arc<Object> {
    let authentication = json!({"mode": "Required", "methods": ["APIKey"]});
    object(
        "ResponsesGateway",
        "home",
        name,
        json!({"authentication": authentication, "allowedNamespaces": {"from": "All"}}),
    )
}

fn provider() -> Arc<Object> {
    let spec = json!({"type": "OpenAI", "baseURL": "https://example.com/v1", "retryBudgetPercent": 20,
        "directModels": "Deny", "allowedNamespaces": {"from": "All"}});
    object("ModelProvider", "home", "p", spec)
}

fn model(number: usize) -> Arc<Object> {
    model_at("home", number)
}

fn model_at(namespace: &str, number: usize) -> Arc<Object> {
    let target =
        json!({"name": "only", "providerRef": {"name": "p", "namespace": "home"}, "upstreamModel": "up"});
    let gateways = json!([{"name": "main", "namespace": "home"}]);
    object("Model", namespace, &format!("m{number}"), json!({"targets": [target], "gatewayRefs": gateways}))
}

fn key(name: &str) -> Arc<Object> {
    object("APIKey", "home", name, json!({"secretRef": {"name": name}}))
}

/// A gateway with a provider, a key, and so many models.
fn world(models: usize) -> World {
    let objects = [gateway("main"), provider(), key("k")].into_iter().chain((0..models).map(model)).collect();
    let value = |name: &str| {
        (
            ObjectId::new("Secret", "home", name),
            BTreeMap::from([(
                "key".to_owned(),
                Secret::new(format!("fl-{name}-0123456789012345678901234567")),
            )]),
        )
    };
    World { objects, secrets: [value("k"), value("new")].into(), needs_gateway: true, ..World::default() }
}

fn without(mut world: World, is_gone: impl Fn(&ObjectId) -> bool) -> World {
    world.objects.retain(|object| !is_gone(&object.id));
    world
}

fn marks() -> Marks {
    let staying = ["home", "team"].map(str::to_owned);
    Marks { staying: staying.into(), ..Marks::default() }
}

fn main() -> GatewayId {
    GatewayId::new("home", "main")
}

/// Begins with a world, and takes in others after it.
fn after(first: World) -> Guarded {
    let mut guarded = Guarded::default();
    see(&mut guarded, first, &marks(), NOW);
    guarded
}

fn see(guarded: &mut Guarded, mut world: World, marks: &Marks, now: Time) {
    guarded.prepare(&mut world, marks, now);
    guarded.compile(&world, marks);
}

fn served(guarded: &Guarded, role: &str) -> usize {
    let snapshot = &guarded.published()[&main()];
    snapshot.entries.keys().filter(|id| id.as_str().starts_with(role)).count()
}

fn is_model(id: &ObjectId) -> bool {
    id.kind == "Model"
}

#[test]
fn most_of_many_stay_until_they_are_let_go_by_name() {
    let mut guarded = after(world(30));
    let next = || without(world(30), is_model);
    see(&mut guarded, next(), &marks(), NOW);
    assert_eq!(served(&guarded, "model/"), 30);
    let held = guarded.held(&main()).unwrap().clone();
    assert_eq!((held.count, held.of, held.token.len()), (30, 31, 16));

    let wrong = Marks { allowed: [(main(), "yes".to_owned())].into(), ..marks() };
    see(&mut guarded, next(), &wrong, LATER);
    assert_eq!((served(&guarded, "model/"), guarded.held(&main())), (30, Some(&held)));

    let right = Marks { allowed: [(main(), held.token)].into(), ..marks() };
    for now in [LATER, LATER] {
        see(&mut guarded, next(), &right, now);
        assert_eq!((served(&guarded, "model/"), guarded.held(&main())), (0, None));
    }
}

#[test]
fn a_few_go_and_so_does_the_smaller_part_of_many() {
    for (models, gone) in [(20, 20), (60, 25)] {
        let mut guarded = after(world(models));
        let is_gone = |id: &ObjectId| is_model(id) && id.name[1..].parse::<usize>().unwrap() < gone;
        see(&mut guarded, without(world(models), is_gone), &marks(), NOW);
        assert_eq!((served(&guarded, "model/"), guarded.held(&main())), (models - gone, None));
    }
}

#[test]
fn one_after_the_other_is_at_once_if_it_is_quick_and_what_went_first_comes_back() {
    for (pause, stays) in [(Duration::from_millis(100), true), (Duration::from_secs(11), false)] {
        let mut guarded = after(world(40));
        for gone in 0..40 {
            let is_gone = |id: &ObjectId| is_model(id) && id.name[1..].parse::<usize>().unwrap() <= gone;
            see(
                &mut guarded,
                without(world(40), is_gone),
                &marks(),
                NOW + pause * u32::try_from(gone).unwrap(),
            );
        }
        assert_eq!(served(&guarded, "model/") == 40, stays, "{pause:?}");
        assert_eq!(guarded.held(&main()).is_some(), stays);
    }
}

#[test]
fn what_comes_back_is_held_no_longer_and_an_old_permission_does_not_let_others_go() {
    let mut guarded = after(world(30));
    see(&mut guarded, without(world(30), is_model), &marks(), NOW);
    let token = guarded.held(&main()).unwrap().token.clone();
    let mut again = world(30);
    for object in &mut again.objects {
        Arc::make_mut(object).created = Some("2026-02-02T00:00:00Z".to_owned());
    }
    see(&mut guarded, again.clone(), &marks(), LATER);
    assert_eq!((served(&guarded, "model/"), guarded.held(&main())), (30, None));
    let old = Marks { allowed: [(main(), token)].into(), ..marks() };
    see(&mut guarded, without(again, is_model), &old, LATER);
    assert_eq!(served(&guarded, "model/"), 30);
}

#[test]
fn a_namespace_in_deletion_is_not_held() {
    let objects =
        [gateway("main"), provider()].into_iter().chain((0..30).map(|number| model_at("team", number)));
    let full = World { objects: objects.collect(), ..world(0) };
    for (namespace, stays) in [("team", 0), ("elsewhere", 30)] {
        let mut guarded = after(full.clone());
        assert_eq!(served(&guarded, "model/"), 30);
        let mut leaving = marks();
        leaving.staying.remove(namespace);
        see(&mut guarded, without(full.clone(), is_model), &leaving, NOW);
        assert_eq!(served(&guarded, "model/"), stays);
    }
}

#[test]
fn revocations_go_out_while_a_removal_is_held() {
    let mut guarded = after(world(30));
    let gone = |id: &ObjectId| is_model(id) || id.kind == "APIKey";
    see(&mut guarded, without(world(30), gone), &marks(), NOW);
    assert_eq!((served(&guarded, "model/"), served(&guarded, "key/")), (30, 0));

    // What is held is refused like what is there.
    let objects =
        [gateway("main"), provider()].into_iter().chain((0..30).map(|number| model_at("team", number)));
    let full = World { objects: objects.collect(), ..world(0) };
    let mut guarded = after(full.clone());
    see(&mut guarded, without(full.clone(), is_model), &marks(), NOW);
    assert_eq!(served(&guarded, "model/"), 30);
    let mut closed = without(full, is_model);
    set(&mut closed, "ResponsesGateway", "allowedNamespaces", &json!({"from": "Same"}));
    see(&mut guarded, closed, &marks(), NOW);
    assert_eq!(served(&guarded, "model/"), 0);
}

/// Sets a field of the spec of every object of a kind.
fn set(world: &mut World, kind: &str, field: &str, value: &Value) {
    for object in world.objects.iter_mut().filter(|object| object.id.kind == kind) {
        let Body::Valid(spec) = &mut Arc::make_mut(object).body else { continue };
        spec[field] = value.clone();
    }
}

fn paused() -> Marks {
    Marks { paused: [main()].into(), ..marks() }
}

fn hash(guarded: &Guarded) -> Hash {
    guarded.published()[&main()].hash
}

#[test]
fn nothing_is_published_to_a_paused_gateway_and_all_of_it_afterwards() {
    let mut guarded = after(world(3));
    let before = hash(&guarded);
    let mut changed = without(world(4), |id| id.name == "m0");
    set(&mut changed, "ModelProvider", "baseURL", &json!("https://other.example.com/v1"));
    changed.objects.push(key("new"));
    see(&mut guarded, changed.clone(), &paused(), NOW);
    assert!(guarded.is_paused(&main()));
    assert_eq!(hash(&guarded), before);
    see(&mut guarded, changed.clone(), &marks(), NOW);
    assert!(!guarded.is_paused(&main()));
    assert_eq!(hash(&guarded), after(changed).published()[&main()].hash);
}

#[test]
fn a_pause_keeps_nothing_open_that_is_closed() {
    let shared: Vec<_> =
        [gateway("main"), provider(), key("k")].into_iter().chain([model(1), model_at("team", 2)]).collect();
    let full = || World { objects: shared.clone(), ..world(0) };
    let targets = |guarded: &Guarded| {
        let snapshot = &guarded.published()[&main()];
        let entry = snapshot.entries.get(&EntryId::model("team", "m2"))?;
        let Spec::Model(model) = &entry.spec else { panic!("{entry:?}") };
        Some(model.targets.len())
    };
    let begun = || {
        let mut guarded = after(full());
        see(&mut guarded, full(), &paused(), NOW);
        assert_eq!((targets(&guarded), served(&guarded, "key/")), (Some(1), 1));
        guarded
    };
    let mut guarded = begun();
    see(&mut guarded, without(full(), |id| id.kind == "APIKey"), &paused(), NOW);
    assert_eq!(served(&guarded, "key/"), 0, "a key that is gone");

    let mut guarded = begun();
    let mut closed = full();
    set(&mut closed, "ModelProvider", "allowedNamespaces", &json!({"from": "Same"}));
    see(&mut guarded, closed, &paused(), NOW);
    assert_ne!(targets(&guarded), Some(1), "a provider that another namespace may not use any more");

    let mut guarded = begun();
    let mut closed = full();
    set(&mut closed, "ResponsesGateway", "allowedNamespaces", &json!({"from": "Same"}));
    see(&mut guarded, closed, &paused(), NOW);
    assert_eq!(targets(&guarded), None, "a namespace that may not attach any more");
}

fn server() -> Arc<Object> {
    let endpoint = json!({"url": "https://docs.example.com/mcp"});
    object("MCPServer", "home", "docs", json!({"endpoint": endpoint}))
}

/// A policy on the server; one that is no good has an expression that is none.
fn policy(name: &str, is_good: bool) -> Arc<Object> {
    let rule =
        json!({"name": "r", "when": if is_good { "true" } else { "no expression" }, "action": "Allow"});
    let spec = json!({"targetRefs": [{"kind": "MCPServer", "name": "docs"}], "defaultAction": "Deny", "rules": [rule]});
    object("ToolPolicy", "home", name, spec)
}

fn with_tools(policies: Vec<Arc<Object>>) -> World {
    let mut world = world(0);
    world.objects.push(server());
    world.objects.extend(policies);
    world
}

#[test]
fn what_stands_in_for_a_bad_policy_outlives_a_pause_and_a_removal() {
    let mut guarded = after(with_tools(vec![policy("p", false)]));
    assert_eq!((served(&guarded, "policy/"), served(&guarded, "mcp/")), (1, 1));
    see(&mut guarded, with_tools(vec![policy("p", false)]), &paused(), NOW);
    assert_eq!(served(&guarded, "policy/"), 1, "a pause opens nothing");
    see(&mut guarded, with_tools(vec![]), &paused(), NOW);
    assert_eq!(served(&guarded, "policy/"), 1, "nor does what is deleted meanwhile");

    let full = || {
        let mut world = with_tools(vec![policy("p", false)]);
        world.objects.extend((0..30).map(model));
        world
    };
    let mut guarded = after(full());
    let is_gone = |id: &ObjectId| is_model(id) || matches!(id.kind.as_str(), "MCPServer" | "ToolPolicy");
    see(&mut guarded, without(full(), is_gone), &marks(), NOW);
    assert!(guarded.held(&main()).is_some());
    assert_eq!((served(&guarded, "policy/"), served(&guarded, "mcp/")), (1, 1), "both are held, or neither");
}

#[test]
fn policies_and_terms_are_followed_while_a_gateway_is_paused() {
    let begun = || {
        let mut guarded = after(with_tools(vec![policy("p", true)]));
        see(&mut guarded, with_tools(vec![policy("p", true)]), &paused(), NOW);
        guarded
    };
    let mut guarded = begun();
    see(&mut guarded, with_tools(vec![policy("p", true), policy("more", true)]), &paused(), NOW);
    assert_eq!(served(&guarded, "policy/"), 2, "a policy that comes");
    let spec = |guarded: &Guarded, role: &str| {
        let snapshot = guarded.published()[&main()].clone();
        let entry = snapshot.entries.values().find(|known| known.id.as_str().starts_with(role)).cloned();
        serde_json::to_value(&entry.expect("it is served").spec).expect("a spec")
    };
    let mut guarded = begun();
    let mut closed = with_tools(vec![policy("p", true)]);
    set(&mut closed, "MCPServer", "tools", &json!({"deny": ["*"]}));
    set(&mut closed, "ResponsesGateway", "callerURLs", &json!({"mcpServers": "Deny"}));
    see(&mut guarded, closed, &paused(), NOW);
    assert!(spec(&guarded, "mcp/").to_string().contains(r#""deny":["*"]"#));
    assert!(spec(&guarded, "gateway/").to_string().contains(r#""mcpServers":"Deny""#));
}

proptest! {
    /// Whatever vanishes: what is held is what was there, what is let go is gone, and nothing else changes.
    #[test]
    fn a_gateway_serves_what_is_there_and_what_is_held(gone in prop::collection::btree_set(0..40_usize, 0..=40)) {
        let mut guarded = after(world(40));
        let is_gone = |id: &ObjectId| is_model(id) && gone.contains(&id.name[1..].parse().unwrap());
        let next = || without(world(40), is_gone);
        see(&mut guarded, next(), &marks(), NOW);
        let held = guarded.held(&main()).cloned();
        prop_assert_eq!(held.is_some(), gone.len() > 20 && gone.len() * 2 > 41);
        prop_assert_eq!(served(&guarded, "model/"), if held.is_some() { 40 } else { 40 - gone.len() });
        let free = after(next());
        if let Some(held) = held {
            let right = Marks { allowed: [(main(), held.token)].into(), ..marks() };
            see(&mut guarded, next(), &right, NOW);
        }
        prop_assert_eq!(hash(&guarded), hash(&free));
    }
}
