//! `/v1/models`.

use serde::{Deserialize, Serialize};

use crate::tags;

tags! {
    /// `model`.
    ModelTag = "model";
}

/// A model that the caller may use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// Its name; may hold `/` and `@`.
    pub id: String,
    /// The constant `model`.
    pub object: ModelTag,
    /// Seconds since 1970.
    pub created: i64,
    /// Who offers it.
    pub owned_by: String,
}

/// `{"object":"list","data":[…]}`, without cursors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ModelList {
    /// Always `list`.
    pub object: &'static str,
    /// All of them.
    pub data: Vec<Model>,
}

impl ModelList {
    /// Makes the envelope.
    pub fn new(data: Vec<Model>) -> Self {
        Self { object: "list", data }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_no_cursors() {
        let model =
            Model { id: "a/b@c".to_owned(), created: 7, owned_by: "d".to_owned(), ..Model::default() };
        let written = serde_json::to_string(&ModelList::new(vec![model])).unwrap();
        let expected =
            r#"{"object":"list","data":[{"id":"a/b@c","object":"model","created":7,"owned_by":"d"}]}"#;
        assert_eq!(written, expected);
    }
}
