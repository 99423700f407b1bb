//! Names of objects, entries, secrets and gateways.

use std::fmt;

use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Returns the id in its written form.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text_id! {
    /// Names one entry of a snapshot.
    ///
    /// Shape: `<role>/<namespace>/<name>`, for instance `provider/default/openai` or `model/team-a/smart`.
    EntryId
}

text_id! {
    /// Names one gateway.
    ///
    /// Shape: `<namespace>/<name>`.
    GatewayId
}

impl EntryId {
    /// Names the entry that the object `namespace/name` of a kind with this `role` makes.
    #[must_use]
    pub fn new(role: &str, namespace: &str, name: &str) -> Self {
        Self(format!("{role}/{namespace}/{name}"))
    }

    /// Names the entry of the ModelProvider `namespace/name`.
    #[must_use]
    pub fn provider(namespace: &str, name: &str) -> Self {
        Self::new("provider", namespace, name)
    }

    /// Names the entry of the ResponsesGateway `namespace/name`.
    #[must_use]
    pub fn gateway(namespace: &str, name: &str) -> Self {
        Self::new("gateway", namespace, name)
    }

    /// Names the entry of the Tenant `namespace/name`.
    #[must_use]
    pub fn tenant(namespace: &str, name: &str) -> Self {
        Self::new("tenant", namespace, name)
    }

    /// Names the entry of the APIKey `namespace/name`.
    #[must_use]
    pub fn key(namespace: &str, name: &str) -> Self {
        Self::new("key", namespace, name)
    }

    /// Names the entry of the Model `namespace/name`.
    #[must_use]
    pub fn model(namespace: &str, name: &str) -> Self {
        Self::new("model", namespace, name)
    }
}

/// Names one value of a Secret.
///
/// Shape: written and serialised as `secret/<namespace>/<name>/<key>`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretId {
    /// The Secret.
    pub holder: ObjectId,
    /// The key within it.
    pub key: String,
}

impl SecretId {
    /// Names the value under `key` of the Secret `namespace/name`.
    #[must_use]
    pub fn new(namespace: &str, name: &str, key: &str) -> Self {
        Self { holder: ObjectId::new("Secret", namespace, name), key: key.to_owned() }
    }
}

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "secret/{}/{}/{}", self.holder.namespace, self.holder.name, self.key)
    }
}

impl Serialize for SecretId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SecretId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parts: Vec<_> = text.splitn(4, '/').collect();
        match parts[..] {
            ["secret", namespace, name, key] => Ok(Self::new(namespace, name, key)),
            _ => Err(de::Error::custom("not a secret id: must be secret/<namespace>/<name>/<key>")),
        }
    }
}

impl GatewayId {
    /// Names the gateway `namespace/name`.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self(format!("{namespace}/{name}"))
    }

    /// Returns its namespace, whose objects every tenant sees.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.0.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// Returns its name within its namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, name)| name)
    }

    /// Names the gateway that exists where no ResponsesGateway is given: `default/default`.
    #[must_use]
    pub fn implicit() -> Self {
        Self::new("default", "default")
    }
}

/// Names one object of any kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectId {
    /// Kind, for instance `ModelProvider`.
    pub kind: String,
    /// Namespace; never empty.
    pub namespace: String,
    /// Name within kind and namespace.
    pub name: String,
}

impl ObjectId {
    /// Names the object `namespace/name` of `kind`.
    #[must_use]
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}
