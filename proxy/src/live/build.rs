//! A snapshot → lookup tables and live handles. Handles of unchanged entries are kept, with their connections.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use config::spec::{
    Capabilities, Credential as Key, Defaults, ModelSpec, ModelType, Placement, Protocol, ProviderSpec,
    RetryReason, WireApi,
};
use config::{Entry, EntryId, Hash, Health, Snapshot, Spec};
use http::{HeaderName, HeaderValue};
use parking_lot::Mutex;
use protocol::destination::{Denied, Destination, Reach};
use protocol::error::ApiError;
use providers::{Api, Backoff, Credential, Profile, Reasons, Retry, Target, Targets, Timeouts, Upstream};
use tools::builtin::Builtin;
use tools::policy::Policies;

use crate::auth::Gate;
use crate::auth::issuer::Issuers;
use crate::auth::view::View;
use crate::egress::{self, Clients};
use crate::live::Reaches;
use crate::live::builtins::Builtins;
use crate::live::local::Local;
use crate::live::resolve::{bearer, keyed, may_use};
use crate::live::search::{self, Searching};
use crate::live::servers::Offered;
use crate::live::{health, policies};
use crate::settings::{Flags, Settings};

/// How long a connection to a caller's MCP server may take.
const CALLER_CONNECT: Duration = Duration::from_secs(2);

/// What a process brings to every runtime that it builds.
pub struct Frame {
    pub reaches: Reaches,
    pub flags: Flags,
    pub issuers: Issuers,
    /// Connections to MCP servers, and what makes them.
    pub servers: tools::mcp::Pool,
    pub clients: Arc<Clients>,
    /// MCP servers that are programs on this machine.
    pub local: Local,
}

/// What a proxy serves with: immutable, swapped as a whole.
pub struct Runtime {
    /// The hash of the snapshot.
    pub hash: String,
    /// Who may ask.
    pub gate: Gate,
    /// What requests share.
    pub settings: Settings,
    /// By name and alias; tenants that do not see each other may use one name for different models.
    pub(super) models: HashMap<String, Vec<Arc<PublicModel>>>,
    /// By the names that `provider@model` may use.
    pub(super) named: HashMap<String, Vec<Arc<Provider>>>,
    /// Takes names without a provider.
    pub(super) fallback: Option<Arc<Provider>>,
    pub(super) reaches: Reaches,
    /// What built-in tools use.
    pub(super) builtins: Builtins,
    /// What tool policies say.
    pub policies: Arc<Policies>,
    known_policies: policies::Known,
    /// MCP servers by label.
    servers: HashMap<String, Vec<Arc<Offered>>>,
    /// The same by entry.
    offered: BTreeMap<EntryId, Arc<Offered>>,
    /// MCP servers that are programs on this machine, by label.
    local: Local,
    /// For MCP servers, search engines and web pages.
    clients: Arc<Clients>,
    /// What `web_search` asks.
    search: Option<Arc<Searching>>,
    /// Upstreams of `url@model`, by URL.
    pub(super) at_urls: Arc<Mutex<HashMap<String, Arc<Provider>>>>,
    /// For `GET /v1/models`: every name.
    listed: BTreeSet<String>,
    providers: BTreeMap<EntryId, Arc<Provider>>,
}

/// An upstream with its client.
pub struct Provider {
    pub spec: ProviderSpec,
    pub upstream: Arc<Upstream>,
    /// Set where the process may not go to its address.
    pub denied: Option<Denied>,
    /// Whether its traffic is encrypted, stays on this machine, or may carry credentials all the same.
    pub guards_credentials: bool,
    hash: Option<Hash>,
}

/// A model by its public name.
pub struct PublicModel {
    pub name: String,
    pub namespace: String,
    pub kind: ModelType,
    pub capabilities: Capabilities,
    pub defaults: Defaults,
    /// Those that can be called without the caller's own key.
    pub targets: Arc<Targets>,
    /// Whether there is any of them.
    pub is_usable: bool,
    /// Set where all targets are of one provider, to which the caller's own key may go.
    pub only_provider: Option<Arc<Provider>>,
    /// Names of the providers, for logs.
    pub provider: String,
}

