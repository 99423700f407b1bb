//! Suites against a real API server. Where there is none, each says aloud that it is skipped.

mod kube {
    mod cluster;
    mod crds;
    mod fixtures;
    mod stage;
}
