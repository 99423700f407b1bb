//! What all scenarios share: the model server, the places of programs and files, and the way to measure.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::drive::arguments::Arguments;
use crate::drive::load::Load;
use crate::drive::peer::Peer;
use crate::drive::placement::{Placement, Role};
use crate::drive::post;
use crate::drive::process::{Process, free_address};
use crate::drive::procfs;
use crate::drive::sample::Sample;
use crate::drive::spread::Spread;
use crate::load::Summary;

/// A run during which others used more than this, in cores, is repeated once.
const FOREIGN: f64 = 0.15;

/// The running harness.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) placement: Placement,
    pub(crate) rounds: usize,
    pub(crate) seconds: f64,
    pub(crate) full: bool,
    folder: PathBuf,
    programs: PathBuf,
    proxy: PathBuf,
    model: Process,
    model_address: String,
    foreign: RefCell<Vec<f64>>,
}

impl Stage {
    /// Starts the model server and empties the folder.
    pub(crate) fn set(arguments: &Arguments) -> anyhow::Result<Self> {
        let programs = std::env::current_exe()?.parent().context("no folder of programs")?.to_owned();
        let proxy = arguments.proxy.clone().unwrap_or_else(|| programs.join("fairlead-proxy"));
        anyhow::ensure!(proxy.exists(), "{} is missing: build it first", proxy.display());
        let folder = arguments.folder.join("run");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let placement = Placement::find();
        let model_address = free_address()?;
        let mut command = placement.command(&programs.join("bench-mock"), Role::Harness);
        command.arg(&model_address);
        let model = Process::start(command, &folder.join("mock.log"))?;
        let (rounds, seconds, full) = (arguments.rounds.max(1), arguments.seconds, arguments.full);
        let foreign = RefCell::default();
        let stage =
            Self { placement, rounds, seconds, full, folder, programs, proxy, model, model_address, foreign };
        stage.await_model()?;
        stage.configure(&stage.folder.join("config"))?;
        Ok(stage)
    }

    /// The model server without a proxy.
    pub(crate) fn direct(&self) -> Peer {
        Peer::direct(&self.model_address)
    }

    /// Starts the bare pass-through.
    pub(crate) fn floor(&self) -> anyhow::Result<Peer> {
        let address = free_address()?;
        let mut command = self.placement.command(&self.programs.join("bench-floor"), Role::Peer);
        command.args([&address, &self.model_address]);
        Peer::start(command, address, &self.folder.join("floor.log"))
    }

    /// Starts the proxy with its state in the folder `data`.
    pub(crate) fn fairlead(&self, data: &Path) -> anyhow::Result<Peer> {
        self.fairlead_on(&self.folder.join("config"), data)
    }

    /// The same with so many more models.
    pub(crate) fn fairlead_with(&self, models: usize, data: &Path) -> anyhow::Result<Peer> {
        let folder = self.folder.join(format!("config-{models}"));
        self.configure(&folder)?;
        fs::write(folder.join("models.yaml"), (0..models).map(model).collect::<String>())?;
        self.fairlead_on(&folder, data)
    }

    fn fairlead_on(&self, config: &Path, data: &Path) -> anyhow::Result<Peer> {
        fs::create_dir_all(data)?;
        let (address, admin) = (free_address()?, free_address()?);
        let mut command = self.placement.command(&self.proxy, Role::Peer);
        command.arg("--config").arg(config);
        command.args(["--listen", &address, "--admin-listen", &admin]);
        command.arg("--data-dir").arg(data);
        command.args(["--egress-allow-loopback", "--threads", "1"]);
        Peer::start(command, address, &self.folder.join("fairlead.log"))
    }

    /// A folder for files of a scenario.
    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Sets how streams are sent.
    pub(crate) fn stream(&self, chunks: u64, pace_us: u64) -> anyhow::Result<()> {
        self.control(&format!("chunks={chunks}&pace_us={pace_us}")).map(drop)
    }

    /// Messages of the last request that reached the model server.
    pub(crate) fn last_messages(&self) -> anyhow::Result<u64> {
        Ok(self.control("")?.1)
    }

