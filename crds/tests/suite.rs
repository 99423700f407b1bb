//! The definitions keep the rules that all of them share, and catch every breach in file mode.

#[cfg(test)]
#[path = "suite/definitions.rs"]
mod definitions;
#[cfg(test)]
#[path = "suite/fixtures.rs"]
mod fixtures;
#[cfg(test)]
#[path = "suite/rules.rs"]
mod rules;
