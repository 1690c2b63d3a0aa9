//! The append-only file under the chain. Each record is framed by its length and a checksum and is on the disk before
//! `append` returns, so what was answered survives a kill. A record that was being written when the process died is cut
//! off when the file is opened; damage anywhere else is an error and never repaired by guessing.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::hash::keccak;
use crate::limits::JOURNAL_FRAME_BYTES;

const NAME: &str = "chain.journal";
const NEXT_NAME: &str = "chain.journal.next";
const LOCK_NAME: &str = "chain.lock";
/// Length (4 bytes) and checksum (8 bytes).
const FRAME_HEAD_BYTES: usize = 12;

/// Why a journal can't be used.
#[derive(Debug)]
pub enum JournalError {
    /// The disk refused.
    Io(io::Error),
    /// Another process has this directory open.
    Locked,
    /// Something other than the last record is damaged, at this byte.
    Corrupt(u64),
    /// The file was closed, or an earlier write failed and what is on the disk is uncertain until it is opened again.
    Poisoned,
    /// A record would be longer than `JOURNAL_FRAME_BYTES`.
    TooLong,
}

impl std::fmt::Display for JournalError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => {
                write!(f, "the sandbox chain's journal: {error}; check the data directory's space and rights")
            }
            Self::Locked => {
                f.write_str("another process has the sandbox chain open; stop it or choose another data directory")
            }
            Self::Corrupt(at) => {
                write!(
                    f,
                    "the sandbox chain's journal is damaged at byte {at}; remove the directory to begin a new chain"
                )
            }
            Self::Poisoned => {
                f.write_str("the sandbox chain is closed, or an earlier write to it failed; restart the server")
            }
            Self::TooLong => f.write_str("too much for one record of the sandbox chain; do it in smaller steps"),
        }
    }
}

impl std::error::Error for JournalError {}

impl From<io::Error> for JournalError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// The open file, locked against other processes.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: PathBuf,
    file: File,
    length: u64,
    poisoned: bool,
    lock: Option<File>,
}

impl Journal {
    /// Opens or creates the journal of a directory; gives the records that are in it.
    pub(crate) fn open(directory: &Path) -> Result<(Self, Vec<Vec<u8>>), JournalError> {
        fs::create_dir_all(directory)?;
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(directory.join(LOCK_NAME))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Err(JournalError::Locked),
            Err(fs::TryLockError::Error(error)) => return Err(error.into()),
        }
        let path = directory.join(NAME);
        let mut file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path)?;
        let (records, sound) = split(&fs::read(&path)?)?;
        file.set_len(sound)?;
        file.seek(SeekFrom::Start(sound))?;
        file.sync_all()?;
        File::open(directory)?.sync_all()?;
        let journal = Self { directory: directory.to_owned(), file, length: sound, poisoned: false, lock: Some(lock) };
        Ok((journal, records))
    }

    /// Lets go of the directory; nothing can be written any more.
    pub(crate) fn close(&mut self) {
        self.poisoned = true;
        self.lock = None;
    }

    /// Bytes on the disk.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Writes one record; it is durable when this returns.
    pub(crate) fn append(&mut self, record: &[u8]) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        let framed = frame(record)?;
        // After a failed write or sync nobody knows what the disk holds, so nothing more is promised from this handle.
        self.poisoned = true;
        self.file.write_all(&framed)?;
        self.file.sync_data()?;
        self.poisoned = false;
        self.length += framed.len() as u64;
        Ok(())
    }

    /// Puts these records in the place of all earlier ones, atomically.
    pub(crate) fn replace(&mut self, records: &[Vec<u8>]) -> Result<(), JournalError> {
        if self.poisoned {
            return Err(JournalError::Poisoned);
        }
        let next = self.directory.join(NEXT_NAME);
        let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&next)?;
        let mut length = 0;
        for record in records {
            let framed = frame(record)?;
            file.write_all(&framed)?;
            length += framed.len() as u64;
        }
        file.sync_all()?;
        // From the rename on the open handle may belong to a file that is no longer there.
        self.poisoned = true;
        fs::rename(&next, self.directory.join(NAME))?;
        File::open(&self.directory)?.sync_all()?;
        self.file = file;
        self.length = length;
        self.poisoned = false;
        Ok(())
    }
}

