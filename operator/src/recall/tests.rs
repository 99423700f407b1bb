use config::delivery::SecretValue;
use config::{Body, Object, World, compile};
use serde_json::json;

use super::*;

const SECOND: Time = Duration::from_secs(1);

fn object(kind: &str, name: &str, spec: &Value) -> Arc<Object> {
    let created = Some(format!("2026-01-01T00:00:0{}Z", u8::from(name != "old")));
    let id = ObjectId::new(kind, "home", name);
    Arc::new(Object { id, generation: 1, created, body: Body::Valid(spec.clone()) })
}

fn provider(names: &[&str]) -> Value {
    json!({"type": "OpenAI", "baseURL": "https://example.com/v1", "retryBudgetPercent": 20, "directModels": "Allow",
        "aliases": names, "auth": {"apiKey": {"secretRef": {"name": "key", "key": "apiKey"}}}})
}

/// A gateway with two providers, of which the younger one has these aliases.
fn world(aliases: &[&str]) -> World {
    let gateway = json!({"authentication": {"mode": "Disabled", "acknowledgeInsecure": true}});
    let secret = [("apiKey".to_owned(), Secret::new("sk-1".to_owned()))];
    World {
        objects: vec![
            object("ResponsesGateway", "main", &gateway),
            object("ModelProvider", "old", &provider(&["taken"])),
            object("ModelProvider", "new", &provider(aliases)),
        ],
        secrets: [(ObjectId::new("Secret", "home", "key"), secret.into())].into(),
        needs_gateway: true,
        ..World::default()
    }
}

fn main() -> GatewayId {
    GatewayId::new("home", "main")
}

/// What the API server shows while `served` is served.
fn shown(world: &World, served: &Compiled) -> BTreeMap<ObjectId, Arc<DynamicObject>> {
    let kind = |name: &str| crds::KINDS.iter().find(|kind| kind.name == name).unwrap();
    let show = |object: &Arc<Object>| {
        let Body::Valid(spec) = &object.body else { panic!("{object:?}") };
        let mut shown = DynamicObject::new(&object.id.name, &crate::watch::resource(kind(&object.id.kind)));
        let serving = served.diagnostics[&object.id].serving;
        let effective = serving.map(|serving| json!({"contentHash": serving.hash}));
        shown.data = json!({"spec": spec, "status": {"effective": effective}});
        (object.id.clone(), Arc::new(shown))
    };
    world.objects.iter().map(show).collect()
}

/// What was served, and what a process makes of the broken world that begins there.
fn broken() -> (Compiled, World, Compiled) {
    let served = compile(&world(&["mine"]), &Compiled::default());
    let world = world(&["taken"]);
    let begun = compile(&world, &Compiled::default());
    (served, world, begun)
}

fn of(begun: &Compiled, world: &World, served: &Compiled) -> Option<Recall> {
    Recall::of(begun, &shown(world, served), (&|_| false, Duration::ZERO))
}

/// What a proxy tells that runs `served`.
fn told(served: &Compiled, recall: &Recall) -> Told {
    let ids: Vec<_> = recall.asked().flat_map(|(_, ids)| ids).collect();
    Told::of(&served.snapshots[&main()], &ids, "s_1", 1 << 20).pop().unwrap()
}

#[test]
fn what_is_served_and_not_known_is_asked_for_and_served_again() {
    let (served, world, mut begun) = broken();
    let new = EntryId::provider("home", "new");
    assert!(!begun.snapshots[&main()].entries.contains_key(&new));
    let mut recall = of(&begun, &world, &served).unwrap();
    let gateway = main();
    assert_eq!(recall.asked().collect::<Vec<_>>(), [(&gateway, BTreeSet::from([new]))]);
    let answer = told(&served, &recall);
    let found = recall.take(&gateway, answer, &HashKey::default());
    assert!(recall.is_over(Duration::ZERO));
    for Found { gateway, id, generation, content, secrets } in found {
        begun.recall(&gateway, (&id, generation), content, secrets);
    }
    assert_eq!(compile(&world, &begun).snapshots, served.snapshots);
}

#[test]
fn nothing_is_asked_for_where_all_is_known_or_nothing_was_served() {
    let (served, world, begun) = broken();
    let known = compile(&world, &served);
    assert_eq!(of(&known, &world, &served), None);
    assert_eq!(of(&begun, &world, &begun), None);
    let good = self::world(&["other"]);
    assert_eq!(of(&compile(&good, &Compiled::default()), &good, &served), None, "a valid edit");
}

#[test]
fn what_is_not_what_was_served_is_not_taken_and_the_wait_ends() {
    let (served, world, begun) = broken();
    let other = compile(&self::world(&["other"]), &Compiled::default());
    let mut recall = of(&begun, &world, &served).unwrap();
    let answer = told(&other, &recall);
    assert_eq!(recall.take(&main(), answer, &HashKey::default()), []);
    let mut forged = told(&served, &recall);
    forged.entries[0].id = EntryId::provider("home", "elsewhere");
    assert_eq!(recall.take(&main(), forged, &HashKey::default()), []);
    assert!(!recall.is_over(14 * SECOND) && recall.is_over(15 * SECOND));
    assert_eq!(recall.missing(), 1);
}

#[test]
fn a_secret_is_taken_by_its_keyed_hash_alone() {
    let (served, world, begun) = broken();
    let id = SecretId::new("home", "key", "apiKey");
    for (value, counts) in [("sk-1", true), ("sk-2", false)] {
        let mut recall = of(&begun, &world, &served).unwrap();
        let mut answer = told(&served, &recall);
        answer.secrets = vec![SecretValue::new(id.clone(), &Secret::new(value.to_owned()))];
        let found = recall.take(&main(), answer, &HashKey::default());
        assert_eq!(found[0].secrets.contains_key(&id), counts, "{value}");
    }
}
