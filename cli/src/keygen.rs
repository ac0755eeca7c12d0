//! `srudp keygen`: makes an identity and prints its peer id.

use std::path::PathBuf;

use srudp::Identity;

use crate::exit::Failure;
use crate::identity;

/// Make an identity and print its peer id.
///
/// The identity is a secret: whoever has the file is this peer. Its mode is 0600, and the other commands refuse a file that
/// others may read. The peer id on stdout is public: give it to those who shall dial.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Example:
  srudp keygen                    make this user's identity; the other commands then use it
  srudp keygen --out server.key   make another one, for --identity server.key")]
pub(crate) struct Args {
    /// Where to write the identity [default: $XDG_CONFIG_HOME/srudp/identity or ~/.config/srudp/identity]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Replace the file if it exists; the old identity is lost
    #[arg(long)]
    force: bool,
}

impl Args {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let path = match self.out {
            Some(path) => path,
            None => identity::make_default_directory()?,
        };
        let new = Identity::generate();
        identity::write(&path, &new, self.force)?;
        eprintln!("identity written to {}; keep it secret", path.display());
        println!("{}", new.peer_id());
        Ok(())
    }
}
