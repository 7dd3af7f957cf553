//! What signals do to the program and to the three processes below it.
#![cfg(target_os = "linux")]
#![forbid(unsafe_code)]

mod served;

use std::io::Read as _;
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use purview_test::within;
use served::{PATIENCE, Served};

/// Sends a signal to a process, by the program that does that everywhere.
fn signal(name: &str, process: u32) {
    let sent = Command::new("sh").args(["-c", &format!("kill -{name} {process}")]).status();
    assert!(sent.expect("a shell").success(), "{name} to {process}");
}

/// The processes below one, as the system knows them.
fn below(process: u32) -> Vec<u32> {
    let path = format!("/proc/{process}/task/{process}/children");
    let text = std::fs::read_to_string(path).expect("a list");
    text.split_whitespace().map(|id| id.parse().expect("a number")).collect()
}

fn exists(process: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{process}/stat"));
    status.is_ok_and(|text| !text.contains(") Z "))
}

/// The end of the program, and what it said of it.
fn end_of(mut served: Served) -> (Option<i32>, String) {
    let mut child = served.child.take().expect("taken once");
    within(PATIENCE, move || {
        let mut text = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut text).expect("text");
        (child.wait().expect("ends").code(), text)
    })
}

/// The number of the process that the three are below.
fn id(served: &Served) -> u32 {
    served.child.as_ref().expect("not taken").id()
}

#[test]
fn a_signal_for_all_of_them_ends_them_well() {
    let served = Served::start(&[]);
    served.until_at_rest();
    let (parent, children) = (id(&served), below(id(&served)));
    assert_eq!(children.len(), 3);
    for process in children.into_iter().chain([parent]) {
        signal("TERM", process);
    }
    assert_eq!(end_of(served), (Some(0), String::new()));
}

#[test]
fn a_second_signal_ends_all_at_once_and_is_no_success() {
    let served = Served::start(&["--propagation", "off"]);
    let caller = served.send("http", "/search?q=lamp&work_ms=600000", "");
    served.until("store", "contexts", |contexts| contexts > 0);
    let (parent, children) = (id(&served), below(id(&served)));
    signal("INT", parent);
    // The first one has been heeded when nobody new is taken.
    let limit = purview::Context::background().derive().timeout(PATIENCE).build();
    while TcpStream::connect(served.addr("http")).is_ok() {
        limit.sleep(Duration::from_millis(5)).wait().expect("it takes no more connections");
    }
    signal("INT", parent);
    let (code, text) = end_of(served);
    assert!(code == Some(1) && text.contains("told to end at once"), "{code:?} {text}");
    while children.iter().any(|&child| exists(child)) {
        limit.sleep(Duration::from_millis(5)).wait().expect("they end as well");
    }
    drop(caller);
}

#[test]
fn whoever_loses_a_process_names_it_and_nothing_else() {
    let served = Served::start(&[]);
    let children = below(id(&served));
    signal("KILL", children[0]);
    let (code, text) = end_of(served);
    assert!(code == Some(1) && text.starts_with("purview-demo: store has gone"), "{code:?} {text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}
