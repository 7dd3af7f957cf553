//! A page that draws some requests. It lists them for now.

use crate::summary::Outcomes;

pub(crate) fn page(runs: &[Outcomes]) -> String {
    let lines = runs
        .iter()
        .flat_map(|run| &run.visits)
        .map(|visit| format!("<p>{} {:?}", visit.caller.via.name(), visit.outcome));
    lines.collect()
}
