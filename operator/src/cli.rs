//! The command line.

use std::net::SocketAddr;

use clap::{Args, Parser, Subcommand};

/// Watches the custom resources of Fairlead in a cluster.
///
/// This version compiles what it sees and reports problems in its log. It does not deliver configuration to proxies and
/// writes no status: proxies take theirs from files (`fairlead-proxy --config`).
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
    /// Watch, compile and log, until SIGTERM; the cluster is that of the kubeconfig, or the one this runs in
    Run(Run),
}

/// Settings of `run`.
#[derive(Args, Debug)]
pub struct Run {
    /// Address of /healthz and /readyz
    #[arg(long, default_value = "0.0.0.0:9090", value_name = "ADDRESS")]
    pub admin: SocketAddr,
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

    #[test]
    fn the_help_says_what_is_missing() {
        let help = Cli::command().render_long_help().to_string();
        assert!(help.contains("does not deliver configuration to proxies"), "{help}");
    }
}
