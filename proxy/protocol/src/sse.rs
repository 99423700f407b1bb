//! Server-sent events: bytes to frames and frames to bytes, incremental and bounded.

pub mod decode;
pub mod encode;
