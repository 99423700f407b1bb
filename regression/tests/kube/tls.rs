//! The stream over TLS: a proxy takes configuration from the operator that it was told to trust, and from nobody else.

use std::path::Path;
use std::process::Command;

use anyhow::Context;
use tempfile::TempDir;

use super::fleet::{Fleet, PATIENCE};

/// Two authorities, and a certificate of the first one for this machine.
struct Certificates(TempDir);

impl Certificates {
    fn make() -> anyhow::Result<Self> {
        let made = Self(tempfile::tempdir()?);
        for authority in ["ours", "other"] {
            let subject = format!("/CN={authority}");
            let paths = [made.path(&format!("{authority}.key")), made.path(&format!("{authority}.pem"))];
            let request = ["req", "-x509", "-subj", &subject, "-keyout", &paths[0], "-out", &paths[1]];
            openssl(&[&request[..], &EC].concat())?;
        }
        let (key, pem) = (made.path("server.key"), made.path("server.pem"));
        let (authority, theirs) = (made.path("ours.pem"), made.path("ours.key"));
        let request = ["req", "-x509", "-subj", "/CN=operator", "-keyout", &key, "-out", &pem];
        let signed = ["-CA", &authority, "-CAkey", &theirs, "-addext", "basicConstraints=critical,CA:FALSE"];
        let named = ["-addext", "subjectAltName=IP:127.0.0.1"];
        openssl(&[&request[..], &signed, &named, &EC].concat())?;
        Ok(made)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

const EC: [&str; 6] = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch"];

fn openssl(arguments: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("openssl").args(arguments).output();
    let output = output.context("openssl is needed: apt-get install openssl")?;
    anyhow::ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[tokio::test]
async fn configuration_is_taken_from_an_operator_of_the_right_authority_alone() -> anyhow::Result<()> {
    let certificates = Certificates::make()?;
    let (pem, key) = (certificates.path("server.pem"), certificates.path("server.key"));
    let Some(fleet) = Fleet::start_with(&["--tls-cert", &pem, "--tls-key", &key]).await? else {
        return Ok(());
    };
    fleet.basics().await?;
    let (trusted, cache, seal) =
        (certificates.path("trusted.pem"), certificates.path("cache"), certificates.path("seal"));
    std::fs::copy(certificates.path("ours.pem"), &trusted)?;
    std::fs::write(Path::new(&seal), [7; 32])?;
    let flags = ["--operator-ca", &trusted, "--config-cache", &cache, "--config-cache-key-file", &seal];
    let mut proxy = fleet.setup("one").await?.flags(&flags).start().await?;
    fleet.programmed("Programmed", PATIENCE).await?;
    fleet.change("encrypted").await?;
    fleet.until_it_runs(&proxy, "encrypted").await?;

    // The same proxy, told to trust somebody else: it serves what it had, and takes nothing.
    std::fs::copy(certificates.path("other.pem"), &trusted)?;
    proxy.restart().await?;
    fleet.change("unheard").await?;
    fleet.programmed("NoProxies", PATIENCE).await?;
    fleet.until_it_runs(&proxy, "encrypted").await?;
    let log = proxy.logged("serving the last configuration from disk").await?;
    assert!(log.contains("certificate"), "{log}");

    // One without anything to fall back on does not serve.
    let stranger = fleet.setup("two").await?.flags(&["--operator-ca", &trusted]).start().await;
    let refused = format!("{:#}", stranger.expect_err("it must not get ready"));
    assert!(refused.contains("not ready") && refused.contains("certificate"), "{refused}");
    Ok(())
}
