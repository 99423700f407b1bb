//! Suites against a real API server. Where there is none, each test says aloud that it is skipped.

// `make test` tells these tests from all others by this name, since it has to wait for the server's programs.
#[path = "kube"]
mod on_kubernetes {
    mod cluster;
    mod control;
    mod crds;
    mod events;
    mod failover;
    mod fixtures;
    mod fleet;
    mod guards;
    mod health;
    mod mcp;
    mod outage;
    mod parity;
    mod quiet;
    mod recall;
    mod rejection;
    mod scale;
    mod stage;
    mod tenants;
    mod tls;
}
