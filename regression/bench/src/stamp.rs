//! Send times inside streamed text: `@` and 19 digits, nanoseconds of the monotonic clock.

use memchr::memchr_iter;

/// Digits of a stamp.
const DIGITS: usize = 19;

/// The text that carries `at_ns`.
pub(crate) fn write(at_ns: u64) -> String {
    format!("@{at_ns:0DIGITS$}")
}

/// The send times that stand in `text`, in order.
pub(crate) fn read(text: &[u8]) -> impl Iterator<Item = u64> {
    memchr_iter(b'@', text).filter_map(|at| number(text.get(at + 1..at + 1 + DIGITS)?))
}

fn number(digits: &[u8]) -> Option<u64> {
    str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stamp_of_a_text_is_read() {
        let text = format!("x@y {} and {}.", write(17), write(u64::MAX / 10));
        assert_eq!(read(text.as_bytes()).collect::<Vec<_>>(), [17, u64::MAX / 10]);
    }

    #[test]
    fn a_cut_stamp_is_no_stamp() {
        assert_eq!(read(&write(17).as_bytes()[..12]).count(), 0);
    }
}
