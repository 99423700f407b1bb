//! Writes the definition of every kind, one file each, into the folder that is its only argument.

use std::path::Path;
use std::{env, error, fs};

fn main() -> Result<(), Box<dyn error::Error>> {
    let folder = env::args_os().nth(1).ok_or("usage: crdgen FOLDER")?;
    for kind in crds::KINDS {
        fs::write(Path::new(&folder).join(format!("{}.yaml", kind.plural)), kind.to_yaml()?)?;
    }
    Ok(())
}
