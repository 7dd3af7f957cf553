//! A context handed to a real child process: this test, run again.

use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, SystemTime};

use purview::{Codec, Context, Key};
use purview_propagate::{Environment, Policy, TRACE, extract, inject_command};

static TENANT: Key<String> =
    Key::new("tenant").crossing(Codec { encode: |t| Some(t.clone()), decode: |text| Ok(text.to_owned()) });

/// Set for the child, so that it knows what it is.
const IS_CHILD: &str = "PURVIEW_TEST_CHILD";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn policy() -> Policy {
    Policy::trusted().allow(&TENANT).unwrap()
}

/// What the child prints: what is left in seconds, its tenant, its trace.
fn child() {
    let arrived = policy().read_stored(&Environment::of_this_process(), SystemTime::now()).unwrap();
    let (ctx, _canceler) = arrived.begin(&Context::background());
    println!(
        "child: {:?} {:?} {:?}",
        ctx.remaining().map(|left| left.as_secs()),
        ctx.value(&TENANT),
        ctx.value(&TRACE).map(|trace| trace.parent.to_string()),
    );
}

/// Runs this test as a child with what `prepare` gives it, and gives the line that it prints.
fn line_of_child(prepare: impl FnOnce(&mut Command)) -> String {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "a_child_gets_deadline_values_and_trace", "--nocapture"]).env(IS_CHILD, "1");
    // As if this process had been given them by its own parent.
    command.env("BAGGAGE", "tenant=stale").env("PURVIEW_EXPIRES_AT_MS", "1");
    prepare(&mut command);
    let (sender, receiver) = channel();
    thread::spawn(move || sender.send(command.output()));
    let output = receiver.recv_timeout(Duration::from_secs(60)).expect("the child ends").unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let begin = text.find("child: ").unwrap_or_else(|| panic!("no line of the child in {text}"));
    text[begin..].lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_child_gets_deadline_values_and_trace() {
    if std::env::var_os(IS_CHILD).is_some() {
        return child();
    }
    let hours = 10_000;
    let parent = Context::background().derive().timeout(Duration::from_secs(hours * 3_600)).build();
    let trace = std::collections::HashMap::from([("traceparent", TRACEPARENT)]);
    let ctx = extract(&trace, &parent, &policy()).unwrap().with_value(&TENANT, "a b=c".to_owned());

    let line = line_of_child(|command| inject_command(&ctx, command, &policy(), SystemTime::now()).unwrap());
    let left = line.strip_prefix("child: Some(").and_then(|rest| rest.split_once(')')).expect(&line);
    let seconds: u64 = left.0.parse().unwrap();
    assert!(seconds <= hours * 3_600 && seconds > (hours - 1) * 3_600, "{line}");
    assert_eq!(left.1, format!(" Some(\"a b=c\") Some({TRACEPARENT:?})"));

    // What the process itself was given does not go on to a child that is to get nothing.
    let nothing = Context::background();
    let line =
        line_of_child(|command| inject_command(&nothing, command, &policy(), SystemTime::now()).unwrap());
    assert_eq!(line, "child: None None None");

    // Time that was up when the child began is up.
    let line = line_of_child(|command| {
        let long_ago = SystemTime::now() - Duration::from_secs(hours * 3_600 + 60);
        inject_command(&ctx, command, &policy(), long_ago).unwrap();
    });
    assert!(line.starts_with("child: Some(0) "), "{line}");
}

#[test]
fn no_child_is_prepared_for_a_context_that_is_done() {
    let (ctx, canceler) = Context::background().with_cancel();
    canceler.cancel();
    let mut command = Command::new("nothing");
    assert!(inject_command(&ctx, &mut command, &policy(), SystemTime::now()).is_err());
    assert!(command.get_envs().all(|(_, value)| value.is_none()), "they are taken away, and none is set");
}
