//! Ids from a seed and a time: the same two give the same ids, so that a run can be replayed.

/// Mints ids. The seed comes from the operating system's randomness, outside.
#[derive(Clone, Debug)]
pub struct Ids {
    seed: [u8; 32],
    /// Milliseconds since 1970, as 48 bits.
    born: [u8; 6],
    count: u64,
}

impl Ids {
    /// Starts with a seed of 256 bits and the time in milliseconds since 1970.
    pub fn new(seed: [u8; 32], now_ms: i64) -> Self {
        let [_, _, born @ ..] = now_ms.to_be_bytes();
        Self { seed, born, count: 0 }
    }

    /// The next id: `prefix` and 48 lower-case hexadecimal digits, of which the first twelve are the time and the others
    /// 144 random bits. Ids that sort by time keep the indexes of a store local: a write touches few of their pages.
    pub fn mint(&mut self, prefix: &str) -> String {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut id = String::with_capacity(prefix.len() + 48);
        id.push_str(prefix);
        let random = self.block();
        for byte in self.born.iter().chain(&random[..18]) {
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
        let mut ids = Ids::new([1; 32], 5);
        let (first, second, call) = (ids.mint("msg_"), ids.mint("msg_"), ids.call());
        assert_ne!(first, second);
        assert!(first.strip_prefix("msg_").is_some_and(|hex| hex.len() == 48));
        assert!(call.strip_prefix("call_").is_some_and(|text| text.len() == 24));
        assert_eq!(first, Ids::new([1; 32], 5).mint("msg_"));
    }
    #[test]
    fn ids_sort_by_time() {
        let at = |ms| Ids::new([9; 32], ms).mint("resp_");
        assert!(
            at(1_700_000_000_000) < at(1_700_000_000_001) && at(1_700_000_000_001) < at(1_900_000_000_000)
        );
        assert!(at(1_700_000_000_000).starts_with("resp_018bcfe56800"));
    }
}
