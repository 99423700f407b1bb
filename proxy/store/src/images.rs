//! Images lie beside their items, which keep a mark in their place: a chain is read without them.

use protocol::responses::item::{Item, KEPT_IMAGE};
use serde_json::Value;

/// An image and its place in its item.
pub(crate) type Lifted = (i64, String);

/// The smallest image that is taken out of its item, in bytes: a small one costs a chain less than a row of its own.
const SMALLEST: usize = 16 << 10;

/// Takes the large images out of an item and leaves marks.
pub(crate) fn lift(item: &mut Item) -> Vec<Lifted> {
    let mut lifted = Vec::new();
    visit(item, |part, image| {
        // PostgreSQL has no U+0000 in texts; with one it is no image, and stays where it is escaped.
        let is_inline = !image.starts_with("http") && !image.contains('\0');
        if image.len() >= SMALLEST && is_inline {
            lifted.push((part, std::mem::replace(image, KEPT_IMAGE.to_owned())));
        }
        true
    });
    lifted
}

/// The places of an item where images were.
pub(crate) fn places(item: &mut Item) -> Vec<i64> {
    let mut places = Vec::new();
    visit(item, |part, image| {
        if image == KEPT_IMAGE {
            places.push(part);
        }
        true
    });
    places
}

/// The image of an `image_generation_call`, if it is in the item.
pub(crate) fn inline(item: Item) -> Option<String> {
    let Item::ImageGenerationCall(call) = item else { return None };
    call.result.filter(|image| image != KEPT_IMAGE)
}

/// Puts an image back; one that is gone leaves null.
pub(crate) fn restore(item: &mut Item, part: i64, found: Option<String>) {
    let mut found = Some(found);
    visit(item, |place, image| {
        if place != part {
            return true;
        }
        match found.take().flatten() {
            Some(found) => *image = found,
            None => return false,
        }
        true
    });
}

/// Shows every image of an item; one for which `take` returns false becomes null.
fn visit(item: &mut Item, mut take: impl FnMut(i64, &mut String) -> bool) {
    match item {
        Item::ImageGenerationCall(call) => {
            if call.result.as_mut().is_some_and(|image| !take(0, image)) {
                call.result = None;
            }
        }
        Item::Other(fields) if fields.get("type").is_some_and(|kind| kind == "code_interpreter_call") => {
            let outputs = fields.get_mut("outputs").and_then(Value::as_array_mut);
            for (part, output) in (0..).zip(outputs.into_iter().flatten()) {
                let Some(url) = output.get_mut("url") else { continue };
                let Value::String(image) = url else { continue };
                if !take(part, image) {
                    *url = Value::Null;
                }
            }
        }
        Item::Message(_)
        | Item::FunctionCall(_)
        | Item::FunctionCallOutput(_)
        | Item::CustomToolCall(_)
        | Item::CustomToolCallOutput(_)
        | Item::Reasoning(_)
        | Item::FileSearchCall(_)
        | Item::WebSearchCall(_)
        | Item::McpListTools(_)
        | Item::McpCall(_)
        | Item::McpApprovalRequest(_)
        | Item::McpApprovalResponse(_)
        | Item::Compaction(_)
        | Item::Reference(_)
        | Item::Other(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(value: Value) -> Item {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn what_is_lifted_goes_back_to_its_place() {
        let [first, second] = ["QQQQ", "QgQg"].map(|quad| quad.repeat(SMALLEST / 4));
        let (remote, first_url) = (format!("https://x/{first}"), format!("data:image/png;base64,{first}"));
        let calls = [
            json!({"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": first}),
            json!({"id": "ci_1", "type": "code_interpreter_call", "outputs": [
                {"type": "logs", "logs": "1"}, {"type": "image", "url": first_url},
                {"type": "image", "url": second}, {"type": "image", "url": remote.to_lowercase()}]}),
        ];
        for (call, count) in calls.into_iter().zip([1, 2]) {
            let whole = item(call);
            let mut kept = whole.clone();
            let lifted = lift(&mut kept);
            assert_eq!(lifted.len(), count);
            assert_eq!(places(&mut kept), lifted.iter().map(|(part, _)| *part).collect::<Vec<_>>());
            assert!(!serde_json::to_string(&kept).unwrap().contains("Q"));
            assert!(lift(&mut kept.clone()).is_empty(), "a mark is no image");
            for (part, image) in lifted {
                restore(&mut kept, part, Some(image));
            }
            assert_eq!(kept, whole);
        }
    }

    #[test]
    fn what_is_small_stays_in_its_item() {
        let small = "A".repeat(SMALLEST - 1);
        let outputs = ["", KEPT_IMAGE, "data:image/png;base64,QQ==", &small].map(|url| json!({"url": url}));
        let whole = item(json!({"id": "ci_1", "type": "code_interpreter_call", "outputs": outputs}));
        let mut kept = whole.clone();
        assert_eq!((lift(&mut kept), kept), (Vec::new(), whole));
        let call = item(json!({"id": "ig_1", "type": "image_generation_call", "result": small}));
        assert_eq!(lift(&mut call.clone()), Vec::new());
        assert_eq!(inline(call), Some(small));
        assert_eq!(
            inline(item(json!({"id": "ig_1", "type": "image_generation_call", "result": KEPT_IMAGE}))),
            None
        );
    }

    #[test]
    fn an_image_that_is_gone_leaves_null() {
        let mut call = item(json!({"id": "ig_1", "type": "image_generation_call", "result": KEPT_IMAGE}));
        restore(&mut call, 0, None);
        assert!(serde_json::to_string(&call).unwrap().contains(r#""result":null"#));
        assert!(places(&mut call).is_empty());
    }
}
