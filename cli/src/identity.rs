//! Identity files: where they are, what is in them, and who may read them.
//!
//! ```text
//! srudp identity 1
//! aebagbafaydqqcikbmga2dqpcaireeyuculbogazdinryhi6d4qa        32 secret bytes, base32 without padding
//! ```
//!
//! A file is created with O_EXCL and mode 0600, and read only if nobody but its owner may read it.

mod file;
mod text;

use std::path::{Path, PathBuf};

use srudp::Identity;
use zeroize::Zeroizing;

use crate::exit::{Code, Failure};

/// This user's identity file, if the environment says where it would be.
pub(crate) fn default_path() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    // A relative XDG_CONFIG_HOME is to be ignored (XDG base directory specification).
    let config = set("XDG_CONFIG_HOME")
        .filter(|path| path.is_absolute())
        .or_else(|| set("HOME").map(|home| home.join(".config")))
        .or_else(|| set("APPDATA"))?;
    Some(config.join("srudp").join("identity"))
}

/// As [`default_path`], with its directory made.
pub(crate) fn make_default_directory() -> Result<PathBuf, Failure> {
    let path = default_path().ok_or_else(|| {
        Failure::new(
            Code::Here,
            "neither XDG_CONFIG_HOME nor HOME is set: say where with --out FILE",
        )
    })?;
    if let Some(directory) = path.parent() {
        file::make_private_directory(directory)
            .map_err(|error| Failure::of(format!("cannot make {}", directory.display()), error))?;
    }
    Ok(path)
}

/// Writes the identity into a new file, or over an old one if `replace`.
pub(crate) fn write(path: &Path, identity: &Identity, replace: bool) -> Result<(), Failure> {
    let text = text::encode(&identity.secret_bytes());
    let result = if replace { file::replace(path, &text) } else { file::create(path, &text) };
    result.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::new(
            Code::Here,
            format!(
                "{} exists: --out FILE writes elsewhere, --force replaces it, and the old identity is lost",
                path.display()
            ),
        ),
        _ => Failure::of(format!("cannot write identity {}", path.display()), error),
    })
}

/// Reads an identity, unless others may read it too.
pub(crate) fn read(path: &Path) -> Result<Identity, Failure> {
    let name = path.display();
    let (content, mode) = file::read(path).map_err(|error| {
        Failure::of(format!("cannot read identity {name} (srudp keygen makes one)"), error)
    })?;
    if let Some(mode) = mode.filter(|mode| mode & 0o077 != 0) {
        return Err(Failure::new(
            Code::Here,
            format!(
                "others may read identity {name} (mode {mode:04o}): run chmod 600 {name}, or make a new one"
            ),
        ));
    }
    let secret: Zeroizing<[u8; 32]> = text::decode(&content).map_err(|problem| {
        Failure::new(
            Code::Here,
            format!("{name} is not an identity file: {problem}; srudp keygen makes one"),
        )
    })?;
    Ok(Identity::from_secret_bytes(*secret))
}

#[cfg(test)]
mod tests;
