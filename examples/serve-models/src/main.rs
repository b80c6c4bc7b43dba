//! Serves directories of models over HTTP: boosters, and the detectors that watch their inputs.

mod cli;
mod error;
mod models;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use mlops_serve::{Service, serve};
use mlops_telemetry::Telemetry;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::Cli;
use crate::error::Error;

/// The name of the service in its metrics and its lines.
const SERVICE_NAME: &str = "serve-models";

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(format_args!("error: {}", error.chain()));
            ExitCode::FAILURE
        }
    }
}

/// Serves until the process is told to stop.
fn run(cli: &Cli) -> Result<(), Error> {
    let listen = |source| Error::Listen { address: cli.listen.clone(), source };
    // What cannot be listened on is known before models are loaded.
    let listener = std::net::TcpListener::bind(&cli.listen).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let service = service(cli)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(Error::Runtime)?.block_on(async {
        let listener = TcpListener::from_std(listener).map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        let stop = stop_signal().map_err(Error::Runtime)?;
        note(format_args!("listening on http://{bound}"));
        Ok(serve(listener, service, stop).await?)
    })
}

fn service(cli: &Cli) -> Result<Service, Error> {
    let (first, others) = models::load(cli)?;
    let mut builder = Service::builder(first).name(SERVICE_NAME);
    for model in others {
        builder = builder.model(model);
    }
    if let Some(format) = cli.telemetry.format() {
        let telemetry = Telemetry::builder(SERVICE_NAME, io::stdout()).format(format);
        builder = builder.telemetry(telemetry.start()?);
    }
    Ok(builder.build()?)
}

/// Ends when the process is interrupted or told to terminate.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Shows a line beside the lines of the telemetry. Whoever closed the other end does not want to see it.
fn note(line: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
