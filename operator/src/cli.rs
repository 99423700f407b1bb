//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Watches the custom resources of Fairlead in a cluster.
///
/// It compiles what it sees, streams the result to proxies (`fairlead-proxy --operator`), and says in the status of every
/// object what is really served.
#[derive(Debug, Parser)]
#[command(name = "fairlead-operator", version)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print the custom resource definitions, for `kubectl apply --server-side -f -`
    Crds,
    /// Watch, compile, deliver and write statuses, until SIGTERM; the cluster is that of the kubeconfig, or the one this runs in
    Run(Run),
}

/// Settings of `run`.
#[derive(Args, Debug)]
pub struct Run {
    /// Address of /healthz and /readyz
    #[arg(long, default_value = "0.0.0.0:9090", value_name = "ADDRESS")]
    pub admin: SocketAddr,
    /// Address of the configuration port, to which proxies connect
    #[arg(long, default_value = "0.0.0.0:8443", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Certificate chain of that port (PEM); together with --tls-key
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of that port (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Where the Lease is by which replicas agree on a leader, and the Secret that keys the hashes of secrets
    #[arg(long, env = "POD_NAMESPACE", default_value = "fairlead-system", value_name = "NAMESPACE")]
    pub namespace: String,
    /// The name of this replica; no two may share one
    #[arg(long, env = "POD_NAME", default_value = "fairlead-operator", value_name = "NAME")]
    pub identity: String,
    /// What to log, for instance `info` or `info,kube=debug`
    #[arg(long, default_value = "info", value_name = "FILTER")]
    pub log: String,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
