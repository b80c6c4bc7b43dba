use clap::ValueEnum;
use mlops_serve::Dialect;

/// Whose answers the service gives where they differ from its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Compat {
    /// Those of the original Python service, faults and all, for clients that were made for it.
    Seed,
}

/// How a service without or with such a wish writes.
pub(crate) fn dialect(compat: Option<Compat>) -> Dialect {
    match compat {
        None => Dialect::Native,
        Some(Compat::Seed) => Dialect::Seed,
    }
}
