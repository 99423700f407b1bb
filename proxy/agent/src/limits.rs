//! Guards of the server against endless runs. Reached, they end a run `incomplete` with reason `max_messages`.

/// Bounds of one run. Time is bounded by the driver, which sends [`crate::run::Input::Expired`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls of the model.
    pub rounds: u32,
    /// Calls of server tools.
    pub tool_calls: u32,
    /// Server tools that run at a time.
    pub parallel: u32,
    /// The same call with the same arguments in a row.
    pub identical_calls: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { rounds: 25, tool_calls: 64, parallel: 8, identical_calls: 3 }
    }
}
