//! Where the programs of a real API server are.

use std::path::PathBuf;

const PROGRAMS: [&str; 3] = ["etcd", "kube-apiserver", "kubectl"];
/// What may name their folder; the first counts most.
const VARIABLES: [&str; 2] = ["FAIRLEAD_KUBE_ASSETS", "KUBEBUILDER_ASSETS"];

/// A folder with etcd, kube-apiserver and kubectl.
#[derive(Clone, Debug)]
pub struct Assets {
    folder: PathBuf,
}

impl Assets {
    /// The folder that FAIRLEAD_KUBE_ASSETS names, else that of KUBEBUILDER_ASSETS.
    ///
    /// Errors: neither is set, or a program is missing there.
    #[expect(clippy::disallowed_methods, reason = "the suites are told by the environment what to drive")]
    pub fn find() -> anyhow::Result<Self> {
        let named = VARIABLES.iter().find_map(|variable| std::env::var(variable).ok().map(PathBuf::from));
        let Some(folder) = named else {
            anyhow::bail!(
                "no API server to test with. To get one: \
                 export FAIRLEAD_KUBE_ASSETS=$(regression/kube/assets.sh)"
            );
        };
        let missing = PROGRAMS.iter().find(|program| !folder.join(program).is_file());
        match missing {
            None => Ok(Self { folder }),
            Some(program) => {
                anyhow::bail!("no API server to test with: {} lacks {program}", folder.display())
            }
        }
    }

    /// Where a program lies.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
