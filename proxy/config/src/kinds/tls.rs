//! Finds what TLS connections are checked by.

use crds::reference::ConfigMapKeyRef;
use crds::tls::Tls as Asked;

use crate::compile::Scope;
use crate::id::ObjectId;
use crate::spec::{Authorities, Tls};

/// Names the ConfigMap that is needed, if any is.
pub(super) fn config_maps(asked: Option<&Asked>, id: &ObjectId) -> Vec<ObjectId> {
    let reference = asked.and_then(|asked| asked.ca_bundle_ref.as_ref());
    reference.map(|reference| holder(reference, id)).into_iter().collect()
}

/// Finds the authorities. Where the bundle is missing, that is reported, and the last one stays; without one nobody is trusted.
pub(super) fn tls(asked: Option<&Asked>, id: &ObjectId, scope: &mut Scope<'_>) -> Tls {
    let Some(asked) = asked else { return Tls::default() };
    let authorities = match &asked.ca_bundle_ref {
        None => Authorities::System,
        Some(reference) => {
            let at = (&holder(reference, id), reference.key.as_str());
            let found = scope.ca_bundle(at, id, "spec.tls.caBundleRef");
            found.map_or(Authorities::Missing, Authorities::Bundle)
        }
    };
    Tls { authorities, server_name: asked.server_name.clone() }
}

fn holder(reference: &ConfigMapKeyRef, id: &ObjectId) -> ObjectId {
    ObjectId::new("ConfigMap", reference.namespace.as_ref().unwrap_or(&id.namespace), &reference.name)
}
