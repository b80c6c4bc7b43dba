//! `serve`: the three models of a configuration behind HTTP.

use std::path::Path;
use std::{fs, io};

use mlops_serve::{ApiKeys, Limits, Server, Service, TlsConfig};
use mlops_telemetry::{AuditLog, AuditOptions};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::spawn_blocking;

use crate::cli::ServeArgs;
use crate::configuration::Configuration;
use crate::error::Error;
use crate::screen::note;
use crate::served::{SERVICE_NAME, service};
use crate::source::ConfigurationSource;

/// Serves until the process is told to stop; tells of requests on stdout.
pub(crate) fn serve(args: &ServeArgs) -> Result<(), Error> {
    let mut source = ConfigurationSource::new(args);
    // What is wrong with the configuration, and what cannot be listened on, is known before models are loaded.
    Configuration::read(&args.config)?;
    let listener = bind(&args.listen)?;
    let admin = args.admin.as_deref().map(bind).transpose()?;
    let model = source.look()?.ok_or(Error::NoModels)?;
    let mut builder = service(model, args.compat, io::stdout())?;
    builder = builder.source(source, args.reload_every);
    if let Some(path) = &args.api_keys {
        let text = fs::read_to_string(path).map_err(Error::io(path))?;
        let keys = ApiKeys::parse(&text);
        builder =
            builder.api_keys(keys.map_err(|source| Error::ApiKeys { path: path.clone(), source })?);
    }
    if let Some(folder) = &args.audit {
        builder = builder.audit(AuditLog::open(folder, AuditOptions::new(SERVICE_NAME))?);
    }
    let mut limits = Limits::default();
    limits.drain_delay = args.drain_delay;
    let service = builder.limits(limits).build()?;
    let mut server = Server::new(service.clone());
    if let Some((certificate, key)) = args.tls_certificate.as_ref().zip(args.tls_key.as_ref()) {
        let read = |path: &Path| fs::read(path).map_err(Error::io(path));
        server = server.tls(TlsConfig::from_pem(&read(certificate)?, &read(key)?)?);
    }
    let runtime = runtime()?;
    let served = runtime.block_on(async {
        let from_std = |listener| TcpListener::from_std(listener).map_err(Error::Runtime);
        let listener = from_std(listener)?;
        let bound = listener.local_addr().map_err(Error::Runtime)?;
        if let Some(admin) = admin {
            let admin = from_std(admin)?;
            note(format_args!("administration on {}", admin.local_addr().map_err(Error::Runtime)?));
            server = server.admin(admin);
        }
        let stop = stop_signal().map_err(Error::Runtime)?;
        tokio::spawn(reload_on_signal(
            signal(SignalKind::hangup()).map_err(Error::Runtime)?,
            service,
        ));
        let scheme = if args.tls_key.is_some() { "https" } else { "http" };
        note(format_args!("listening on {scheme}://{bound}"));
        Ok(server.run(listener, stop).await?)
    });
    // A thread that hangs in a model is not waited for.
    runtime.shutdown_background();
    served
}

fn bind(address: &str) -> Result<std::net::TcpListener, Error> {
    let bind = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    bind().map_err(|source| Error::Listen { address: address.to_owned(), source })
}

/// Looks for other models whenever the process is sent SIGHUP, and says what came of it.
async fn reload_on_signal(mut hangup: Signal, service: Service) {
    while hangup.recv().await.is_some() {
        let service = service.clone();
        match spawn_blocking(move || service.reload()).await {
            Ok(Ok(0)) => note("the models are the same as before"),
            Ok(Ok(_)) => note("the models were replaced"),
            // The source has said why.
            Ok(Err(_)) | Err(_) => {}
        }
    }
}

pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Error> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Error::Runtime)
}

/// Ends when the process is interrupted or told to terminate.
pub(crate) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
