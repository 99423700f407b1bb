//! API keys, known by their hashes alone.

use std::collections::HashMap;

use config::spec::KeySpec;
use config::{Snapshot, Spec};
use sha2::{Digest, Sha256};

/// The keys of a snapshot, by SHA-256.
pub struct Keys(HashMap<[u8; 32], Known>);

/// A key that counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// The object, for logs: `namespace/name`.
    pub name: String,
    pub tenant: String,
    /// From then on it counts no more, in seconds since 1970.
    not_after: Option<i64>,
}

impl Keys {
    /// Takes every key that is not disabled.
    pub fn build(snapshot: &Snapshot) -> Self {
        let mut known = HashMap::new();
        for entry in snapshot.entries.values() {
            if let Spec::Key(key) = &entry.spec
                && !key.disabled
            {
                let name = entry.id.as_str().split_once('/').map_or("", |(_, name)| name);
                known.extend(hashes(name, key));
            }
        }
        Self(known)
    }

    /// Finds the key that a caller sent; `now` is seconds since 1970. Only hashes are compared, so the time it takes tells
    /// nothing of a key.
    pub fn find(&self, sent: &str, now: i64) -> Option<&Known> {
        let digest: [u8; 32] = Sha256::digest(sent.as_bytes()).into();
        self.0.get(&digest).filter(|known| known.not_after.is_none_or(|end| now < end))
    }
}

fn hashes<'a>(name: &'a str, key: &'a KeySpec) -> impl Iterator<Item = ([u8; 32], Known)> + 'a {
    key.hashes.iter().filter_map(move |hash| {
        let ends = [key.expires_at, hash.not_after].into_iter().flatten();
        let known = Known { name: name.to_owned(), tenant: key.tenant.clone(), not_after: ends.min() };
        Some((digest(&hash.sha256)?, known))
    })
}

/// 64 hexadecimal digits as bytes.
fn digest(hex: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if hex.len() != 64 {
        return None;
    }
    for (byte, place) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(hex.get(place..place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use config::spec::KeyHash;

    use super::*;

    fn hash(text: &str, not_after: Option<i64>) -> KeyHash {
        let sha256 = Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        KeyHash { sha256, not_after }
    }

    fn keys(expires_at: Option<i64>) -> Keys {
        let hashes = vec![hash("new", None), hash("old", Some(50))];
        let (name, tenant) = ("k".to_owned(), "red".to_owned());
        let key = KeySpec { name, tenant, owner: None, hashes, disabled: false, expires_at };
        Keys(super::hashes("team/k", &key).collect())
    }

    #[test]
    fn a_key_counts_until_it_expires() {
        let keys = keys(Some(100));
        assert_eq!(keys.find("new", 99).map(|known| known.tenant.as_str()), Some("red"));
        assert_eq!(keys.find("new", 100), None);
        assert_eq!(keys.find("newer", 1), None);
    }

    #[test]
    fn the_key_before_a_rotation_counts_for_the_overlap() {
        let keys = keys(None);
        assert!(keys.find("old", 49).is_some());
        assert_eq!(keys.find("old", 50), None);
        assert!(keys.find("new", i64::MAX).is_some());
    }
}
