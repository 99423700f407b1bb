//! The store against real databases.

mod conformance;
mod durability;
mod examples;
mod laws;
mod postgres;
