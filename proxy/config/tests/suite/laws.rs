use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use config::snapshot::{self, Delta};
use config::spec::{Action, Credential, McpCredential, PolicyTarget, Tenancy};
use config::{Body, Compiled, Entry, GatewayId, Hash, Object, ObjectId, Snapshot, Spec, World, compile};
use proptest::prelude::*;

use crate::worlds::{problem, world};

fn hashes(compiled: &Compiled) -> BTreeMap<&GatewayId, Hash> {
    compiled.snapshots.iter().map(|(id, snapshot)| (id, snapshot.hash)).collect()
}

fn same(one: &Compiled, other: &Compiled) -> bool {
    (&one.snapshots, &one.diagnostics, &one.last_good)
        == (&other.snapshots, &other.diagnostics, &other.last_good)
}

/// Compiles what was before, then what is.
fn after(before: &World, world: &World) -> Compiled {
    compile(world, &compile(before, &Compiled::default()))
}

/// The names that an entry claims, each with its role, and the namespace that decides who sees it.
fn claimed(entry: &Entry) -> (Vec<(&'static str, String)>, Option<&str>) {
    match &entry.spec {
        Spec::Model(model) => {
            let names = model.aliases.iter().chain([&model.name]);
            (names.map(|name| ("model", name.clone())).collect(), Some(&model.namespace))
        }
        Spec::Provider(provider) => {
            let names = provider.direct_names.iter();
            (names.map(|name| ("provider", name.clone())).collect(), Some(&provider.namespace))
        }
        Spec::McpServer(server) => (vec![("server", server.label.clone())], Some(&server.namespace)),
        Spec::Tenant(tenant) => {
            let own = tenant.namespaces.iter().map(|name| ("namespace", name.clone()));
            (own.chain([("tenant", tenant.name.clone())]).collect(), None)
        }
        Spec::Key(key) => (key.hashes.iter().map(|hash| ("key", hash.sha256.clone())).collect(), None),
        Spec::Gateway(_) | Spec::ToolPolicy(_) => (Vec::new(), None),
    }
}

/// The namespaces that each tenant of a gateway sees; absent = all.
fn views(id: &GatewayId, snapshot: &Snapshot) -> Vec<Option<BTreeSet<String>>> {
    if snapshot.gateway().unwrap().tenancy == Tenancy::Single {
        return vec![None];
    }
    let view = |entry: &Entry| match &entry.spec {
        Spec::Tenant(tenant) => Some(Some(&tenant.namespaces | &BTreeSet::from([id.namespace().to_owned()]))),
        Spec::Gateway(_) => Some(Some(BTreeSet::from([id.namespace().to_owned()]))),
        Spec::Key(_) | Spec::Model(_) | Spec::Provider(_) | Spec::McpServer(_) | Spec::ToolPolicy(_) => None,
    };
    snapshot.entries.values().filter_map(|entry| view(entry)).collect()
}

/// Tells whether everything in `less` is in `more` too, with at most the same targets and credentials.
fn is_part(less: &Compiled, more: &Compiled) -> bool {
    let entry_is_part = |entry: &Entry, more: &Snapshot| match (
        &entry.spec,
        more.entries.get(&entry.id).map(|entry| &entry.spec),
    ) {
        (Spec::Model(less), Some(Spec::Model(more))) => {
            less.targets.iter().all(|target| more.targets.contains(target))
        }
        (Spec::Provider(less), Some(Spec::Provider(more))) => {
            less.credential == more.credential || less.credential == Credential::Missing
        }
        (Spec::McpServer(less), Some(Spec::McpServer(more))) => {
            (less.credential == more.credential || less.credential == McpCredential::Missing)
                && (less.url.is_none() || less.url == more.url)
        }
        (less, Some(more)) => less == more,
        (_, None) => false,
    };
    less.snapshots.iter().all(|(id, less)| {
        more.gateway(id).is_some_and(|more| {
            less.entries.values().all(|entry| entry_is_part(entry, more))
                && less.secrets.iter().all(|(id, value)| more.secrets.get(id) == Some(value))
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_objects_is_irrelevant(before in world(), world in world(), seed in any::<prop::sample::Index>()) {
        let last = compile(&before, &Compiled::default());
        let mut turned = world.clone();
        if !turned.objects.is_empty() {
            let middle = seed.index(turned.objects.len());
            turned.objects.rotate_left(middle);
        }
        turned.grants.reverse();
        prop_assert!(same(&compile(&world, &last), &compile(&turned, &last)));
    }

    #[test]
    fn compiling_again_changes_nothing(before in world(), world in world()) {
        let once = after(&before, &world);
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
        Arc::make_mut(&mut broken.objects[victim]).body = Body::Invalid(vec![problem()], serde_json::Value::Null);
        let compiled = compile(&broken, &last);
        prop_assert_eq!(hashes(&compiled), hashes(&last));
    }

    #[test]
    fn a_key_that_turns_bad_is_out_and_changes_nothing_else(world in world(), victim in any::<prop::sample::Index>()) {
        let last = compile(&world, &Compiled::default());
        let mut broken = world;
        let keys: Vec<_> = (0..broken.objects.len()).filter(|at| broken.objects[*at].id.kind == "APIKey").collect();
        prop_assume!(!keys.is_empty());
        let victim = keys[victim.index(keys.len())];
        Arc::make_mut(&mut broken.objects[victim]).body = Body::Invalid(vec![problem()], serde_json::Value::Null);
        let entry = config::EntryId::key(&broken.objects[victim].id.namespace, &broken.objects[victim].id.name);
        let compiled = compile(&broken, &last);
        for (gateway, snapshot) in &compiled.snapshots {
            prop_assert!(!snapshot.entries.contains_key(&entry));
            for other in last.snapshots[gateway].entries.values().filter(|other| other.id != entry) {
                prop_assert_eq!(Some(other), snapshot.entries.get(&other.id));
            }
        }
    }

    #[test]
    fn a_new_bad_object_changes_nothing(
        world in world(),
        kind in prop::sample::select(vec!["Model", "ModelProvider", "MCPServer", "ToolPolicy", "Tenant", "APIKey", "Modell"]),
    ) {
        let mut more = world.clone();
        let id = ObjectId::new(kind, "home", "new");
        let body = Body::Invalid(vec![problem()], serde_json::Value::Null);
        more.objects.push(Arc::new(Object { id, generation: 1, created: None, body }));
        let (more, less) = (compile(&more, &Compiled::default()), compile(&world, &Compiled::default()));
        prop_assert_eq!(hashes(&more), hashes(&less));
    }

    #[test]
    fn a_policy_that_was_never_good_denies_what_it_is_about(world in world(), victim in any::<prop::sample::Index>()) {
        let good = compile(&world, &Compiled::default());
        let policies: Vec<_> = (0..world.objects.len()).filter(|at| world.objects[*at].id.kind == "ToolPolicy").collect();
        prop_assume!(!policies.is_empty());
        let mut broken = world;
        let victim = Arc::make_mut(&mut broken.objects[policies[victim.index(policies.len())]]);
        let Body::Valid(spec) = &victim.body else { return Ok(()) };
        victim.body = Body::Invalid(vec![problem()], spec["targetRefs"].clone());
        let entry = config::EntryId::of(&victim.id);
        let compiled = compile(&broken, &Compiled::default());
        prop_assert!(!compiled.last_good.keys().any(|id| config::EntryId::of(id) == entry));
        for (gateway, snapshot) in &good.snapshots {
            let Some(before) = snapshot.entries.get(&entry) else { continue };
            let Some(after) = compiled.snapshots[gateway].entries.get(&entry) else { panic!("{entry} is gone") };
            let (Spec::ToolPolicy(before), Spec::ToolPolicy(after)) = (&before.spec, &after.spec) else { panic!() };
            prop_assert_eq!(&before.targets, &after.targets);
            prop_assert_eq!((after.default_action, after.rules.len()), (Action::Deny, 0));
        }
    }

    #[test]
    fn what_is_referred_to_is_served(before in world(), world in world()) {
        for (id, snapshot) in &after(&before, &world).snapshots {
            let tenants: BTreeSet<_> = snapshot.entries.values().filter_map(|entry| match &entry.spec {
                Spec::Tenant(tenant) => Some(tenant.name.clone()),
                Spec::Gateway(gateway) => (gateway.tenancy == Tenancy::Single).then(|| "default".to_owned()),
                Spec::Key(_) | Spec::Model(_) | Spec::Provider(_) | Spec::McpServer(_) | Spec::ToolPolicy(_) => None,
            }).collect();
            let gateway = snapshot.gateway().unwrap();
            prop_assert_eq!(&gateway.name, id.as_str());
            for entry in snapshot.entries.values() {
                match &entry.spec {
                    Spec::Model(model) => {
                        prop_assert!(model.targets.iter().all(|target| snapshot.entries.contains_key(&target.provider)));
                    }
                    Spec::Provider(provider) => {
                        if let Credential::Key { secret, .. } = &provider.credential {
                            prop_assert!(snapshot.secrets.contains_key(secret));
                        }
                    }
                    Spec::Key(key) => prop_assert!(tenants.contains(&key.tenant) && !key.hashes.is_empty()),
                    Spec::McpServer(_) => {
                        prop_assert!(entry.spec.secrets().iter().all(|secret| snapshot.secrets.contains_key(secret)));
                    }
                    Spec::ToolPolicy(policy) => {
                        for target in &policy.targets {
                            let is_there = match target {
                                PolicyTarget::Gateway => true,
                                PolicyTarget::Tenant(name) => tenants.contains(name),
                                PolicyTarget::Server(server) => snapshot.entries.contains_key(server),
                            };
                            prop_assert!(is_there);
                        }
                    }
                    Spec::Gateway(_) | Spec::Tenant(_) => {}
                }
            }
        }
    }

    #[test]
    fn no_tenant_sees_a_name_twice(before in world(), world in world()) {
        for (id, snapshot) in &after(&before, &world).snapshots {
            for view in views(id, snapshot) {
                let mut names = BTreeSet::new();
                for entry in snapshot.entries.values() {
                    let (claimed, namespace) = claimed(entry);
                    let is_seen = namespace.is_none_or(|namespace| view.as_ref().is_none_or(|view| view.contains(namespace)));
                    for name in claimed.into_iter().filter(|_| is_seen) {
                        prop_assert!(names.insert(name.clone()), "{name:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_key_belongs_to_who_owns_its_namespace(before in world(), world in world()) {
        for (id, snapshot) in &after(&before, &world).snapshots {
            for entry in snapshot.entries.values() {
                let Spec::Key(key) = &entry.spec else { continue };
                let namespace = entry.id.as_str().split('/').nth(1).unwrap();
                let is_owner = snapshot.entries.values().any(|entry| {
                    matches!(&entry.spec, Spec::Tenant(tenant) if tenant.name == key.tenant && tenant.namespaces.contains(namespace))
                });
                let is_single = snapshot.gateway().unwrap().tenancy == Tenancy::Single;
                prop_assert!(is_owner || is_single || namespace == id.namespace());
            }
        }
    }

    #[test]
    fn taking_a_grant_away_adds_nothing(before in world(), world in world(), victim in any::<prop::sample::Index>()) {
        prop_assume!(!world.grants.is_empty());
        let mut less = world.clone();
        less.grants.remove(victim.index(world.grants.len()));
        let last = compile(&before, &Compiled::default());
        prop_assert!(is_part(&compile(&less, &last), &compile(&world, &last)));
        let served = compile(&world, &last);
        prop_assert!(is_part(&compile(&less, &served), &served));
    }

    #[test]
    fn every_object_has_diagnostics_and_no_other(before in world(), world in world()) {
        let compiled = after(&before, &world);
        let ids: BTreeSet<_> = world.objects.iter().map(|object| object.id.clone()).collect();
        prop_assert_eq!(&ids, &compiled.diagnostics.keys().cloned().collect());
        let is_told = |id: &ObjectId| compiled.diagnostics[id].serving.is_some() || !compiled.diagnostics[id].problems.is_empty();
        prop_assert!(ids.iter().all(is_told));
    }

    #[test]
    fn diff_then_apply_is_the_identity(before in world(), world in world()) {
        let one = compile(&before, &Compiled::default());
        let other = compile(&world, &one);
        for base in one.snapshots.values() {
            for next in other.snapshots.values() {
                let applied = snapshot::apply(base, &snapshot::diff(base, next));
                prop_assert_eq!(applied.as_ref(), Ok(next.as_ref()));
                let applied = snapshot::apply(base, &Delta::full(next));
                prop_assert_eq!(applied.as_ref(), Ok(next.as_ref()));
            }
        }
    }

    #[test]
    fn a_delta_fits_its_base_only(before in world(), world in world()) {
        let one = compile(&before, &Compiled::default());
        let other = compile(&world, &one);
        for (base, next) in one.snapshots.values().zip(other.snapshots.values()).filter(|(base, next)| base.hash != next.hash) {
            let delta = snapshot::diff(base, next);
            prop_assert!(snapshot::apply(next, &delta).is_err());
            let is_new = |entry: &&Arc<Entry>| base.entries.get(&entry.id).map(|known| known.hash) != Some(entry.hash);
            for lost in delta.upsert.iter().filter(is_new) {
                let rest = delta.upsert.iter().filter(|entry| entry.id != lost.id).cloned().collect();
                let torn = Delta { upsert: rest, ..delta.clone() };
                prop_assert!(snapshot::apply(base, &torn).is_err());
            }
        }
    }

    #[test]
    fn a_written_entry_reads_back(world in world()) {
        for snapshot in compile(&world, &Compiled::default()).snapshots.values() {
            for entry in snapshot.entries.values() {
                let written = serde_json::to_string(entry.as_ref()).unwrap();
                let read: Entry = serde_json::from_str(&written).unwrap();
                prop_assert_eq!(Entry::new(read.id.clone(), read.generation, read.spec.clone()), read.clone());
                prop_assert_eq!(&read, entry.as_ref());
            }
        }
    }

    #[test]
    fn no_key_is_in_what_is_written(world in world()) {
        for snapshot in compile(&world, &Compiled::default()).snapshots.values() {
            let entries: Vec<_> = snapshot.entries.values().map(AsRef::as_ref).collect::<Vec<&Entry>>();
            prop_assert!(!serde_json::to_string(&entries).unwrap().contains("fl-0123456789"));
            let printed = format!("{snapshot:?}");
            prop_assert!(!printed.contains("fl-0123456789"));
        }
    }
}
