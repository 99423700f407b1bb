//! The frames between operator and proxies: newline-delimited JSON.
//!
//! The only place where secret values take a serialised form.

mod catalog;

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::hash::Hash;
use crate::health::Health;
use crate::id::{EntryId, GatewayId, SecretId};
use crate::secret::Secret;
use crate::snapshot::{Delta, Entry, Snapshot};

pub use catalog::{CATALOG_ITEMS, CATALOG_MISMATCHES, Catalog, Item, Mismatches, PIN_MISMATCH};

/// The largest frame, in bytes; a snapshot that is larger comes in parts.
pub const MAX_FRAME_BYTES: usize = 4 << 20;

/// The audience of the tokens by which proxies are known to the operator.
pub const AUDIENCE: &str = "config.fairlead.dev";

/// What a proxy says at the start of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// Names the proxy, for people.
    pub proxy: String,
    /// The gateway whose configuration it wants.
    pub gateway: GatewayId,
    /// Its version, for people; never compared.
    pub version: String,
    /// The entry schemas that it understands.
    pub ir: Vec<u16>,
    /// What it runs; absent = nothing.
    pub applied: Option<Applied>,
}

/// A snapshot by its identity and its place in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// Identifies the content.
    pub hash: Hash,
    /// Counts leaders; a later one is higher.
    pub epoch: u64,
    /// Counts the snapshots of one leader.
    pub sequence: u64,
}

/// What a proxy reports beside the stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum FromProxy {
    /// A snapshot was taken in, wholly or in part.
    Ack(Ack),
    /// The proxy lives.
    Report(Report),
    /// What the proxy has of the entries that it was asked for.
    Recalled(Recalled),
}

/// What became of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ack {
    /// The stream that brought it.
    pub session: String,
    /// The snapshot.
    #[serde(flatten)]
    pub applied: Applied,
    /// Whether it runs.
    pub result: Outcome,
    /// Whether the proxy answers requests.
    pub serving: bool,
    /// The entries that could not be built; their old versions stay.
    #[serde(default)]
    pub rejected: Vec<Rejected>,
}

/// Whether a snapshot runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// All of it.
    Applied,
    /// All but the rejected entries.
    Partial,
    /// Nothing of it: what ran before still does.
    Rejected,
}

/// An entry that a proxy could not build.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejected {
    /// The entry.
    pub id: EntryId,
    /// Its content.
    pub hash: Hash,
    /// The generation of its object.
    pub generation: i64,
    /// Why, in one word.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
}

/// Signs of life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The stream of the proxy.
    pub session: String,
    /// Whether it answers requests.
    pub serving: bool,
    /// Requests that are being answered.
    pub inflight: usize,
    /// How upstreams fare, as far as that is known; absent = as it was told before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Vec<Observed>>,
    /// What MCP servers have listed, as far as this session has not been told it yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub catalogs: Vec<Catalog>,
}

/// How the upstream of an entry fares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Observed {
    /// The entry of the provider or MCP server.
    pub id: EntryId,
    /// What the proxy has seen.
    pub state: Health,
}

/// Entries on their way back. Prints without the values of secrets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recalled {
    /// The stream that asked.
    pub session: String,
    /// Those of the entries that the proxy has, or a part of them.
    pub entries: Vec<Entry>,
    /// The values that these entries name.
    pub secrets: Vec<SecretValue>,
}

impl Recalled {
    /// Lists what `snapshot` has of the entries `ids`, in pieces of about `limit` bytes. Nothing if it has none.
    #[must_use]
    pub fn of(snapshot: &Snapshot, ids: &[EntryId], session: &str, limit: usize) -> Vec<Self> {
        let mut pieces: Vec<Self> = Vec::new();
        let mut room = 0_usize;
        for entry in ids.iter().filter_map(|id| snapshot.entries.get(id)) {
            let secrets = entry
                .spec
                .secrets()
                .into_iter()
                .filter_map(|id| Some(SecretValue::new(id.clone(), snapshot.secrets.get(id)?)));
            let length = serde_json::to_vec(&**entry).map_or(0, |bytes| bytes.len());
            if pieces.is_empty() || length > room {
                let session = session.to_owned();
                pieces.push(Self { session, entries: Vec::new(), secrets: Vec::new() });
                room = limit;
            }
            room = room.saturating_sub(length);
            if let Some(piece) = pieces.last_mut() {
                piece.entries.push(Entry::clone(entry));
                piece.secrets.extend(secrets);
            }
        }
        pieces
    }
}

