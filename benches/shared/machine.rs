//! What Linux says about the machine and its processes: /proc, read.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use super::Failure;
use super::support::children;

/// The machine, as far as it matters to a reader of the figures.
pub struct Machine {
    /// Model of the processor.
    pub processor: String,
    /// Cores that can be used.
    pub cores: usize,
    /// Memory in GiB.
    pub memory: u64,
}

impl Machine {
    /// This one.
    pub fn this() -> Result<Self, Failure> {
        let processors = fs::read_to_string("/proc/cpuinfo")?;
        let memory = fs::read_to_string("/proc/meminfo")?;
        Ok(Self {
            processor: value(&processors, "model name")
                .unwrap_or("an unnamed processor")
                .to_owned(),
            cores: std::thread::available_parallelism()?.get(),
            memory: kibibytes(&memory, "MemTotal")?.div_ceil(1 << 20),
        })
    }
}

/// Memory of a process that is resident.
#[derive(Clone, Copy)]
pub struct Resident {
    /// Most so far, in MiB.
    pub peak: f64,
    /// Now, in MiB.
    pub now: f64,
}

impl Resident {
    /// That of a process.
    pub fn of(pid: u32) -> Result<Self, Failure> {
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        let mebibytes = |key| kibibytes(&status, key).map(|amount| amount as f64 / 1024.0);
        Ok(Self {
            peak: mebibytes("VmHWM")?,
            now: mebibytes("VmRSS")?,
        })
    }
}

/// Processor time by the name of the process.
#[derive(Clone, Default)]
pub struct Spent(pub BTreeMap<String, Duration>);

impl Spent {
    /// What this process and the children of these have used so far.
    pub fn so_far(parents: &[u32]) -> Result<Self, Failure> {
        let mut spent = Self(BTreeMap::from([(
            "the benchmark".to_owned(),
            used(std::process::id())?,
        )]));
        for pid in parents.iter().flat_map(|&parent| children(parent)) {
            spent.0.insert(name(pid)?, used(pid)?);
        }
        Ok(spent)
    }

    /// What has been used since.
    pub fn since(mut self, before: &Self) -> Self {
        for (name, spent) in &mut self.0 {
            *spent = spent.saturating_sub(before.0.get(name).copied().unwrap_or_default());
        }
        self
    }

    /// All of it.
    pub fn total(&self) -> Duration {
        self.0.values().sum()
    }
}

/// The name a process was started under: one binary has several here.
fn name(pid: u32) -> Result<String, Failure> {
    let line = fs::read_to_string(format!("/proc/{pid}/cmdline"))?;
    let first = line.split('\0').next().unwrap_or_default();
    Ok(first.rsplit('/').next().unwrap_or_default().to_owned())
}

/// User and system time, in ticks of which Linux shows a hundred a second.
fn used(pid: u32) -> Result<Duration, Failure> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The second field is a name in parentheses that may contain anything; utime and stime are fields 14 and 15.
    let (_, rest) = line
        .rsplit_once(')')
        .ok_or("/proc/<pid>/stat without a name")?;
    let mut ticks = 0;
    for field in rest.split_whitespace().skip(11).take(2) {
        ticks += field.parse::<u64>()?;
    }
    Ok(Duration::from_millis(ticks * 10))
}

fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        (name.trim() == key).then(|| value.trim())
    })
}

fn kibibytes(text: &str, key: &str) -> Result<u64, Failure> {
    let amount = value(text, key).and_then(|value| value.split_whitespace().next());
    Ok(amount.ok_or_else(|| format!("no {key}"))?.parse()?)
}
