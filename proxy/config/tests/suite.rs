//! What the compiler promises, from YAML to snapshot.

#[cfg(test)]
#[path = "suite/builtin.rs"]
mod builtin;
#[cfg(test)]
#[path = "suite/builtin_tools.rs"]
mod builtin_tools;
#[cfg(test)]
#[path = "suite/compile.rs"]
mod compile;
#[cfg(test)]
#[path = "suite/deltas.rs"]
mod deltas;
#[cfg(test)]
#[path = "suite/files.rs"]
mod files;
#[cfg(test)]
#[path = "suite/gateways.rs"]
mod gateways;
#[cfg(test)]
#[path = "suite/golden.rs"]
mod golden;
#[cfg(test)]
#[path = "suite/grants.rs"]
mod grants;
#[cfg(test)]
#[path = "suite/image_and_mapped_tools.rs"]
mod image_and_mapped_tools;
#[cfg(test)]
#[path = "suite/keys.rs"]
mod keys;
#[cfg(test)]
#[path = "suite/kit.rs"]
mod kit;
#[cfg(test)]
#[path = "suite/laws.rs"]
mod laws;
#[cfg(test)]
#[path = "suite/recall.rs"]
mod recall;
#[cfg(test)]
#[path = "suite/tls.rs"]
mod tls;
#[cfg(test)]
#[path = "suite/tools.rs"]
mod tools;
#[cfg(test)]
#[path = "suite/worlds.rs"]
mod worlds;
