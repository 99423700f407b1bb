//! The bytes of requests.

use anyhow::Context;

use crate::load::arguments::Arguments;

/// The place of an id in a path.
const ID: &str = "{id}";

/// Makes requests.
#[derive(Debug)]
pub(crate) enum Requests {
    /// Always the same.
    Fixed(Vec<u8>),
    /// A path with an id, each id in turn.
    Ids { address: String, path: String, ids: Vec<String> },
    /// A body that may continue a response.
    Chain { address: String, path: String, body: String },
}

impl Requests {
    /// Errors: the file of ids cannot be read or is empty, or a chain has no body.
    pub(crate) fn read(arguments: &Arguments) -> anyhow::Result<Self> {
        let Arguments { address, path, body, ids, chain, .. } = arguments;
        if let Some(file) = ids {
            let text =
                std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            let ids: Vec<_> = text.lines().map(str::to_owned).collect();
            anyhow::ensure!(!ids.is_empty(), "{} holds no ids", file.display());
            return Ok(Self::Ids { address: address.clone(), path: path.clone(), ids });
        }
        if *chain > 0 {
            let body = body.clone().context("a chain needs a body")?;
            return Ok(Self::Chain { address: address.clone(), path: path.clone(), body });
        }
        Ok(Self::Fixed(encode(address, path, body.as_deref())))
    }

    /// Writes the request `number` into `into`; in a chain, continues `previous`.
    pub(crate) fn write(&self, number: u64, previous: Option<&str>, into: &mut Vec<u8>) {
        into.clear();
        match self {
            Self::Fixed(bytes) => into.extend_from_slice(bytes),
            Self::Ids { address, path, ids } => {
                let index = usize::try_from(number).unwrap_or_default() % ids.len();
                into.extend(encode(address, &path.replace(ID, &ids[index]), None));
            }
            Self::Chain { address, path, body } => {
                let body = previous.map_or_else(|| body.clone(), |id| continued(body, id));
                into.extend(encode(address, path, Some(&body)));
            }
        }
    }
}

/// The JSON object `body` with a `previous_response_id`.
fn continued(body: &str, previous: &str) -> String {
    body.replacen('{', &format!(r#"{{"previous_response_id":"{previous}","#), 1)
}

fn encode(address: &str, path: &str, body: Option<&str>) -> Vec<u8> {
    let Some(body) = body else {
        return format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes();
    };
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continued_body_stays_json() {
        let body: serde_json::Value = serde_json::from_str(&continued(r#"{"input":{}}"#, "resp_1")).unwrap();
        assert_eq!(body, serde_json::json!({"previous_response_id": "resp_1", "input": {}}));
    }

    #[test]
    fn ids_are_taken_in_turn() {
        let ids = vec!["a".to_owned(), "b".to_owned()];
        let requests = Requests::Ids { address: "h".to_owned(), path: "/x/{id}".to_owned(), ids };
        let mut bytes = Vec::new();
        requests.write(3, None, &mut bytes);
        assert!(bytes.starts_with(b"GET /x/b HTTP/1.1\r\n"));
    }
}