/// An entry that cannot be built; its old form stays.
#[derive(Clone, Debug)]
pub struct Rejected {
    pub entry: EntryId,
    pub message: String,
}

impl Runtime {
    /// Builds tables and handles. An entry that cannot be built is rejected alone, and keeps the handle it had.
    pub fn build(snapshot: &Snapshot, before: Option<&Self>, frame: &Frame) -> (Self, Vec<Rejected>) {
        let (mut runtime, mut rejected) = (Self::empty(snapshot, before, frame), Vec::new());
        for entry in snapshot.entries.values() {
            let Spec::Provider(spec) = &entry.spec else { continue };
            let known = before.and_then(|before| before.providers.get(&entry.id));
            match runtime.provider_handle(entry, spec, snapshot, known) {
                Ok(provider) => runtime.add_provider(&entry.id, provider),
                Err(message) => {
                    rejected.push(Rejected { entry: entry.id.clone(), message });
                    known.into_iter().for_each(|known| runtime.add_provider(&entry.id, Arc::clone(known)));
                }
            }
        }
        let mut models = BTreeMap::new();
        for entry in snapshot.entries.values() {
            if let Spec::Model(spec) = &entry.spec {
                models.insert(entry.id.clone(), runtime.add_model(spec));
            }
        }
        runtime.builtins = Builtins::of(snapshot, &models);
        rejected.extend(runtime.add_servers(snapshot, before));
        rejected.extend(runtime.add_search(snapshot, before));
        let none = policies::Known::new();
        let known = before.map_or(&none, |before| &before.known_policies);
        let (known, policies, bad) = policies::read(snapshot, known);
        (runtime.known_policies, runtime.policies) = (known, Arc::new(policies));
        rejected.extend(bad);
        runtime.fallback =
            snapshot.fallback_provider.as_ref().and_then(|id| runtime.providers.get(id)).cloned();
        (runtime, rejected)
    }

    fn empty(snapshot: &Snapshot, before: Option<&Self>, frame: &Frame) -> Self {
        Self {
            hash: snapshot.hash.to_string(),
            gate: Gate::build(snapshot, &frame.issuers),
            settings: frame.flags.settle(snapshot.gateway()),
            models: HashMap::new(),
            named: HashMap::new(),
            fallback: None,
            reaches: frame.reaches,
            builtins: Builtins::default(),
            policies: Arc::default(),
            known_policies: policies::Known::new(),
            clients: Arc::clone(&frame.clients),
            search: None,
            local: Arc::clone(&frame.local),
            servers: HashMap::new(),
            offered: BTreeMap::new(),
            at_urls: before.map(|before| Arc::clone(&before.at_urls)).unwrap_or_default(),
            listed: BTreeSet::new(),
            providers: BTreeMap::new(),
        }
    }

    /// How the upstreams and MCP servers fare, as far as that is known.
    pub fn health(&self) -> BTreeMap<&EntryId, Health> {
        let providers = self.providers.iter().filter_map(|(id, provider)| Some((id, provider.health()?)));
        let servers = self.offered.iter().filter_map(|(id, server)| Some((id, server.health()?)));
        providers.chain(servers).collect()
    }

    /// The MCP servers by entry.
    pub fn offered(&self) -> &BTreeMap<EntryId, Arc<Offered>> {
        &self.offered
    }

