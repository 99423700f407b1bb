//! What is watched: our kinds, namespaces, grants, and the names and versions of Secrets and ConfigMaps.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind, PartialObjectMeta};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch};
use kube::{Api, Client, ResourceExt};
use tokio::time::sleep;

/// What a watch shows.
pub(crate) enum Seen {
    Object(&'static str, Event<DynamicObject>),
    Namespace(Event<PartialObjectMeta<Namespace>>),
    Secret(Event<PartialObjectMeta<Secret>>),
    ConfigMap(Event<PartialObjectMeta<ConfigMap>>),
    Grant(Event<DynamicObject>),
}

/// A watch that fails for the moment; it is tried again.
pub(crate) struct Failed {
    pub(crate) kind: &'static str,
    pub(crate) error: watcher::Error,
}

pub(crate) type Shown = Result<Seen, Failed>;

const GRANT: &str = "ReferenceGrant";
/// How long is waited before a kind that is not installed is looked for again.
const MISSING: Duration = Duration::from_secs(5);

/// Every watch, each with back-off of its own.
pub(crate) fn all(client: &Client) -> BoxStream<'static, Shown> {
    let ours = crds::KINDS.iter().map(|kind| objects(client, kind));
    let others = [namespaces(client), secrets(client), config_maps(client), grants(client)];
    stream::select_all(ours.chain(others)).boxed()
}

/// Describes a kind of ours to the API client.
pub(crate) fn resource(kind: &crds::Kind) -> ApiResource {
    ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk(crds::GROUP, crds::VERSION, kind.name),
        kind.plural,
    )
}

fn objects(client: &Client, kind: &'static crds::Kind) -> BoxStream<'static, Shown> {
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource(kind));
    let events = watch(api, config()).default_backoff().modify(trim);
    events.map(move |event| shown(kind.name, event, |event| Seen::Object(kind.name, event))).boxed()
}

/// Who wrote which field is larger than most objects, and nothing here reads it.
fn trim(object: &mut impl ResourceExt) {
    object.managed_fields_mut().clear();
}

/// What was applied last is an annotation, with all values in it: they are not to be seen.
fn strip(holder: &mut impl ResourceExt) {
    trim(holder);
    holder.annotations_mut().clear();
}

fn namespaces(client: &Client) -> BoxStream<'static, Shown> {
    let events = watch(Api::<PartialObjectMeta<Namespace>>::all(client.clone()), config());
    let events = events.default_backoff().modify(trim);
    events.map(|event| shown("Namespace", event, Seen::Namespace)).boxed()
}

fn secrets(client: &Client) -> BoxStream<'static, Shown> {
    let events = watch(Api::<PartialObjectMeta<Secret>>::all(client.clone()), config());
    let events = events.default_backoff().modify(strip);
    events.map(|event| shown("Secret", event, Seen::Secret)).boxed()
}

fn config_maps(client: &Client) -> BoxStream<'static, Shown> {
    let events = watch(Api::<PartialObjectMeta<ConfigMap>>::all(client.clone()), config());
    let events = events.default_backoff().modify(strip);
    events.map(|event| shown("ConfigMap", event, Seen::ConfigMap)).boxed()
}

/// The kind may be missing in a cluster; then nothing is granted until somebody installs it.
fn grants(client: &Client) -> BoxStream<'static, Shown> {
    let kind = GroupVersionKind::gvk("gateway.networking.k8s.io", "v1beta1", GRANT);
    let resource = ApiResource::from_gvk_with_plural(&kind, "referencegrants");
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let events = watch(api, config()).default_backoff();
    let paced = |event| async move {
        // Each attempt begins with an event that ends the back-off.
        if matches!(event, Err(watcher::Error::InitialListFailed(_))) {
            sleep(MISSING).await;
        }
        shown(GRANT, event, Seen::Grant)
    };
    events.then(paced).boxed()
}

fn config() -> watcher::Config {
    watcher::Config::default().page_size(500)
}

fn shown<T>(
    kind: &'static str,
    event: Result<Event<T>, watcher::Error>,
    seen: impl FnOnce(Event<T>) -> Seen,
) -> Shown {
    event.map(seen).map_err(|error| Failed { kind, error })
}

impl Failed {
    /// True if the kind is not installed and need not be.
    pub(crate) fn is_harmless(&self) -> bool {
        self.kind == GRANT
    }
}
