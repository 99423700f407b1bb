//! Cleans up after a cluster when the tests are over, however they ended.

use std::io::Write;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::Context;

/// Each line replaces the ids; the end of the lines is the end of the tests. A killed server may still hold a last write.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
ids=
while read -r line; do ids=$line; done
[ -z "$ids" ] || kill -KILL $ids
for _ in 1 2 3 4 5; do rm -rf "$1" && break; sleep 0.1; done
"#;

/// A shell that kills the servers and removes their folder as soon as this process, or this value, is gone. A cluster that all
/// tests share is never dropped, and neither is one whose test is killed.
#[derive(Debug)]
pub(super) struct Keeper {
    shell: Child,
    lines: Option<ChildStdin>,
}

impl Keeper {
    pub(super) fn of(folder: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "keeper"]).arg(folder);
        let quiet = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut shell = quiet.spawn().context("cannot start sh")?;
        let lines = shell.stdin.take();
        Ok(Self { shell, lines })
    }

    /// From now on these processes are the ones to kill.
    pub(super) fn watch(&self, ids: &[u32]) -> anyhow::Result<()> {
        let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
        let mut lines = self.lines.as_ref().context("the keeper has no input")?;
        writeln!(lines, "{}", ids.join(" ")).context("the keeper is gone")
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.lines.take());
        // Whatever is left then, nobody can do anything about it.
        let _ = self.shell.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_behind() -> anyhow::Result<()> {
        let folder = tempfile::tempdir()?.keep();
        let mut server = Command::new("sleep").arg("60").spawn()?;
        let keeper = Keeper::of(&folder)?;
        keeper.watch(&[server.id()])?;
        drop(keeper);
        assert!(!server.wait()?.success());
        assert!(!folder.exists());
        Ok(())
    }
}
