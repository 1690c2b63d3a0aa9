//! The verbs, one module each.

pub mod accounts;
pub mod api;
pub mod audit;
pub mod dev;
pub mod doctor;
pub mod events;
pub mod keys;
pub mod listen;
pub mod migrate;
pub mod networks;
pub mod selftest;
pub mod serve;
pub mod signatures;
pub mod simulate;
pub mod trigger;

use crate::client::Client;
use crate::exit::{Code, Failure};
use clap::Args;
use handsel_core::secret::SecretText;
use std::path::PathBuf;

/// Where a verb finds its server.
#[derive(Debug, Args)]
pub struct Server {
    /// The server's base URL.
    #[arg(long, env = "HANDSEL_URL", default_value = "http://127.0.0.1:4400", global = true)]
    pub url: String,
    /// A file that holds the API key; without it, HANDSEL_API_KEY does.
    #[arg(long, value_name = "FILE", global = true)]
    pub key_file: Option<PathBuf>,
}

impl Server {
    pub fn client(&self) -> Result<Client, Failure> {
        let key = match &self.key_file {
            Some(path) => read_secret(path)?,
            None => SecretText::new(
                std::env::var("HANDSEL_API_KEY")
                    .map_err(|_| Failure::new(Code::Auth, "no API key: set HANDSEL_API_KEY or give --key-file FILE"))?,
            ),
        };
        Client::new(&self.url, key)
    }
}

/// A secret out of a file, its final newline apart.
pub fn read_secret(path: &std::path::Path) -> Result<SecretText, Failure> {
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Failure::usage(format!("{} can't be read: {}", path.display(), error.kind())))?;
    Ok(SecretText::new(text.trim().to_owned()))
}

/// The configuration file (if one is named) with the environment over it.
pub fn read_config(
    verb: crate::config::Verb,
    path: Option<&std::path::Path>,
) -> Result<crate::config::Config, Failure> {
    let text = match path {
        None => None,
        Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
            Failure::usage(format!("the configuration {} can't be read: {}", path.display(), error.kind()))
        })?),
    };
    let variables: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    crate::config::Config::read(verb, text.as_deref(), &variables).map_err(Failure::usage)
}

/// Makes a data directory that only its owner may look into.
pub fn make_private_directory(path: &std::path::Path) -> Result<(), Failure> {
    use std::os::unix::fs::DirBuilderExt;
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| Failure::failed(format!("--data {}: {}", path.display(), error.kind())))
}
