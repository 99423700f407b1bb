//! A cluster in which nothing happens.

use std::collections::BTreeSet;
use std::time::Duration;

use regression::harness::kube::{Mark, Write};
use regression::harness::{Front, Operator};
use tokio::time::{Instant, sleep};

use super::fleet::Fleet;
use super::recall::restarted;

/// Longer than two rounds in which the operator looks at statuses without a reason, and than a renewal of the Lease.
const WATCHED: Duration = Duration::from_secs(15);
const OPERATOR: &str = "system:serviceaccount:fairlead-system:fairlead-operator";

/// What the operators have written since then, besides Leases and questions, which store nothing.
pub(crate) fn written(fleet: &Fleet, since: Mark) -> anyhow::Result<Vec<Write>> {
    let mut writes = fleet.cluster.audit(since)?;
    writes.retain(|write| {
        write.user == OPERATOR && write.resource != "leases" && write.resource != "tokenreviews"
    });
    Ok(writes)
}

/// By then proxies have found a new leader.
const FOUND: Duration = Duration::from_secs(31);

#[tokio::test]
async fn nothing_is_written_while_nothing_happens_and_much_is_when_it_does() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start().await? else { return Ok(()) };
    let began = fleet.cluster.audit_mark()?;
    fleet.basics().await?;
    fleet.apply(TEAM).await?;
    let mut follower = Operator::start(fleet.cluster, &format!("{}-2", fleet.namespace)).await?;
    follower.ready().await?;
    let _proxies = [fleet.proxy("one").await?, fleet.proxy("two").await?];
    for what in ["responsesgateway/main", "modelprovider/fake", "model/demo", "tenant/red", "apikey/app"] {
        fleet.wait(what, "Programmed").await?;
    }
    let broken = "apiVersion: fairlead.dev/v1alpha1\nkind: Model\nmetadata: {name: broken, namespace: OWN_NAMESPACE}\nspec:\n  targets: \
                  [{name: only, providerRef: {name: missing}, upstreamModel: x}]\n";
    fleet.apply(broken).await?;
    fleet.wait("model/broken", "Ready=false").await?;
    let touched: BTreeSet<String> = written(&fleet, began)?.into_iter().map(|write| write.resource).collect();
    for resource in ["models/status", "tenants/status", "apikeys/status", "secrets"] {
        assert!(touched.contains(resource), "the audit log sees the operator: {touched:?}");
    }

    // The last words about what has just happened, and about upstreams of which no proxy tells this leader anything.
    sleep(FOUND).await;
    settled(&fleet).await?;
    let mark = fleet.cluster.audit_mark()?;
    sleep(WATCHED).await;
    let writes = written(&fleet, mark)?;
    assert!(writes.is_empty(), "{writes:#?}");
    let leases = fleet.cluster.audit(mark)?.into_iter().filter(|write| write.resource == "leases").count();
    assert!((1..=6).contains(&leases), "{leases} writes of the Lease within {WATCHED:?}");
    Ok(())
}

#[tokio::test]
async fn a_new_leader_has_nothing_to_say_about_what_is_served_as_before() -> anyhow::Result<()> {
    let Some(mut fleet) = Fleet::start().await? else { return Ok(()) };
    fleet.basics().await?;
    let front = Front::start(fleet.operator.delivery().address()).await?;
    let _one = fleet.setup_at("one", &front.url()).await?.start().await?;
    let _two = fleet.setup_at("two", &front.url()).await?.start().await?;
    fleet.wait("model/demo", "Programmed").await?;
    settled(&fleet).await?;
    let mark = fleet.cluster.audit_mark()?;
    restarted(&mut fleet, &front).await?;
    fleet.delivery("both are back", |delivery| delivery["proxies"]["applied"] == 2).await?;
    sleep(FOUND).await;
    let mut writes = written(&fleet, mark)?;
    // The gateway tells of the fleet, and other namespaces have no proxies left.
    writes.retain(|write| write.namespace == fleet.namespace && write.resource != "responsesgateways/status");
    assert!(writes.is_empty(), "{writes:#?}");
    Ok(())
}

/// Waits until nothing was written for a while.
async fn settled(fleet: &Fleet) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let mark = fleet.cluster.audit_mark()?;
        sleep(Duration::from_secs(6)).await;
        let writes = written(fleet, mark)?;
        if writes.is_empty() {
            return Ok(());
        }
        anyhow::ensure!(Instant::now() < end, "it does not settle: {writes:#?}\n{}", fleet.operator.log());
    }
}

const TEAM: &str = r#"
apiVersion: fairlead.dev/v1alpha1
kind: ResponsesGateway
metadata: {name: main, namespace: OWN_NAMESPACE}
spec:
  tenancy: {mode: Multi}
  authentication: {mode: Required, methods: [APIKey, ServiceAccount]}
  configDelivery: {disconnectTimeout: 5s}
  infrastructure: {mode: External, serviceAccounts: [{name: proxy, namespace: OWN_NAMESPACE}]}
---
apiVersion: fairlead.dev/v1alpha1
kind: Tenant
metadata: {name: red, namespace: OWN_NAMESPACE}
spec: {namespaces: [OWN_NAMESPACE]}
---
apiVersion: fairlead.dev/v1alpha1
kind: APIKey
metadata: {name: app, namespace: OWN_NAMESPACE}
spec:
  gatewayRefs: [{name: main}]
  secretRef: {name: app-key}
  generate: true
  rotation: {every: 720h, overlap: 24h}
"#;
