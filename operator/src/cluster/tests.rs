use config::{Compiled, compile};
use serde_json::{Value, json};

use super::*;

fn object(kind: &str, name: &str, spec: &Value) -> DynamicObject {
    let kind = crds::KINDS.iter().find(|known| known.name == kind).unwrap();
    let mut object = DynamicObject::new(name, &resource(kind)).within("team-a");
    object.data = json!({"spec": spec});
    object
}

fn gateway() -> DynamicObject {
    let authentication = json!({"mode": "Disabled", "acknowledgeInsecure": true});
    object("ResponsesGateway", "main", &json!({"authentication": authentication}))
}

fn provider() -> DynamicObject {
    object("ModelProvider", "p", &json!({"type": "OpenAI", "baseURL": "https://example.com"}))
}

fn model(provider: &str) -> DynamicObject {
    let target = json!({"name": "only", "providerRef": {"name": provider}, "upstreamModel": "up"});
    object("Model", "m", &json!({"targets": [target]}))
}

fn list(cluster: &mut Cluster, kind: &'static str, objects: Vec<DynamicObject>) {
    cluster.apply(Seen::Object(kind, Event::Init));
    for object in objects {
        cluster.apply(Seen::Object(kind, Event::InitApply(object)));
    }
    cluster.apply(Seen::Object(kind, Event::InitDone));
}

fn listed() -> Cluster {
    let mut cluster = Cluster::new();
    for kind in crds::KINDS {
        let objects = match kind.name {
            "ResponsesGateway" => vec![gateway()],
            "ModelProvider" => vec![provider()],
            "Model" => vec![model("p")],
            _ => Vec::new(),
        };
        list(&mut cluster, kind.name, objects);
    }
    cluster.apply(Seen::Namespace(Event::InitDone));
    cluster.apply(Seen::Secret(Event::InitDone));
    cluster.apply(Seen::ConfigMap(Event::InitDone));
    cluster
}

fn entries(cluster: &mut Cluster) -> usize {
    let compiled = compile(&cluster.world(), &Compiled::default());
    compiled.snapshots.values().map(|snapshot| snapshot.entries.len()).sum()
}

#[test]
fn a_kind_is_unlisted_until_its_first_list_ends() {
    let mut cluster = Cluster::new();
    cluster.apply(Seen::Object("Model", Event::Init));
    assert!(cluster.unlisted().contains(&"Model"));
    cluster.apply(Seen::Object("Model", Event::InitDone));
    assert!(!cluster.unlisted().contains(&"Model"));
    assert_eq!(listed().unlisted(), Vec::<&str>::new());
}

#[test]
fn what_is_seen_is_compiled() {
    assert_eq!(entries(&mut listed()), 3);
}

#[test]
fn a_field_of_a_later_version_does_no_harm() {
    let mut cluster = listed();
    let mut later = model("p");
    later.data["spec"]["later"] = json!({"x": 1});
    cluster.apply(Seen::Object("Model", Event::Apply(later)));
    assert_eq!(entries(&mut cluster), 3);
}

#[test]
fn an_object_that_does_not_decode_stops_nothing() {
    let mut cluster = listed();
    let mut bad = model("p");
    bad.data["spec"]["targets"] = json!("all");
    cluster.apply(Seen::Object("Model", Event::Apply(bad)));
    assert_eq!(entries(&mut cluster), 2);
}

#[test]
fn a_status_alone_is_not_compiled() {
    let mut cluster = listed();
    cluster.world();
    let mut told = model("p");
    told.data["status"] = json!({"conditions": []});
    assert_eq!(cluster.apply(Seen::Object("Model", Event::Apply(told.clone()))), Effect::Statuses);
    told.data["spec"]["targets"] = json!([]);
    assert_eq!(cluster.apply(Seen::Object("Model", Event::Apply(told))), Effect::Compile);
}

#[test]
fn a_deleted_object_is_gone() {
    let mut cluster = listed();
    assert_eq!(cluster.apply(Seen::Object("Model", Event::Delete(model("p")))), Effect::Compile);
    assert_eq!(entries(&mut cluster), 2);
}

#[test]
fn a_secret_that_nobody_names_changes_nothing() {
    let mut cluster = listed();
    let secret = |name: &str| {
        let mut secret = PartialObjectMeta::<k8s_openapi::api::core::v1::Secret>::default();
        secret.metadata.namespace = Some("team-a".into());
        secret.metadata.name = Some(name.into());
        Seen::Secret(Event::Apply(secret))
    };
    assert_eq!(cluster.apply(secret("other")), Effect::Nothing);
    cluster.wanted = BTreeSet::from([ObjectId::new("Secret", "team-a", "key")]);
    assert_eq!(cluster.apply(secret("key")), Effect::Compile);
}
