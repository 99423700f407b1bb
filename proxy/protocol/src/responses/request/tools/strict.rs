//! Schemas in the strict subset: every object is closed and all its properties are required.

use serde_json::Value;

use crate::Object;

/// Keywords that the strict subset lacks.
const FOREIGN: &[&str] = &[
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "patternProperties",
    "propertyNames",
    "minProperties",
    "maxProperties",
    "unevaluatedProperties",
    "unevaluatedItems",
    "prefixItems",
    "contains",
];

/// Closes all objects of `schema` and requires all their properties; true if that was possible.
///
/// Shape: as given, with `additionalProperties: false` and `required` in each object. Nothing changes if the schema cannot
/// say the same strictly: open or free-form objects, untyped values, keywords outside the subset, a root that is no object.
///
/// Source: OpenAI, structured outputs, supported schemas.
pub(super) fn make_strict(schema: &mut Value) -> bool {
    let Some(root) = schema.as_object_mut() else { return false };
    if !root_can_close(root) {
        return false;
    }
    root.entry("type").or_insert_with(|| Value::from("object"));
    root.entry("properties").or_insert_with(|| Value::Object(Object::new()));
    close(schema);
    true
}

/// The root may leave out its type and its properties, but must be an object and nothing else.
fn root_can_close(root: &Object) -> bool {
    let is_object = root.get("type").is_none_or(|kind| kind == "object");
    let is_plain =
        !["$ref", "anyOf", "enum", "const"].iter().chain(FOREIGN).any(|key| root.contains_key(*key));
    let is_closed = if root.contains_key("properties") { can_close_object(root) } else { !is_open(root) };
    is_object && is_plain && is_closed && children_can_close(root)
}

fn can_close(schema: &Value) -> bool {
    let Some(schema) = schema.as_object() else { return false };
    let typed = ["type", "$ref", "anyOf", "enum", "const"].iter().any(|key| schema.contains_key(*key));
    typed
        && !FOREIGN.iter().any(|key| schema.contains_key(*key))
        && children_can_close(schema)
        && (!is_object(schema) || can_close_object(schema))
}

fn can_close_object(schema: &Object) -> bool {
    let properties = schema.get("properties").and_then(Value::as_object);
    !is_open(schema) && properties.is_some_and(|properties| properties.values().all(can_close))
}

fn is_open(schema: &Object) -> bool {
    schema.get("additionalProperties").is_some_and(|more| more != &Value::Bool(false))
}

/// Whether everything below `schema` but its properties can be closed.
fn children_can_close(schema: &Object) -> bool {
    let defined = ["$defs", "definitions"].iter().filter_map(|key| schema.get(*key));
    let defined =
        defined.into_iter().all(|map| map.as_object().is_some_and(|map| map.values().all(can_close)));
    let items = schema.get("items").is_none_or(can_close);
    let any =
        schema.get("anyOf").is_none_or(|any| any.as_array().is_some_and(|any| any.iter().all(can_close)));
    defined && items && any
}

fn is_object(schema: &Object) -> bool {
    match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        Some(kind) => kind == "object",
        None => schema.contains_key("properties"),
    }
}

/// Closes a schema that can be closed.
fn close(schema: &mut Value) {
    let Some(schema) = schema.as_object_mut() else { return };
    for key in ["$defs", "definitions", "properties"] {
        let children = schema.get_mut(key).and_then(Value::as_object_mut);
        children.into_iter().flat_map(Object::values_mut).for_each(close);
    }
    schema.get_mut("items").into_iter().for_each(close);
    schema.get_mut("anyOf").and_then(Value::as_array_mut).into_iter().flatten().for_each(close);
    if is_object(schema)
        && let Some(properties) = schema.get("properties").and_then(Value::as_object)
    {
        let names = properties.keys().cloned().map(Value::String).collect();
        schema.insert("required".to_owned(), names);
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The strict form; a schema that has none must not change.
    fn made_strict(schema: &Value) -> Option<Value> {
        let mut made = schema.clone();
        let is_strict = make_strict(&mut made);
        assert!(is_strict || made == *schema, "{schema}");
        is_strict.then_some(made)
    }

    #[test]
    fn objects_are_closed_at_every_depth() {
        let given = json!({
            "type": "object",
            "properties": {
                "a": {"type": "string"},
                "b": {"type": "array", "items": {"type": "object", "properties": {"c": {"$ref": "#/$defs/d"}}}},
                "e": {"anyOf": [{"type": ["object", "null"], "properties": {}}, {"enum": [1]}]},
            },
            "required": ["a"],
            "$defs": {"d": {"type": "object", "properties": {"f": {"type": "number"}}}},
        });
        let strict = json!({
            "type": "object",
            "properties": {
                "a": {"type": "string"},
                "b": {"type": "array", "items": {
                    "type": "object", "properties": {"c": {"$ref": "#/$defs/d"}},
                    "required": ["c"], "additionalProperties": false,
                }},
                "e": {"anyOf": [
                    {"type": ["object", "null"], "properties": {}, "required": [], "additionalProperties": false},
                    {"enum": [1]},
                ]},
            },
            "required": ["a", "b", "e"],
            "$defs": {"d": {
                "type": "object", "properties": {"f": {"type": "number"}},
                "required": ["f"], "additionalProperties": false,
            }},
            "additionalProperties": false,
        });
        assert_eq!(made_strict(&given), Some(strict.clone()));
        assert_eq!(made_strict(&strict), Some(strict), "it is idempotent");
    }

    #[test]
    fn a_root_without_properties_takes_nothing() {
        let closed =
            json!({"type": "object", "properties": {}, "required": [], "additionalProperties": false});
        assert_eq!(made_strict(&json!({})), Some(closed.clone()));
        assert_eq!(made_strict(&json!({"type": "object"})), Some(closed));
    }

    #[test]
    fn what_strict_cannot_say_is_left_alone() {
        for property in [
            json!({"type": "object"}),
            json!({"type": "object", "properties": {}, "additionalProperties": {"type": "string"}}),
            json!({"type": "object", "properties": {}, "additionalProperties": true}),
            json!({"oneOf": [{"type": "string"}]}),
            json!({"description": "anything"}),
            json!(true),
            json!({"type": "array", "items": {}}),
        ] {
            let schema = json!({"type": "object", "properties": {"p": property}});
            assert_eq!(made_strict(&schema), None, "{schema}");
        }
        assert_eq!(made_strict(&json!({"type": "array", "items": {"type": "string"}})), None);
        assert_eq!(
            made_strict(&json!({"$ref": "#/$defs/a", "$defs": {"a": {"type": "object", "properties": {}}}})),
            None
        );
        assert_eq!(made_strict(&json!({"anyOf": [{"type": "object", "properties": {}}]})), None);
    }
}
