//! What a process holds at the moment, as JSON: all of it is back at rest when nobody asks for anything.

use axum::routing::get;
use axum::{Json, Router};
use purview_tower::End;
use serde_json::{Value, json};

use crate::process::Process;

/// What `GET /debug/contexts` and the RPC `Stats` give.
pub(crate) fn snapshot(process: &Process) -> Value {
    let counts = process.counts();
    json!({
        "process": process.role.name(),
        "live": counts.live(),
        "finished": counts.ended(End::Finished),
        "deadline": counts.ended(End::Deadline),
        "client_gone": counts.ended(End::ClientGone),
        "shutdown": counts.ended(End::Shutdown),
        "refused": counts.ended(End::Refused),
        "panicked": counts.ended(End::Panicked),
        "contexts": process.requests().derived_count(),
        "timers": process.requests().clock().armed(),
        "tasks": tokio::runtime::Handle::current().metrics().num_alive_tasks(),
        "memory_kib": memory_kib(),
    })
}

/// `router` with `GET /debug/contexts`. Who asks for it is no request that counts.
pub(crate) fn offer(router: Router, process: &Process) -> Router {
    let process = process.clone();
    router.route("/debug/contexts", get(move || std::future::ready(Json(snapshot(&process)))))
}

/// The memory that the process has resident, where the system tells.
fn memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}