    /// Loads a peer once, or twice if others disturb; then the quieter run counts.
    pub(crate) fn measure(&self, peer: &Peer, load: &Load) -> anyhow::Result<Sample> {
        let mut sample = self.measure_for(peer, load, self.seconds)?;
        if sample.foreign > FOREIGN {
            let again = self.measure_for(peer, load, self.seconds)?;
            if again.foreign < sample.foreign {
                sample = again;
            }
        }
        self.foreign.borrow_mut().push(sample.foreign);
        Ok(sample)
    }

    pub(crate) fn measure_for(&self, peer: &Peer, load: &Load, seconds: f64) -> anyhow::Result<Sample> {
        let mut command = self.placement.command(&self.programs.join("bench-load"), Role::Harness);
        load.arguments(&mut command, &peer.address, seconds);
        let calls = self.calls()?;
        let (machine, cpu) = (procfs::machine_cpu_s()?, peer.cpu_s()?);
        let harness = self.harness_cpu_s()?;
        let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
        let cpu_s = peer.cpu_s()? - cpu;
        let harness_s = self.harness_cpu_s()? - harness;
        let others_s = procfs::machine_cpu_s()? - machine - cpu_s - harness_s;
        let summary: Summary = serde_json::from_slice(&output.stdout)
            .with_context(|| format!("bench-load: {}", String::from_utf8_lossy(&output.stderr)))?;
        let foreign = (others_s / summary.seconds).max(0.0);
        let calls = self.calls()? - calls;
        Ok(Sample { summary, cpu_s, foreign, calls, calls_each: load.calls })
    }

    /// How much others used the machine.
    pub(crate) fn foreign(&self) -> String {
        let foreign = self.foreign.borrow();
        let disturbed = foreign.iter().filter(|cores| **cores > FOREIGN).count();
        let (spread, runs) = (Spread::of(&foreign), foreign.len());
        format!("CPU used by others, in cores: {spread}; above {FOREIGN} in {disturbed} of {runs} runs.")
    }

    fn harness_cpu_s(&self) -> anyhow::Result<f64> {
        Ok(procfs::cpu_s(self.model.id())? + procfs::own_cpu_s()?)
    }

    fn calls(&self) -> anyhow::Result<u64> {
        Ok(self.control("")?.0)
    }

    /// Calls of the model and messages of the last one.
    fn control(&self, query: &str) -> anyhow::Result<(u64, u64)> {
        let (_, answer) = post::post(&self.model_address, &format!("/_ctl?{query}"), "")?;
        let counters: serde_json::Value = serde_json::from_str(&answer)?;
        let field = |name: &str| counters[name].as_u64().with_context(|| format!("no {name} in {answer}"));
        Ok((field("calls")?, field("messages")?))
    }

    fn await_model(&self) -> anyhow::Result<()> {
        for _ in 0..200 {
            if self.calls().is_ok() {
                return Ok(());
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        anyhow::bail!("the model server does not answer on {}", self.model_address)
    }

    fn configure(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        let address = &self.model_address;
        let text = format!(
            r#"apiVersion: fairlead.dev/v1alpha1
kind: ModelProvider
metadata: {{name: mock}}
spec: {{type: OpenAI, baseURL: "http://{address}/v1", openai: {{api: ChatCompletions}}}}
---
apiVersion: fairlead.dev/v1alpha1
kind: Model
metadata: {{name: mock}}
spec: {{targets: [{{name: only, providerRef: {{name: mock}}, upstreamModel: mock}}]}}
---
apiVersion: fairlead.dev/v1alpha1
kind: MCPServer
metadata: {{name: bench}}
spec:
  endpoint: {{url: "http://{address}/mcp"}}
  protocol: Modern
  catalogTTL: 1h
  approval: {{default: Never}}
  limits: {{maxConcurrentCalls: 10000, callsPerSecond: 10000}}
"#
        );
        fs::write(folder.join("bench.yaml"), text)?;
        Ok(())
    }
}

/// One of many models that nobody asks for.
fn model(number: usize) -> String {
    format!(
        "apiVersion: fairlead.dev/v1alpha1
kind: Model
metadata: {{name: many-{number}}}
spec: {{targets: [{{name: only, providerRef: {{name: mock}}, upstreamModel: many-{number}}}]}}
---
"
    )
}
