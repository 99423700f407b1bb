//! Measures the proxy beside a bare pingora pass-through: a model server, a load client and a driver.

pub mod drive;
pub mod load;
pub mod mock;
pub mod scale;

mod clock;
mod stamp;
