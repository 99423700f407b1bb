use config::{Body, Compiled, Hash, HashKey, Object, ObjectId, Problem, Reason, Secret, World, compile};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Names are few, so that objects meet.
fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
}

fn provider() -> impl Strategy<Value = Value> {
    (prop::option::of(name()), any::<bool>(), any::<bool>()).prop_map(|(key, direct, fail)| {
        let mut spec =
            json!({"type": "OpenAI", "baseURL": "https://example.com/v1", "retryBudgetPercent": 20});
        spec["directModels"] = if direct { "Allow" } else { "Deny" }.into();
        spec["onMissingSecret"] = if fail { "Fail" } else { "KeepLastGood" }.into();
        spec["aliases"] = json!(["b"]);
        if let Some(key) = key {
            spec["auth"] = json!({"apiKey": {"secretRef": {"name": "k", "key": key}}});
        }
        spec
    })
}

fn model() -> impl Strategy<Value = Value> {
    (prop::option::of(name()), prop::collection::btree_set(name(), 1..3)).prop_map(|(model, providers)| {
        let target =
            |name: &String| json!({"name": name, "providerRef": {"name": name}, "upstreamModel": "up"});
        let mut spec = json!({"targets": providers.iter().map(target).collect::<Value>()});
        if let Some(model) = model {
            spec["modelName"] = model.into();
        }
        spec
    })
}

fn body() -> impl Strategy<Value = (&'static str, Body)> {
    let problem = || Body::Invalid(vec![problem()]);
    prop_oneof![
        4 => provider().prop_map(|spec| ("ModelProvider", Body::Valid(spec))),
        4 => model().prop_map(|spec| ("Model", Body::Valid(spec))),
        1 => prop::sample::select(vec!["Model", "ModelProvider"]).prop_map(move |kind| (kind, problem())),
    ]
}

fn problem() -> Problem {
    let condition = config::Condition::Accepted;
    Problem { condition, reason: Reason::Invalid, path: "spec".into(), message: "bad".into() }
}

fn object() -> impl Strategy<Value = Object> {
    (body(), name(), prop::option::of(0..3_u8), 1..5_i64).prop_map(|((kind, body), name, day, generation)| {
        Object {
            id: ObjectId::new(kind, "default", &name),
            generation,
            created: day.map(|day| format!("2026-01-0{}T00:00:00Z", day + 1)),
            body,
        }
    })
}

prop_compose! {
    fn world()(
        objects in prop::collection::vec(object(), 0..8),
        keys in prop::collection::btree_map(name(), "[a-z]{1,4}", 0..3),
    ) -> World {
        let mut unique: Vec<Object> = Vec::new();
        for object in objects {
            if unique.iter().all(|other| other.id != object.id) {
                unique.push(object);
            }
        }
        let values = keys.into_iter().map(|(key, value)| (key, Secret::new(value))).collect();
        let secrets = [(ObjectId::new("Secret", "default", "k"), values)].into();
        World { objects: unique, secrets, fallback_provider: None, hash_key: HashKey::default() }
    }
}

fn hash(compiled: &Compiled) -> Hash {
    compiled.implicit().unwrap().hash
}

fn same(one: &Compiled, other: &Compiled) -> bool {
    (&one.snapshots, &one.diagnostics, &one.last_good)
        == (&other.snapshots, &other.diagnostics, &other.last_good)
}

proptest! {
    #[test]
    fn the_order_of_objects_is_irrelevant(before in world(), world in world(), seed in any::<prop::sample::Index>()) {
        let last = compile(&before, &Compiled::default());
        let mut turned = world.clone();
        if !turned.objects.is_empty() {
            let middle = seed.index(turned.objects.len());
            turned.objects.rotate_left(middle);
        }
        prop_assert!(same(&compile(&world, &last), &compile(&turned, &last)));
    }

    #[test]
    fn compiling_again_changes_nothing(before in world(), world in world()) {
        let once = compile(&world, &compile(&before, &Compiled::default()));
        let twice = compile(&world, &once);
        prop_assert_eq!(&once.snapshots, &twice.snapshots);
        prop_assert_eq!(&once.last_good, &twice.last_good);
    }

    #[test]
    fn an_object_that_turns_bad_changes_nothing_that_is_served(world in world(), victim in any::<prop::sample::Index>()) {
        let last = compile(&world, &Compiled::default());
        let mut broken = world;
        if broken.objects.is_empty() {
            return Ok(());
        }
        let victim = victim.index(broken.objects.len());
        prop_assume!(last.last_good.contains_key(&broken.objects[victim].id));
        broken.objects[victim].body = Body::Invalid(vec![problem()]);
        prop_assert_eq!(hash(&compile(&broken, &last)), hash(&last));
    }

    #[test]
    fn a_new_bad_object_changes_nothing(world in world(), kind in prop::sample::select(vec!["Model", "ModelProvider", "Modell"])) {
        let mut more = world.clone();
        let id = ObjectId::new(kind, "default", "new");
        more.objects.push(Object { id, generation: 1, created: None, body: Body::Invalid(vec![problem()]) });
        prop_assert_eq!(hash(&compile(&more, &Compiled::default())), hash(&compile(&world, &Compiled::default())));
    }

    #[test]
    fn what_is_referred_to_is_served(before in world(), world in world()) {
        let compiled = compile(&world, &compile(&before, &Compiled::default()));
        let snapshot = compiled.implicit().unwrap();
        for entry in snapshot.entries.values() {
            match &entry.spec {
                config::Spec::Model(model) => {
                    prop_assert!(model.targets.iter().all(|target| snapshot.entries.contains_key(&target.provider)));
                }
                config::Spec::Provider(provider) => {
                    if let config::spec::Credential::Key { secret, .. } = &provider.credential {
                        prop_assert!(snapshot.secrets.contains_key(secret));
                    }
                }
            }
        }
    }

    #[test]
    fn every_name_has_one_owner(before in world(), world in world()) {
        let compiled = compile(&world, &compile(&before, &Compiled::default()));
        let mut names = std::collections::BTreeSet::new();
        for entry in compiled.implicit().unwrap().entries.values() {
            let (role, claimed) = match &entry.spec {
                config::Spec::Model(model) => ("model", model.aliases.iter().chain([&model.name]).cloned().collect::<Vec<_>>()),
                config::Spec::Provider(provider) => ("provider", provider.direct_names.iter().cloned().collect()),
            };
            for name in claimed {
                prop_assert!(names.insert((role, name.clone())), "{name}");
            }
        }
    }

    #[test]
    fn every_object_has_diagnostics_and_no_other(before in world(), world in world()) {
        let compiled = compile(&world, &compile(&before, &Compiled::default()));
        let ids: std::collections::BTreeSet<_> = world.objects.iter().map(|object| object.id.clone()).collect();
        prop_assert_eq!(ids, compiled.diagnostics.keys().cloned().collect());
    }
}
