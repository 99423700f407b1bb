//! Access tokens by client credentials.

use protocol::destination::Destination;
use regression::fakes::mcp::{Access, Behaviour, Eras};
use secrecy::SecretString;
use serde_json::json;
use tools::mcp::{ClientAuth, ClientCredentials, Reason, Server};

use super::stage::{REACH, Stage, bearing};

async fn stage() -> anyhow::Result<(Stage, Server)> {
    let access = Access::Issued;
    let stage = Stage::new(Behaviour { access, eras: Eras::LEGACY, ..Behaviour::default() }).await?;
    let mut server = stage.server();
    server.oauth = Some(ClientCredentials {
        token_url: Destination::parse(&stage.fake.token_url(), REACH)?,
        client_id: "fairlead".into(),
        client_secret: SecretString::from("hunter2"),
        auth: ClientAuth::Basic,
        scopes: vec!["tools".into()],
        resource: Some(stage.fake.url()),
        audience: None,
    });
    Ok((stage, server))
}

fn tokens(stage: &Stage) -> usize {
    stage.fake.requests().iter().filter(|request| request.path == "/token").count()
}

#[tokio::test]
async fn a_token_is_asked_for_once_and_used() -> anyhow::Result<()> {
    let (stage, server) = stage().await?;
    let (one, two) = tokio::join!(stage.names(&server), stage.call(&server, "echo", json!({"text": "x"})));
    assert_eq!((one?.len(), two?.as_str()), (7, "x"));
    stage.call(&server, "echo", json!({"text": "y"})).await?;
    assert_eq!((tokens(&stage), stage.fake.asked("initialize")), (1, 1));
    let asked = stage.fake.requests().into_iter().find(|request| request.path == "/token").expect("asked");
    assert_eq!(asked.header("authorization"), Some("Basic ZmFpcmxlYWQ6aHVudGVyMg=="));
    assert!(asked.body.starts_with("grant_type=client_credentials&scope=tools&resource=http%3A%2F%2F127"));
    assert!(!asked.body.contains("hunter2"));
    Ok(())
}

#[tokio::test]
async fn a_token_that_is_refused_is_replaced_once() -> anyhow::Result<()> {
    let (stage, server) = stage().await?;
    stage.names(&server).await?;
    stage.fake.revoke();
    assert_eq!(stage.call(&server, "echo", json!({"text": "x"})).await?, "x");
    assert_eq!(tokens(&stage), 2);
    stage.fake.behave(|behaviour| behaviour.access = Access::Bearers(Vec::new()));
    let failure = stage.call(&server, "echo", json!({"text": "x"})).await.expect_err("refused");
    assert_eq!((failure.reason(), tokens(&stage)), (Some(Reason::Status(401)), 3));
    Ok(())
}

#[tokio::test]
async fn a_token_that_runs_out_is_replaced_before() -> anyhow::Result<()> {
    let (stage, server) = stage().await?;
    stage.fake.behave(|behaviour| behaviour.issuer.expires_in = Some(0));
    stage.call(&server, "echo", json!({"text": "x"})).await?;
    stage.call(&server, "echo", json!({"text": "x"})).await?;
    assert_eq!(tokens(&stage), 2);
    Ok(())
}

#[tokio::test]
async fn an_issuer_that_refuses_is_a_failure_of_its_own() -> anyhow::Result<()> {
    let (stage, server) = stage().await?;
    stage.fake.behave(|behaviour| behaviour.issuer.refuses = true);
    let failure = stage.names(&server).await.expect_err("no token");
    assert_eq!(failure.reason(), Some(Reason::Token));
    assert_eq!(stage.fake.asked("initialize") + stage.fake.asked("server/discover"), 0);
    Ok(())
}

#[tokio::test]
async fn a_bearer_that_is_given_needs_no_issuer() -> anyhow::Result<()> {
    let (stage, server) = stage().await?;
    stage.fake.behave(|behaviour| behaviour.access = Access::Bearers(vec!["own".into()]));
    assert_eq!(stage.names(&bearing(server, "own")).await?.len(), 7);
    assert_eq!(tokens(&stage), 0);
    Ok(())
}
