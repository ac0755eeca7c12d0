//! Where the other side's tickets come from: a file that somebody writes, or the terminal.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use srudp::Ticket;

/// How often the file is looked at.
const LOOK: Duration = Duration::from_millis(200);

/// More is no file of tickets.
const FILE_MAX: u64 = 1 << 20;

/// The terminal that the program was started from, whatever stdin is.
#[cfg(unix)]
const TERMINAL: &str = "/dev/tty";
#[cfg(not(unix))]
const TERMINAL: &str = "CONIN$";

/// A source of tickets that goes on as long as the program does.
#[derive(Debug)]
pub(super) enum Source {
    File(PathBuf),
    Terminal(BufReader<File>),
}

impl Source {
    /// That file, or else the terminal, if there is one.
    pub(super) fn open(file: Option<&Path>) -> Option<Self> {
        match file {
            Some(path) => Some(Self::File(path.to_owned())),
            None => File::open(TERMINAL).ok().map(|file| Self::Terminal(BufReader::new(file))),
        }
    }

    /// Hands over every ticket that comes, until `take` wants no more or nothing more can come.
    pub(super) fn each(self, take: impl FnMut(Ticket) -> bool) {
        match self {
            Self::File(path) => watch(&path, take),
            Self::Terminal(lines) => ask(lines, take),
        }
    }
}

/// One ticket from the terminal; `None` if none is wanted.
pub(super) fn ask_once() -> Option<Ticket> {
    let mut asked = None;
    ask(BufReader::new(File::open(TERMINAL).ok()?), |ticket| {
        asked = Some(ticket);
        false
    });
    asked
}

/// Asks until there is an empty line.
fn ask(mut lines: impl BufRead, mut take: impl FnMut(Ticket) -> bool) {
    loop {
        eprint!("the other side's ticket, or Enter if it just dials: ");
        let _ = io::stderr().flush();
        let mut line = String::new();
        let read = lines.read_line(&mut line).unwrap_or(0);
        let text = bare(&line);
        if read == 0 || text.is_empty() {
            return;
        }
        match text.parse() {
            Ok(ticket) => {
                if !take(ticket) {
                    return;
                }
            }
            Err(error) => eprintln!("srudp: {error}"),
        }
    }
}

/// The file may be written later, line by line; a FIFO gives all that is written to it.
fn watch(path: &Path, mut take: impl FnMut(Ticket) -> bool) {
    let mut seen = BTreeSet::new();
    loop {
        for line in lines_of(path) {
            if !seen.insert(line.clone()) {
                continue;
            }
            match line.parse() {
                Ok(ticket) => {
                    if !take(ticket) {
                        return;
                    }
                }
                Err(error) => eprintln!("srudp: {}: {error}", path.display()),
            }
        }
        thread::sleep(LOOK);
    }
}

/// The whole lines that are there now. A file that is not there yet has none.
fn lines_of(path: &Path) -> Vec<String> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(FILE_MAX).read_to_string(&mut text));
    let whole = match (read, text.rfind('\n')) {
        (Ok(_), Some(end)) => text.get(..end).unwrap_or_default(),
        _ => "",
    };
    whole.lines().map(bare).filter(|line| is_one_word(line)).map(str::to_owned).collect()
}

/// A line as the program prints it, without the word before the ticket.
fn bare(line: &str) -> &str {
    line.strip_prefix("ticket ").unwrap_or(line).trim()
}

/// What else the program says on stderr, which may go to the same file, is whole sentences.
fn is_one_word(line: &str) -> bool {
    !line.is_empty() && !line.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use srudp::Identity;
    use srudp::nat::Description;
    use srudp::proto::SeededEntropy;

    use super::*;

    fn ticket(seed: u8) -> Ticket {
        let identity = Identity::from_secret_bytes([seed; 32]);
        Ticket::new(&identity, 1, Description::default(), &mut SeededEntropy::new(1))
    }

    #[test]
    fn tickets_are_taken_as_they_are_written_and_each_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tickets");
        let (written, writing) = (path.clone(), [ticket(1), ticket(2)]);
        let expected = writing.clone();
        let writer = thread::spawn(move || {
            let [first, second] = writing.map(|ticket| ticket.to_string());
            thread::sleep(LOOK);
            let (half, rest) = first.split_at(20);
            std::fs::write(&written, format!("nonsense\nticket {half}")).unwrap();
            thread::sleep(LOOK * 2);
            std::fs::write(&written, format!("srudp: a sentence\nticket {half}{rest}\n")).unwrap();
            thread::sleep(LOOK * 2);
            std::fs::write(&written, format!("ticket {first}\n\n {second}\n")).unwrap();
        });
        let mut taken = Vec::new();
        watch(&path, |ticket| {
            taken.push(ticket);
            taken.len() < 2
        });
        writer.join().unwrap();
        assert_eq!(taken, expected);
    }

    #[test]
    fn an_empty_line_ends_the_questions() {
        let text = format!("nonsense\n{}\n\n{}\n", ticket(1), ticket(2));
        let mut taken = Vec::new();
        ask(text.as_bytes(), |ticket| {
            taken.push(ticket);
            true
        });
        assert_eq!(taken, [ticket(1)]);
    }
}
