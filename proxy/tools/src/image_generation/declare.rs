//! The function that the model sees.

use agent::model::{ModelTool, ToolInput};
use protocol::responses::tool::HostedTool;
use serde_json::json;

use super::gallery::Gallery;
use super::settings::{Action, Asked};

const MAKES: &str = "Makes an image from a description and shows it to the user.";
const CHANGES: &str = "Makes an image from a description, or changes images of this conversation, and shows the result to \
the user.";

/// The function, under the caller's `alias` if there is one.
pub(super) fn function(tool: &HostedTool, asked: &Asked, gallery: &Gallery) -> ModelTool {
    let can_edit = asked.action != Action::Generate;
    let mut properties = json!({"prompt": {
        "type": "string",
        "description": "What is to be seen, in full: subject, style, composition, colours, and all text that is to stand in it.",
    }});
    if can_edit {
        properties["images"] = json!({
            "type": "array", "items": {"type": "integer"},
            "description": images(asked.action),
        });
    }
    let parameters = json!({
        "type": "object", "properties": properties, "required": ["prompt"], "additionalProperties": false,
    });
    let own = tool.text("alias_description").unwrap_or(if can_edit { CHANGES } else { MAKES });
    let listed = gallery.describe().filter(|_| can_edit);
    let description = match listed {
        Some(listed) => format!("{own} {listed}"),
        None => own.to_owned(),
    };
    ModelTool {
        name: tool.text("alias").unwrap_or("image_generation").to_owned(),
        description: Some(description),
        input: ToolInput::Schema { parameters: Some(parameters), strict: Some(false) },
    }
}

fn images(action: Action) -> &'static str {
    match action {
        Action::Edit => "The numbers of the images to change or to start from; without them, the last image.",
        Action::Generate | Action::Auto => {
            "The numbers of the images to change or to start from; without them, a new image is made."
        }
    }
}
