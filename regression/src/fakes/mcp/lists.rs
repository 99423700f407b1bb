//! Pages of tools.

use serde_json::{Value, json};

use super::behaviour::{Behaviour, Listing};
use super::rpc::Asked;

pub(super) fn page(asked: &Asked, behaviour: &Behaviour, is_modern: bool) -> Value {
    let number: usize =
        asked.params()["cursor"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default();
    let size = if behaviour.page == 0 { behaviour.tools.len().max(1) } else { behaviour.page };
    let tools = behaviour.tools.iter().skip(number * size).take(size);
    let mut page = json!({"tools": tools.map(|tool| tool.description.clone()).collect::<Vec<_>>()});
    let next = match behaviour.listing {
        Listing::Plain => ((number + 1) * size < behaviour.tools.len()).then_some(number + 1),
        Listing::Endless => Some(number + 1),
        Listing::Repeating => Some(1),
    };
    if let Some(next) = next {
        page["nextCursor"] = json!(next.to_string());
    }
    if is_modern {
        page["resultType"] = json!("complete");
        page["ttlMs"] = json!(behaviour.ttl_ms.unwrap_or(60_000));
        page["cacheScope"] = json!(behaviour.scope.unwrap_or("private"));
    }
    page
}
