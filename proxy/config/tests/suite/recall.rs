use std::collections::BTreeMap;
use std::sync::Arc;

use config::delivery::Recalled as Frame;
use config::{Body, Compiled, EntryId, ObjectId, Recalled, Snapshot, World, compile};
use proptest::prelude::*;
use serde_json::Value;

use crate::kit::{Process, model, provider, secret};
use crate::worlds::{problem, world};

/// What an object says.
fn spec(world: &World, id: &ObjectId) -> Value {
    let object = world.objects.iter().find(|object| object.id == *id).unwrap();
    let Body::Valid(spec) = &object.body else { panic!("{object:?}") };
    spec.clone()
}

/// A process that begins with `world` and is told by proxies what they served at last, as `served`.
fn begun(world: &World, before: &World, served: &Compiled) -> Compiled {
    let mut fresh = compile(world, &Compiled::default());
    for (gateway, snapshot) in &served.snapshots {
        for id in served.last_good.keys().filter(|id| id.kind != "ResponsesGateway") {
            let Some(entry) = snapshot.entries.get(&EntryId::of(id)) else { continue };
            let secrets = entry.spec.secrets().into_iter();
            let secrets = secrets.map(|id| (id.clone(), snapshot.secrets[id].clone()));
            let content = Recalled::new(entry.spec.clone(), gateway, &spec(before, id));
            fresh.recall(gateway, (id, entry.generation), content, secrets.collect());
        }
    }
    compile(world, &fresh)
}

/// Worlds without the kinds that are not recalled.
fn recallable() -> impl Strategy<Value = World> {
    world().prop_map(|mut world| {
        world.objects.retain(|object| !matches!(object.id.kind.as_str(), "MCPServer" | "ToolPolicy"));
        world
    })
}

proptest! {
    /// A process that is told what was served goes on like one that has never ended.
    #[test]
    fn what_is_recalled_is_as_good_as_what_is_remembered(
        before in recallable(),
        bad in prop::collection::vec(any::<bool>(), 20),
        is_without_secrets in any::<bool>(),
    ) {
        let served = compile(&before, &Compiled::default());
        let mut world = before.clone();
        for (object, _) in world.objects.iter_mut().zip(bad).filter(|(object, bad)| *bad && object.id.kind != "ResponsesGateway") {
            Arc::make_mut(object).body = Body::Invalid(vec![problem()], Value::Null);
        }
        if is_without_secrets {
            world.secrets.clear();
        }
        let (known, told) = (compile(&world, &served), begun(&world, &before, &served));
        prop_assert_eq!(&known.snapshots, &told.snapshots);
        // And it is remembered from then on.
        prop_assert_eq!(&compile(&world, &told).snapshots, &known.snapshots);
    }

    /// What may not be used any more is not used because it was recalled.
    #[test]
    fn a_recalled_object_has_no_more_than_its_permissions(before in recallable(), grants in prop::collection::vec(any::<bool>(), 8)) {
        let served = compile(&before, &Compiled::default());
        let mut world = before.clone();
        let mut keeps = grants.into_iter();
        world.grants.retain(|_| keeps.next().unwrap_or(true));
        for object in world.objects.iter_mut().filter(|object| object.id.kind != "ResponsesGateway") {
            Arc::make_mut(object).body = Body::Invalid(vec![problem()], Value::Null);
        }
        prop_assert_eq!(compile(&world, &served).snapshots, begun(&world, &before, &served).snapshots);
    }
}

fn snapshot() -> Snapshot {
    let keyed = "auth: {apiKey: {secretRef: {name: k, key: apiKey}}}";
    let yaml =
        provider("p", keyed) + &secret("k", "apiKey", "sk-1") + &model("m", "p", "") + &model("m2", "p", "");
    Process::of(&yaml).snapshot().clone()
}

#[test]
fn a_proxy_gives_back_what_it_has_with_its_secrets_and_in_pieces() {
    let snapshot = snapshot();
    let ids =
        [EntryId::provider("default", "p"), EntryId::model("default", "x"), EntryId::model("default", "m")];
    let whole = Frame::of(&snapshot, &ids, "s_1", 1 << 20);
    assert_eq!(whole.len(), 1);
    let told: BTreeMap<_, _> = whole[0].entries.iter().map(|entry| (entry.id.as_str(), entry.hash)).collect();
    assert_eq!(told.keys().collect::<Vec<_>>(), [&"model/default/m", &"provider/default/p"]);
    assert_eq!(whole[0].secrets.len(), 1);
    assert!(!format!("{whole:?}").contains("c2stMQ"), "the value is not printed");
    let pieces = Frame::of(&snapshot, &ids, "s_1", 1);
    assert_eq!(pieces.iter().map(|piece| piece.entries.len()).collect::<Vec<_>>(), [1, 1]);
    assert!(Frame::of(&snapshot, &ids[1..2], "s_1", 1).is_empty());
}
