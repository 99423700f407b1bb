//! Bytes to frames.
