//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use config::GatewayId;

use crate::egress;
use crate::live::stream;
use crate::live::stream::last_good::LastGood;
use crate::telemetry::logs::Format;

/// An OpenAI-compatible endpoint with the agent loop built in, in front of any model.
#[derive(Debug, Parser)]
#[command(name = "fairlead-proxy", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub serve: Serve,
}

/// What to do; `serve` unless said.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API
    Serve(Box<Serve>),
    /// Check configuration files; exit with 1 if anything is wrong
    Validate(Sources),
    /// Print what would be served, secrets by name only
    Render(Render),
    /// Print which object answers to a model's name, and where its calls go
    Why(Why),
    /// Print which operations of OpenAI's API are served, as a Markdown table
    Routes,
}

/// Where the configuration is.
#[derive(Clone, Debug, Args)]
pub struct Sources {
    /// A YAML file or a directory of them; may be repeated. Without it, the built-in providers are served
    #[arg(long = "config", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// One of several gateways.
#[derive(Clone, Debug, Args)]
pub struct Choice {
    /// The gateway to serve; with files only where they hold several
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = gateway)]
    pub gateway: Option<GatewayId>,
}

/// What to print.
#[derive(Clone, Debug, Args)]
pub struct Render {
    #[command(flatten)]
    pub sources: Sources,
    #[command(flatten)]
    pub choice: Choice,
    /// 32 bytes that key the hashes of secrets, as in the Secret fairlead-operator-hash-key: with them the hashes are those
    /// of the cluster
    #[arg(long, value_name = "FILE")]
    pub hash_key_file: Option<PathBuf>,
}

/// What to explain.
#[derive(Clone, Debug, Args)]
pub struct Why {
    #[command(flatten)]
    pub sources: Sources,
    #[command(flatten)]
    pub choice: Choice,
    /// The name as a client sends it
    pub model: String,
    /// The Tenant that asks; needed where the gateway tells tenants apart
    #[arg(long = "as", value_name = "TENANT")]
    pub tenant: Option<String>,
}

/// How to serve.
#[derive(Clone, Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    pub sources: Sources,
    #[command(flatten)]
    pub choice: Choice,
    #[command(flatten)]
    pub operator: Operator,
    /// Offer the MCP servers of this file, {"mcpServers": {NAME: {"command", "args", "env"}}}: programs that are started on this
    /// machine when a request needs them. Only without an operator
    #[arg(long, value_name = "FILE", conflicts_with = "operator")]
    pub mcp_servers: Option<PathBuf>,
    /// Where the API listens; may be repeated. There is no authentication: think before you leave this machine
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub listen: Vec<SocketAddr>,
    /// Where health, metrics and status are served
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9090")]
    pub admin_listen: SocketAddr,
    /// Where state is kept
    #[arg(long, value_name = "DIR", default_value = "fairlead-data")]
    pub data_dir: PathBuf,
    /// Allow models on this machine (loopback addresses)
    #[arg(long)]
    pub egress_allow_loopback: bool,
    /// Allow model names of the form https://host/v1@model
    #[arg(long)]
    pub allow_url_models: bool,
    /// Refuse unknown request fields, as OpenAI does
    #[arg(long)]
    pub strict: bool,
    /// Certificate chain (PEM); together with --tls-key
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Worker threads; one for each core unless said
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// The largest request body, in bytes [default: the gateway's, 32 MiB]
    #[arg(long, value_name = "BYTES")]
    pub request_bytes: Option<usize>,
    /// Days for which responses are kept; 0 is for ever [default: the gateway's, 30]
    #[arg(long, value_name = "DAYS")]
    pub retention_days: Option<u32>,
    /// Seconds to go on accepting after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    pub drain_linger: Duration,
    /// Seconds that open streams may last after SIGTERM
    #[arg(long, value_name = "SECONDS", default_value = "120", value_parser = seconds)]
    pub drain_deadline: Duration,
    /// How log lines look
    #[arg(long, value_enum, default_value_t)]
    pub log_format: Format,
    /// What is logged, as tracing directives
    #[arg(long, env = "FAIRLEAD_LOG", default_value = "info")]
    pub log: String,
}

/// The operator that sends the configuration, in a cluster.
#[derive(Clone, Debug, Args)]
pub struct Operator {
    /// Take the configuration from this operator, such as `https://fairlead-operator.fairlead-system.svc:8443`
    #[arg(
        long,
        value_name = "URL",
        value_parser = egress::operator_url,
        requires_all = ["gateway", "operator_token_file"],
        conflicts_with = "paths"
    )]
    pub operator: Option<String>,
    /// Certificates by which the operator is known (PEM); those of the system without
    #[arg(long, value_name = "FILE")]
    pub operator_ca: Option<PathBuf>,
    /// The ServiceAccount token for the operator, with audience config.fairlead.dev; read again for every connection
    #[arg(long, value_name = "FILE")]
    pub operator_token_file: Option<PathBuf>,
    /// The name of this proxy in statuses; the pod's name in a cluster
    #[arg(long, value_name = "NAME", env = "HOSTNAME", default_value = "proxy")]
    pub proxy_name: String,
    /// Keep the last configuration here, to start while the operator is away
    #[arg(long, value_name = "DIR")]
    pub config_cache: Option<PathBuf>,
    /// 32 bytes that seal it; needed unless the folder is in memory
    #[arg(long, value_name = "FILE", requires = "config_cache")]
    pub config_cache_key_file: Option<PathBuf>,
}

impl Operator {
    /// How to follow the operator; `None` in file mode.
    ///
    /// Errors: a folder or key for the last configuration that cannot be used.
    pub fn settings(&self, gateway: Option<GatewayId>) -> anyhow::Result<Option<stream::Settings>> {
        let named = self.operator.clone().zip(gateway).zip(self.operator_token_file.clone());
        let Some(((operator, gateway), token)) = named else { return Ok(None) };
        let last_good = LastGood::new(self.config_cache.clone(), self.config_cache_key_file.as_deref())?;
        let (ca, proxy) = (self.operator_ca.clone(), self.proxy_name.clone());
        Ok(Some(stream::Settings { operator, gateway, ca, token, proxy, last_good }))
    }
}

fn gateway(text: &str) -> Result<GatewayId, String> {
    let (namespace, name) = text.split_once('/').ok_or("expected NAMESPACE/NAME")?;
    Ok(GatewayId::new(namespace, name))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds".to_owned())?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
