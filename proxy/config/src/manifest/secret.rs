//! Reads the values of a Secret, references to environment and files included.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::Lookups;
use crate::diagnostics::Problem;
use crate::secret::Secret;

/// Reads `data` and `stringData`; the latter wins. What cannot be read is left out and reported.
pub(super) fn read(document: &Value, lookups: Lookups<'_>) -> (BTreeMap<String, Secret>, Vec<Problem>) {
    let mut problems = unknown_fields(document);
    let mut values = BTreeMap::new();
    let mut take = |field: &str, decode: &dyn Fn(&str) -> Result<String, String>| {
        for (key, value) in document[field].as_object().into_iter().flatten() {
            let decoded = value.as_str().ok_or_else(|| "must be a string".to_owned()).and_then(decode);
            match decoded {
                Ok(decoded) => drop(values.insert(key.clone(), Secret::new(decoded))),
                Err(message) => problems.push(Problem::invalid(format!("{field}.{key}"), message)),
            }
        }
    };
    take("data", &|text| decode_base64(text));
    take("stringData", &|text| expand(text, lookups));
    (values, problems)
}

fn unknown_fields(document: &Value) -> Vec<Problem> {
    const KNOWN: [&str; 7] = ["apiVersion", "data", "immutable", "kind", "metadata", "stringData", "type"];
    let names = document.as_object().into_iter().flat_map(Map::keys);
    names
        .filter(|name| !KNOWN.contains(&name.as_str()))
        .map(|name| Problem::invalid(name, "unknown field"))
        .collect()
}

fn decode_base64(text: &str) -> Result<String, String> {
    let bytes = STANDARD.decode(text.trim()).map_err(|_| "is not base64".to_owned())?;
    String::from_utf8(bytes).map_err(|_| "is not text".to_owned())
}

/// Puts the values of `${env:NAME}` and `${file:PATH}` in their places. Errors: one of them has none.
fn expand(text: &str, lookups: Lookups<'_>) -> Result<String, String> {
    let (mut expanded, mut rest) = (String::new(), text);
    while let Some((before, reference)) = rest.split_once("${") {
        let Some((reference, after)) = reference.split_once('}') else { break };
        expanded.push_str(before);
        expanded.push_str(&look_up(reference, lookups)?);
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

fn look_up(reference: &str, lookups: Lookups<'_>) -> Result<String, String> {
    match reference.split_once(':') {
        Some(("env", name)) => {
            (lookups.env)(name).ok_or_else(|| format!("environment variable {name} is not set"))
        }
        Some(("file", path)) => (lookups.file)(path).ok_or_else(|| format!("file {path} cannot be read")),
        _ => Ok(format!("${{{reference}}}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(document: &Value) -> (Vec<(String, String)>, Vec<String>) {
        let env = |name: &str| (name == "KEY").then(|| "sk-1".to_owned());
        let file = |path: &str| (path == "/run/key").then(|| "sk-2".to_owned());
        let (values, problems) = read(document, Lookups { env: &env, file: &file });
        let values = values.into_iter().map(|(key, value)| (key, value.expose().to_owned())).collect();
        (values, problems.iter().map(ToString::to_string).collect())
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    #[test]
    fn string_data_takes_values_from_environment_and_files() {
        let document =
            json!({"stringData": {"a": "${env:KEY}", "b": "x ${file:/run/key} y", "c": "${plain} ${"}});
        let expected = vec![pair("a", "sk-1"), pair("b", "x sk-2 y"), pair("c", "${plain} ${")];
        assert_eq!(values(&document), (expected, vec![]));
    }

    #[test]
    fn what_a_variable_holds_is_not_expanded_again() {
        let env = |_: &str| Some("${env:OTHER}".to_owned());
        let (values, _) =
            read(&json!({"stringData": {"a": "${env:KEY}"}}), Lookups { env: &env, file: &|_| None });
        assert_eq!(values["a"].expose(), "${env:OTHER}");
    }

    #[test]
    fn data_is_base64_and_is_never_expanded() {
        let document = json!({"data": {"a": "c2stMw==", "b": STANDARD.encode("${env:KEY}")}});
        assert_eq!(values(&document), (vec![pair("a", "sk-3"), pair("b", "${env:KEY}")], vec![]));
    }

    #[test]
    fn what_cannot_be_read_is_left_out_and_named() {
        let document = json!({"data": {"a": "%"}, "stringData": {"b": "${env:NONE}", "c": 5, "d": "${file:/none}"}, "stringdata": {}});
        let problems = [
            "stringdata: unknown field",
            "data.a: is not base64",
            "stringData.b: environment variable NONE is not set",
            "stringData.c: must be a string",
            "stringData.d: file /none cannot be read",
        ];
        assert_eq!(values(&document), (vec![], problems.map(str::to_owned).to_vec()));
    }
}
