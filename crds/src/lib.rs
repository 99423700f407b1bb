//! The custom resources of Fairlead: their Rust types, schemas and validation rules.
//!
//! One file per kind, and a row for it in [`KINDS`]. [`crd()`] gives the definition that a cluster installs, and [`schema`]
//! checks objects against the same definition where there is no API server.
#![deny(missing_docs)]

mod crd;
pub mod duration;
pub mod model;
pub mod model_provider;
pub mod reference;
pub mod schema;

pub use crd::{GROUP, KINDS, Kind, VERSION, crd};
pub use duration::Duration;
pub use model::{Model, ModelResource};
pub use model_provider::{ModelProvider, ModelProviderResource};
