//! The definitions that a cluster installs.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use kube::CustomResourceExt;

use crate::{
    ApiKeyResource, McpServerResource, ModelProviderResource, ModelResource, ResponsesGatewayResource,
    TenantResource, ToolPolicyResource,
};

/// The API group of every kind.
pub const GROUP: &str = "fairlead.dev";

/// The API version of every kind.
pub const VERSION: &str = "v1alpha1";

/// Every kind, sorted by name.
pub const KINDS: &[Kind] = &[
    Kind { name: "APIKey", plural: "apikeys", crd: crd::<ApiKeyResource> },
    Kind { name: "MCPServer", plural: "mcpservers", crd: crd::<McpServerResource> },
    Kind { name: "Model", plural: "models", crd: crd::<ModelResource> },
    Kind { name: "ModelProvider", plural: "modelproviders", crd: crd::<ModelProviderResource> },
    Kind { name: "ResponsesGateway", plural: "responsesgateways", crd: crd::<ResponsesGatewayResource> },
    Kind { name: "Tenant", plural: "tenants", crd: crd::<TenantResource> },
    Kind { name: "ToolPolicy", plural: "toolpolicies", crd: crd::<ToolPolicyResource> },
];

/// One kind of custom resource.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    /// The kind as objects write it, for instance `Model`.
    pub name: &'static str,
    /// The name of its collection in the API, for instance `models`.
    pub plural: &'static str,
    /// Makes its definition.
    pub crd: fn() -> CustomResourceDefinition,
}

impl Kind {
    /// Writes the definition of this kind as YAML, as it lies in `yaml/`.
    ///
    /// Errors: only if the definition has no serialised form.
    pub fn to_yaml(&self) -> Result<String, serde_saphyr::ser::Error> {
        serde_saphyr::to_string(&(self.crd)())
    }
}

/// Returns the definition of `K` as clusters install it and as file mode checks it.
///
/// Optional means absent: the `nullable: true` that the derived schema has on every optional field is taken away, and so is
/// the name of the Rust type.
#[must_use]
pub fn crd<K: CustomResourceExt>() -> CustomResourceDefinition {
    let mut crd = K::crd();
    for version in &mut crd.spec.versions {
        if let Some(schema) = version.schema.as_mut().and_then(|schema| schema.open_api_v3_schema.as_mut()) {
            schema.title = None;
            refuse_null(schema);
        }
    }
    crd
}

/// Takes `nullable` away from a schema and everything below it.
fn refuse_null(schema: &mut JSONSchemaProps) {
    schema.nullable = None;
    schema.properties.iter_mut().flat_map(|properties| properties.values_mut()).for_each(refuse_null);
    match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(items)) => refuse_null(items),
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().for_each(refuse_null),
        None => {}
    }
    if let Some(JSONSchemaPropsOrBool::Schema(values)) = &mut schema.additional_properties {
        refuse_null(values);
    }
}
