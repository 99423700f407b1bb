//! Reads untrusted JSON field by field and says what is wrong in OpenAI's words, with the path of the field.

mod json;

use std::fmt;

use serde_json::Value;

use crate::Object;
use crate::error::ApiError;

pub use json::{json, object};

/// Where a value stands in the request, such as `input[0].content`; costs nothing until it is printed.
#[derive(Clone, Copy, Debug)]
pub enum Path<'a> {
    /// The request itself.
    Root,
    /// A field of an object.
    Key(&'a Path<'a>, &'a str),
    /// An entry of a list.
    Index(&'a Path<'a>, usize),
}

impl<'a> Path<'a> {
    /// The path of a field below this one.
    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path::Key(self, key)
    }

    /// The path of a list entry below this one.
    pub fn index(&'a self, index: usize) -> Path<'a> {
        Path::Index(self, index)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Path::Root => Ok(()),
            Path::Key(Path::Root, key) => f.write_str(key),
            Path::Key(parent, key) => write!(f, "{parent}.{key}"),
            Path::Index(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// An object that is read field by field; what nobody takes is [`Fields::rest`]. `null` equals absent.
#[derive(Debug)]
pub struct Fields<'p> {
    /// A list is searched faster than a map of this size. What was taken is `None`.
    entries: Vec<Option<(String, Value)>>,
    path: Path<'p>,
}

impl<'p> Fields<'p> {
    /// Starts reading an object.
    ///
    /// Errors: 400 `invalid_type` if `value` is something else.
    pub fn new(value: Value, path: Path<'p>) -> Result<Self, ApiError> {
        let Value::Object(map) = value else {
            return Err(ApiError::invalid_type(&path.to_string(), "an object", &value));
        };
        Ok(Self::of(map, path))
    }

    fn of(map: Object, path: Path<'p>) -> Self {
        Self { entries: map.into_iter().map(Some).collect(), path }
    }

    fn get(&self, key: &str) -> Option<&Value> {
        self.entries.iter().flatten().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// The path of a field, for messages.
    pub fn at(&self, key: &str) -> String {
        Path::Key(&self.path, key).to_string()
    }

    /// The path of the object itself.
    pub fn path(&self) -> &Path<'p> {
        &self.path
    }

    /// True if the field is there and not null.
    pub fn has(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| !value.is_null())
    }

    /// The names of all fields, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().flatten().map(|(name, _)| name.as_str())
    }

    /// Looks at a string field without taking it.
    pub fn peek_str(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// Takes any field.
    pub fn value(&mut self, key: &str) -> Option<Value> {
        let named =
            |entry: &&mut Option<(String, Value)>| entry.as_ref().is_some_and(|(name, _)| name == key);
        let (_, value) = self.entries.iter_mut().find(named)?.take()?;
        Some(value).filter(|value| !value.is_null())
    }

    /// Takes a string.
    pub fn string(&mut self, key: &str) -> Result<Option<String>, ApiError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(key, "a string", &other)),
        }
    }

    /// Takes a string that must be there.
    pub fn required_string(&mut self, key: &str) -> Result<String, ApiError> {
        self.string(key)?.ok_or_else(|| self.missing(key))
    }

    /// Takes a string of at most `limit` characters.
    pub fn bounded_string(&mut self, key: &str, limit: usize) -> Result<Option<String>, ApiError> {
        let text = self.string(key)?;
        match &text {
            Some(text) if text.len() > limit && text.chars().count() > limit => {
                Err(too_long(&self.at(key), limit, text.chars().count()))
            }
            _ => Ok(text),
        }
    }

    /// Takes one of `choices`.
    pub fn choice(&mut self, key: &str, choices: &[&'static str]) -> Result<Option<&'static str>, ApiError> {
        let Some(text) = self.string(key)? else { return Ok(None) };
        match choices.iter().find(|choice| **choice == text) {
            Some(choice) => Ok(Some(choice)),
            None => Err(ApiError::invalid_choice(&self.at(key), &text, choices)),
        }
    }

    /// Takes one of the words of `table`, as what it stands for.
    pub fn word<T: Copy>(&mut self, key: &str, table: &[(&'static str, T)]) -> Result<Option<T>, ApiError> {
        let Some(text) = self.string(key)? else { return Ok(None) };
        if let Some((_, meaning)) = table.iter().find(|(word, _)| *word == text) {
            return Ok(Some(*meaning));
        }
        let words: Vec<&str> = table.iter().map(|(word, _)| *word).collect();
        Err(ApiError::invalid_choice(&self.at(key), &text, &words))
    }

    /// Takes a name: 1 to `limit` of `A-Z a-z 0-9 _ -`.
    pub fn name(&mut self, key: &str, limit: usize) -> Result<Option<String>, ApiError> {
        let Some(name) = self.bounded_string(key, limit)? else { return Ok(None) };
        let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
        if !name.is_empty() && name.bytes().all(legal) {
            return Ok(Some(name));
        }
        let why =
            "string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.";
        Err(ApiError::invalid_value(&self.at(key), why))
    }

    /// Takes a name that must be there.
    pub fn required_name(&mut self, key: &str, limit: usize) -> Result<String, ApiError> {
        self.name(key, limit)?.ok_or_else(|| self.missing(key))
    }

    /// Takes a list of strings.
    pub fn strings(&mut self, key: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(values) = self.array(key)? else { return Ok(None) };
        let path = self.path.key(key);
        let entry = |(index, value)| string_at(value, &path.index(index));
        values.into_iter().enumerate().map(entry).collect::<Result<_, _>>().map(Some)
    }

    /// Takes a boolean.
    pub fn boolean(&mut self, key: &str) -> Result<Option<bool>, ApiError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.wrong(key, "a boolean", &other)),
        }
    }

    /// Takes an integer within bounds, both inclusive.
    pub fn integer(&mut self, key: &str, min: i64, max: i64) -> Result<Option<i64>, ApiError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let Some(number) = value.as_i64() else { return Err(self.wrong(key, "an integer", &value)) };
        let at = self.at(key);
        if number < min {
            let message = format!(
                "Invalid '{at}': integer below minimum value. Expected a value >= {min}, but got {number} instead."
            );
            return Err(ApiError::bad_request("integer_below_min_value", &at, message));
        }
        if number > max {
            let message = format!(
                "Invalid '{at}': integer above maximum value. Expected a value <= {max}, but got {number} instead."
            );
            return Err(ApiError::bad_request("integer_above_max_value", &at, message));
        }
        Ok(Some(number))
    }

    /// Takes a count of at least `min`.
    pub fn count(&mut self, key: &str, min: i64) -> Result<Option<u64>, ApiError> {
        Ok(self.integer(key, min, i64::MAX)?.and_then(|count| u64::try_from(count).ok()))
    }

    /// Takes a number within bounds, both inclusive.
    pub fn number(&mut self, key: &str, min: f64, max: f64) -> Result<Option<f64>, ApiError> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let Some(number) = value.as_f64() else { return Err(self.wrong(key, "a decimal", &value)) };
        let at = self.at(key);
        if number < min {
            let message = format!(
                "Invalid '{at}': decimal below minimum value. Expected a value >= {min}, but got {number} instead."
            );
            return Err(ApiError::bad_request("decimal_below_min_value", &at, message));
        }
        if number > max {
            let message = format!(
                "Invalid '{at}': decimal above maximum value. Expected a value <= {max}, but got {number} instead."
            );
            return Err(ApiError::bad_request("decimal_above_max_value", &at, message));
        }
        Ok(Some(number))
    }

    /// Takes a list.
    pub fn array(&mut self, key: &str) -> Result<Option<Vec<Value>>, ApiError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Array(values)) => Ok(Some(values)),
            Some(other) => Err(self.wrong(key, "an array", &other)),
        }
    }

    /// Takes a list of at most `limit` entries.
    pub fn bounded_array(&mut self, key: &str, limit: usize) -> Result<Option<Vec<Value>>, ApiError> {
        let values = self.array(key)?;
        match &values {
            Some(list) if list.len() > limit => Err(too_many(&self.at(key), limit, list.len())),
            _ => Ok(values),
        }
    }

    /// Takes an object to read its fields in turn.
    pub fn fields<'k>(&'k mut self, key: &'k str) -> Result<Option<Fields<'k>>, ApiError> {
        let map = self.object(key)?;
        Ok(map.map(|map| Fields::of(map, self.path.key(key))))
    }

    /// Takes an object.
    pub fn object(&mut self, key: &str) -> Result<Option<Object>, ApiError> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(self.wrong(key, "an object", &other)),
        }
    }

    /// Reads a field and leaves it in its place, for [`Fields::rest`]. A null is dropped.
    pub fn check<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&mut Fields<'p>) -> Result<Option<T>, ApiError>,
    ) -> Result<(), ApiError> {
        if !self.has(key) {
            self.value(key);
            return Ok(());
        }
        let entries = self.get(key).map(|value| (key.to_owned(), value.clone()));
        read(&mut Fields { entries: vec![entries], path: self.path }).map(drop)
    }

    /// Gives a field back to [`Fields::rest`], as the last one.
    pub fn put(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.entries.push(Some((key.to_owned(), value.into())));
        }
    }

    /// The fields that nobody took, nulls included.
    pub fn rest(self) -> Object {
        self.entries.into_iter().flatten().collect()
    }

    /// 400 for a field that must be there.
    pub fn missing(&self, key: &str) -> ApiError {
        ApiError::missing(&self.at(key))
    }

    fn wrong(&self, key: &str, expected: &str, got: &Value) -> ApiError {
        ApiError::invalid_type(&self.at(key), expected, got)
    }
}

