//! What the watches have shown of the cluster so far, and what that compiles to.

use std::collections::BTreeMap;

use config::{Compiled, Diagnostics, ObjectId, Reason, Schemas, World, compile};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::reflector::store::Writer;
use kube::runtime::watcher::Event;

/// What the watches have shown so far.
pub(crate) struct Cluster {
    schemas: Schemas,
    kinds: BTreeMap<&'static str, Watched>,
    pub(crate) compiled: Compiled,
}

struct Watched {
    writer: Writer<DynamicObject>,
    is_listed: bool,
}

/// Describes a kind of ours to the API client.
pub(crate) fn resource(kind: &crds::Kind) -> ApiResource {
    ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk(crds::GROUP, crds::VERSION, kind.name),
        kind.plural,
    )
}

impl Cluster {
    pub(crate) fn new() -> Self {
        let watched = |kind| Watched { writer: Writer::new(resource(kind)), is_listed: false };
        let kinds = crds::KINDS.iter().map(|kind| (kind.name, watched(kind))).collect();
        Self { schemas: Schemas::new(), kinds, compiled: Compiled::default() }
    }

    /// Takes in what a watch of `kind` shows.
    pub(crate) fn apply(&mut self, kind: &str, event: &Event<DynamicObject>) {
        let Some(watched) = self.kinds.get_mut(kind) else { return };
        watched.writer.apply_watcher_event(event);
        watched.is_listed |= matches!(event, Event::InitDone);
    }

    /// Lists the kinds whose objects are not known yet.
    pub(crate) fn unlisted(&self) -> Vec<&'static str> {
        self.kinds.iter().filter(|(_, watched)| !watched.is_listed).map(|(name, _)| *name).collect()
    }

    /// Compiles what is known, and tells in sentences what changed about each object.
    pub(crate) fn compile(&mut self) -> Vec<(ObjectId, String)> {
        let objects = self.kinds.iter().flat_map(|(kind, watched)| {
            let objects = watched.writer.as_reader().state();
            objects.into_iter().filter_map(|object| self.read(kind, &object)).collect::<Vec<_>>()
        });
        let world = World { objects: objects.collect(), ..World::default() };
        let before = std::mem::take(&mut self.compiled);
        self.compiled = compile(&world, &before);
        changes(&before.diagnostics, &self.compiled.diagnostics)
    }

    fn read(&self, kind: &str, object: &DynamicObject) -> Option<config::Object> {
        let metadata = &object.metadata;
        let id = ObjectId::new(kind, metadata.namespace.as_deref()?, metadata.name.as_deref()?);
        Some(self.schemas.stored(id, &serde_json::to_value(object).ok()?))
    }
}

fn changes(
    before: &BTreeMap<ObjectId, Diagnostics>,
    after: &BTreeMap<ObjectId, Diagnostics>,
) -> Vec<(ObjectId, String)> {
    let gone =
        before.keys().filter(|id| !after.contains_key(id)).map(|id| (id.clone(), "deleted".to_owned()));
    let differs =
        |(id, about): &(&ObjectId, &Diagnostics)| before.get(id).map(verdict) != Some(verdict(about));
    let changed = after.iter().filter(differs).map(|(id, about)| (id.clone(), verdict(about)));
    gone.chain(changed).collect()
}

/// Says in one sentence how an object stands. Secrets are left out, since they are not looked up.
fn verdict(about: &Diagnostics) -> String {
    let unseen = [Reason::SecretNotFound, Reason::SecretKeyNotFound, Reason::InvalidSecret];
    let problems = about.problems.iter().filter(|problem| !unseen.contains(&problem.reason));
    let problems: Vec<_> = problems.map(ToString::to_string).collect();
    if problems.is_empty() { "accepted".to_owned() } else { problems.join("; ") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn object(kind: &str, name: &str, spec: &Value) -> DynamicObject {
        let kind = crds::KINDS.iter().find(|known| known.name == kind).unwrap();
        let mut object = DynamicObject::new(name, &resource(kind)).within("team-a");
        object.data = json!({"spec": spec});
        object
    }

    fn provider() -> Event<DynamicObject> {
        let auth = json!({"apiKey": {"secretRef": {"name": "unseen", "key": "k"}}});
        let spec = json!({"type": "OpenAI", "baseURL": "https://example.com", "auth": auth});
        Event::InitApply(object("ModelProvider", "p", &spec))
    }

    fn model(provider: &str) -> DynamicObject {
        let target = json!({"name": "only", "providerRef": {"name": provider}, "upstreamModel": "up"});
        object("Model", "m", &json!({"targets": [target]}))
    }

    fn listed() -> Cluster {
        let mut cluster = Cluster::new();
        for kind in crds::KINDS {
            cluster.apply(kind.name, &Event::InitDone);
        }
        let events = [("ModelProvider", provider()), ("Model", Event::InitApply(model("p")))];
        for (kind, object) in events {
            cluster.apply(kind, &Event::Init);
            cluster.apply(kind, &object);
            cluster.apply(kind, &Event::InitDone);
        }
        cluster
    }

    fn sentences(changes: Vec<(ObjectId, String)>) -> Vec<String> {
        changes.into_iter().map(|(id, verdict)| format!("{id}: {verdict}")).collect()
    }

    #[test]
    fn a_kind_is_unlisted_until_its_first_list_ends() {
        let mut cluster = Cluster::new();
        cluster.apply("Model", &Event::Init);
        assert!(cluster.unlisted().contains(&"Model"));
        cluster.apply("Model", &Event::InitDone);
        assert!(!cluster.unlisted().contains(&"Model") && cluster.unlisted().contains(&"ModelProvider"));
        assert_eq!(listed().unlisted(), Vec::<&str>::new());
    }

    #[test]
    fn what_is_seen_is_compiled_and_told_once() {
        let mut cluster = listed();
        assert_eq!(
            sentences(cluster.compile()),
            ["Model team-a/m: accepted", "ModelProvider team-a/p: accepted"]
        );
        assert_eq!(cluster.compiled.implicit().unwrap().entries.len(), 3);
        assert_eq!(cluster.compile(), []);
    }

    #[test]
    fn a_field_of_a_later_version_does_no_harm() {
        let mut cluster = listed();
        let mut later = model("p");
        later.data["spec"]["later"] = json!({"x": 1});
        cluster.apply("Model", &Event::Apply(later));
        assert!(sentences(cluster.compile()).contains(&"Model team-a/m: accepted".to_owned()));
    }

    #[test]
    fn an_object_that_does_not_decode_stops_nothing() {
        let mut cluster = listed();
        let mut bad = model("p");
        bad.data["spec"]["targets"] = json!("all");
        cluster.apply("Model", &Event::Apply(bad));
        let told = sentences(cluster.compile());
        assert!(told[0].starts_with("Model team-a/m: spec: invalid type"), "{told:?}");
        assert_eq!(told[1], "ModelProvider team-a/p: accepted");
    }

    #[test]
    fn a_change_is_told_with_its_problem() {
        let mut cluster = listed();
        cluster.compile();
        cluster.apply("Model", &Event::Apply(model("none")));
        let told = sentences(cluster.compile());
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("ModelProvider team-a/none is missing"), "{told:?}");
    }

    #[test]
    fn a_deleted_object_is_told_and_gone() {
        let mut cluster = listed();
        cluster.compile();
        cluster.apply("Model", &Event::Delete(model("p")));
        assert_eq!(sentences(cluster.compile()), ["Model team-a/m: deleted"]);
        assert_eq!(cluster.compiled.implicit().unwrap().entries.len(), 2);
    }
}
