//! Certificates of authorities, from ConfigMaps.

use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;

use super::Scope;
use crate::diagnostics::{Degraded, Reason};
use crate::id::{EntryId, ObjectId};
use crate::spec::Authorities;

/// The longest bundle. That of a whole system has about as much.
const BUNDLE_BYTES: usize = 256 << 10;

impl Scope<'_> {
    /// Returns the certificates under a key of a ConfigMap.
    ///
    /// Where they are missing, or are none, that is reported at `path`, and those that were served last take their place. A
    /// ConfigMap of another namespace needs a ReferenceGrant there at all times.
    pub(crate) fn ca_bundle(
        &mut self,
        at: (&ObjectId, &str),
        asking: &ObjectId,
        path: &str,
    ) -> Option<String> {
        match self.look_up_bundle(at, asking) {
            Ok(bundle) => Some(bundle),
            Err((reason, message)) => {
                self.unresolved(reason, path, message);
                let last = self.last_bundle(asking).filter(|_| reason != Reason::RefNotPermitted)?;
                self.degrade(Degraded::ServingLastGood);
                Some(last)
            }
        }
    }

    fn look_up_bundle(
        &self,
        (holder, key): (&ObjectId, &str),
        asking: &ObjectId,
    ) -> Result<String, (Reason, String)> {
        let world = self.view().world;
        if holder.namespace != asking.namespace && !self.is_granted(holder, asking) {
            let message = format!("{holder} is missing, or no ReferenceGrant there permits it");
            return Err((Reason::RefNotPermitted, message));
        }
        let values = world.config_maps.get(holder);
        let values = values
            .ok_or_else(|| (Reason::ConfigMapNotFound, format!("{holder} does not exist: create it")))?;
        let value = values.get(key);
        let value = value
            .ok_or_else(|| (Reason::ConfigMapKeyNotFound, format!("{holder} has no key {key:?}: add it")))?;
        match flaw(value) {
            None => Ok(value.clone()),
            Some(flaw) => Err((Reason::InvalidConfigMap, format!("{holder}: the value of {key:?} {flaw}"))),
        }
    }

    fn last_bundle(&self, asking: &ObjectId) -> Option<String> {
        let last = self.last?.entries.get(&EntryId::of(asking))?;
        match &last.spec.tls()?.authorities {
            Authorities::Bundle(bundle) => Some(bundle.clone()),
            Authorities::System | Authorities::Missing => None,
        }
    }
}

/// Why a text is no bundle. What the certificates say is for whoever builds a runtime to judge.
fn flaw(text: &str) -> Option<&'static str> {
    if text.len() > BUNDLE_BYTES {
        return Some("is longer than 256 KiB");
    }
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text.as_bytes()).collect();
    match found {
        Err(_) => Some("is no PEM"),
        Ok(found) if found.is_empty() => Some("holds no certificate"),
        Ok(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_certificates_as_pem_and_not_too_long() {
        let block =
            |kind: &str, body: &str| format!("-----BEGIN {kind}-----\n{body}\n-----END {kind}-----\n");
        let good = block("CERTIFICATE", "MAA=");
        assert_eq!(flaw(&good), None);
        assert_eq!(flaw(&format!("# comment\n{good}{good}")), None);
        assert_eq!(flaw(""), Some("holds no certificate"));
        assert_eq!(flaw(&block("PRIVATE KEY", "MAA=")), Some("holds no certificate"));
        assert_eq!(flaw(&block("CERTIFICATE", "%%%")), Some("is no PEM"));
        assert_eq!(flaw("-----BEGIN CERTIFICATE-----\nMAA="), Some("is no PEM"));
        assert_eq!(flaw(&good.repeat(10_000)), Some("is longer than 256 KiB"));
    }
}
