//! The suite on a real PostgreSQL: the one that `FAIRLEAD_TEST_POSTGRES_URL` names, else a cluster of its own.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use store::{Settings, Store};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::conformance::hold_to_all_laws;
use crate::examples::*;

const NOBODY: u32 = 65_534;

#[tokio::test]
async fn postgres_keeps_all_laws() {
    if let Some(url) = given_url() {
        let store = Store::open(&Settings::postgres(&url)).await.unwrap();
        hold_to_all_laws(&store).await;
        return store.close().await;
    }
    let Some(cluster) = Cluster::start() else { return };
    let store = Store::open(&Settings::postgres(&cluster.url())).await.unwrap();
    hold_to_all_laws(&store).await;
    store.close().await;
}

#[tokio::test]
async fn a_stopped_server_is_told_within_a_second_and_a_started_one_is_used_again() {
    let Some(cluster) = Cluster::start() else { return };
    let store = Store::open(&Settings::postgres(&cluster.url())).await.unwrap();
    let tenant = tenant("stopped");
    store.responses.put(&tenant, turn("a", None)).await.unwrap();
    store.responses.get(&tenant, "resp_a", NOW).await.unwrap();

    cluster.control(&["stop", "-m", "immediate"]);
    for name in ["b", "c"] {
        let begun = Instant::now();
        let written = store.responses.put(&tenant, turn(name, None)).await;
        assert!(written.as_ref().is_err_and(store::Error::is_transient), "{written:?}");
        let read = store.responses.get(&tenant, "resp_a", NOW).await;
        assert!(read.as_ref().is_err_and(store::Error::is_transient), "{read:?}");
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }

    cluster.control(&["start"]);
    let deadline = Instant::now() + Duration::from_secs(5);
    while let Err(error) = store.responses.put(&tenant, turn("d", None)).await {
        assert!(Instant::now() < deadline, "{error}");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(store.responses.get(&tenant, "resp_a", NOW).await.unwrap().is_some());
    store.close().await;
}

#[expect(clippy::disallowed_methods, reason = "names the server to test against")]
fn given_url() -> Option<String> {
    std::env::var("FAIRLEAD_TEST_POSTGRES_URL").ok()
}

/// A cluster in a temporary folder, stopped when it is dropped.
struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

impl Cluster {
    fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("SKIPPED: no PostgreSQL in /usr/lib/postgresql; get it by: apt-get install postgresql");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let cluster = Self { folder, programs, port };
        if is_root() {
            chown(cluster.folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = cluster.data();
        let flags = ["-A", "trust", "-U", "fairlead", "-E", "UTF8", "--locale=C", "--no-sync", "-D", &data];
        cluster.run("initdb", &flags);
        cluster.control(&["start"]);
        Some(cluster)
    }

    fn url(&self) -> String {
        format!("postgres://fairlead@127.0.0.1:{}/postgres", self.port)
    }

    fn control(&self, command: &[&str]) {
        let folder = self.folder.path().display();
        let options = format!("-p {} -k {folder} -c listen_addresses=127.0.0.1", self.port);
        let (data, log) = (self.data(), format!("{folder}/log"));
        let mut flags = vec!["-D", &data, "-l", &log, "-w", "-o", &options];
        flags.splice(0..0, command.iter().copied());
        self.run("pg_ctl", &flags);
    }

    fn data(&self) -> String {
        self.folder.path().join("data").display().to_string()
    }

    /// The server refuses to run as root.
    fn run(&self, program: &str, flags: &[&str]) {
        let mut command = Command::new(self.programs.join(program));
        command.args(flags).current_dir(self.folder.path()).stdout(Stdio::null());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        assert!(command.status().unwrap().success(), "{command:?}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.control(&["stop", "-m", "immediate"]);
    }
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

/// The newest version that is installed.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut found: Vec<_> = versions.flatten().map(|version| version.path().join("bin")).collect();
    found.retain(|programs: &PathBuf| has(programs, "initdb") && has(programs, "pg_ctl"));
    found.sort();
    found.pop()
}

fn has(folder: &Path, program: &str) -> bool {
    folder.join(program).is_file()
}