/// Reads a string.
///
/// Errors: 400 `invalid_type`.
pub fn string_at(value: Value, path: &Path<'_>) -> Result<String, ApiError> {
    let Value::String(text) = value else {
        return Err(ApiError::invalid_type(&path.to_string(), "a string", &value));
    };
    Ok(text)
}

/// 400 `array_above_max_length`.
pub fn too_many(param: &str, limit: usize, got: usize) -> ApiError {
    let message = format!(
        "Invalid '{param}': array too long. Expected an array with maximum length {limit}, but got an array with length {got} instead."
    );
    ApiError::bad_request("array_above_max_length", param, message)
}

/// 400 `string_above_max_length`.
pub fn too_long(param: &str, limit: usize, got: usize) -> ApiError {
    let message = format!(
        "Invalid '{param}': string too long. Expected a string with maximum length {limit}, but got a string with length {got} instead."
    );
    ApiError::bad_request("string_above_max_length", param, message)
}

/// The JSON type of a value with its article, as OpenAI words it.
pub fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// `'a', 'b', and 'c'`.
pub fn listed(choices: &[&str]) -> String {
    let quoted: Vec<String> = choices.iter().map(|choice| format!("'{choice}'")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [head @ .., last] => format!("{}, and {last}", head.join(", ")),
    }
}
