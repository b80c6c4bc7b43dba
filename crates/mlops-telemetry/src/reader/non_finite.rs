//! Numbers that JSON does not have.

/// Python writes NaN and infinities, which JSON does not have; they become null. `None` if there are none.
pub(super) fn without_non_finite(json: &str) -> Option<String> {
    let mut clean = String::with_capacity(json.len());
    let (mut rest, mut n_found) = (json, 0);
    while let Some(character) = rest.chars().next() {
        let found = NON_FINITE.iter().find(|&&word| rest.starts_with(word));
        let length = if let Some(word) = found {
            n_found += 1;
            clean.push_str("null");
            word.len()
        } else {
            let length = if character == '"' { text_length(rest) } else { character.len_utf8() };
            clean.push_str(&rest[..length]);
            length
        };
        rest = &rest[length..];
    }
    (n_found > 0).then_some(clean)
}

const NON_FINITE: [&str; 3] = ["NaN", "-Infinity", "Infinity"];

/// The length of the text in quotes with which `json` begins.
fn text_length(json: &str) -> usize {
    let mut is_escaped = false;
    for (i, byte) in json.bytes().enumerate().skip(1) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return i + 1,
            _ => {}
        }
    }
    json.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_texts_stay() {
        let clean = without_non_finite(r#"{"é \" NaN":[NaN,-Infinity, Infinity,"-Infinity\\"]}"#);
        assert_eq!(clean.as_deref(), Some(r#"{"é \" NaN":[null,null, null,"-Infinity\\"]}"#));
        for json in [r#"{"a":"NaN"}"#, "", "\"NaN", "\"\\", "\"é\\"] {
            assert_eq!(without_non_finite(json), None);
        }
    }
}
