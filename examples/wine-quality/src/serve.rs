//! `serve`: the three models of a configuration behind HTTP.

use std::io;

use mlops_registry::{LocalStore, env};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::cli::{ServeArgs, StoreArgs};
use crate::configuration::Configuration;
use crate::error::Error;
use crate::screen::note;
use crate::served::ServedModels;

/// Serves until the process is told to stop; logs to stdout.
pub(crate) fn serve(args: &ServeArgs) -> Result<(), Error> {
    let configuration = Configuration::read(&args.config)?;
    let listen = |source| Error::Listen { address: args.listen.clone(), source };
    // What cannot be listened on is known before models are loaded.
    let listener = std::net::TcpListener::bind(&args.listen).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let models = ServedModels::load(|| open_existing(&args.store), &configuration, args.compat)?;
    for remark in &models.remarks {
        note(format_args!("warning: {remark}"));
    }
    let service = models.into_service(io::stdout())?;
    runtime()?.block_on(async {
        let listener = TcpListener::from_std(listener).map_err(listen)?;
        let bound = listener.local_addr().map_err(listen)?;
        let stop = stop_signal().map_err(Error::Runtime)?;
        note(format_args!("listening on http://{bound}"));
        Ok(mlops_serve::serve(listener, service, stop).await?)
    })
}

/// The store that the arguments name, which is not made if it is not there.
fn open_existing(args: &StoreArgs) -> Result<LocalStore, Error> {
    Ok(match &args.store {
        Some(root) => LocalStore::open_existing(root)?,
        None => env::existing_store()?,
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
