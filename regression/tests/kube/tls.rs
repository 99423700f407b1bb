//! The stream over TLS: a proxy takes configuration from the operator that it was told to trust, and from nobody else.

use std::path::Path;

use regression::harness::Certificates;

use super::fleet::{Fleet, PATIENCE};

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
    fleet.wait("model/demo", "Programmed").await?; // of this generation

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
