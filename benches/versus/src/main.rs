//! What purview costs, beside its peers, in one process and interleaved. See the README beside this.

#![forbid(unsafe_code)]

use purview_versus::args::Args;
use purview_versus::row::Row;
use purview_versus::{bench, rows, table};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match Args::parse(std::env::args().skip(1)) {
        Ok(args) => args,
        Err(why) => {
            eprintln!("{why}");
            return ExitCode::from(2);
        }
    };
    if args.list {
        for bench in rows::all() {
            println!("{} (beside {})", bench.title.work, bench.title.peer);
        }
        return ExitCode::SUCCESS;
    }
    if !args.json {
        println!("{}", table::head());
    }
    let rows = bench::run(
        rows::all(),
        args.only.as_deref(),
        |index, all, title| eprintln!("[{index}/{all}] {} (beside {})", title.work, title.peer),
        |row| println!("{}", if args.json { row.json().to_string() } else { table::body(row) }),
    );
    if rows.is_empty() {
        eprintln!("no row matches; --list names them");
        return ExitCode::from(2);
    }
    if !args.json {
        println!("{}", table::foot(&rows));
    }
    ExitCode::from(u8::from(args.check && rows.iter().any(Row::breaks)))
}
