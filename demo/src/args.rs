//! The command line, read by hand: a handful of options does not need a library.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
purview-demo: three processes, HTTP to gRPC to SQLite, and callers who leave

  purview-demo [--report FILE.html] [--requests N] [--propagation on|off]
      Runs the demo. Without --propagation it runs twice, with the context and without it, and compares.

  purview-demo serve [--http ADDR] [--catalog ADDR] [--store ADDR] [--propagation on|off]
      Only serves, until Ctrl-C; a second one ends what still runs. Prints where, one line for each process, then
      `ready`. Without an address a free port of 127.0.0.1 is taken.
";

/// Requests of a run, unless said otherwise.
const REQUESTS: usize = 240;

/// More than this the demo does not send in one run.
const MAX_REQUESTS: usize = 100_000;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Run(Run),
    Serve(Serve),
    /// One of the three processes; for the program itself.
    Child(Child),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) report: Option<PathBuf>,
    pub(crate) requests: usize,
    /// Both, if none.
    pub(crate) propagation: Option<bool>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Serve {
    pub(crate) http: SocketAddr,
    pub(crate) catalog: SocketAddr,
    pub(crate) store: SocketAddr,
    pub(crate) propagation: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    pub(crate) role: Role,
    pub(crate) listen: SocketAddr,
    /// The process that it calls.
    pub(crate) next: Option<SocketAddr>,
    pub(crate) propagation: bool,
}

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Gateway,
    Catalog,
    Store,
}

impl Role {
    pub(crate) const ALL: [Self; 3] = [Self::Gateway, Self::Catalog, Self::Store];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Catalog => "catalog",
            Self::Store => "store",
        }
    }
}

/// The options of the user, and those of the program itself.
const OPTIONS: [&str; 6] = ["--report", "--requests", "--propagation", "--http", "--catalog", "--store"];
const OF_PROCESSES: [&str; 3] = ["--listen", "--next", "--propagation"];

/// A free port on loopback.
pub(crate) const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

/// Reads the arguments, without the program's name.
pub(crate) fn parse(args: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    let args: Result<Vec<String>, String> = args
        .into_iter()
        .map(|arg| arg.into_string().map_err(|arg| format!("{}: text in UTF-8 is accepted", arg.display())))
        .collect();
    let mut args = args?.into_iter().peekable();
    let word = args.next_if(|arg| !arg.starts_with('-'));
    let role = match word.as_deref() {
        Some("process") => args.next(),
        _ => None,
    };
    let mut options = Options::default();
    while let Some(name) = args.next() {
        if name == "--help" || name == "-h" {
            return Ok(Command::Help);
        }
        let known = if role.is_some() { &OF_PROCESSES[..] } else { &OPTIONS[..] };
        let (name, value) = match name.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (name, None),
        };
        if !known.contains(&name.as_str()) {
            let what = if name.starts_with('-') { "unknown option" } else { "unexpected" };
            return Err(format!("{what} `{name}`: see --help"));
        }
        let value = value.or_else(|| args.next()).ok_or_else(|| format!("{name} needs a value"))?;
        options.set(&name, value)?;
    }
    match word.as_deref() {
        None => options.run(),
        Some("serve") => options.serve(),
        Some("process") => options.child(role.as_deref()),
        Some("help") => Ok(Command::Help),
        Some(other) => Err(format!("unknown command `{other}`: none, `serve` and `help` are accepted")),
    }
}

#[derive(Debug, Default)]
struct Options {
    report: Option<PathBuf>,
    requests: Option<usize>,
    propagation: Option<bool>,
    http: Option<SocketAddr>,
    catalog: Option<SocketAddr>,
    store: Option<SocketAddr>,
    listen: Option<SocketAddr>,
    next: Option<SocketAddr>,
}

