//! `serve`: the three models of a configuration behind HTTP.

use std::io;

use mlops_registry::LocalStore;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::ServeArgs;
use crate::configuration::Configuration;
use crate::error::Error;
use crate::screen::note;
use crate::served::ServedModels;

/// Serves until the process is told to stop; logs to stdout.
pub(crate) fn serve(store: &LocalStore, args: &ServeArgs) -> Result<(), Error> {
    let configuration = Configuration::read(&args.config)?;
    let models = ServedModels::load(store, &configuration, args.compat)?;
    for remark in &models.remarks {
        note(format_args!("warning: {remark}"));
    }
    let service = models.into_service(io::stdout())?;
    runtime()?.block_on(async {
        let listen = |source| Error::Listen { address: args.listen.clone(), source };
        let listener = TcpListener::bind(&args.listen).await.map_err(listen)?;
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
