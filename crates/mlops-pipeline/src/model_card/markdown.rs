use std::fmt::{Formatter, Result, Write};

/// Plain text that Markdown shows as it is, on one line, in a table or outside.
pub(super) fn text(plain: &str) -> String {
    let mut text = String::with_capacity(plain.len());
    let words: Vec<&str> = plain.split_whitespace().collect();
    let line = words.join(" ");
    let n_digits = line.bytes().take_while(u8::is_ascii_digit).count();
    for (at, character) in line.char_indices() {
        let is_special = match character {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '$' | '&' => true,
            // Lists and headings begin so.
            '#' | '+' | '-' | '=' | ':' => at == 0,
            '.' | ')' => at == n_digits,
            _ => false,
        };
        if is_special {
            text.push('\\');
        }
        text.push(if character.is_control() { '\u{fffd}' } else { character });
    }
    text
}

/// A path as the target of a link: nothing in it ends the link, and it has no scheme.
pub(super) fn path(path: &str) -> String {
    let mut target = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            target.push(char::from(byte));
        } else {
            // Text takes whatever is written.
            let _ = write!(target, "%{byte:02X}");
        }
    }
    target
}

/// A row of a table.
pub(super) fn row(f: &mut Formatter<'_>, cells: impl IntoIterator<Item = String>) -> Result {
    f.write_char('|')?;
    for cell in cells {
        write!(f, " {cell} |")?;
    }
    f.write_char('\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_says_what_it_said_and_no_more() {
        assert_eq!(
            text("a|b\n<script> & [x](y) `c` *d* e_f"),
            "a\\|b \\<script\\> \\& \\[x\\](y) \\`c\\` \\*d\\* e\\_f"
        );
        assert_eq!(text("- 1"), "\\- 1");
        assert_eq!(text("# of - rows"), "\\# of - rows");
        assert_eq!(text("12. May"), "12\\. May");
        assert_eq!(text(".5 is half"), "\\.5 is half");
        assert_eq!(text("0.5 or v1.2"), "0\\.5 or v1.2");
        assert_eq!(text("    \u{1}code\\|"), "\u{fffd}code\\\\\\|");
    }

    #[test]
    fn paths_stay_within_their_link() {
        assert_eq!(path("figures/roc.svg"), "figures/roc.svg");
        assert_eq!(path("a b)(.svg\n<é"), "a%20b%29%28.svg%0A%3C%C3%A9");
        assert_eq!(path("javascript:alert(1)"), "javascript%3Aalert%281%29");
    }
}
