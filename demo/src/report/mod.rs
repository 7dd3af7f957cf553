//! A page that draws a few requests as they went through the processes: one file, no script, nothing loaded.

mod timeline;

use std::fmt::Write as _;

use crate::account::Amount;
use crate::args::Role;
use crate::load::{Outcome, Visit};
use crate::summary::{Outcomes, Summary, amount, grouped, millis};
use timeline::timeline;

/// Requests before this one are not drawn: connections are being made.
const WARM: u64 = 12;

/// The whole page.
pub(crate) fn page(runs: &[Outcomes]) -> String {
    let summaries: Vec<Summary> = runs.iter().map(Summary::of).collect();
    let columns: Vec<(&str, &Summary)> = runs.iter().map(Outcomes::name).zip(&summaries).collect();
    let mut page = String::from(HEAD);
    page.push_str(&figures(&columns));
    for index in picked(runs) {
        page.push_str(&request(runs, index));
    }
    page.push_str(&table(&columns));
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

const HEAD: &str = concat!(
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    "<meta name=\"color-scheme\" content=\"light dark\">\n",
    "<title>purview: who worked for whom</title>\n<style>\n",
    include_str!("style.css"),
    "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>Callers leave. What does the work know of it?</h1>\n",
    "<p>Callers ask three processes: a gateway (HTTP) calls a catalog (gRPC), which calls a store (gRPC over SQLite). ",
    "With a context, deadline and departure of the caller cross from each to the next; without, every process is on its ",
    "own.</p>\n",
    "<ul class=\"legend\"><li><i class=\"key at-work\"></i>at work for a caller who waits</li>",
    "<li><i class=\"key for-nobody\"></i>at work for nobody</li>",
    "<li><i class=\"key waits\"></i>the caller</li>",
    "<li><i class=\"key line deadline\"></i>deadline</li><li><i class=\"key line gone\"></i>the caller hung up</li></ul>\n",
    "</header>\n",
);

/// The three figures that matter, run beside run.
fn figures(columns: &[(&str, &Summary)]) -> String {
    let mut html = String::from("<section class=\"figures\">\n");
    let mut figure = |what: &str, value: &dyn Fn(&Summary) -> String| {
        let _ = write!(html, "<div><h2>{what}</h2><dl>");
        for (name, summary) in columns {
            let _ = write!(html, "<div><dd>{}</dd><dt>{name}</dt></div>", value(summary));
        }
        html.push_str("</dl></div>\n");
    };
    figure("Answered in time", &|run| {
        format!("{} <small>of {}</small>", grouped(run.answered), grouped(run.requests))
    });
    figure("SQLite at work for nobody", &|run| {
        let Amount { micros, .. } = run.after[Role::Store as usize];
        format!("{} <small>ms</small>", grouped(micros / 1000))
    });
    figure("Until SQLite stopped, median", &|run| {
        run.late_at(50)
            .map_or_else(|| "none ran".to_owned(), |micros| format!("{} <small>ms</small>", millis(micros)))
    });
    html.push_str("</section>\n");
    html
}

/// Some requests of different kinds, by their place among the visits.
fn picked(runs: &[Outcomes]) -> Vec<usize> {
    let Some(run) = runs.first() else { return Vec::new() };
    let kind = |visit: &Visit| {
        let outcome = match visit.outcome {
            Outcome::HungUp => 0,
            Outcome::TimedOut => 1,
            Outcome::Answered => 2,
            Outcome::Failed(_) => 3,
        };
        (outcome, visit.caller.via == crate::plan::Via::Grpc)
    };
    let reached_store = |visit: &Visit| {
        let gone = visit.gone().unwrap_or(visit.left);
        works(run, Role::Store, visit.caller.id).any(|work| work.began < gone)
    };
    let mut picked: Vec<usize> = Vec::new();
    for (index, visit) in run.visits.iter().enumerate() {
        let seen = picked.iter().any(|&other| kind(&run.visits[other]) == kind(visit));
        if !seen && (visit.caller.id > WARM || run.visits.len() as u64 <= WARM) && reached_store(visit) {
            picked.push(index);
        }
    }
    picked.sort_by_key(|&index| kind(&run.visits[index]));
    picked
}

fn works(run: &Outcomes, role: Role, id: u64) -> impl Iterator<Item = &crate::account::Work> {
    let of_role = run.works.iter().filter(move |(known, _)| *known == role);
    of_role.flat_map(|(_, works)| works).filter(move |work| work.id == id)
}

/// One request, in each run.
fn request(runs: &[Outcomes], index: usize) -> String {
    let Some(caller) = runs.first().map(|run| run.visits[index].caller) else { return String::new() };
    let ends = if caller.tells { "has a deadline of" } else { "hangs up after" };
    let (work, patience) = (caller.work.as_millis(), caller.patience.as_millis());
    let mut html = format!(
        "<section class=\"request\">\n<h2>Request {}, over {}</h2>\n\
         <p>It asks for {} ms of work in the store, and {ends} {} ms.</p>\n",
        caller.id,
        caller.via.name(),
        grouped(u64::try_from(work).unwrap_or(u64::MAX)),
        grouped(u64::try_from(patience).unwrap_or(u64::MAX)),
    );
    // One scale for all runs, so that lengths can be compared.
    let span =
        runs.iter().filter_map(|run| Some(timeline::span(run, run.visits.get(index)?))).max().unwrap_or(0);
    for run in runs {
        let Some(visit) = run.visits.get(index) else { continue };
        let _ = write!(
            html,
            "<h3>{}</h3>\n<div class=\"scroll\">{}</div>\n",
            run.name(),
            timeline(run, visit, span)
        );
    }
    html.push_str("</section>\n");
    html
}

/// All figures.
fn table(columns: &[(&str, &Summary)]) -> String {
    let mut html =
        String::from("<section>\n<h2>All figures</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th></th>");
    for (name, _) in columns {
        let _ = write!(html, "<th>{name}</th>");
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    let mut row = |what: &str, cell: &dyn Fn(&Summary) -> String| {
        let _ = write!(html, "<tr><th>{what}</th>");
        for (_, summary) in columns {
            let _ = write!(html, "<td>{}</td>", cell(summary));
        }
        html.push_str("</tr>\n");
    };
    row("requests", &|run| grouped(run.requests));
    row("answered in time", &|run| grouped(run.answered));
    row("timed out", &|run| grouped(run.timed_out));
    row("hung up", &|run| grouped(run.hung_up));
    row("failed", &|run| grouped(run.failed));
    for role in Role::ALL {
        row(&format!("{}: work after the caller had gone", role.name()), &|run| {
            amount(run.after[role as usize])
        });
    }
    html.push_str("</tbody>\n</table></div>\n</section>\n");
    html
}

/// Text as HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::account::Work;
    use crate::plan::callers;

    fn work(id: u64, began: u64, ended: u64, end: &str) -> Work {
        Work { id, began, ended, rows: 1, marks: Vec::new(), end: end.to_owned() }
    }

    /// A request over HTTP whose caller leaves after 100 ms; the store works to 400 ms without the context.
    fn runs() -> [Outcomes; 2] {
        [(true, 105_000, "context canceled: <gone> & \"lost\""), (false, 400_000, "answered")].map(
            |(propagation, ended, end)| {
                let caller = callers(10)[9];
                let visit = Visit { caller, came: 0, left: 100_000, outcome: Outcome::HungUp };
                let mut visits = vec![visit; 10];
                for (index, visit) in visits.iter_mut().enumerate() {
                    visit.caller.id = index as u64 + 1;
                }
                let works = vec![
                    (Role::Gateway, vec![work(10, 1_000, 101_000, "dropped")]),
                    (Role::Catalog, vec![work(10, 2_000, ended, end)]),
                    (Role::Store, vec![work(10, 3_000, ended, end)]),
                ];
                Outcomes { propagation, visits, works }
            },
        )
    }

    #[test]
    fn every_kind_of_request_is_drawn_once_for_each_run() {
        let page = page(&runs());
        assert_eq!(page.matches("<section class=\"request\">").count(), 1);
        assert_eq!(page.matches("<svg").count(), 2);
        for says in ["Request 10, over HTTP/1", "gateway", "catalog", "store", "hung up after 100.0 ms"] {
            assert!(page.contains(says), "{says}");
        }
    }

    #[test]
    fn the_page_stands_alone_and_its_tags_are_closed() {
        let page = page(&runs());
        for loads in ["<script", "src=", "href=", "@import", "url("] {
            assert!(!page.replace("url(#", "").contains(loads), "{loads}");
        }
        for tag in [
            "html", "head", "body", "main", "section", "div", "svg", "g", "text", "table", "tr", "td", "dl",
            "ul",
        ] {
            let opened =
                page.matches(&format!("<{tag} ")).count() + page.matches(&format!("<{tag}>")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
    }

    #[test]
    fn what_processes_said_is_text_and_never_markup() {
        let page = page(&runs());
        assert!(page.contains("&lt;gone&gt; &amp; &quot;lost&quot;"));
        assert!(!page.contains("<gone>"));
    }

    #[test]
    fn no_runs_and_no_requests_make_a_page_all_the_same() {
        assert!(page(&[]).ends_with("</html>\n"));
        let nothing = Outcomes { propagation: true, visits: Vec::new(), works: Vec::new() };
        assert!(page(&[nothing]).ends_with("</html>\n"));
    }
}
