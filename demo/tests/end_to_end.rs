//! The program as its user sees it: three processes, a load, an end. Every wait is bounded; nothing depends on speed.
#![forbid(unsafe_code)]

mod served;

use std::io::Read as _;

use purview_test::within;
use served::{PATIENCE, Served, demo};

/// What a run printed, and whether it was content.
fn output(args: &[&str]) -> (bool, String, String) {
    let child = demo(args).spawn().expect("starts");
    let output = within(PATIENCE, move || child.wait_with_output()).expect("ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (output.status.success(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_demo_runs_prints_its_table_and_draws_its_report() {
    let report = std::env::temp_dir().join(format!("purview-demo-test-{}.html", std::process::id()));
    let (ok, out, err) = output(&["--requests", "20", "--report", report.to_str().expect("text")]);
    assert!(ok, "{out}\n{err}");
    for says in ["with the context", "without", "answered in time", "work after the caller had gone"] {
        assert!(out.contains(says), "{says}: {out}");
    }
    let page = std::fs::read_to_string(&report).expect("written");
    std::fs::remove_file(&report).expect("removed");
    assert!(page.contains("<svg") && page.ends_with("</html>\n"));
}

#[test]
fn a_wrong_argument_is_said_and_fails() {
    let (ok, _, err) = output(&["--requests", "none"]);
    assert!(!ok && err.contains("a number from 1"), "{err}");
}

#[test]
fn a_report_that_cannot_be_written_fails_before_anything_runs() {
    let (ok, out, err) =
        output(&["--requests", "1", "--propagation", "on", "--report", "/nowhere/at/all.html"]);
    assert!(!ok && out.is_empty() && err.contains("/nowhere/at/all.html"), "{out}{err}");
}

#[test]
fn a_run_whose_output_nobody_reads_fails_without_a_panic() {
    let mut child = demo(&["--requests", "1", "--propagation", "on"]).spawn().expect("starts");
    drop(child.stdout.take());
    let output = within(PATIENCE, move || child.wait_with_output()).expect("ends");
    let err = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.code() == Some(1) && !err.contains("panicked"), "{:?} {err}", output.status);
}

#[test]
fn the_tenant_reaches_the_store_three_processes_away() {
    let served = Served::start(&[]);
    let (status, body) = served.get("http", "/search?q=red+lamp", "baggage: tenant=globex\r\n");
    assert_eq!(status, 200, "{body}");
    assert!(body.contains("\"tenant\":\"globex\"") && body.contains("of globex"), "{body}");
    let (status, body) = served.get("http", "/search?q=lamp", "baggage: tenant=nobody\r\n");
    assert_eq!(status, 403, "{body}");
}

#[test]
fn a_deadline_ends_the_work_in_every_process() {
    let served = Served::start(&[]);
    let (status, _) = served.get("http", "/search?q=lamp&work_ms=600000", "x-request-timeout-ms: 100\r\n");
    assert_eq!(status, 504);
    served.until_at_rest();
    assert_eq!(served.stat("store", "finished"), 0);
}

#[test]
fn a_caller_who_hangs_up_ends_the_work_in_every_process() {
    let served = Served::start(&[]);
    let caller = served.send("http", "/search?q=lamp&work_ms=600000", "");
    served.until("store", "live", |live| live == 1);
    drop(caller);
    served.until_at_rest();
    for process in ["http", "catalog", "store"] {
        assert_eq!(served.stat(process, "client_gone"), 1, "{process}");
    }
}

#[test]
fn a_caller_who_hangs_up_in_the_middle_of_a_stream_ends_the_work_in_every_process() {
    let served = Served::start(&[]);
    let mut caller = served.send("http", "/watch?q=lamp&work_ms=600000", "");
    let mut some = [0; 2048];
    caller.read_exact(&mut some).expect("the head, and the first pieces");
    drop(caller);
    served.until_at_rest();
    for process in ["http", "catalog", "store"] {
        assert_eq!(served.stat(process, "client_gone"), 1, "{process}");
    }
}

#[test]
fn without_propagation_the_store_works_on_for_nobody() {
    let served = Served::start(&["--propagation", "off"]);
    let caller = served.send("http", "/search?q=lamp&work_ms=10000", "");
    served.until("store", "contexts", |contexts| contexts > 0);
    drop(caller);
    served.until("http", "contexts", |contexts| contexts == 0);
    assert!(served.stat("store", "contexts") > 0);
}

#[test]
fn bad_parameters_are_said_with_what_is_accepted() {
    let served = Served::start(&[]);
    for (path, headers, says) in [
        ("/search", "", "missing field `q`"),
        ("/search?q=a&work_ms=soon", "", "work_ms"),
        ("/search?q=a&work_ms=9000000", "", "at most 600000"),
        ("/search?q=a", "x-request-timeout-ms: soon\r\n", "soon"),
    ] {
        let (status, body) = served.get("http", path, headers);
        assert_eq!(status, 400, "{path}: {body}");
        assert!(body.contains(says), "{path}: {body}");
    }
}
