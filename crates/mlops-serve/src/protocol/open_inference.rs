mod data;
mod datatype;
mod error;
pub(crate) mod metadata;
pub(crate) mod request;
pub(crate) mod response;
mod tensor;

pub(crate) use self::datatype::Datatype;
pub(crate) use self::error::Error;

#[cfg(test)]
mod tests;