    /// The names that a caller may send, sorted, each with its owner.
    pub fn names<'a>(&'a self, view: &'a View) -> impl Iterator<Item = (&'a str, &'a str)> {
        let owned = |name: &'a String| {
            let model = self.model(name, view).filter(|model| may_use(name, Some(model), view))?;
            Some((name.as_str(), model.provider.as_str()))
        };
        self.listed.iter().filter_map(owned)
    }

    /// The owner of a name that a caller may send, `provider@model` included.
    pub fn owner(&self, name: &str, view: &View) -> Option<&str> {
        let model = self.model(name, view);
        if !may_use(name, model, view) {
            return None;
        }
        if let Some(model) = model {
            return Some(model.provider.as_str());
        }
        let (provider, _) = name.split_once('@').filter(|(_, model)| !model.is_empty())?;
        self.provider(provider, view).map(|provider| provider.spec.name.as_str())
    }

    /// The model of a name in a tenant's view; that of the shared namespace comes first.
    pub(super) fn model(&self, name: &str, view: &View) -> Option<&Arc<PublicModel>> {
        nearest(self.models.get(name)?, view, |model| &model.namespace)
    }

    /// The provider of a name in a tenant's view.
    pub(super) fn provider(&self, name: &str, view: &View) -> Option<&Arc<Provider>> {
        nearest(self.named.get(&name.to_ascii_lowercase())?, view, |provider| &provider.spec.namespace)
    }

    /// The MCP server of a label in a tenant's view. Programs on this machine are for whoever runs the process: where tenants are
    /// told apart, nobody sees them. An object with the same label comes first.
    pub fn server(&self, label: &str, view: &View) -> Option<&Arc<Offered>> {
        let offered = self.servers.get(label);
        let found = offered.and_then(|all| nearest(all, view, |server| &server.spec.namespace));
        let found = found.or_else(|| self.local.get(label).filter(|_| view.is_whole()))?;
        view.may_reach(label).then_some(found)
    }

    /// The MCP server of an entry, whoever sees it: the configuration itself refers to it.
    pub fn server_of(&self, id: &EntryId) -> Option<&Arc<Offered>> {
        self.offered.get(id)
    }

    /// Whether callers may name servers on this machine.
    pub fn opens_loopback(&self) -> bool {
        self.reaches.loopback
    }

    /// The client for MCP servers that callers bring.
    ///
    /// Errors: 500 if the TLS set-up fails.
    pub fn caller_client(&self, reach: Reach) -> Result<reqwest::Client, ApiError> {
        self.clients.get(reach, CALLER_CONNECT).map_err(|error| {
            let error = crate::error::chain(&error);
            tracing::error!(error, "Cannot make a client for MCP servers");
            ApiError::internal()
        })
    }

    /// The MCP servers of this runtime whose connections `after` has no use for.
    pub fn servers_gone(&self, after: &Self) -> impl Iterator<Item = &EntryId> {
        let stays = |id: &EntryId, server: &Offered| {
            after.offered.get(id).is_some_and(|other| other.hash == server.hash)
        };
        self.offered.iter().filter(move |(id, server)| !stays(id, server)).map(|(id, _)| id)
    }

    /// The tool `web_search`, where the gateway names an engine.
    pub fn web_search(&self) -> Option<Arc<dyn Builtin>> {
        self.search.as_ref().map(|search| Arc::clone(&search.tool))
    }

    fn add_search(&mut self, snapshot: &Snapshot, before: Option<&Self>) -> Option<Rejected> {
        let known = before.and_then(|before| before.search.as_ref());
        match search::of(snapshot, known, (self.reaches, &self.clients)) {
            Ok(search) => {
                self.search = search;
                None
            }
            Err(rejected) => {
                self.search = known.cloned();
                Some(rejected)
            }
        }
    }

    fn add_servers(&mut self, snapshot: &Snapshot, before: Option<&Self>) -> Vec<Rejected> {
        let mut rejected = Vec::new();
        for entry in snapshot.entries.values() {
            let Spec::McpServer(spec) = &entry.spec else { continue };
            let known = before.and_then(|before| before.offered.get(&entry.id)).cloned();
            let is_same = known.as_ref().is_some_and(|known| known.hash == entry.hash);
            let built = if is_same {
                None
            } else {
                Some(Offered::new(entry, spec, snapshot, (self.reaches, &self.clients, known.as_deref())))
            };
            let server = match built {
                None => known,
                Some(Ok(server)) => Some(Arc::new(server)),
                Some(Err(message)) => {
                    rejected.push(Rejected { entry: entry.id.clone(), message });
                    known
                }
            };
            if let Some(server) = server {
                self.servers.entry(server.spec.label.clone()).or_default().push(Arc::clone(&server));
                self.offered.insert(entry.id.clone(), server);
            }
        }
        rejected
    }

    fn provider_handle(
        &self,
        entry: &Entry,
        spec: &ProviderSpec,
        snapshot: &Snapshot,
        known: Option<&Arc<Provider>>,
    ) -> Result<Arc<Provider>, String> {
        if let Some(known) = known.filter(|known| known.hash == Some(entry.hash)) {
            return Ok(Arc::clone(known));
        }
        let mut provider = Provider::new(spec.clone(), credential(spec, snapshot)?, self.reaches)?;
        provider.hash = Some(entry.hash);
        Ok(Arc::new(provider))
    }

    fn add_provider(&mut self, id: &EntryId, provider: Arc<Provider>) {
        for name in &provider.spec.direct_names {
            self.named.entry(name.to_ascii_lowercase()).or_default().push(Arc::clone(&provider));
        }
        self.providers.insert(id.clone(), provider);
    }

    fn add_model(&mut self, spec: &ModelSpec) -> Arc<PublicModel> {
        let model = Arc::new(self.public_model(spec));
        for name in [&spec.name].into_iter().chain(&spec.aliases) {
            self.models.entry(name.clone()).or_default().push(Arc::clone(&model));
            self.listed.insert(name.clone());
        }
        model
    }

    fn public_model(&self, spec: &ModelSpec) -> PublicModel {
        let handle = |target| -> Option<(&config::spec::Target, &Arc<Provider>)> {
            let target: &config::spec::Target = target;
            self.providers.get(&target.provider).map(|provider| (target, provider))
        };
        let all: Vec<_> = spec.targets.iter().filter_map(handle).collect();
        let first = all.first().map(|(target, provider)| (&target.provider, Arc::clone(provider)));
        let only_provider = first.filter(|(id, _)| spec.targets.iter().all(|other| other.provider == **id));
        let only_provider = only_provider.map(|(_, provider)| provider);
        let usable = all.iter().filter(|(_, provider)| only_provider.is_some() || provider.is_usable());
        let targets: Vec<Target> = usable.map(|(target, provider)| provider.target(target)).collect();
        let mut names: Vec<&str> = all.iter().map(|(_, provider)| provider.spec.name.as_str()).collect();
        names.dedup();
        PublicModel {
            name: spec.name.clone(),
            namespace: spec.namespace.clone(),
            kind: spec.kind,
            capabilities: spec.capabilities,
            defaults: spec.defaults.clone(),
            is_usable: !targets.is_empty(),
            targets: Arc::new(Targets::new(targets, retry(&spec.retry))),
            only_provider,
            provider: names.join(","),
        }
    }
}

