//! Counts in a folder, kept by one process.
//!
//! One thread has the [`Ledger`] and its log, and answers questions in batches: judge them all, write all changes with one call, answer
//! all. What was answered is with the operating system then and survives the death of the process; the disk gets it within
//! a second, so that a machine that loses its power forgets at most that long. When the log has grown, it is written anew from the
//! ledger beside the old one and takes its place.
//!
//! If it cannot be written (the disk is full) nothing is granted: the ledger is read again from what was written, and asked again
//! a second later.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::ledger::{Change, Ledger};
use super::{Slots, Take, Taken, Unavailable, answered, log};
use crate::error::Error;
use crate::ops::clock;

/// Questions that wait at the most, and are answered together at the most.
const WAITING: usize = 1024;
const TOGETHER: usize = 256;

/// How large a log may grow, and how many times as large as it began, before it is written anew.
const LARGE: u64 = 32 << 20;
const GROWN: u64 = 4;

/// How long nothing is tried after it could not be written.
const PAUSE: Duration = Duration::from_secs(1);

/// How long what was written may wait for the disk.
const SYNC: Duration = Duration::from_secs(1);

/// Counts in a folder. Clones are one.
#[derive(Clone, Debug)]
pub struct Store(mpsc::Sender<Question>);

#[derive(Debug)]
enum Question {
    Take(Take, oneshot::Sender<Result<Taken, Unavailable>>),
    Used(
        Vec<Arc<str>>,
        i64,
        oneshot::Sender<Result<Vec<Slots>, Unavailable>>,
    ),
}

impl Store {
    /// Opens the folder, and makes it if there is none.
    ///
    /// # Errors
    /// When another process has it, or it cannot be read and written.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let wrong = |reason: String| Error::Counters {
            place: format!("file:{}", folder.display()),
            reason,
        };
        let book = Book::open(folder).map_err(|error| wrong(error.to_string()))?;
        let (sender, questions) = mpsc::channel(WAITING);
        std::thread::Builder::new()
            .name("counters".to_owned())
            .spawn(move || book.answer(questions))
            .map_err(|error| wrong(error.to_string()))?;
        Ok(Self(sender))
    }

    /// See [`super::Counters::take`].
    ///
    /// # Errors
    /// When it cannot be written down.
    pub async fn take(&self, take: Take) -> Result<Taken, Unavailable> {
        answered(&self.0, |answer| Question::Take(take, answer)).await
    }

    /// See [`super::Counters::used`].
    ///
    /// # Errors
    /// When the thread is gone.
    pub async fn used(&self, names: Vec<Arc<str>>, now: i64) -> Result<Vec<Slots>, Unavailable> {
        answered(&self.0, |answer| Question::Used(names, now, answer)).await
    }
}

/// The ledger with its log.
#[derive(Debug)]
struct Book {
    folder: PathBuf,
    ledger: Ledger,
    file: Arc<File>,
    /// How much of the log is good.
    length: u64,
    /// How long it was when it was written anew.
    began: u64,
    /// Until when nothing is tried, because it could not be written.
    paused: Option<Instant>,
    /// Held for as long as the folder is ours; the system lets go of it when we die.
    _lock: File,
}

