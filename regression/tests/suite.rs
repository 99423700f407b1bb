//! Drives the built proxy from outside, and keeps the house rules.

mod suite {
    mod auth;
    mod chat;
    mod commands;
    mod conformance;
    mod crash;
    mod drain;
    mod edge;
    mod embeddings;
    mod errors;
    mod events;
    mod faults;
    mod health;
    mod house;
    mod images;
    mod loops;
    mod mapped;
    mod mcp;
    mod models;
    mod programs;
    mod quirks;
    mod reload;
    mod revocation;
    mod stage;
    mod state;
    mod tls;
    mod web_pages;
    mod web_search;
}
