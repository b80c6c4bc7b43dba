use axum::http::HeaderMap;

/// The trace that a request says it is part of, by the header `traceparent` of W3C Trace Context: 32 hexadecimal
/// digits. What is malformed is passed over, as the recommendation asks.
pub(crate) fn trace_id(headers: &HeaderMap) -> Option<&str> {
    let parent = headers.get("traceparent")?.to_str().ok()?;
    let mut fields = parent.split('-');
    let (version, trace_id) = (fields.next()?, fields.next()?);
    let (parent_id, flags) = (fields.next()?, fields.next()?);
    // Later versions may have more fields.
    let has_end = version != "00" || fields.next().is_none();
    let is_valid = is_hex(version, 2)
        && version != "ff"
        && is_id(trace_id, 32)
        && is_id(parent_id, 16)
        && is_hex(flags, 2)
        && has_end;
    is_valid.then_some(trace_id)
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Digits that are not all zero.
fn is_id(text: &str, length: usize) -> bool {
    is_hex(text, length) && text.bytes().any(|byte| byte != b'0')
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn a_parent_is_read_as_the_recommendation_says() {
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        let zeros = "0".repeat(32);
        for (header, expected) in [
            (format!("00-{id}-00f067aa0ba902b7-01"), Some(id)),
            (format!("01-{id}-00f067aa0ba902b7-01-later"), Some(id)),
            (format!("00-{id}-00f067aa0ba902b7-01-later"), None),
            (format!("ff-{id}-00f067aa0ba902b7-01"), None),
            (format!("00-{zeros}-00f067aa0ba902b7-01"), None),
            (format!("00-{id}-0000000000000000-01"), None),
            (format!("00-{}-00f067aa0ba902b7-01", id.to_uppercase()), None),
            (format!("00-{id}"), None),
            (String::new(), None),
        ] {
            let value = HeaderValue::from_str(&header).unwrap();
            let headers = HeaderMap::from_iter([("traceparent".parse().unwrap(), value)]);
            assert_eq!(trace_id(&headers), expected, "{header}");
        }
        assert_eq!(trace_id(&HeaderMap::new()), None);
    }
}
