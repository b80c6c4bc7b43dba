//! `serve`: the three models of a configuration behind HTTP.

use std::io;
use std::path::Path;

use mlops_registry::LocalStore;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::configuration::Configuration;
use crate::error::Error;
use crate::models::Models;
use crate::screen::note;

/// Serves until the process is told to stop; logs to stdout.
pub(crate) fn serve(store: &LocalStore, config: &Path, address: &str) -> Result<(), Error> {
    let configuration = Configuration::read(config)?;
    let service = Models::load(store, &configuration)?.into_service(io::stdout())?;
    runtime()?.block_on(async {
        let listen = |source| Error::Listen { address: address.to_owned(), source };
        let listener = TcpListener::bind(address).await.map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        let stop = stop_signal().map_err(Error::Runtime)?;
        note(format_args!("listening on http://{bound}"));
        Ok(mlops_serve::serve(listener, service, stop).await?)
    })
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::Runtime)
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
