//! The executors against servers that speak the real protocols.

#[cfg(test)]
mod suite {
    mod calls;
    mod cancellation;
    mod conformance;
    mod eras;
    mod faults;
    mod lists;
    mod oauth;
    mod on_real_servers;
    mod pool;
    mod stage;
}
