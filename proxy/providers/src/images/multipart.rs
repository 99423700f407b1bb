//! A form with files. Source: RFC 7578.

use bytes::{BufMut, Bytes, BytesMut};
use http::HeaderValue;

/// A form in the making. Names are the program's own: nothing in them needs an escape.
pub(super) struct Form {
    boundary: String,
    body: BytesMut,
}

impl Form {
    pub(super) fn new(boundary: &str) -> Self {
        Self { boundary: boundary.to_owned(), body: BytesMut::new() }
    }

    pub(super) fn text(&mut self, name: &str, text: &str) {
        self.head(&format!("name=\"{name}\"\r\n"));
        self.body.put_slice(text.as_bytes());
        self.body.put_slice(b"\r\n");
    }

    pub(super) fn file(&mut self, name: &str, (file, media_type): (&str, &str), bytes: &[u8]) {
        self.head(&format!("name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: {media_type}\r\n"));
        self.body.put_slice(bytes);
        self.body.put_slice(b"\r\n");
    }

    pub(super) fn content_type(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("multipart/form-data; boundary={}", self.boundary)).ok()
    }

    pub(super) fn finish(mut self) -> Bytes {
        self.body.put_slice(format!("--{}--\r\n", self.boundary).as_bytes());
        self.body.freeze()
    }

    fn head(&mut self, disposition: &str) {
        let head = format!("--{}\r\nContent-Disposition: form-data; {disposition}\r\n", self.boundary);
        self.body.put_slice(head.as_bytes());
    }
}
