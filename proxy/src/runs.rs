//! Before, during and after a turn: look everything up, drive the run, store, answer.

pub mod approvals;
pub mod conclude;
pub mod drive;
pub mod echo;
pub mod governed;
pub mod measure;
pub mod mint;
pub mod outlet;
pub mod painter;
pub mod remotes;
pub mod resolve;
pub mod sink;
pub mod standing;
mod tasks;
