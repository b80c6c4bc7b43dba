/// Where a stored JSON document is not what was expected, and why.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
#[non_exhaustive]
pub struct JsonFault {
    /// The line of the fault, counted from 1.
    pub line: usize,
    /// The column of the fault.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

impl From<serde_json::Error> for JsonFault {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let message = error.to_string();
        // serde_json says the place in the end.
        let place = format!(" at line {line} column {column}");
        let message = message.strip_suffix(&place).unwrap_or(&message).to_owned();
        Self { line, column, message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_said_once() {
        let error = serde_json::from_str::<u8>("\n 300").unwrap_err();
        let fault = JsonFault::from(error);
        let expected = "line 2, column 4: invalid value: integer `300`, expected u8";
        assert_eq!(fault.to_string(), expected);
    }
}
