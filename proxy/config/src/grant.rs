//! Leave to refer to objects of another namespace.

use serde::Deserialize;
use serde_json::Value;

use crate::diagnostics::Problem;
use crate::id::ObjectId;

/// The API group of ReferenceGrants.
const GROUP: &str = "gateway.networking.k8s.io";

/// A ReferenceGrant: leave to refer to objects of its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The namespace that it opens: its own.
    namespace: String,
    spec: Spec,
}

/// A grant with a field that is unknown here grants nothing: the field might narrow it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spec {
    from: Vec<From>,
    to: Vec<To>,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct From {
    group: String,
    kind: String,
    namespace: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct To {
    group: String,
    kind: String,
    #[serde(default)]
    name: Option<String>,
}

impl Grant {
    /// Reads the ReferenceGrant of `namespace` from its document, of `gateway.networking.k8s.io` v1 or v1beta1.
    ///
    /// Errors: another version, or a spec that does not decode; it then grants nothing.
    pub fn read(namespace: &str, document: &Value) -> Result<Self, Problem> {
        let version = document["apiVersion"].as_str().and_then(|version| version.split_once('/'));
        if !matches!(version, Some((GROUP, "v1" | "v1beta1"))) {
            return Err(Problem::invalid("apiVersion", format!("must be {GROUP}/v1 or {GROUP}/v1beta1")));
        }
        let spec = Spec::deserialize(&document["spec"]);
        let spec = spec.map_err(|error| Problem::invalid("spec", error.to_string()))?;
        Ok(Self { namespace: namespace.to_owned(), spec })
    }

    /// Tells whether an object of ours, of `kind` and in `namespace`, may refer to `target`.
    pub(crate) fn permits(&self, (kind, namespace): (&str, &str), target: &ObjectId) -> bool {
        let from =
            |from: &From| from.group == crds::GROUP && from.kind == kind && from.namespace == namespace;
        let to = |to: &To| {
            to.group == group(&target.kind)
                && to.kind == target.kind
                && to.name.as_ref().is_none_or(|name| *name == target.name)
        };
        self.namespace == target.namespace && self.spec.from.iter().any(from) && self.spec.to.iter().any(to)
    }
}

/// Returns the API group of what objects of ours refer to.
fn group(kind: &str) -> &'static str {
    match kind {
        "ConfigMap" | "Secret" | "Service" => "",
        _ => crds::GROUP,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn grant(from: &Value, to: &Value) -> Result<Grant, Problem> {
        let version = format!("{GROUP}/v1beta1");
        Grant::read("vault", &json!({"apiVersion": version, "spec": {"from": [from], "to": [to]}}))
    }

    fn from() -> Value {
        json!({"group": "fairlead.dev", "kind": "ModelProvider", "namespace": "platform"})
    }

    #[test]
    fn a_grant_permits_exactly_what_it_names() {
        let named = grant(&from(), &json!({"group": "", "kind": "Secret", "name": "k"})).unwrap();
        let any = grant(&from(), &json!({"group": "", "kind": "Secret"})).unwrap();
        let id = |kind: &str, namespace: &str, name: &str| ObjectId::new(kind, namespace, name);
        let cases = [
            (("ModelProvider", "platform"), id("Secret", "vault", "k"), [true, true]),
            (("ModelProvider", "platform"), id("Secret", "vault", "l"), [false, true]),
            (("ModelProvider", "platform"), id("Secret", "other", "k"), [false, false]),
            (("ModelProvider", "platform"), id("ConfigMap", "vault", "k"), [false, false]),
            (("ModelProvider", "team-a"), id("Secret", "vault", "k"), [false, false]),
            (("APIKey", "platform"), id("Secret", "vault", "k"), [false, false]),
        ];
        for (from, to, expected) in cases {
            assert_eq!([named.permits(from, &to), any.permits(from, &to)], expected, "{from:?} {to}");
        }
    }

    #[test]
    fn the_group_counts() {
        let target = ObjectId::new("ModelProvider", "vault", "p");
        let ours = grant(&from(), &json!({"group": "fairlead.dev", "kind": "ModelProvider"})).unwrap();
        let core = grant(&from(), &json!({"group": "", "kind": "ModelProvider"})).unwrap();
        assert!(ours.permits(("ModelProvider", "platform"), &target));
        assert!(!core.permits(("ModelProvider", "platform"), &target));
    }

    #[test]
    fn a_grant_that_is_not_understood_grants_nothing() {
        assert!(grant(&from(), &json!({"group": "", "kind": "Secret", "until": "x"})).is_err());
        assert!(Grant::read("vault", &json!({"apiVersion": "v1", "spec": {"from": [], "to": []}})).is_err());
    }
}