impl Provider {
    /// Makes the client of an upstream; nothing is dialled.
    ///
    /// Errors: a header or TLS setting that cannot be used.
    pub fn new(spec: ProviderSpec, credential: Option<Credential>, reaches: Reaches) -> Result<Self, String> {
        let reach = Reach { http: true, private: spec.allow_private_endpoint, loopback: reaches.loopback };
        let checked = Destination::parse(&spec.base_url, reach);
        let is_guarded = checked.as_ref().is_ok_and(Destination::is_encrypted_or_local);
        let settings = upstream_settings(&spec, credential)?;
        let client = egress::upstream(&spec.base_url, reach, settings.timeouts.connect, &spec.tls);
        let client = client.map_err(|error| error.to_string())?;
        Ok(Self {
            guards_credentials: is_guarded || spec.allow_plaintext_credentials,
            spec,
            upstream: Arc::new(Upstream::new(settings, client)),
            denied: checked.err(),
            hash: None,
        })
    }

    /// Whether it can be called without a key of the caller.
    pub fn is_usable(&self) -> bool {
        self.denied.is_none() && self.spec.credential != Key::Missing
    }

    fn health(&self) -> Option<Health> {
        if self.denied.is_some() {
            return Some(Health::EgressDenied);
        }
        health::told(self.upstream.health())
    }

