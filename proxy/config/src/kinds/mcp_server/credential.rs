//! Finds the credential of an MCPServer.

use crds::McpServer;
use crds::mcp_server::{Auth, ClientCredentials as Asked, SecretHeader};
use crds::model_provider::OnMissingSecret;
use crds::reference::SecretKeyRef;

use super::set;
use crate::compile::Scope;
use crate::id::{ObjectId, SecretId};
use crate::spec::{ClientCredentials, Held, McpCredential};

/// Lists the Secrets that the credential needs.
pub(super) fn secrets(server: &McpServer, id: &ObjectId) -> Vec<ObjectId> {
    let Some(auth) = &server.auth else { return Vec::new() };
    let refs = auth.bearer.iter().map(|bearer| &bearer.secret_ref);
    let refs = refs.chain(auth.headers.iter().flatten().map(|header| &header.secret_ref));
    let client = auth.oauth_client_credentials.iter().map(|client| part(client, "clientID", id).holder);
    refs.map(|found| secret(found, id).holder).chain(client).collect()
}

/// Finds the server's own credential, or the last one known where that is allowed.
pub(super) fn credential(
    (server, url): (&McpServer, &str),
    id: &ObjectId,
    scope: &mut Scope<'_>,
) -> McpCredential {
    let Some(auth) = &server.auth else { return McpCredential::None };
    let keep_last = server.on_missing_secret == OnMissingSecret::KeepLastGood;
    let mut found = Finder { id, scope, keep_last };
    found.credential(auth, url).unwrap_or(McpCredential::Missing)
}

struct Finder<'a, 'b> {
    id: &'a ObjectId,
    scope: &'a mut Scope<'b>,
    keep_last: bool,
}

impl Finder<'_, '_> {
    fn credential(&mut self, auth: &Auth, url: &str) -> Option<McpCredential> {
        if let Some(bearer) = &auth.bearer {
            let held = self.held(secret(&bearer.secret_ref, self.id), "spec.auth.bearer.secretRef");
            return held.map(McpCredential::Bearer);
        }
        match &auth.oauth_client_credentials {
            Some(client) => {
                self.client(client, url).map(|client| McpCredential::ClientCredentials(Box::new(client)))
            }
            None => self.headers(auth.headers.as_deref().unwrap_or_default()),
        }
    }

    /// Looks for every header, so that all that is missing is told at once.
    fn headers(&mut self, headers: &[SecretHeader]) -> Option<McpCredential> {
        let held = |(place, header): (usize, &SecretHeader)| {
            let path = format!("spec.auth.headers[{place}].secretRef");
            (header.name.to_ascii_lowercase(), self.held(secret(&header.secret_ref, self.id), &path))
        };
        let found: Vec<_> = headers.iter().enumerate().map(held).collect();
        let found: Option<_> = found.into_iter().map(|(name, held)| Some((name, held?))).collect();
        found.map(McpCredential::Headers)
    }

    fn client(&mut self, client: &Asked, url: &str) -> Option<ClientCredentials> {
        let path = "spec.auth.oauthClientCredentials.clientSecretRef";
        let mut held = |key| self.held(part(client, key, self.id), path);
        let (client_id, client_secret) = (held("clientID"), held("clientSecret"));
        Some(ClientCredentials {
            token_url: client.token_url.clone(),
            client_id: client_id?,
            client_secret: client_secret?,
            scopes: set(client.scopes.as_deref().unwrap_or_default()),
            resource: client.resource.clone().unwrap_or_else(|| url.to_owned()),
        })
    }

    fn held(&mut self, secret: SecretId, path: &str) -> Option<Held> {
        let hash = self.scope.secret((&secret, self.id), path, self.keep_last)?;
        Some(Held { secret, hash })
    }
}

fn secret(reference: &SecretKeyRef, id: &ObjectId) -> SecretId {
    let namespace = reference.namespace.as_ref().unwrap_or(&id.namespace);
    SecretId::new(namespace, &reference.name, &reference.key)
}

fn part(client: &Asked, key: &str, id: &ObjectId) -> SecretId {
    let reference = &client.client_secret_ref;
    SecretId::new(reference.namespace.as_ref().unwrap_or(&id.namespace), &reference.name, key)
}
