//! What a verified token says of its bearer.

use serde::Deserialize;
use serde_json::Value;

use protocol::Object;

/// The claims that are read.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Claims {
    #[serde(default)]
    pub(super) sub: String,
    /// Of a ServiceAccount's token.
    #[serde(default, rename = "kubernetes.io")]
    pub(super) kubernetes: Option<Kubernetes>,
    #[serde(flatten)]
    pub(super) rest: Object,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Kubernetes {
    pub(super) namespace: String,
    pub(super) serviceaccount: ServiceAccount,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ServiceAccount {
    pub(super) name: String,
}

impl Claims {
    /// True if the claim is one of `values`, or a list that has one of them. `a.b` also finds `b` inside of `a`.
    pub(super) fn has(&self, claim: &str, mut fits: impl FnMut(&str) -> bool) -> bool {
        if claim == "sub" {
            return fits(&self.sub);
        }
        match self.find(claim) {
            Some(Value::String(text)) => fits(text),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).any(fits),
            _ => false,
        }
    }

    fn find(&self, claim: &str) -> Option<&Value> {
        self.rest.get(claim).or_else(|| {
            let (outer, inner) = claim.split_once('.')?;
            self.rest.get(outer)?.get(inner)
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_is_a_text_or_a_list() {
        let claims =
            json!({"sub": "ann", "groups": ["red", "blue"], "team": "red", "realm": {"roles": ["x"]}});
        let claims: Claims = serde_json::from_value(claims).expect("claims");
        let is = |wanted: &'static str| move |value: &str| value == wanted;
        assert!(
            claims.has("groups", is("blue")) && claims.has("team", is("red")) && claims.has("sub", is("ann"))
        );
        assert!(claims.has("realm.roles", is("x")));
        assert!(!claims.has("groups", is("green")) && !claims.has("none", is("red")));
    }
}