impl Options {
    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "--report" => self.report = Some(value.into()),
            "--requests" => self.requests = Some(count(&value)?),
            "--propagation" => self.propagation = Some(switch(&value)?),
            "--http" => self.http = Some(address(name, &value)?),
            "--catalog" => self.catalog = Some(address(name, &value)?),
            "--store" => self.store = Some(address(name, &value)?),
            "--listen" => self.listen = Some(address(name, &value)?),
            "--next" => self.next = Some(address(name, &value)?),
            _ => unreachable!("looked up before"),
        }
        Ok(())
    }

    fn run(self) -> Result<Command, String> {
        if self.http.or(self.catalog).or(self.store).is_some() {
            return Err("--http, --catalog and --store go with `serve`".to_owned());
        }
        Ok(Command::Run(Run {
            report: self.report,
            requests: self.requests.unwrap_or(REQUESTS),
            propagation: self.propagation,
        }))
    }

    fn serve(self) -> Result<Command, String> {
        if self.report.is_some() || self.requests.is_some() {
            return Err("--report and --requests go with a run, not with `serve`".to_owned());
        }
        Ok(Command::Serve(Serve {
            http: self.http.unwrap_or(ANY),
            catalog: self.catalog.unwrap_or(ANY),
            store: self.store.unwrap_or(ANY),
            propagation: self.propagation.unwrap_or(true),
        }))
    }

    fn child(self, role: Option<&str>) -> Result<Command, String> {
        let role = Role::ALL.into_iter().find(|known| Some(known.name()) == role).ok_or("which process?")?;
        Ok(Command::Child(Child {
            role,
            listen: self.listen.unwrap_or(ANY),
            next: self.next,
            propagation: self.propagation.unwrap_or(true),
        }))
    }
}

fn count(text: &str) -> Result<usize, String> {
    text.parse()
        .ok()
        .filter(|count| (1..=MAX_REQUESTS).contains(count))
        .ok_or_else(|| format!("--requests {text}: a number from 1 to {MAX_REQUESTS} is accepted"))
}

fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(format!("--propagation {text}: `on` or `off` is accepted")),
    }
}

fn address(name: &str, text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("{name} {text}: an address and a port are accepted, as 127.0.0.1:0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn nothing_runs_the_demo_both_ways() {
        let run = Run { report: None, requests: REQUESTS, propagation: None };
        assert_eq!(parsed(""), Ok(Command::Run(run)));
    }

    #[test]
    fn a_run_takes_its_options() {
        let run = Run { report: Some("r.html".into()), requests: 9, propagation: Some(false) };
        assert_eq!(parsed("--report r.html --requests 9 --propagation off"), Ok(Command::Run(run)));
    }

    #[test]
    fn serve_takes_addresses_and_free_ports_where_none_is_given() {
        let http = "127.0.0.1:8080".parse().expect("an address");
        let serve = Serve { http, catalog: ANY, store: ANY, propagation: true };
        assert_eq!(parsed("serve --http 127.0.0.1:8080"), Ok(Command::Serve(serve)));
    }

    #[test]
    fn a_child_knows_its_role() {
        let child = Child { role: Role::Store, listen: ANY, next: None, propagation: false };
        assert_eq!(parsed("process store --propagation off"), Ok(Command::Child(child)));
    }

    #[test]
    #[cfg(unix)]
    fn an_argument_that_is_no_text_is_refused() {
        use std::os::unix::ffi::OsStringExt as _;
        let error = parse([OsString::from("--report"), OsString::from_vec(vec![b'r', 0xff])]);
        assert!(error.is_err_and(|error| error.contains("UTF-8")));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_accepted() {
        for (line, says) in [
            ("start", "unknown command `start`"),
            ("--wat", "unknown option `--wat`"),
            ("--requests=0", "a number from 1"),
            ("serve extra", "unexpected `extra`"),
            ("--listen 127.0.0.1:0", "unknown option `--listen`"),
            ("serve --next 127.0.0.1:0", "unknown option `--next`"),
            ("--report", "--report needs a value"),
            ("--requests 0", "a number from 1"),
            ("--requests ten", "a number from 1"),
            ("--propagation maybe", "`on` or `off`"),
            ("serve --http nowhere", "127.0.0.1:0"),
            ("serve --report r.html", "go with a run"),
            ("--http 127.0.0.1:0", "go with `serve`"),
            ("process cook", "which process"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(says), "{line}: {error}");
        }
    }
}
