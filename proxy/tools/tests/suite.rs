//! The executors against servers that speak the real protocols, and what tool policies promise.

#[cfg(test)]
mod suite {
    mod calls;
    mod cancellation;
    mod conformance;
    mod counters;
    mod eras;
    mod faults;
    mod kit;
    mod laws;
    mod lists;
    mod oauth;
    mod on_real_servers;
    mod policies;
    mod pool;
    mod search_engines;
    mod stage;
}
