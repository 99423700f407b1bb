//! What the operator tells about objects.

#![expect(unreachable_pub, reason = "the derived schema copies each public struct into a function")]

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::time::Time;

/// What the operator tells about an object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Status {
    /// The generation that the operator has looked at.
    #[serde(rename = "observedGeneration", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub observed_generation: Option<i64>,
    /// How the object stands; over several gateways the worst.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Option<Vec<Condition>>,
    /// How the object stands at each gateway that it names or attaches to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["namespace".into(), "name".into()]))]
    pub gateways: Option<Vec<GatewayStatus>>,
    /// What proxies serve of the object. Absent: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective: Option<Effective>,
}

/// One aspect of how an object stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Condition {
    /// The aspect, for instance Accepted, ResolvedRefs, Programmed, Ready.
    #[serde(rename = "type")]
    #[schemars(length(min = 1, max = 316))]
    pub kind: String,
    /// Whether it holds.
    pub status: ConditionStatus,
    /// The generation that this was decided for.
    #[serde(rename = "observedGeneration", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub observed_generation: Option<i64>,
    /// When `status` changed last.
    #[serde(rename = "lastTransitionTime")]
    pub last_transition_time: Time,
    /// Why, in one word.
    #[schemars(length(min = 1, max = 1024))]
    pub reason: String,
    /// Why, in sentences, and what to do.
    #[schemars(length(max = 32768))]
    pub message: String,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody can say.
    Unknown,
}

/// How an object stands at one gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct GatewayStatus {
    /// Namespace of the gateway.
    #[schemars(length(min = 1, max = 63))]
    pub namespace: String,
    /// Name of the gateway.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// How the object stands there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Option<Vec<Condition>>,
}

/// What proxies serve of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, KubeSchema)]
pub struct Effective {
    /// The name that callers use.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Hash of the compiled content.
    #[serde(rename = "contentHash")]
    #[schemars(length(min = 1, max = 128))]
    pub content_hash: String,
    /// The generation that the content comes from.
    #[serde(rename = "servingGeneration")]
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    pub serving_generation: i64,
}
