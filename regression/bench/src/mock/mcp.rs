//! An MCP server of revision 2026-07-28 with one tool, `add`.

use serde_json::{Value, json};

/// Answers a message. `None` is told of something and says nothing.
pub(crate) fn answer(request: &[u8]) -> Option<Value> {
    let message: Value = serde_json::from_slice(request).ok()?;
    let id = message.get("id")?;
    let result = match message["method"].as_str()? {
        "server/discover" => discovered(),
        "tools/list" => listed(),
        "tools/call" => called(),
        method => {
            let error = json!({"code": -32601, "message": format!("no {method} here")});
            return Some(json!({"jsonrpc": "2.0", "id": id, "error": error}));
        }
    };
    Some(json!({"jsonrpc": "2.0", "id": id, "result": result}))
}

fn discovered() -> Value {
    json!({
        "resultType": "complete",
        "supportedVersions": ["2026-07-28"],
        "capabilities": {"tools": {}},
        "ttlMs": 0,
        "cacheScope": "private",
        "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "bench", "version": "1"}},
    })
}

fn listed() -> Value {
    let number = json!({"type": "number"});
    let schema = json!({"type": "object", "properties": {"a": number, "b": number}, "required": ["a", "b"]});
    let tool = json!({"name": "add", "description": "Adds two numbers.", "inputSchema": schema});
    json!({"resultType": "complete", "tools": [tool], "ttlMs": 3_600_000, "cacheScope": "private"})
}

fn called() -> Value {
    json!({"resultType": "complete", "content": [{"type": "text", "text": "The sum is 5."}], "isError": false})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_answered_with_their_id_and_notifications_are_not() {
        let answered = answer(br#"{"jsonrpc":"2.0","id":7,"method":"tools/list"}"#).unwrap();
        assert_eq!((&answered["id"], &answered["result"]["tools"][0]["name"]), (&json!(7), &json!("add")));
        assert_eq!(answer(br#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#), None);
    }
}