impl Book {
    fn open(folder: &Path) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let lock = writable(&folder.join("lock"))?;
        if let Err(error) = lock.try_lock() {
            return Err(io::Error::other(format!(
                "another process counts here ({error}); several share counters with --counters redis:URL"
            )));
        }
        let path = folder.join(LOG);
        let file = writable(&path)?;
        let (ledger, length) = read(&file)?;
        let mut book = Self {
            folder: folder.to_owned(),
            ledger,
            file: Arc::new(file),
            length,
            began: length,
            paused: None,
            _lock: lock,
        };
        if length == 0 {
            book.renew(0)?;
        }
        Ok(book)
    }

    /// Answers until nobody can ask any more.
    fn answer(mut self, mut questions: mpsc::Receiver<Question>) {
        let syncer = Syncer::start();
        while let Some(first) = questions.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < TOGETHER {
                let Ok(next) = questions.try_recv() else {
                    break;
                };
                batch.push(next);
            }
            self.answer_all(batch);
            syncer.soon(&self.file);
        }
        if let Err(error) = self.file.sync_data() {
            tracing::warn!(%error, "the counters' log could not be synced at the end");
        }
    }

    fn answer_all(&mut self, batch: Vec<Question>) {
        let mut changes = Vec::new();
        let (mut granted, mut told) = (Vec::new(), Vec::new());
        let mut latest = i64::MIN;
        let ready = self.recovered();
        for question in batch {
            match question {
                Question::Take(take, answer) => {
                    latest = latest.max(take.now);
                    granted.push(match &ready {
                        Ok(()) => (answer, Ok(self.ledger.take(&take, &mut changes))),
                        Err(error) => (answer, Err(error.clone())),
                    });
                }
                Question::Used(names, now, answer) => told.push((names, now, answer)),
            }
        }
        let written = self.append(&changes);
        // Whoever asked may be gone; what was taken for them stays taken.
        for (answer, taken) in granted {
            let _ = answer.send(written.clone().and(taken));
        }
        for (names, now, answer) in told {
            let used = names.iter().map(|name| self.ledger.used(name, now));
            let _ = answer.send(ready.clone().and(Ok(used.collect())));
        }
        if latest != i64::MIN
            && self.length > LARGE.max(self.began.saturating_mul(GROWN))
            && let Err(error) = self.renew(latest)
        {
            tracing::warn!(%error, "the counters' log could not be written anew; the old one goes on");
            self.began = self.length;
        }
    }

    /// After a failure: what is known is what was written.
    fn recovered(&mut self) -> Result<(), Unavailable> {
        match self.paused {
            None => return Ok(()),
            Some(until) if clock::tick() < until => return Err(full()),
            Some(_) => {}
        }
        match read(&self.file) {
            Ok((ledger, length)) => {
                (self.ledger, self.length) = (ledger, length);
                self.paused = None;
                Ok(())
            }
            Err(error) => {
                tracing::error!(%error, "the counters' log cannot be read again");
                self.paused = Some(clock::tick() + PAUSE);
                Err(full())
            }
        }
    }

    fn append(&mut self, changes: &[Change]) -> Result<(), Unavailable> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut bytes = Vec::with_capacity(changes.len() * 64);
        changes
            .iter()
            .for_each(|change| log::write(change, &mut bytes));
        let mut file = &*self.file;
        if let Err(error) = file.write_all(&bytes) {
            tracing::error!(%error, "the counters' log cannot be written; mail waits in its queue");
            self.paused = Some(clock::tick() + PAUSE);
            return Err(full());
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Writes the log anew, beside the old one, and puts it in its place.
    fn renew(&mut self, now: i64) -> io::Result<()> {
        let whole = self.ledger.whole(now);
        let mut bytes = log::MAGIC.to_vec();
        whole
            .iter()
            .for_each(|change| log::write(change, &mut bytes));
        let beside = self.folder.join("counters.new");
        let mut file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&beside)?;
        file.set_len(0)?;
        file.write_all(&bytes)?;
        file.sync_data()?;
        std::fs::rename(&beside, self.folder.join(LOG))?;
        File::open(&self.folder)?.sync_all()?;
        self.file = Arc::new(file);
        self.length = bytes.len() as u64;
        self.began = self.length;
        // Numbers are given anew in the new log.
        let mut ledger = Ledger::default();
        whole.iter().for_each(|change| ledger.apply(change));
        self.ledger = ledger;
        Ok(())
    }
}

const LOG: &str = "counters.log";

fn full() -> Unavailable {
    Unavailable("counts cannot be written down".to_owned())
}

fn writable(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)
}

/// Reads a log, and cuts off an end that is not whole. One that is empty has length 0: not even its beginning was written.
fn read(mut file: &File) -> io::Result<(Ledger, u64)> {
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.read_to_end(&mut bytes)?;
    let mut ledger = Ledger::default();
    let Some(frames) = bytes.strip_prefix(log::MAGIC) else {
        if log::MAGIC.starts_with(&bytes) {
            file.set_len(0)?;
            return Ok((ledger, 0));
        }
        return Err(io::Error::other(format!(
            "{LOG} is not a log of counters, or of a later version"
        )));
    };
    let good = log::MAGIC.len() + log::read(frames, |change| ledger.apply(change));
    if good < bytes.len() {
        tracing::warn!(
            bytes = bytes.len() - good,
            "the counters' log ends in the midst of a change, which is cut off"
        );
        file.set_len(good as u64)?;
    }
    Ok((ledger, good as u64))
}

/// Has the disk told, now and then, what was written. Its thread ends with it.
struct Syncer(Option<std::sync::mpsc::SyncSender<Arc<File>>>);

impl Syncer {
    fn start() -> Self {
        let (sender, files) = std::sync::mpsc::sync_channel::<Arc<File>>(1);
        let thread = std::thread::Builder::new().name("counters-sync".to_owned());
        let started = thread.spawn(move || {
            while let Ok(file) = files.recv() {
                std::thread::sleep(SYNC);
                if let Err(error) = file.sync_data() {
                    tracing::warn!(%error, "the counters' log could not be synced");
                }
            }
        });
        Self(started.is_ok().then_some(sender))
    }

    /// Within a second or two. If one waits already, that is soon enough: it is the same file, or one that was synced whole.
    fn soon(&self, file: &Arc<File>) {
        if let Some(sender) = &self.0 {
            let _ = sender.try_send(Arc::clone(file));
        }
    }
}
