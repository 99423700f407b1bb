//! Worlds at random: few names, so that objects meet.

use std::sync::Arc;

use config::{Body, Condition, Grant, HashKey, Object, ObjectId, Problem, Reason, Secret, World};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The namespaces: the first is that of most gateways.
const NAMESPACES: [&str; 3] = ["home", "a", "b"];

pub(crate) fn problem() -> Problem {
    let condition = Condition::Accepted;
    Problem { condition, reason: Reason::Invalid, path: "spec".into(), message: "bad".into() }
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b", "c"]).prop_map(str::to_owned)
}

fn namespace() -> impl Strategy<Value = String> {
    prop::sample::select(NAMESPACES.to_vec()).prop_map(str::to_owned)
}

fn choice() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!({"from": "Same"})),
        Just(json!({"from": "All"})),
        Just(json!({"from": "Selector", "selector": {"matchLabels": {"kubernetes.io/metadata.name": "a"}}})),
    ]
}

/// Gateways that an object names, if it names any.
fn refs() -> impl Strategy<Value = Option<Value>> {
    let one =
        (name(), namespace()).prop_map(|(name, namespace)| json!({"name": name, "namespace": namespace}));
    prop::option::weighted(0.5, prop::collection::vec(one, 1..3).prop_map(Value::from))
}

fn gateway() -> impl Strategy<Value = Value> {
    (any::<bool>(), choice()).prop_map(|(multi, choice)| {
        json!({
            "authentication": {"mode": "Required", "methods": ["APIKey"]},
            "tenancy": {"mode": if multi { "Multi" } else { "Single" }},
            "allowedNamespaces": choice,
        })
    })
}

fn tenant() -> impl Strategy<Value = Value> {
    prop::collection::btree_set(namespace(), 0..3).prop_map(|namespaces| json!({"namespaces": namespaces}))
}

fn key() -> impl Strategy<Value = Value> {
    (prop::option::of(name()), name()).prop_map(|(tenant, secret)| {
        let mut spec = json!({"secretRef": {"name": secret}});
        if let Some(tenant) = tenant {
            spec["tenantRef"] = json!({"name": tenant});
        }
        spec
    })
}

fn provider() -> impl Strategy<Value = Value> {
    let key = prop::option::of((name(), namespace()));
    (key, any::<bool>(), any::<bool>(), choice()).prop_map(|(key, direct, fail, choice)| {
        let mut spec =
            json!({"type": "OpenAI", "baseURL": "https://example.com/v1", "retryBudgetPercent": 20});
        spec["directModels"] = if direct { "Allow" } else { "Deny" }.into();
        spec["onMissingSecret"] = if fail { "Fail" } else { "KeepLastGood" }.into();
        spec["aliases"] = json!(["b"]);
        spec["allowedNamespaces"] = choice;
        if let Some((name, namespace)) = key {
            spec["auth"] =
                json!({"apiKey": {"secretRef": {"name": name, "key": "key", "namespace": namespace}}});
        }
        spec
    })
}

fn model() -> impl Strategy<Value = Value> {
    let providers = prop::collection::btree_set((name(), namespace()), 1..3);
    (prop::option::of(name()), providers).prop_map(|(model, providers)| {
        let target = |(name, namespace): &(String, String)| {
            let target = format!("{name}-{namespace}");
            json!({"name": target, "providerRef": {"name": name, "namespace": namespace}, "upstreamModel": "up"})
        };
        let mut spec = json!({"targets": providers.iter().map(target).collect::<Value>()});
        if let Some(model) = model {
            spec["modelName"] = model.into();
        }
        spec
    })
}

fn server() -> impl Strategy<Value = Value> {
    let secret = prop::option::of((name(), namespace()));
    let service = prop::option::of((name(), namespace()));
    (prop::option::of(name()), service, secret, any::<bool>()).prop_map(|(label, service, secret, fail)| {
        let mut spec = json!({"endpoint": {"url": "https://example.com/mcp"}});
        if let Some((name, namespace)) = service {
            spec["endpoint"] = json!({"serviceRef": {"name": name, "namespace": namespace, "port": 80}});
        }
        if let Some(label) = label {
            spec["serverLabel"] = label.into();
        }
        if let Some((name, namespace)) = secret {
            let value = json!({"name": name, "key": "key", "namespace": namespace});
            spec["auth"] = json!({"headers": [{"name": "X-Key", "secretRef": value}]});
        }
        spec["onMissingSecret"] = if fail { "Fail" } else { "KeepLastGood" }.into();
        spec
    })
}

