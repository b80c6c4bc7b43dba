pub(crate) mod health;
pub(crate) mod predict;
pub(crate) mod problems;
