//! Certificates for servers on this machine.

use std::process::Command;

use anyhow::Context;
use tempfile::TempDir;

/// Two authorities, and a certificate of the first one for this machine.
#[derive(Debug)]
pub struct Certificates(TempDir);

impl Certificates {
    /// Makes them with openssl: `ours.pem` and `other.pem` are the authorities, `server.pem` and `server.key` are for
    /// `localhost`.
    ///
    /// Errors: there is no openssl.
    pub fn make() -> anyhow::Result<Self> {
        let made = Self(tempfile::tempdir()?);
        for authority in ["ours", "other"] {
            let subject = format!("/CN={authority}");
            let paths = [made.path(&format!("{authority}.key")), made.path(&format!("{authority}.pem"))];
            let request = ["req", "-x509", "-subj", &subject, "-keyout", &paths[0], "-out", &paths[1]];
            openssl(&[&request[..], &EC].concat())?;
        }
        let (key, pem) = (made.path("server.key"), made.path("server.pem"));
        let (authority, theirs) = (made.path("ours.pem"), made.path("ours.key"));
        let request = ["req", "-x509", "-subj", "/CN=localhost", "-keyout", &key, "-out", &pem];
        let signed = ["-CA", &authority, "-CAkey", &theirs, "-addext", "basicConstraints=critical,CA:FALSE"];
        let named = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
        openssl(&[&request[..], &signed, &named, &EC].concat())?;
        Ok(made)
    }

    /// A file by its name.
    pub fn path(&self, name: &str) -> String {
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