/// What the operator says on a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
pub enum FromOperator {
    /// The stream is open.
    Welcome(Welcome),
    /// Another replica leads; where it listens, if that is known.
    NotLeader {
        /// Address and port.
        leader: Option<String>,
    },
    /// What the proxy runs is right; it acknowledges that.
    Current(Applied),
    /// Other content.
    Snapshot(Box<SnapshotFrame>),
    /// The operator has lost the content of these entries, and asks for what the proxy has of them.
    Recall {
        /// The entries.
        ids: Vec<EntryId>,
    },
    /// The operator lives.
    Ping,
    /// There is nothing more to come: the gateway is gone, or its identity is not this one any more.
    Drain {
        /// Why, in one word.
        reason: String,
    },
}

/// The first frame of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Welcome {
    /// Names the stream in acknowledgements.
    pub session: String,
    /// The epoch of the leader.
    pub epoch: u64,
    /// The entry schema of all that follows.
    pub ir: u16,
    /// How often there is at least one frame.
    pub heartbeat_seconds: u64,
}

/// A difference to what the proxy has, or everything, or a part of either.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SnapshotFrame {
    /// What the proxy has once all parts are applied.
    #[serde(flatten)]
    pub applied: Applied,
    /// What the difference is to; absent = nothing, so that this is everything.
    pub base: Option<Hash>,
    /// Counts the parts, from 1.
    pub part: u32,
    /// How many parts there are.
    pub parts: u32,
    /// New and changed entries.
    pub upsert: Vec<Entry>,
    /// Entries that are gone.
    pub remove: Vec<EntryId>,
    /// New and changed secret values.
    pub secrets: Vec<SecretValue>,
    /// The provider for model names that name none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback_provider: Option<EntryId>,
}

/// A secret value on its way. Prints without it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretValue {
    /// Names the value.
    pub id: SecretId,
    /// Base64.
    value: String,
}

impl SecretValue {
    /// Wraps a value for the stream.
    #[must_use]
    pub fn new(id: SecretId, secret: &Secret) -> Self {
        Self { id, value: STANDARD.encode(secret.expose()) }
    }

    /// Unwraps the value; absent if it is no text.
    #[must_use]
    pub fn secret(&self) -> Option<Secret> {
        let bytes = STANDARD.decode(&self.value).ok()?;
        String::from_utf8(bytes).ok().map(Secret::new)
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretValue({}: [redacted])", self.id)
    }
}

/// Frames that are being filled.
struct Cutting {
    frames: Vec<SnapshotFrame>,
    empty: SnapshotFrame,
    /// Of the last one.
    size: usize,
    limit: usize,
}

impl Cutting {
    /// The frame that has room for so many bytes more.
    fn frame(&mut self, length: usize) -> &mut SnapshotFrame {
        if self.size > 0 && self.size + length > self.limit {
            self.frames.push(self.empty.clone());
            self.size = 0;
        }
        self.size += length;
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }
}

fn length(value: &impl Serialize) -> usize {
    serde_json::to_vec(value).map_or(0, |bytes| bytes.len())
}

impl SnapshotFrame {
    /// Cuts a difference into frames of about `limit` bytes, in order.
    #[must_use]
    pub fn cut(applied: Applied, delta: Delta, limit: usize) -> Vec<Self> {
        let empty = Self {
            applied,
            base: delta.base,
            part: 1,
            parts: 1,
            upsert: Vec::new(),
            remove: Vec::new(),
            fallback_provider: delta.fallback_provider,
            secrets: Vec::new(),
        };
        let mut cutting = Cutting { frames: vec![empty.clone()], empty, size: 0, limit };
        for id in delta.remove {
            cutting.frame(length(&id)).remove.push(id);
        }
        for (id, secret) in &delta.secrets {
            let value = SecretValue::new(id.clone(), secret);
            cutting.frame(length(&value)).secrets.push(value);
        }
        for entry in delta.upsert {
            cutting.frame(length(&*entry)).upsert.push(Arc::unwrap_or_clone(entry));
        }
        let mut frames = cutting.frames;
        let parts = u32::try_from(frames.len()).unwrap_or(u32::MAX);
        for (part, frame) in (1..).zip(&mut frames) {
            (frame.part, frame.parts) = (part, parts);
        }
        frames
    }
}
