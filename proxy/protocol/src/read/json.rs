//! Untrusted bytes to JSON: bounded in depth, and without doubled keys where they would be a trap.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

use crate::Object;
use crate::error::{ApiError, INVALID_REQUEST};

/// How deep objects and lists may nest.
const DEPTH: u8 = 64;

/// Top-level keys that must not be given twice: another reader might take the first one. Elsewhere the last wins.
const UNIQUE: [&str; 4] = ["model", "store", "stream", "tools"];

/// Parses a body.
///
/// Errors: 400 without code if it is no JSON or nests deeper than 64; 400 `invalid_value` if one of `model`, `store`,
/// `stream`, `tools` stands twice at the top.
pub fn json(body: &[u8]) -> Result<Value, ApiError> {
    let fault = Cell::new(Fault::Syntax);
    let mut reader = serde_json::Deserializer::from_slice(body);
    let parsed = Node { left: DEPTH, fault: &fault }.deserialize(&mut reader);
    let value = parsed.map_err(|_| fault.get().error())?;
    reader.end().map_err(|_| Fault::Syntax.error())?;
    Ok(value)
}

/// Parses a body that must be an object.
///
/// Errors: as [`json`]; 400 without code if it is something else.
pub fn object(body: &[u8]) -> Result<Object, ApiError> {
    match json(body)? {
        Value::Object(map) => Ok(map),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Err(Fault::Syntax.error())
        }
    }
}

#[derive(Clone, Copy)]
enum Fault {
    Syntax,
    Depth,
    Doubled(&'static str),
}

impl Fault {
    fn error(self) -> ApiError {
        match self {
            Self::Syntax => ApiError::new(400, INVALID_REQUEST, NO_JSON),
            Self::Depth => {
                ApiError::new(400, INVALID_REQUEST, format!("{NO_JSON} It nests deeper than {DEPTH}."))
            }
            Self::Doubled(key) => ApiError::invalid_value(key, "the key is given more than once."),
        }
    }
}

const NO_JSON: &str = "We could not parse the JSON body of your request. The API expects a JSON object.";

/// Reads a value that may hold `left` further levels.
struct Node<'f> {
    left: u8,
    fault: &'f Cell<Fault>,
}

impl<'f> Node<'f> {
    fn below<E: Error>(&self) -> Result<Node<'f>, E> {
        match self.left.checked_sub(1) {
            Some(left) => Ok(Node { left, fault: self.fault }),
            None => Err(self.fail(Fault::Depth)),
        }
    }

    fn fail<E: Error>(&self, fault: Fault) -> E {
        self.fault.set(fault);
        E::custom("")
    }

    fn check_doubled<E: Error>(&self, key: &str) -> Result<(), E> {
        match UNIQUE.iter().find(|unique| **unique == key) {
            Some(key) => Err(self.fail(Fault::Doubled(key))),
            None => Ok(()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(self.below()?)? {
            list.push(entry);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Object::new();
        while let Some(key) = entries.next_key::<String>()? {
            if self.left == DEPTH && map.contains_key(&key) {
                self.check_doubled(&key)?;
            }
            let value = entries.next_value_seed(self.below()?)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_what_serde_json_reads() {
        for text in [
            "null",
            "true",
            "-3",
            "18446744073709551615",
            "1.5e3",
            "\"a\\u00e9\\n\"",
            "[]",
            "[1,[2,{}]]",
            "{\"b\":1,\"a\":[null,false],\"c\":{\"d\":\"e\"}}",
            " {\"x\" : 1 } ",
        ] {
            assert_eq!(
                json(text.as_bytes()).unwrap(),
                serde_json::from_str::<Value>(text).unwrap(),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_json_object_is_refused_without_a_code() {
        for text in ["", "{", "{} x", "{\"a\":\u{1}}", "[]", "1", "\"x\"", "{\"a\":1e999}", "{'a':1}"] {
            let error = object(text.as_bytes()).unwrap_err();
            assert_eq!(
                (error.status, error.code.as_deref(), error.message.as_str()),
                (400, None, NO_JSON),
                "{text}"
            );
        }
        assert_eq!(object(b"{\"a\":\"\xff\"}").unwrap_err().status, 400);
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(json(nested(64).as_bytes()).is_ok());
        let error = json(nested(66).as_bytes()).unwrap_err();
        assert!(error.message.ends_with("It nests deeper than 64."), "{}", error.message);
        assert_eq!(json("[".repeat(1_000_000).as_bytes()).unwrap_err().status, 400);
    }

    #[test]
    fn keys_that_decide_are_given_once_and_others_may_repeat() {
        for key in UNIQUE {
            let error = object(format!("{{\"{key}\":1,\"{key}\":2}}").as_bytes()).unwrap_err();
            assert_eq!((error.code.as_deref(), error.param.as_deref()), (Some("invalid_value"), Some(key)));
        }
        assert_eq!(object(b"{\"m\\u006fdel\":1,\"model\":2}").unwrap_err().param.as_deref(), Some("model"));
        assert_eq!(object(b"{\"a\":1,\"a\":2}").unwrap()["a"], 2);
        assert_eq!(object(b"{\"a\":{\"model\":1,\"model\":2}}").unwrap()["a"]["model"], 2);
    }
}
