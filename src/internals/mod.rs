//! What this crate's own tests see of its inside. Nothing here is promised to anybody.

pub mod bench;
#[cfg(any(test, fuzzing))]
pub mod fuzz;

use crate::wire::{self, DecodeError, ErrorCode, Frames};

/// Error codes and their names.
pub fn error_codes() -> &'static [(u64, &'static str)] {
    ErrorCode::ALL
}

/// Parameter ids and their names.
pub fn parameter_ids() -> &'static [(u64, &'static str)] {
    wire::PARAMETER_IDS
}

/// What a frame of this type is called inside, if there is such a type.
pub fn frame_name(kind: u64) -> Option<String> {
    let mut packet = [0; 64];
    wire::Writer::new(&mut packet).varint(kind).ok()?;
    match Frames::new(&packet).next()? {
        Ok(frame) => {
            let text = format!("{frame:?}");
            text.split(|c: char| !c.is_alphanumeric()).next().map(str::to_owned)
        }
        Err(DecodeError::UnknownType) => None,
        Err(error) => Some(format!("{error:?}")),
    }
}
