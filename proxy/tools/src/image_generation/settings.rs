//! What the tool object fixes for all its calls.

use agent::image::{ImageSettings, Picture, inline};
use protocol::error::ApiError;
use protocol::responses::tool::HostedTool;
use serde_json::Value;

use super::gallery::picture;

/// What is asked for by the tool object.
pub(super) struct Asked {
    pub(super) settings: ImageSettings,
    pub(super) action: Action,
    pub(super) mask: Option<Picture>,
}

/// Whether calls make new images or change others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Generate,
    Edit,
    /// As the model likes.
    Auto,
}

/// Reads the settings. Their types and words were checked before.
///
/// Errors: 400 for settings that contradict each other, and for a mask that is no image.
pub(super) fn read(tool: &HostedTool, param: &str) -> Result<Asked, ApiError> {
    let text = |key: &str| tool.text(key).map(str::to_owned);
    let number = |key: &str| {
        let number = tool.fields.get(key).and_then(Value::as_u64);
        number.and_then(|number| u32::try_from(number).ok())
    };
    let settings = ImageSettings {
        count: number("n").unwrap_or(1),
        size: text("size"),
        quality: text("quality"),
        background: text("background"),
        output_format: text("output_format"),
        output_compression: number("output_compression"),
        moderation: text("moderation"),
        input_fidelity: text("input_fidelity"),
        partial_images: number("partial_images").unwrap_or(0),
        user: None,
    };
    let refused = |key: &str, why: &str| Err(ApiError::invalid_value(&format!("{param}.{key}"), why));
    if settings.background.as_deref() == Some("transparent")
        && settings.output_format.as_deref() == Some("jpeg")
    {
        return refused("background", "a JPEG has no transparent background; choose png or webp.");
    }
    if settings.count > 1 && settings.partial_images > 0 {
        return refused("partial_images", "unfinished images are shown of one image only; leave out 'n'.");
    }
    let mask = mask(tool, param)?;
    let action = match (tool.text("action"), &mask) {
        (Some("generate"), Some(_)) => {
            return refused("input_image_mask", "a mask needs the action 'edit' or 'auto'.");
        }
        (Some("generate"), None) => Action::Generate,
        (Some("edit"), _) | (_, Some(_)) => Action::Edit,
        (_, None) => Action::Auto,
    };
    Ok(Asked { settings, action, mask })
}

fn mask(tool: &HostedTool, param: &str) -> Result<Option<Picture>, ApiError> {
    let Some(mask) = tool.fields.get("input_image_mask").and_then(Value::as_object) else { return Ok(None) };
    let param = format!("{param}.input_image_mask");
    if mask.get("file_id").is_some_and(|id| !id.is_null()) {
        let message =
            "A mask by 'file_id' is not available on this server; give an 'image_url' with a data URL.";
        return Err(ApiError::unsupported_value(&format!("{param}.file_id"), message));
    }
    let url = mask.get("image_url").and_then(Value::as_str).unwrap_or_default();
    match inline(url).and_then(picture) {
        Some(picture) => Ok(Some(picture)),
        None => {
            let why = "expected a data URL of a PNG, JPEG or WebP of at most 20 MiB.";
            Err(ApiError::invalid_value(&format!("{param}.image_url"), why))
        }
    }
}
