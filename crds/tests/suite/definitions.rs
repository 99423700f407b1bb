use std::collections::BTreeSet;

use crds::Kind;
use kube::core::cel::{compile_schema, estimate_rule_cost};
use serde_json::Value;

/// Returns the schema of the spec of `kind`, in an object that has only that.
pub(crate) fn schema(kind: Kind) -> Value {
    let crd = serde_json::to_value((kind.crd)()).unwrap();
    crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()
}

/// Shows `look` every node of a schema that stands for a field, with its path.
pub(crate) fn each_node(schema: &Value, path: &str, look: &mut dyn FnMut(&Value, &str)) {
    look(schema, path);
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        each_node(member, &path, look);
    }
    if schema["items"].is_object() {
        each_node(&schema["items"], &format!("{path}[*]"), look);
    }
}

fn each_node_of_all(look: &mut dyn FnMut(&Value, &str)) {
    for kind in crds::KINDS {
        each_node(&schema(*kind), "", &mut |node, path| look(node, &format!("{} {path}", kind.name)));
    }
}

#[test]
fn the_files_are_up_to_date() {
    for kind in crds::KINDS {
        let path = format!("{}/yaml/{}.yaml", env!("CARGO_MANIFEST_DIR"), kind.plural);
        let written = std::fs::read_to_string(&path).unwrap();
        assert_eq!(written, kind.to_yaml().unwrap(), "run `cargo run -p crds --bin crdgen -- crds/yaml`");
    }
}

#[test]
fn nothing_may_be_null() {
    each_node_of_all(&mut |node, at| assert!(node.get("nullable").is_none(), "{at}"));
}

#[test]
fn every_field_is_described() {
    each_node_of_all(&mut |node, at| {
        let scalar_item = at.ends_with("[*]") && node["type"] != "object";
        assert!(scalar_item || node["description"].is_string(), "{at}");
        let generated = node["description"].as_str().is_some_and(|text| text.starts_with("Auto-generated"));
        assert!(!generated, "{at}");
    });
}

#[test]
fn every_text_list_map_and_number_is_bounded() {
    each_node_of_all(&mut |node, at| {
        let has = |name: &str| !node[name].is_null();
        let bounded = match node["type"].as_str() {
            Some("string") => has("maxLength") || has("enum"),
            Some("array") => has("maxItems") && has("x-kubernetes-list-type"),
            Some("integer") => has("minimum") && has("maximum"),
            Some("object") => has("properties") || has("maxProperties"),
            Some("boolean") => true,
            _ => false,
        };
        assert!(bounded, "{at}: {node}");
    });
}

#[test]
fn formats_are_ones_that_kubernetes_knows() {
    const KNOWN: [&str; 3] = ["date-time", "int32", "int64"];
    each_node_of_all(&mut |node, at| {
        assert!(node["format"].as_str().is_none_or(|format| KNOWN.contains(&format)), "{at}");
    });
}

#[test]
fn only_scalars_have_defaults() {
    each_node_of_all(&mut |node, at| {
        assert!(!node["default"].is_object() && !node["default"].is_array(), "{at}");
    });
}

#[test]
fn no_name_reads_as_a_boolean_in_old_yaml() {
    const BOOLEANS: [&str; 6] = ["on", "off", "yes", "no", "y", "n"];
    each_node_of_all(&mut |node, at| {
        let names = node["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str());
        let values = node["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let bad: Vec<_> =
            names.chain(values).filter(|name| BOOLEANS.contains(&&*name.to_lowercase())).collect();
        assert!(bad.is_empty(), "{at}: {bad:?}");
    });
}

#[test]
fn rules_compile_and_are_cheap() {
    each_node_of_all(&mut |node, at| {
        let compiled = compile_schema(node);
        assert!(!compiled.has_errors(), "{at}: {:?}", compiled.compilation_errors());
        for rule in node["x-kubernetes-validations"].as_array().into_iter().flatten() {
            let warnings = estimate_rule_cost(rule["rule"].as_str().unwrap(), &compiled);
            assert!(warnings.is_empty(), "{at}: {warnings:?}");
        }
    });
}

#[test]
fn names_are_unique_and_definitions_small() {
    let mut names = BTreeSet::new();
    for kind in crds::KINDS {
        let crd = (kind.crd)();
        assert_eq!((crd.spec.names.kind.as_str(), crd.spec.names.plural.as_str()), (kind.name, kind.plural));
        assert_eq!(crd.spec.names.categories, Some(vec!["fairlead".to_owned()]));
        let short = crd.spec.names.short_names.clone().unwrap_or_default();
        for name in short.into_iter().chain([kind.plural.to_owned()]) {
            assert!(names.insert(name.clone()), "{name} stands for two kinds");
        }
        assert!(kind.to_yaml().unwrap().len() < 256 * 1024);
    }
}

#[test]
fn every_kind_shows_its_conditions() {
    for kind in crds::KINDS {
        let crd = serde_json::to_value((kind.crd)()).unwrap();
        let version = &crd["spec"]["versions"][0];
        assert_eq!(version["subresources"]["status"], serde_json::json!({}), "{}", kind.name);
        let columns = version["additionalPrinterColumns"].as_array().unwrap();
        let columns: Vec<_> = columns.iter().filter_map(|column| column["name"].as_str()).collect();
        let last = ["Accepted", "Refs", "Programmed", "Ready", "Age"];
        assert!(columns.ends_with(&last), "{}: {columns:?}", kind.name);
    }
}

#[test]
fn every_status_has_what_all_have() {
    for kind in crds::KINDS {
        let status = schema(*kind)["properties"]["status"].clone();
        for field in ["observedGeneration", "conditions", "gateways", "effective"] {
            assert!(status["properties"][field].is_object(), "{} {field}", kind.name);
        }
        assert_eq!(
            status["properties"]["conditions"]["x-kubernetes-list-map-keys"],
            serde_json::json!(["type"])
        );
        let keys = &status["properties"]["gateways"]["x-kubernetes-list-map-keys"];
        assert_eq!(*keys, serde_json::json!(["namespace", "name"]), "{}", kind.name);
        assert!(status.get("required").is_none(), "{}", kind.name);
    }
}

#[test]
fn kinds_are_sorted_by_name() {
    assert!(crds::KINDS.is_sorted_by_key(|kind| kind.name));
}
