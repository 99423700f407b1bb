//! A web in one server: three search engines that answer in their own words, and pages that do what a test asks for.
//!
//! SearXNG is at `/searxng`, Brave at `/brave`, Tavily at `/tavily`; every other path is a page. What came in is recorded.

mod engines;
mod pages;
mod server;

pub use engines::{Engine, Hit};
pub use pages::{Body, Page};
pub use server::WebServer;
