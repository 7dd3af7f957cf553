//! Go's own answers to random operations, played back on ours.
//!
//! `PURVIEW_TRACES=FILE` plays another file than the one in `data/`.

mod compare;
mod model;
mod player;

use std::env;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use compare::Mismatch;
use model::Trace;

/// No trace takes this long unless something hangs.
const LIMIT: Duration = Duration::from_secs(60);

const OURS: &str = include_str!("../../data/go-context-traces.jsonl");

#[test]
fn every_context_answers_as_gos_does_after_every_step() {
    let (name, traces) = traces();
    assert!(!traces.is_empty(), "no traces in {name}");
    let played = play_all(&traces);
    // Past the harness, which shows nothing of a test that passes.
    writeln!(io::stderr(), "{}", played.line(&name)).expect("standard error is open");
    assert_eq!(played.traces + played.mismatches.len(), traces.len());
    assert!(played.mismatches.is_empty(), "{}\n{}", played.line(&name), played.first());
}

/// The file to play and what is in it.
fn traces() -> (String, Vec<Trace>) {
    let (name, text) = match env::var_os("PURVIEW_TRACES") {
        Some(file) => {
            let file = locate(Path::new(&file));
            let text = fs::read_to_string(&file);
            (file.display().to_string(), text.unwrap_or_else(|e| panic!("{}: {e}", file.display())))
        }
        None => ("go-context-traces.jsonl".to_owned(), OURS.to_owned()),
    };
    let traces = model::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
    (name, traces)
}

/// A test runs in the folder of its package; a relative name may also be meant from the root of the workspace.
fn locate(file: &Path) -> PathBuf {
    let from_root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    if !file.exists() && from_root.exists() { from_root } else { file.to_owned() }
}

/// What came of playing a file.
#[derive(Default)]
struct Played {
    /// Traces that were played to their end.
    traces: usize,
    steps: usize,
    mismatches: Vec<Mismatch>,
}

impl Played {
    fn line(&self, name: &str) -> String {
        let Self { traces, steps, mismatches } = self;
        format!("{name}: {traces} traces and {steps} steps compared, {} traces failed", mismatches.len())
    }

    /// The first few mismatches; the rest is hardly ever news.
    fn first(&self) -> String {
        self.mismatches.iter().take(5).map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }
}

/// Plays all of them in another thread, so that a trace that hangs is a failure with a seed.
fn play_all(traces: &[Trace]) -> Played {
    let (sender, results) = mpsc::channel();
    let work = traces.to_vec();
    thread::spawn(move || {
        for trace in &work {
            if sender.send(compare::play(trace)).is_err() {
                return;
            }
        }
    });
    let mut played = Played::default();
    for trace in traces {
        match next(&results, trace.seed) {
            Ok(steps) => {
                played.traces += 1;
                played.steps += steps;
            }
            Err(mismatch) => played.mismatches.push(mismatch),
        }
    }
    played
}

fn next(results: &Receiver<Result<usize, Mismatch>>, seed: u64) -> Result<usize, Mismatch> {
    match results.recv_timeout(LIMIT) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout) => panic!("seed {seed} did not end within {LIMIT:?}"),
        Err(RecvTimeoutError::Disconnected) => panic!("seed {seed} panicked"),
    }
}

/// The runner itself must notice; each of these changes one answer of the trace.
mod a_wrong_answer_is_found {
    use super::{compare, model};

    /// A timeout below a cancel with a value, a callback on each, and a cancel.
    const TRACE: &str = include_str!("wrong_answer.jsonl");

    /// Swaps one piece of the trace for another and gives the step at which the runner objects.
    fn objects_at(from: &str, to: &str) -> Option<usize> {
        assert_eq!(TRACE.matches(from).count(), 1, "{from} is not there once");
        let traces = model::parse(&TRACE.replace(from, to)).expect("still a trace");
        compare::play(&traces[0]).err().map(|mismatch| mismatch.step)
    }

    #[test]
    fn and_a_right_one_is_not() {
        let traces = model::parse(TRACE).expect("a trace");
        let steps = compare::play(&traces[0]).unwrap_or_else(|mismatch| panic!("{mismatch}"));
        assert_eq!(steps, 9);
    }

    #[test]
    fn in_a_reason() {
        assert_eq!(
            objects_at(r#""err":"context deadline exceeded""#, r#""err":"context canceled""#),
            Some(6)
        );
    }

    #[test]
    fn in_a_cause() {
        assert_eq!(objects_at(r#""cause":"slow","done""#, r#""cause":"fast","done""#), Some(6));
    }

    #[test]
    fn in_a_deadline() {
        assert_eq!(
            objects_at(r#""done":false,"deadline_ms":10"#, r#""done":false,"deadline_ms":11"#),
            Some(3)
        );
    }

    #[test]
    fn in_a_value() {
        assert_eq!(
            objects_at(
                r#"false,"deadline_ms":null,"values":{"1":"v"}"#,
                r#"false,"deadline_ms":null,"values":{"1":"w"}"#
            ),
            Some(2)
        );
    }

    #[test]
    fn in_a_callback_that_runs() {
        assert_eq!(objects_at(r#","ran":[1]"#, ""), Some(6));
    }

    #[test]
    fn in_a_callback_that_does_not_run() {
        assert_eq!(
            objects_at(
                r#""op":"stop","func":0,"returned":true"#,
                r#""op":"stop","func":0,"returned":true,"ran":[0]"#
            ),
            Some(7)
        );
    }

    #[test]
    fn in_what_stop_returned() {
        assert_eq!(objects_at(r#""returned":true"#, r#""returned":false"#), Some(7));
    }

    #[test]
    fn in_a_context_that_does_not_change() {
        assert_eq!(
            objects_at(r#"{"op":"advance","ms":10,"seen":{"#, r#"{"op":"advance","ms":9,"seen":{"#),
            Some(6)
        );
    }
}
