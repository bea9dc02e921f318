//! A Redis of the test's own, on a socket in a folder of its own. Without a `redis-server` the tests that need one say so and pass.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use clientele::mail::counters::Place;

use crate::world::Folder;

pub struct Redis {
    folder: Folder,
    child: Child,
}

impl Redis {
    /// None if there is no such program here.
    pub fn start() -> Option<Self> {
        if Command::new("redis-server")
            .arg("--version")
            .stdout(Stdio::null())
            .status()
            .is_err()
        {
            eprintln!("SKIPPED: there is no redis-server (scripts/test installs it on Debian)");
            return None;
        }
        let folder = Folder::new();
        let child = launch(&folder);
        Some(Self { folder, child })
    }

    pub fn place(&self) -> Place {
        Place::Redis(format!("redis+unix://{}", socket(&self.folder).display()))
    }

    /// Writes something that no counter is.
    pub fn spoil(&self, name: &str) {
        let answer = self.ask(&format!("SET {{clientele}}:send:{name} spoilt"));
        assert_eq!(answer, "+OK");
    }

    /// How many keys it has.
    pub fn keys(&self) -> usize {
        let answer = self.ask("DBSIZE");
        answer[1..].parse().expect("a number")
    }

    fn ask(&self, command: &str) -> String {
        let mut stream = UnixStream::connect(socket(&self.folder)).expect("it listens");
        let command = format!("{command}\r\n");
        stream.write_all(command.as_bytes()).expect("it reads");
        let mut answer = String::new();
        let read = BufReader::new(stream).read_line(&mut answer);
        read.expect("it answers");
        answer.trim_end().to_owned()
    }

    /// As a machine that fails and comes back.
    pub fn kill_and_restart(&mut self) {
        self.child.kill().expect("ours");
        self.child.wait().expect("ours");
        let _ = std::fs::remove_file(socket(&self.folder));
        self.child = launch(&self.folder);
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn socket(folder: &Folder) -> PathBuf {
    folder.0.join("socket")
}

fn launch(folder: &Folder) -> Child {
    let child = Command::new("redis-server")
        .args([
            "--port",
            "0",
            "--save",
            "",
            "--appendonly",
            "yes",
            "--unixsocket",
        ])
        .arg(socket(folder))
        .arg("--dir")
        .arg(&folder.0)
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let give_up = Instant::now() + Duration::from_secs(20);
    while UnixStream::connect(socket(folder)).is_err() {
        assert!(Instant::now() < give_up, "redis-server does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    child
}
