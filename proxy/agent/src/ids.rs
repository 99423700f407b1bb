//! Ids from a seed: the same seed gives the same ids, so that a run can be replayed.

/// Mints ids. The seed comes from the operating system's randomness, outside.
#[derive(Clone, Debug)]
pub struct Ids {
    seed: [u8; 32],
    count: u64,
}

impl Ids {
    /// Starts with a seed of 256 bits.
    pub fn new(seed: [u8; 32]) -> Self {
        Self { seed, count: 0 }
    }

    /// The next id: `prefix` and 48 lower-case hexadecimal digits.
    pub fn mint(&mut self, prefix: &str) -> String {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut id = String::with_capacity(prefix.len() + 48);
        id.push_str(prefix);
        for byte in &self.block()[..24] {
            id.push(char::from(HEX[usize::from(byte >> 4)]));
            id.push(char::from(HEX[usize::from(byte & 15)]));
        }
        id
    }

    /// The next call id: `call_` and 24 alphanumerics.
    pub fn call(&mut self) -> String {
        const SET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        let mut id = String::from("call_");
        id.extend(self.block()[..24].iter().map(|byte| char::from(SET[usize::from(*byte) % SET.len()])));
        id
    }

    fn block(&mut self) -> [u8; 32] {
        let hash = blake3::keyed_hash(&self.seed, &self.count.to_le_bytes());
        self.count += 1;
        *hash.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_their_prefix_and_never_repeat() {
        let mut ids = Ids::new([1; 32]);
        let (first, second, call) = (ids.mint("msg_"), ids.mint("msg_"), ids.call());
        assert_ne!(first, second);
        assert!(first.strip_prefix("msg_").is_some_and(|hex| hex.len() == 48));
        assert!(call.strip_prefix("call_").is_some_and(|text| text.len() == 24));
        assert_eq!(first, Ids::new([1; 32]).mint("msg_"));
    }
}
