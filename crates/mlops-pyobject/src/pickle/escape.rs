//! How protocol 0 writes texts in a line.

/// The text of a line in which `\uXXXX` and `\UXXXXXXXX` stand for characters and any other byte
/// for the character of the same number.
pub(super) fn unescape(line: &[u8]) -> Option<String> {
    let mut text = String::with_capacity(2 * line.len());
    let mut rest = line;
    while let Some((byte, after)) = rest.split_first() {
        let digits = match (byte, after.first()) {
            (b'\\', Some(b'u')) => 4,
            (b'\\', Some(b'U')) => 8,
            _ => {
                text.push(char::from(*byte));
                rest = after;
                continue;
            }
        };
        let (code, after) = after[1..].split_at_checked(digits)?;
        let code = u32::from_str_radix(str::from_utf8(code).ok()?, 16).ok()?;
        text.push(char::from_u32(code)?);
        rest = after;
    }
    Some(text)
}

/// The byte string that Python 2 prints as `line`, in quotes.
pub(super) fn unquote(line: &[u8]) -> Option<Vec<u8>> {
    let ([b'\'', quoted @ .., b'\''] | [b'"', quoted @ .., b'"']) = line.trim_ascii() else {
        return None;
    };
    let mut string = Vec::with_capacity(quoted.len());
    let mut rest = quoted.iter();
    while let Some(byte) = rest.next() {
        if *byte != b'\\' {
            string.push(*byte);
            continue;
        }
        string.push(match rest.next()? {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'x' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                u8::try_from(digit()? << 4 | digit()?).ok()?
            }
            quoted @ (b'\\' | b'\'' | b'"') => *quoted,
            _ => return None,
        });
    }
    Some(string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_characters_are_replaced() {
        assert_eq!(unescape(br"a\u00e9\U0001F377\n").unwrap(), "a\u{e9}\u{1F377}\\n");
        assert_eq!(unescape(b"\xe9").unwrap(), "\u{e9}");
        for broken in [&br"\u12"[..], br"\ud800", br"\U00110000", br"\u12\xff4"] {
            assert_eq!(unescape(broken), None);
        }
    }

    #[test]
    fn quotes_and_escapes_are_taken_off() {
        assert_eq!(unquote(br"'it\'s \x41\n'").unwrap(), b"it's A\n");
        assert_eq!(unquote(br#""a"  "#).unwrap(), b"a");
        for broken in [&b"'a"[..], b"a", b"'", br"'\x4'", br"'\q'"] {
            assert_eq!(unquote(broken), None);
        }
    }
}
