//! The port to image models: what is asked of one, and what it answers.

use bytes::Bytes;
use protocol::responses::usage::ImageUsage;

/// What an image model is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageRequest {
    /// The public name of the model, for errors; each target has its own.
    pub model: String,
    /// What is to be seen.
    pub prompt: String,
    /// The images to start from; none makes a new image.
    pub sources: Vec<Picture>,
    /// Where the first of them may change: the transparent parts.
    pub mask: Option<Picture>,
    /// How it is to be made.
    pub settings: ImageSettings,
}

/// An image as a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    /// What it is.
    pub format: ImageFormat,
    /// The file.
    pub bytes: Bytes,
}

/// The formats that image models take and make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
}

/// How an image is to be made; absent = as the model likes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSettings {
    /// How many images; 0 is one.
    pub count: u32,
    /// Such as `1024x1024`.
    pub size: Option<String>,
    /// Such as `high`.
    pub quality: Option<String>,
    /// `transparent` or `opaque`.
    pub background: Option<String>,
    /// `png`, `webp` or `jpeg`.
    pub output_format: Option<String>,
    /// 0 to 100.
    pub output_compression: Option<u32>,
    /// `low` or `auto`.
    pub moderation: Option<String>,
    /// How closely edits keep to their sources: `high` or `low`.
    pub input_fidelity: Option<String>,
    /// How many unfinished images are shown on the way.
    pub partial_images: u32,
    /// The end user, for the provider's own rules.
    pub user: Option<String>,
}

/// What an image model tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageEvent {
    /// An unfinished image.
    Partial(PartialImage),
    /// The answer, last.
    Done(Images),
}

/// An unfinished image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartialImage {
    /// From 0.
    pub index: u32,
    /// Base64.
    pub image: String,
    /// What the model says of it.
    pub form: ImageForm,
}

/// The answer of an image model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// At least one.
    pub images: Vec<MadeImage>,
    /// What the model says of them.
    pub form: ImageForm,
    /// What they took, as far as the model counts.
    pub usage: ImageUsage,
}

/// A finished image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeImage {
    /// The image, or where it lies.
    pub source: ImageSource,
    /// The prompt as the model understood it.
    pub revised_prompt: Option<String>,
}

/// Where a finished image is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// Here, in Base64.
    Base64(String),
    /// At this URL, for a while.
    Url(String),
}

/// What a model says of an image; absent = nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageForm {
    /// Such as `1024x1024`.
    pub size: Option<String>,
    /// Such as `high`.
    pub quality: Option<String>,
    /// `transparent` or `opaque`.
    pub background: Option<String>,
    /// `png`, `webp` or `jpeg`.
    pub output_format: Option<String>,
}

impl Picture {
    /// Takes a file for what its first bytes say it is; `None` if that is no format that image models take.
    pub fn of(bytes: Bytes) -> Option<Self> {
        let format = match bytes.get(..12)? {
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => ImageFormat::Png,
            [0xFF, 0xD8, 0xFF, ..] => ImageFormat::Jpeg,
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P'] => ImageFormat::Webp,
            _ => return None,
        };
        Some(Self { format, bytes })
    }
}

/// The Base64 of a data URL; `None` for other URLs.
pub fn inline(url: &str) -> Option<&str> {
    url.strip_prefix("data:")?.split_once(";base64,").map(|(_, image)| image)
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Picture({:?}, {} bytes)", self.format, self.bytes.len())
    }
}

impl ImageFormat {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_first_bytes_say() {
        let of = |bytes: &'static [u8]| Picture::of(Bytes::from_static(bytes)).map(|picture| picture.format);
        assert_eq!(of(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Some(ImageFormat::Png));
        assert_eq!(of(b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01"), Some(ImageFormat::Jpeg));
        assert_eq!(of(b"RIFF\x24\0\0\0WEBPVP8 "), Some(ImageFormat::Webp));
        assert_eq!(of(b"<svg xmlns='http://www.w3.org/2000/svg'/>"), None);
        assert_eq!(of(b"\x89PNG"), None);
    }

    #[test]
    fn a_data_url_holds_its_image() {
        assert_eq!(inline("data:image/png;base64,QQ=="), Some("QQ=="));
        for other in ["https://x/y", "data:,A", "image/png;base64,QQ==", ""] {
            assert_eq!(inline(other), None, "{other}");
        }
    }
}
