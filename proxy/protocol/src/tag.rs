//! Zero-sized types that are one fixed string on the wire, such as the `type` of an item.

/// Declares zero-sized types that serialize as one string and deserialize from that string alone.
#[macro_export]
macro_rules! tags {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct $name;

        impl $name {
            /// The string on the wire.
            pub const TEXT: &'static str = $text;
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($text)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                if text == $text { return Ok(Self); }
                Err(serde::de::Error::invalid_value(serde::de::Unexpected::Str(&text), &$text))
            }
        }
    )*};
}
