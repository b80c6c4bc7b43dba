use clap::ValueEnum;
use mlops_serve::Form;
use mlops_telemetry::LineFormat;

/// Whose answers the service gives where they differ from its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Compat {
    /// Those of the original Python service, faults and all, for clients that were made for it.
    Seed,
}

/// The form of answers without or with such a wish.
pub(crate) fn form(compat: Option<Compat>) -> Form {
    match compat {
        None => Form::PerRow,
        Some(Compat::Seed) => Form::Original,
    }
}

/// The form of log lines without or with such a wish.
pub(crate) fn line_format(compat: Option<Compat>) -> LineFormat {
    match compat {
        None => LineFormat::Compact,
        Some(Compat::Seed) => LineFormat::Original,
    }
}