fn policy() -> impl Strategy<Value = Value> {
    let kind = prop::sample::select(vec!["MCPServer", "Tenant", "ResponsesGateway"]);
    let targets = prop::collection::btree_set((kind, name()), 1..3);
    let when = prop::sample::select(vec!["context.untrusted", "args.n > 1", "no such thing"]);
    (targets, name(), when).prop_map(|(targets, key, when)| {
        let target = |(kind, name): &(&str, String)| json!({"kind": kind, "name": name});
        let rule =
            json!({"name": "r", "action": "Deny", "when": when, "subjects": [{"apiKeyRef": {"name": key}}]});
        let targets: Value = targets.iter().map(target).collect();
        json!({"targetRefs": targets, "defaultAction": "Allow", "rules": [rule]})
    })
}

fn body() -> impl Strategy<Value = (&'static str, Body)> {
    let with_refs = |kind: &'static str, spec: BoxedStrategy<Value>| {
        (spec, refs()).prop_map(move |(mut spec, refs)| {
            if let Some(refs) = refs {
                spec["gatewayRefs"] = refs;
            }
            (kind, Body::Valid(spec))
        })
    };
    let kinds =
        vec!["Model", "ModelProvider", "MCPServer", "ToolPolicy", "Tenant", "APIKey", "ResponsesGateway"];
    prop_oneof![
        4 => with_refs("ModelProvider", provider().boxed()),
        4 => with_refs("Model", model().boxed()),
        3 => with_refs("Tenant", tenant().boxed()),
        3 => with_refs("APIKey", key().boxed()),
        3 => with_refs("MCPServer", server().boxed()),
        3 => policy().prop_map(|spec| ("ToolPolicy", Body::Valid(spec))),
        1 => prop::sample::select(kinds).prop_map(move |kind| (kind, Body::Invalid(vec![problem()], Value::Null))),
    ]
}

fn object() -> impl Strategy<Value = Object> {
    let tenant_at_home =
        |kind: &str, namespace: String| if kind == "Tenant" { "home".to_owned() } else { namespace };
    (body(), (namespace(), name()), created(), 1..5_i64).prop_map(
        move |((kind, body), (namespace, name), created, generation)| {
            let id = ObjectId::new(kind, &tenant_at_home(kind, namespace), &name);
            Object { id, generation, created, body }
        },
    )
}

fn created() -> impl Strategy<Value = Option<String>> {
    prop::option::of((0..3_u8).prop_map(|day| format!("2026-01-0{}T00:00:00Z", day + 1)))
}

/// No gateway, so that there is the implicit one, or some, most of them in one namespace.
fn gateways() -> impl Strategy<Value = Vec<Object>> {
    let place = prop_oneof![3 => Just("home".to_owned()), 1 => Just("a".to_owned())];
    let one = (gateway(), place, name(), created()).prop_map(|(spec, namespace, name, created)| {
        let id = ObjectId::new("ResponsesGateway", &namespace, &name);
        Object { id, generation: 1, created, body: Body::Valid(spec) }
    });
    prop_oneof![1 => Just(Vec::new()), 4 => prop::collection::vec(one, 1..4)]
}

fn grant() -> impl Strategy<Value = Grant> {
    let leave = prop::sample::select(vec![
        ("Model", "fairlead.dev", "ModelProvider"),
        ("ModelProvider", "", "Secret"),
        ("MCPServer", "", "Secret"),
        ("MCPServer", "", "Service"),
    ]);
    (leave, namespace(), namespace(), prop::option::of(name())).prop_map(|((kind, group, target), from, to, name)| {
        let mut to_spec = json!({"group": group, "kind": target});
        if let Some(name) = name {
            to_spec["name"] = name.into();
        }
        let from = json!({"group": "fairlead.dev", "kind": kind, "namespace": from});
        let document = json!({"apiVersion": "gateway.networking.k8s.io/v1", "spec": {"from": [from], "to": [to_spec]}});
        Grant::read(&to, &document).unwrap()
    })
}

prop_compose! {
    pub(crate) fn world()(
        gateways in gateways(),
        objects in prop::collection::vec(object(), 0..14),
        secrets in prop::collection::btree_map((namespace(), name()), 0..3_u8, 0..6),
        grants in prop::collection::vec(grant(), 0..4),
    ) -> World {
        let mut unique: Vec<Object> = Vec::new();
        for object in gateways.into_iter().chain(objects) {
            if unique.iter().all(|other| other.id != object.id) {
                unique.push(object);
            }
        }
        let value = |digit: u8| Secret::new(format!("fl-0123456789-0123456789-{digit}"));
        let secrets = secrets.into_iter().map(|((namespace, name), digit)| {
            (ObjectId::new("Secret", &namespace, &name), [("key".to_owned(), value(digit))].into())
        });
        World { objects: unique.into_iter().map(Arc::new).collect(), secrets: secrets.collect(), grants, hash_key: HashKey::default(), ..World::default() }
    }
}
