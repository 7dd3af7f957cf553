//! Go's benchmarks of its context package, done here too: `against-go GO-PROGRAM [--check] [--json] [--only PATTERN]`.
//!
//! Two processes in turns, Go's and this program as `against-go --side`; each prints what every row took. The table is made of
//! the rounds' ratios. `benches/versus-go/run.sh` builds Go's program and calls this.

#![forbid(unsafe_code)]

use purview_versus::args::Args;
use purview_versus::go;
use purview_versus::row::{Row, Title};
use purview_versus::stats::Rounds;
use purview_versus::table;
use std::collections::BTreeMap;
use std::error::Error;
use std::process::{Command, ExitCode};

const ROUNDS: usize = 9;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let program =
        words.next().ok_or("the first argument is Go's program; benches/versus-go/run.sh builds it")?;
    if program == "--side" {
        go::run(|work, nanos| println!("{}", go::line(work, nanos)));
        return Ok(ExitCode::SUCCESS);
    }
    let args = Args::parse(words)?;
    let rows = compare(&program, args.only.as_deref())?;
    if args.json {
        for row in &rows {
            println!("{}", row.json());
        }
    } else {
        println!("{}", table::head());
        for row in &rows {
            println!("{}", table::body(row));
        }
        println!("{}", table::foot(&rows));
    }
    Ok(ExitCode::from(u8::from(args.check && (rows.is_empty() || rows.iter().any(Row::breaks)))))
}

fn compare(program: &str, only: Option<&str>) -> Result<Vec<Row>, Box<dyn Error>> {
    let ours = std::env::current_exe()?;
    let mut order = Vec::new();
    let mut seen: BTreeMap<String, Rounds> = BTreeMap::new();
    for round in 0..ROUNDS {
        eprintln!("[{}/{ROUNDS}] both sides", round + 1);
        let ours = || side(Command::new(&ours).arg("--side"));
        let peer = || side(&mut Command::new(program));
        let (ours, mut peer) = if round % 2 == 0 {
            let ours = ours()?;
            (ours, peer()?)
        } else {
            let peer = peer()?;
            (ours()?, peer)
        };
        for (work, nanos) in ours {
            let at =
                peer.iter().position(|(name, _)| *name == work).ok_or(format!("Go has no row {work:?}"))?;
            if round == 0 {
                order.push(work.clone());
            }
            let rounds = seen.entry(work).or_default();
            rounds.ours.push(nanos);
            rounds.peer.push(peer.swap_remove(at).1);
        }
        if let Some((work, _)) = peer.first() {
            return Err(format!("only Go has a row {work:?}").into());
        }
    }
    let rows = order.into_iter().map(|work| {
        let title = Title::nanos(&work, "Go 1.27.3", go::limit(&work));
        let rounds = seen.remove(&work).ok_or("two rows have one name".to_owned());
        Row::new(title, rounds)
    });
    Ok(rows.filter(|row: &Row| only.is_none_or(|pattern| row.title.matches(pattern))).collect())
}

fn side(command: &mut Command) -> Result<Vec<(String, f64)>, Box<dyn Error>> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("{command:?} failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    String::from_utf8(output.stdout)?.lines().map(|line| Ok(go::parse(line)?)).collect()
}
