//! Many objects at once, and one change among them.

use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::fleet::{Fleet, PATIENCE};
use super::quiet::written;

const MODELS: usize = 1_000;
/// From the last object to the last condition.
const PROGRAMMED_WITHIN: Duration = Duration::from_secs(30);

fn model(number: usize) -> String {
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: Model\nmetadata: {{name: many-{number}, namespace: OWN_NAMESPACE}}\nspec: \
         {{targets: [{{name: only, providerRef: {{name: fake}}, upstreamModel: x}}]}}\n---\n"
    )
}

/// How many models are programmed.
async fn programmed(fleet: &Fleet) -> anyhow::Result<usize> {
    let get = ["get", "models", "--namespace", &fleet.namespace, "--output", "json"];
    let list: Value = serde_json::from_str(&fleet.cluster.kubectl(&get).await?)?;
    let is_programmed = |model: &&Value| {
        let conditions = model["status"]["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        conditions.any(|one| one["type"] == "Programmed" && one["status"] == "True")
    };
    Ok(list["items"].as_array().map_or(0, |models| models.iter().filter(is_programmed).count()))
}

#[tokio::test]
async fn a_thousand_objects_are_programmed_and_one_change_writes_two_statuses() -> anyhow::Result<()> {
    let Some(fleet) = Fleet::start_alone().await? else { return Ok(()) };
    fleet.basics().await?;
    let proxy = fleet.proxy("one").await?;
    fleet.wait("model/demo", "Programmed").await?;
    let all: String = (0..MODELS).map(model).collect();
    fleet.apply(&all).await?;
    let applied = Instant::now();
    loop {
        let count = programmed(&fleet).await?;
        if count == MODELS + 1 {
            break;
        }
        let late = applied.elapsed() > PROGRAMMED_WITHIN;
        anyhow::ensure!(!late, "{count} of {MODELS} are programmed\n{}", fleet.operator.log());
        sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(
        proxy.api().get("/v1/models").await?.json()["data"].as_array().map(Vec::len),
        Some(MODELS + 1)
    );

    // The gateway's own figures may still be on their way.
    sleep(Duration::from_secs(6)).await;
    let mark = fleet.cluster.audit_mark()?;
    fleet.change("changed").await?;
    fleet.until_it_runs(&proxy, "changed").await?;
    fleet.programmed("Programmed", PATIENCE).await?;
    sleep(Duration::from_secs(6)).await;
    let mut writes: Vec<String> = written(&fleet, mark)?.into_iter().map(|write| write.resource).collect();
    writes.sort();
    // Health comes with a heartbeat, whenever three calls in a row agree.
    writes.retain(|resource| resource != "events" && resource != "modelproviders/status");
    assert_eq!(writes, ["models/status", "responsesgateways/status"]);
    Ok(())
}
