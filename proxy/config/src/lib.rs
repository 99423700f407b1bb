//! The pure compiler: custom resources in, snapshots and diagnostics out.
//!
//! No I/O, clock or randomness. File mode and cluster give the same verdicts and the same hashes for the same objects,
//! because one function, [`compile()`], makes both.
#![deny(missing_docs)]

mod builtin;
mod compile;
pub mod delivery;
mod diagnostics;
mod grant;
mod hash;
mod health;
mod id;
mod kinds;
pub mod manifest;
mod read;
mod secret;
pub mod snapshot;
pub mod spec;
mod world;

pub use compile::{Compiled, compile, wanted};
pub use diagnostics::{
    Attachment, Condition, ConditionState, Degraded, Diagnostics, Problem, Reason, Serving,
};
pub use grant::Grant;
pub use hash::{Hash, HashKey, NoHash};
pub use health::{Health, NOT_PROBED};
pub use id::{EntryId, GatewayId, ObjectId, SecretId};
pub use kinds::Recalled;
pub use read::Schemas;
pub use secret::Secret;
pub use snapshot::{Delta, Entry, HashMismatch, IR, Snapshot};
pub use spec::{GatewaySpec, KeySpec, McpServerSpec, ModelSpec, PolicySpec, ProviderSpec, Spec, TenantSpec};
pub use world::{Body, Object, World};
