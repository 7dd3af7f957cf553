//! `cargo run --release -p purview-example-http -- --addr 127.0.0.1:0`
#![forbid(unsafe_code)]

use std::io;
use std::process::ExitCode;

use purview::Context;
use purview_example_http::{App, serve};
use tokio::net::TcpListener;

const USAGE: &str = "usage: purview-example-http [--addr HOST:PORT]";

fn main() -> ExitCode {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let addr = match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => "127.0.0.1:3000",
        ["--addr", addr] => addr,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_io().build();
    match runtime.and_then(|runtime| runtime.block_on(listen(addr))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{addr}: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn listen(addr: &str) -> io::Result<()> {
    let listener = TcpListener::bind(addr).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = App::new(&Context::background(), |line| println!("{line}"));
    serve(listener, app, async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            println!("no signals, so nothing can shut this down gently: {error}");
            std::future::pending::<()>().await;
        }
    })
    .await
}
