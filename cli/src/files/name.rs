//! Which names are accepted from a peer: those that cannot lead out of the directory that receives.
//!
//! A path is UTF-8, relative, its names separated by `/`. This check is of the text alone; that no
//! symbolic link lies in the way is checked where directories are opened (`dir`).

use std::fmt;

use super::limits::{DEPTH_MAX, NAME_BYTES_MAX, PATH_BYTES_MAX};

/// The directory, inside the one that receives, in which unfinished files are kept.
pub(super) const PARTIAL_DIR: &str = ".srudp-partial";

/// Why a path is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameError {
    Empty,
    TooLong,
    TooDeep,
    Absolute,
    Drive,
    Dots,
    Separator,
    Control,
    Reserved,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the path has an empty name",
            Self::TooLong => "the path or one of its names is too long",
            Self::TooDeep => "the path has too many folders",
            Self::Absolute => "the path is absolute",
            Self::Drive => "the path names a drive",
            Self::Dots => "the path contains `.` or `..`",
            Self::Separator => "a name contains a backslash",
            Self::Control => "a name contains a control character",
            Self::Reserved => "a name is reserved",
        })
    }
}

/// What the receiving file system makes of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    Unix,
    /// Device names and colons mean something else than a file.
    Windows,
}

impl Rules {
    pub(super) const HERE: Self = if cfg!(windows) { Self::Windows } else { Self::Unix };
}

/// A relative path that stays below where it starts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SafePath {
    text: String,
}

impl SafePath {
    pub(super) fn parse(text: &str, rules: Rules) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > PATH_BYTES_MAX {
            return Err(NameError::TooLong);
        }
        if text.starts_with('/') || text.starts_with('\\') {
            return Err(NameError::Absolute);
        }
        if names_drive(text) {
            return Err(NameError::Drive);
        }
        if text.split('/').count() > DEPTH_MAX {
            return Err(NameError::TooDeep);
        }
        for name in text.split('/') {
            check_name(name, rules)?;
        }
        let first = text.split('/').next().unwrap_or_default();
        // Whatever its case: there are file systems that do not tell cases apart.
        if first.eq_ignore_ascii_case(PARTIAL_DIR) {
            return Err(NameError::Reserved);
        }
        Ok(Self { text: text.to_owned() })
    }

    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// The folders on the way, and the last name.
    pub(super) fn split(&self) -> (impl Iterator<Item = &str>, &str) {
        let (folders, last) = self.text.rsplit_once('/').unwrap_or(("", &self.text));
        (folders.split('/').filter(|name| !name.is_empty()), last)
    }
}

fn names_drive(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|letter| letter.is_ascii_alphabetic()) && chars.next() == Some(':')
}

fn check_name(name: &str, rules: Rules) -> Result<(), NameError> {
    match name {
        "" => return Err(NameError::Empty),
        "." | ".." => return Err(NameError::Dots),
        _ => {}
    }
    if name.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong);
    }
    if name.contains('\\') {
        return Err(NameError::Separator);
    }
    if name.chars().any(char::is_control) {
        return Err(NameError::Control);
    }
    if rules == Rules::Windows && reserved_on_windows(name) {
        return Err(NameError::Reserved);
    }
    Ok(())
}

/// Devices, whatever their extension; alternate streams; endings that Windows drops.
fn reserved_on_windows(name: &str) -> bool {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let stem = name.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    let numbered = ["COM", "LPT"].iter().any(|device| {
        stem.strip_prefix(device).is_some_and(|number| {
            let mut digits = number.chars();
            digits.next().is_some_and(|d| d.is_ascii_digit() || "¹²³".contains(d))
                && digits.next().is_none()
        })
    });
    numbered
        || DEVICES.contains(&stem.as_str())
        || name.contains([':', '<', '>', '"', '|', '?', '*'])
        || name.ends_with([' ', '.'])
}

/// Text of a peer, or a name, as it may be shown: control characters could drive a terminal.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(text: &str) -> Option<NameError> {
        SafePath::parse(text, Rules::Unix).err()
    }

    #[test]
    fn ordinary_names_are_accepted() {
        for text in
            ["a", "a/b c/d", "…/ü.txt", "...", "..a", "12:30.log", "aux.c", "a/.srudp-partial"]
        {
            assert_eq!(refused(text), None, "{text}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        let cases = [
            ("", NameError::Empty),
            ("a//b", NameError::Empty),
            ("a/", NameError::Empty),
            ("/etc/x", NameError::Absolute),
            ("\\\\host\\x", NameError::Absolute),
            ("..", NameError::Dots),
            ("a/../../x", NameError::Dots),
            ("./x", NameError::Dots),
            ("C:x", NameError::Drive),
            ("c:/x", NameError::Drive),
            ("a\\..\\b", NameError::Separator),
            ("a\0b", NameError::Control),
            ("a\x1b[2Jb", NameError::Control),
            (".srudp-partial/x", NameError::Reserved),
            (".SRUDP-partial", NameError::Reserved),
        ];
        for (text, error) in cases {
            assert_eq!(refused(text), Some(error), "{text:?}");
        }
    }

    #[test]
    fn lengths_are_bounded_exactly() {
        assert_eq!(refused(&"n".repeat(NAME_BYTES_MAX)), None);
        assert_eq!(refused(&"n".repeat(NAME_BYTES_MAX + 1)), Some(NameError::TooLong));
        assert_eq!(refused(&["d"; DEPTH_MAX].join("/")), None);
        assert_eq!(refused(&["d"; DEPTH_MAX + 1].join("/")), Some(NameError::TooDeep));
        let long = ["d".repeat(NAME_BYTES_MAX).as_str(); 17].join("/");
        assert_eq!(refused(&long), Some(NameError::TooLong));
    }

    #[test]
    fn windows_keeps_its_devices() {
        for text in ["CON", "a/nul.txt", "com1", "LPT9.log", "log:stream", "a.", "b "] {
            let got = SafePath::parse(text, Rules::Windows);
            assert_eq!(got, Err(NameError::Reserved), "{text}");
        }
        for text in ["console", "com", "com10", "nullable.txt"] {
            assert!(SafePath::parse(text, Rules::Windows).is_ok(), "{text}");
        }
    }

    #[test]
    fn a_path_splits_into_folders_and_a_name() {
        let path = SafePath::parse("a/b/c", Rules::Unix).unwrap();
        let (folders, last) = path.split();
        assert_eq!((folders.collect::<Vec<_>>(), last), (vec!["a", "b"], "c"));
        let path = SafePath::parse("c", Rules::Unix).unwrap();
        let (mut folders, last) = path.split();
        assert_eq!((folders.next(), last), (None, "c"));
    }

    proptest! {
        #[test]
        fn an_accepted_path_has_only_normal_components(text in "[a./\\\\:\0é]{0,24}") {
            if let Ok(path) = SafePath::parse(&text, Rules::Unix) {
                let path = std::path::Path::new(path.as_str());
                let all_normal = path
                    .components()
                    .all(|part| matches!(part, std::path::Component::Normal(_)));
                prop_assert!(all_normal);
            }
        }
    }
}
