//! Which replica leads: the holder of a Lease. It checks its claim before it acts, so that one that was stopped or cut off
//! does nothing with a claim that has lapsed.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, Client};
use kube_lease_manager::{LeaseManager, LeaseManagerBuilder};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

/// The Lease of all replicas.
pub(crate) const LEASE: &str = "fairlead-operator";
const DURATION_SECONDS: u64 = 15;
const GRACE_SECONDS: u64 = 5;
/// How long a checked claim counts: less than others must wait before they may take the Lease.
const CLAIM: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(3);

/// Contends for the Lease, for ever.
pub(crate) struct Contender {
    manager: LeaseManager,
}

/// The claim of this replica, checked when it is needed.
pub(crate) struct Claim {
    leases: Api<Lease>,
    identity: String,
    checked: Option<(Instant, Term)>,
}

/// One term of leadership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// How often the Lease has changed hands.
    pub(crate) transitions: u64,
}

impl Contender {
    /// Prepares to contend under a name that no other replica has.
    ///
    /// Errors: the Lease can neither be read nor made.
    pub(crate) async fn new(client: Client, namespace: &str, identity: &str) -> anyhow::Result<Self> {
        let manager = LeaseManagerBuilder::new(client, LEASE)
            .with_namespace(namespace)
            .with_identity(identity)
            .with_duration(DURATION_SECONDS)
            .with_grace(GRACE_SECONDS)
            .build()
            .await?;
        Ok(Self { manager })
    }

    /// Tells `leads` whether this replica holds the Lease, until it is dropped or `stop` comes; then lets go of it.
    ///
    /// Errors: the API server does not say. `leads` is false then, and somebody else has to begin anew: the manager tells
    /// changes alone, and what it told last would not be told again.
    pub(crate) async fn run(
        self,
        leads: &watch::Sender<bool>,
        mut stop: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        loop {
            tokio::select! {
                changed = self.manager.changed() => match changed {
                    Ok(holds) => {
                        info!(holds, "Leadership");
                        leads.send_replace(holds);
                    }
                    Err(error) => {
                        leads.send_replace(false);
                        return Err(error.into());
                    }
                },
                _ = stop.changed() => break,
            }
        }
        leads.send_replace(false);
        if let Ok(Err(error)) = timeout(PATIENCE, self.manager.release()).await {
            warn!(%error, "Cannot release the Lease; others wait until it lapses");
        }
        Ok(())
    }
}

impl Claim {
    pub(crate) fn new(client: Client, namespace: &str, identity: &str) -> Self {
        Self { leases: Api::namespaced(client, namespace), identity: identity.to_owned(), checked: None }
    }

    /// The present term, if this replica holds the Lease. Asks the API server unless it said so a moment ago by the monotonic
    /// clock, which goes on while a process is stopped.
    pub(crate) async fn check(&mut self) -> Option<Term> {
        if let Some((at, term)) = self.checked
            && at.elapsed() < CLAIM
        {
            return Some(term);
        }
        let asked = Instant::now();
        self.checked = match timeout(PATIENCE, self.leases.get(LEASE)).await {
            Ok(Ok(lease)) => self.term(&lease).map(|term| (asked, term)),
            Ok(Err(error)) => {
                warn!(%error, "Cannot check the claim to lead");
                None
            }
            Err(_) => None,
        };
        self.checked.map(|(_, term)| term)
    }

    fn term(&self, lease: &Lease) -> Option<Term> {
        let spec = lease.spec.as_ref()?;
        let holds = spec.holder_identity.as_deref() == Some(self.identity.as_str());
        let transitions =
            spec.lease_transitions.and_then(|count| u64::try_from(count).ok()).unwrap_or_default();
        holds.then_some(Term { transitions })
    }
}