fn checksum(record: &[u8]) -> [u8; 8] {
    let mut short = [0; 8];
    short.copy_from_slice(&keccak(&[record])[..8]);
    short
}

fn frame(record: &[u8]) -> Result<Vec<u8>, JournalError> {
    let length = u32::try_from(record.len()).map_err(|_| JournalError::TooLong)?;
    if record.is_empty() || record.len() > JOURNAL_FRAME_BYTES {
        return Err(JournalError::TooLong);
    }
    Ok([&length.to_be_bytes()[..], &checksum(record), record].concat())
}

/// The sound records of a file, and how many bytes they take. What follows them must be the rest of one torn write.
fn split(content: &[u8]) -> Result<(Vec<Vec<u8>>, u64), JournalError> {
    let mut records = Vec::new();
    let mut at = 0;
    loop {
        let rest = &content[at..];
        // A crash of the machine may leave zeros where the file had grown but the data had not arrived.
        if rest.len() < FRAME_HEAD_BYTES || rest.iter().all(|byte| *byte == 0) {
            break;
        }
        let length = u32::from_be_bytes([rest[0], rest[1], rest[2], rest[3]]) as usize;
        let end = FRAME_HEAD_BYTES + length;
        if length == 0 || length > JOURNAL_FRAME_BYTES {
            return Err(JournalError::Corrupt(at as u64));
        }
        if rest.len() < end {
            break;
        }
        let record = &rest[FRAME_HEAD_BYTES..end];
        if checksum(record) != rest[4..FRAME_HEAD_BYTES] {
            if rest.len() == end {
                break;
            }
            return Err(JournalError::Corrupt(at as u64));
        }
        records.push(record.to_vec());
        at += end;
    }
    Ok((records, at as u64))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn written(records: &[&[u8]]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, none) = Journal::open(directory.path()).unwrap();
        assert!(none.is_empty());
        records.iter().for_each(|record| journal.append(record).unwrap());
        directory
    }

    fn records(directory: &Path) -> Result<Vec<Vec<u8>>, JournalError> {
        Journal::open(directory).map(|(_, records)| records)
    }

    #[test]
    fn records_come_back_in_order() {
        let directory = written(&[b"one", b"two"]);
        assert_eq!(records(directory.path()).unwrap(), [b"one", b"two"]);
    }

    #[test]
    fn a_tail_torn_at_any_byte_is_cut_and_the_file_goes_on() {
        let directory = written(&[b"one", b"second"]);
        let path = directory.path().join(NAME);
        let whole = fs::read(&path).unwrap();
        let first = FRAME_HEAD_BYTES + 3;
        for cut in first..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let (mut journal, kept) = Journal::open(directory.path()).unwrap();
            assert_eq!(kept, [b"one"], "cut at {cut}");
            journal.append(b"third").unwrap();
            drop(journal);
            assert_eq!(records(directory.path()).unwrap(), [&b"one"[..], b"third"]);
        }
        let mut grown = whole[..first].to_vec();
        grown.extend_from_slice(&[0; 100]);
        fs::write(&path, &grown).unwrap();
        assert_eq!(records(directory.path()).unwrap(), [b"one"]);
    }

    #[test]
    fn damage_in_the_middle_is_an_error() {
        let directory = written(&[b"one", b"two"]);
        let path = directory.path().join(NAME);
        let mut content = fs::read(&path).unwrap();
        content[FRAME_HEAD_BYTES] ^= 1;
        fs::write(&path, &content).unwrap();
        assert!(matches!(records(directory.path()), Err(JournalError::Corrupt(0))));
    }

    #[test]
    fn a_second_process_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (_held, _) = Journal::open(directory.path()).unwrap();
        assert!(matches!(Journal::open(directory.path()), Err(JournalError::Locked)));
    }

    #[test]
    fn replace_leaves_only_the_new_records() {
        let directory = written(&[b"one", b"two"]);
        let (mut journal, _) = Journal::open(directory.path()).unwrap();
        journal.replace(&[b"sum".to_vec()]).unwrap();
        journal.append(b"next").unwrap();
        drop(journal);
        assert_eq!(records(directory.path()).unwrap(), [&b"sum"[..], b"next"]);
    }
}
