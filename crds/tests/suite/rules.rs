use std::collections::BTreeSet;

use serde_json::Value;

use crate::definitions::{each_node, schema};
use crate::fixtures::{breaches, objects, schemas};

#[test]
fn valid_objects_keep_every_rule() {
    let schemas = schemas();
    for object in objects() {
        let kind = object["kind"].as_str().unwrap();
        assert_eq!(schemas[kind].check(&object, Some(&object)), [], "{object}");
    }
}

#[test]
fn a_breach_is_reported_with_its_field_and_message() {
    let schemas = schemas();
    for breach in breaches() {
        let found = breach.violations(&schemas);
        let expected = found.iter().any(|found| found.path == breach.at && found.message == breach.message);
        assert!(expected, "{breach:?}\n{found:?}");
    }
}

#[test]
fn every_rule_has_a_breach() {
    let covered: BTreeSet<_> =
        breaches().into_iter().map(|breach| (breach.kind, any_item(&breach.at), breach.message)).collect();
    for kind in crds::KINDS {
        each_node(&schema(*kind), "", &mut |node, path| {
            for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
                let rule =
                    (kind.name.to_owned(), path.to_owned(), rule["message"].as_str().unwrap().to_owned());
                assert!(covered.contains(&rule), "{rule:?} has no breach");
            }
        });
    }
}

/// Puts `[*]` in place of positions in lists.
fn any_item(path: &str) -> String {
    let mut parts = path.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |path, part| {
        format!("{path}[*{}", part.trim_start_matches(|digit: char| digit.is_ascii_digit()))
    })
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let mut object = objects().remove(0);
    object["spec"]["type"] = "Gemini".into();
    object["spec"]["retryBudgetPercent"] = 101.into();
    object["spec"]["openai"]["model"] = Value::Null;
    let found = schemas()["ModelProvider"].check(&object, None);
    let paths: Vec<_> = found.iter().map(|violation| violation.path.as_str()).collect();
    assert_eq!(paths, ["spec.openai.model", "spec.retryBudgetPercent", "spec.type"]);
}

#[test]
fn defaults_are_filled_in_and_nothing_else() {
    let least = objects().into_iter().find(|object| object["metadata"]["name"] == "least").unwrap();
    let defaulted = schemas()["ModelProvider"].defaulted(&least);
    let expected = serde_json::json!({
        "type": "OpenAI", "baseURL": "http://least.example.com", "directModels": "Deny", "callerCredentials": "Deny",
        "allowPlaintextCredentials": false, "allowPrivateEndpoint": false, "onMissingSecret": "KeepLastGood",
        "retryBudgetPercent": 20,
    });
    assert_eq!(defaulted["spec"], expected);
}
