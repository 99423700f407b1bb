//! Secret values.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A secret value. It has no serialised form and prints as `[redacted]`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Takes a value into custody.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(SecretString::from(value))
    }

    /// Returns the value, for the one place that sends it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Returns the value as a header can carry it, without the white space around it that files and shells add.
    /// Absent if nothing is left, or if it holds control characters.
    pub(crate) fn for_header(&self) -> Option<Self> {
        let value = self.expose().trim();
        let usable = !value.is_empty() && value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        usable.then(|| Self::new(value.to_owned()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_redacted() {
        assert_eq!(format!("{:?}", Secret::new("sk-1".into())), "[redacted]");
    }

    #[test]
    fn the_line_break_at_the_end_of_a_file_is_no_part_of_a_key() {
        assert_eq!(Secret::new("sk-1\n".into()).for_header(), Some(Secret::new("sk-1".into())));
    }

    #[test]
    fn what_no_header_can_carry_is_no_key() {
        for value in ["", " \n", "sk\n1", "sk\u{e9}"] {
            assert_eq!(Secret::new(value.into()).for_header(), None, "{value:?}");
        }
    }
}
