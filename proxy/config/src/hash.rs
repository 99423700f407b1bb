//! Content hashes.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::{Serialize, Serializer};
use serde_json::Value;

/// A BLAKE3 digest of something's content.
///
/// Shape: `b3:` and 64 hexadecimal digits for a plain digest, `k3:` for a keyed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash {
    keyed: bool,
    digest: [u8; 32],
}

/// The key of keyed hashes, so that a published hash of a weak secret does not let anyone guess it.
///
/// All zero where nothing is published, as in file mode.
#[derive(Clone, Default)]
pub struct HashKey([u8; 32]);

impl HashKey {
    /// Takes the key from 32 random bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Hash {
    /// Hashes bytes without a key.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { keyed: false, digest: *blake3::hash(bytes).as_bytes() }
    }

    /// Hashes a secret with `key`.
    #[must_use]
    pub fn keyed(key: &HashKey, bytes: &[u8]) -> Self {
        Self { keyed: true, digest: *blake3::keyed_hash(&key.0, bytes).as_bytes() }
    }

    /// Hashes a value in its canonical form, in which the keys of every object are sorted.
    pub(crate) fn canonical(value: &Value) -> Self {
        Self::of(sorted(value).to_string().as_bytes())
    }
}

/// Sorts the keys of every object in `value`.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut pairs: Vec<_> = members.iter().collect();
            pairs.sort_unstable_by(|a, b| a.0.cmp(b.0));
            pairs.into_iter().map(|(key, member)| (key.clone(), sorted(member))).collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.keyed { "k3:" } else { "b3:" })?;
        self.digest.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that is no hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoHash;

impl fmt::Display for NoHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a hash: must be b3: or k3: and 64 hexadecimal digits in lower case")
    }
}

impl std::error::Error for NoHash {}

impl FromStr for Hash {
    type Err = NoHash;

    fn from_str(text: &str) -> Result<Self, NoHash> {
        let (kind, digits) = text.split_once(':').ok_or(NoHash)?;
        let keyed = match kind {
            "b3" => false,
            "k3" => true,
            _ => return Err(NoHash),
        };
        let digits: Vec<u8> = digits.bytes().map(nibble).collect::<Option<_>>().ok_or(NoHash)?;
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        let digest = bytes.try_into().map_err(|_| NoHash)?;
        if digits.len() == 64 { Ok(Self { keyed, digest }) } else { Err(NoHash) }
    }
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_order_of_keys_does_not_change_a_canonical_hash() {
        let one = json!({"a": 1, "b": [{"c": 2, "d": 3}]});
        let other = json!({"b": [{"d": 3, "c": 2}], "a": 1});
        assert_eq!(Hash::canonical(&one), Hash::canonical(&other));
    }

    #[test]
    fn a_keyed_hash_depends_on_its_key() {
        let (one, other) = (HashKey::default(), HashKey::new([7; 32]));
        assert_ne!(Hash::keyed(&one, b"sk-1"), Hash::keyed(&other, b"sk-1"));
        assert!(Hash::keyed(&one, b"sk-1").to_string().starts_with("k3:"));
    }

    #[test]
    fn a_written_hash_reads_back() {
        for hash in [Hash::of(b"a"), Hash::keyed(&HashKey::default(), b"a")] {
            assert_eq!(hash.to_string().parse(), Ok(hash));
        }
    }

    #[test]
    fn what_is_no_hash_does_not_read() {
        let good = Hash::of(b"a").to_string();
        let bad = [
            String::new(),
            "b3:".into(),
            good.replace("b3", "b4"),
            good.clone() + "00",
            good[..66].into(),
            good.clone() + "0",
            good.to_uppercase(),
        ];
        for text in bad {
            assert_eq!(text.parse::<Hash>(), Err(NoHash), "{text}");
        }
    }

    #[test]
    fn a_hash_key_is_not_printed() {
        assert_eq!(format!("{:?}", HashKey::new([7; 32])), "[redacted]");
    }
}
