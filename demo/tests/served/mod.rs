//! The three processes, as a test starts and asks them.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use purview_test::within;

/// Longer than anything takes that does not hang, builds beside it included.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) fn demo(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_purview-demo"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The three processes, and where they are.
pub(crate) struct Served {
    /// None when somebody else sees to its end.
    pub(crate) child: Option<Child>,
    lines: Vec<String>,
}

impl Served {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = demo(&[&["serve"], args].concat()).spawn().expect("starts");
        let stdout = child.stdout.take().expect("piped");
        let lines = within(PATIENCE, move || {
            let mut lines = Vec::new();
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if line == "ready" {
                    break;
                }
                lines.push(line);
            }
            lines
        });
        Self { child: Some(child), lines }
    }

    pub(crate) fn addr(&self, name: &str) -> &str {
        let line = self.lines.iter().find_map(|line| line.strip_prefix(name));
        line.expect("a line for each process").trim()
    }

    /// Sends a request without waiting for its answer.
    pub(crate) fn send(&self, to: &str, path: &str, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.addr(to)).expect("connects");
        stream.set_read_timeout(Some(PATIENCE)).expect("a limit");
        let head = format!("GET {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\n{headers}\r\n");
        stream.write_all(head.as_bytes()).expect("sends");
        stream
    }

    /// The status and the body.
    pub(crate) fn get(&self, to: &str, path: &str, headers: &str) -> (u16, String) {
        let mut text = String::new();
        self.send(to, path, headers).read_to_string(&mut text).expect("reads");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
        (head.split(' ').nth(1).expect("a status").parse().expect("a number"), body.to_owned())
    }

    pub(crate) fn stat(&self, process: &str, name: &str) -> u64 {
        let (_, body) = self.get(process, "/debug/contexts", "");
        let stats: serde_json::Value = serde_json::from_str(&body).expect("JSON");
        stats[name].as_u64().expect("a number")
    }

    /// Asks until it holds.
    pub(crate) fn until(&self, process: &str, name: &str, holds: impl Fn(u64) -> bool) {
        let limit = purview::Context::background().derive().timeout(PATIENCE).build();
        loop {
            let value = self.stat(process, name);
            if holds(value) {
                return;
            }
            let pause = limit.sleep(Duration::from_millis(5)).wait();
            assert!(pause.is_ok(), "{process}: {name} is {value} for too long");
        }
    }

    /// Asks until no process holds anything any more.
    pub(crate) fn until_at_rest(&self) {
        for process in ["http", "catalog", "store"] {
            for name in ["live", "contexts", "timers"] {
                self.until(process, name, |value| value == 0);
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The processes below end with their standard input.
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