    fn target(self: &Arc<Self>, target: &config::spec::Target) -> Target {
        Target {
            upstream: Arc::clone(&self.upstream),
            model: target.upstream_model.clone(),
            priority: target.priority,
            weight: target.weight,
        }
    }
}

fn upstream_settings(
    spec: &ProviderSpec,
    credential: Option<Credential>,
) -> Result<providers::Settings, String> {
    let Protocol::OpenAi(openai) = &spec.protocol;
    let named = [("openai-organization", &openai.organization), ("openai-project", &openai.project)];
    let named = named.into_iter().filter_map(|(name, value)| Some((name, value.as_ref()?)));
    let headers = spec.headers.iter().map(|(name, value)| (name.as_str(), value)).chain(named);
    let millis = Duration::from_millis;
    Ok(providers::Settings {
        name: spec.name.clone(),
        base_url: spec.base_url.clone(),
        api: match openai.api {
            WireApi::Responses => Api::Responses,
            WireApi::ChatCompletions => Api::ChatCompletions,
        },
        profile: Profile::of(&spec.name, &spec.base_url),
        credential,
        headers: headers.map(|(name, value)| header(name, value)).collect::<Result<_, _>>()?,
        timeouts: Timeouts {
            connect: millis(spec.timeouts.connect_ms),
            first_byte: millis(spec.timeouts.first_byte_ms),
            stream_idle: millis(spec.timeouts.stream_idle_ms),
            total: millis(spec.timeouts.total_ms),
        },
        retry_budget_percent: spec.retry_budget_percent,
    })
}

/// What a tenant sees first of things that share a name.
fn nearest<'a, T>(candidates: &'a [T], view: &View, namespace: impl Fn(&T) -> &String) -> Option<&'a T> {
    let seen = candidates.iter().filter_map(|one| Some((view.distance(namespace(one))?, one)));
    seen.min_by_key(|(distance, _)| *distance).map(|(_, one)| one)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), String> {
    let unusable = |_| format!("the header {name} cannot be sent");
    let value =
        HeaderValue::from_str(value).map_err(|_| format!("the value of the header {name} cannot be sent"))?;
    Ok((HeaderName::from_bytes(name.as_bytes()).map_err(unusable)?, value))
}

fn credential(spec: &ProviderSpec, snapshot: &Snapshot) -> Result<Option<Credential>, String> {
    let Key::Key { secret, placement, .. } = &spec.credential else { return Ok(None) };
    let value = snapshot.secrets.get(secret).ok_or_else(|| format!("{secret} is not in the snapshot"))?;
    let made = match placement {
        Placement::Bearer => bearer(value.expose()),
        Placement::Header(name) => keyed(name, value.expose()),
    };
    made.map(Some).ok_or_else(|| format!("{secret} cannot be sent in a header"))
}

fn retry(retry: &config::spec::Retry) -> Retry {
    let has = |reason| retry.reasons.contains(&reason);
    Retry {
        max_attempts: retry.max_attempts,
        reasons: Reasons {
            connect_failure: has(RetryReason::ConnectFailure),
            timeout: has(RetryReason::Timeout),
            rate_limited: has(RetryReason::RateLimited),
            server_error: has(RetryReason::ServerError),
        },
        backoff: Backoff {
            base: Duration::from_millis(retry.backoff.base_ms),
            max: Duration::from_millis(retry.backoff.max_ms),
        },
    }
}
