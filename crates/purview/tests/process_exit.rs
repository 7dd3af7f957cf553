//! The process ends cleanly and at once, whatever the timer thread and the callbacks are doing.
//!
//! Each test runs this binary again, for the one function that plays the named part and ends the process.

mod common;

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio, exit};
use std::sync::OnceLock;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use common::HOUR;
use purview::{Canceler, Context};
use purview_test::{Gate, HANG_LIMIT};

const PART: &str = "PURVIEW_TEST_EXIT_PART";

static HELD: OnceLock<Vec<(Context, Canceler)>> = OnceLock::new();

/// Runs a part in a process of its own, and gives how that process ended.
fn play(part: &str) -> ExitStatus {
    let mut child = Command::new(std::env::current_exe().expect("the path of this binary"))
        .args(["--exact", "plays_a_part", "--nocapture", "--test-threads=1"])
        .env(PART, part)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this binary runs again");
    // Its output ends when it does, and a channel can be waited on with a limit.
    let mut output = child.stdout.take().expect("piped");
    let (ended, end) = channel();
    thread::spawn(move || {
        let mut text = String::new();
        let _ = output.read_to_string(&mut text);
        let _ = ended.send(text);
    });
    if let Ok(text) = end.recv_timeout(HANG_LIMIT) {
        assert!(text.contains("part played"), "the part was played to its end: {text}");
        child.wait().expect("its status")
    } else {
        let _ = child.kill();
        let _ = child.wait();
        panic!("the process did not end within {HANG_LIMIT:?}");
    }
}

/// Not a test by itself: what the others run in a process of its own, told by the environment what to play.
#[test]
fn plays_a_part() {
    if std::env::var_os(PART).is_none() {
        return;
    }
    let played = || println!("part played");
    let arm = || {
        let (ctx, cancel) = Context::background().with_timeout(HOUR);
        assert!(!ctx.is_done(), "a look, which arms it");
        (ctx, cancel)
    };
    match std::env::var(PART).as_deref() {
        Ok("exit while armed") => {
            let _held = arm();
            played();
            exit(7);
        }
        Ok("return while armed") => {
            let held = HELD.get_or_init(|| (0..1000).map(|_| arm()).collect());
            drop(held[0].0.after_func(|| ()));
            played();
        }
        Ok("exit while deadlines fire") => {
            let held = (1..2000_u64)
                .map(|i| Context::background().with_timeout(Duration::from_micros(i * 10)))
                .collect::<Vec<_>>();
            for (ctx, _) in &held {
                drop(ctx.after_func(|| ()));
            }
            held[100].0.done().wait();
            played();
            exit(7);
        }
        Ok("exit while a callback blocks") => {
            let (running, never) = (Gate::new(), Gate::new());
            let (ctx, cancel) = Context::background().with_cancel();
            drop(ctx.after_func({
                let running = running.clone();
                move || {
                    running.open();
                    never.wait();
                }
            }));
            cancel.cancel();
            running.wait();
            played();
            exit(7);
        }
        Ok(part @ ("exit from a callback" | "exit from an inline callback")) => {
            let (ctx, _cancel) = Context::background().with_timeout(Duration::from_millis(1));
            let end = move || {
                played();
                exit(7);
            };
            drop(if part == "exit from a callback" {
                ctx.after_func(end)
            } else {
                ctx.after_func_inline(end)
            });
            Gate::new().wait();
        }
        Ok("exit while threads wait") => {
            let (ctx, cancel) = arm();
            let ready = Gate::new();
            for _ in 0..4 {
                let (ctx, ready) = (ctx.clone(), ready.clone());
                thread::spawn(move || {
                    ready.open();
                    ctx.done().wait()
                });
            }
            ready.wait();
            played();
            // A canceler in a frame that exit leaves behind is never dropped; nobody may wait for it.
            let _cancel = cancel;
            exit(7);
        }
        // Run by hand, with all ignored tests: there is no part to play.
        _ => (),
    }
}

#[test]
fn exit_while_the_timer_thread_is_armed_is_clean() {
    assert_eq!(play("exit while armed").code(), Some(7));
}

#[test]
fn main_may_return_while_deadlines_are_armed_and_contexts_stand_in_statics() {
    assert_eq!(play("return while armed").code(), Some(0));
}

#[test]
fn exit_while_deadlines_fire_is_clean() {
    for _ in 0..5 {
        assert_eq!(play("exit while deadlines fire").code(), Some(7));
    }
}

#[test]
fn exit_while_a_callback_blocks_for_ever_is_clean() {
    assert_eq!(play("exit while a callback blocks").code(), Some(7));
}

#[test]
fn exit_from_inside_a_callback_is_clean() {
    assert_eq!(play("exit from a callback").code(), Some(7));
    assert_eq!(play("exit from an inline callback").code(), Some(7));
}

#[test]
fn exit_while_threads_wait_is_clean() {
    assert_eq!(play("exit while threads wait").code(), Some(7));
}
