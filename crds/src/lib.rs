//! The custom resources of Fairlead: their Rust types, schemas and validation rules.
//!
//! One file per kind, and a row for it in [`KINDS`]. [`crd()`] gives the definition that a cluster installs, and [`schema`]
//! checks objects against the same definition where there is no API server.
#![deny(missing_docs)]

pub mod api_key;
mod crd;
pub mod duration;
pub mod mcp_server;
pub mod model;
pub mod model_provider;
pub mod reference;
pub mod responses_gateway;
pub mod schema;
pub mod status;
pub mod tenant;
pub mod time;
pub mod tls;
pub mod tool_policy;

pub use api_key::{ApiKey, ApiKeyResource};
pub use crd::{GROUP, KINDS, Kind, VERSION, crd};
pub use duration::Duration;
pub use mcp_server::{McpServer, McpServerResource};
pub use model::{Model, ModelResource};
pub use model_provider::{ModelProvider, ModelProviderResource};
pub use responses_gateway::{ResponsesGateway, ResponsesGatewayResource};
pub use status::Status;
pub use tenant::{Tenant, TenantResource};
pub use time::Time;
pub use tool_policy::{ToolPolicy, ToolPolicyResource};
