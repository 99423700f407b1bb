//! Whose certificates a connection accepts.

use std::sync::{Arc, OnceLock};

use config::spec::{Authorities, Tls};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use rustls_platform_verifier::{ConfigVerifierExt, Verifier};

/// The TLS settings of connections to `host`: what `tls` says, and where that says nothing, what the system does.
///
/// Errors: a bundle that holds no certificate of an authority, a name that is none, or the certificates of the system cannot
/// be had.
pub(super) fn settings(tls: &Tls, host: &str) -> Result<ClientConfig, Error> {
    if tls.is_default() {
        return of_system();
    }
    let verifier = Expecting { inner: authorities(&tls.authorities)?, name: expected(tls, host)? };
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// Made when the first connection needs it: to read the certificates of the system takes long.
fn of_system() -> Result<ClientConfig, Error> {
    static TLS: OnceLock<ClientConfig> = OnceLock::new();
    if let Some(known) = TLS.get() {
        return Ok(known.clone());
    }
    let made = ClientConfig::with_platform_verifier()?;
    Ok(TLS.get_or_init(|| made).clone())
}

/// Made once: it reads the certificates of the system.
fn system() -> Result<Arc<Verifier>, Error> {
    static SYSTEM: OnceLock<Arc<Verifier>> = OnceLock::new();
    if let Some(known) = SYSTEM.get() {
        return Ok(Arc::clone(known));
    }
    let made = Arc::new(Verifier::new(provider())?);
    Ok(Arc::clone(SYSTEM.get_or_init(|| made)))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Whoever checks; `None` trusts nobody.
fn authorities(authorities: &Authorities) -> Result<Option<Arc<dyn ServerCertVerifier>>, Error> {
    Ok(Some(match authorities {
        Authorities::System => system()?,
        Authorities::Missing => return Ok(None),
        Authorities::Bundle(pem) => {
            let unusable = |_| Error::General("tls.caBundleRef: a certificate cannot be used".to_owned());
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                roots.add(certificate.map_err(unusable)?).map_err(|error| {
                    Error::General(format!("tls.caBundleRef: a certificate cannot be used: {error}"))
                })?;
            }
            let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
            built.map_err(|error| Error::General(format!("tls.caBundleRef: {error}")))?
        }
    }))
}

/// The host and the name that counts in its place.
type Names = (ServerName<'static>, ServerName<'static>);

fn expected(tls: &Tls, host: &str) -> Result<Option<Names>, Error> {
    let Some(name) = &tls.server_name else { return Ok(None) };
    let read = |name: &str| {
        let read = ServerName::try_from(name.trim_matches(['[', ']']).to_owned());
        read.map_err(|_| Error::General(format!("tls.serverName: {name:?} is no name of a server")))
    };
    Ok(Some((read(host)?, read(name)?)))
}

/// Trusts some, or nobody, and may expect another name in the certificate than that of the host.
#[derive(Debug)]
struct Expecting {
    inner: Option<Arc<dyn ServerCertVerifier>>,
    name: Option<Names>,
}

impl Expecting {
    fn inner(&self) -> Result<&Arc<dyn ServerCertVerifier>, Error> {
        self.inner.as_ref().ok_or_else(|| CertificateError::UnknownIssuer.into())
    }
}

impl ServerCertVerifier for Expecting {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let name = match &self.name {
            Some((of_url, name)) if of_url == host => name,
            Some(_) | None => host,
        };
        self.inner()?.verify_server_cert(certificate, chain, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner()?.verify_tls12_signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner()?.verify_tls13_signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        match &self.inner {
            Some(inner) => inner.supported_verify_schemes(),
            None => provider().signature_verification_algorithms.supported_schemes(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_said_and_nothing_else_happens() {
        let pem = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
        let bundle = |pem: &str| Tls { authorities: Authorities::Bundle(pem.into()), server_name: None };
        for tls in [bundle(pem), bundle(""), bundle("-----BEGIN CERTIFICATE-----\n%")] {
            let refused = settings(&tls, "a.example").expect_err("no bundle").to_string();
            assert!(refused.contains("tls.caBundleRef"), "{refused}");
        }
        let unnamed = Tls { authorities: Authorities::Missing, server_name: Some("not a name".into()) };
        let refused = settings(&unnamed, "a.example").expect_err("no name").to_string();
        assert!(refused.contains("tls.serverName"), "{refused}");
        let missing = Tls { authorities: Authorities::Missing, server_name: None };
        assert!(settings(&missing, "a.example").is_ok(), "to trust nobody is a setting");
    }
}
