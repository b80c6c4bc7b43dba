//! How all charts look. Lengths are in units of half a pixel.

use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle};

/// Colours for one curve each, by Okabe and Ito (2008), *Color universal design*: they can be told apart with any kind of
/// colour vision.
pub(super) const PALETTE: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
pub(super) const INK: RGBColor = RGBColor(38, 38, 38);
pub(super) const AXIS: RGBColor = RGBColor(140, 140, 140);
pub(super) const GRID: RGBColor = RGBColor(232, 232, 232);
/// What a curve is compared with, and what is missing.
pub(super) const QUIET: RGBColor = RGBColor(150, 150, 150);

pub(super) const TITLE: f64 = 34.0;
pub(super) const TEXT: f64 = 26.0;
pub(super) const LABEL: f64 = 24.0;

/// Names of more characters are cut off.
const LONGEST_NAME: usize = 40;
/// Wider names are, too; in sizes of the font.
const WIDEST_NAME: f64 = 24.0;
/// The backend makes fonts smaller by this.
const SHRINKAGE: f64 = 1.24;

pub(super) fn font(size: f64) -> TextStyle<'static> {
    text(size, FontStyle::Normal)
}

pub(super) fn bold_font(size: f64) -> TextStyle<'static> {
    text(size, FontStyle::Bold)
}

fn text(size: f64, style: FontStyle) -> TextStyle<'static> {
    TextStyle::from(FontDesc::new(FontFamily::SansSerif, size * SHRINKAGE, style)).color(&INK)
}

/// Where text stands at its point, and in the middle of its height.
pub(super) fn beside(horizontal: HPos) -> Pos {
    Pos::new(horizontal, VPos::Center)
}

pub(super) fn line(color: RGBColor, width: u32) -> ShapeStyle {
    color.stroke_width(width)
}

/// How wide a text is. No font is at hand: the widths are those of `DejaVu` Sans and nearly of Verdana, which are wider
/// than what else is taken for sans-serif.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(ems).sum::<f64>() * size
}

/// In sizes of the font.
fn ems(character: char) -> f64 {
    match character {
        ' ' | '!' | '\'' | '(' | ')' | ',' | '-' | '.' | '/' | ':' | ';' | '[' | '\\' | ']'
        | '|' => 0.4,
        'I' | 'J' | 'f' | 'i' | 'j' | 'l' | 'r' | 't' => 0.42,
        '%' | '@' | 'M' | 'W' | 'm' | 'w' => 1.0,
        '#' | '+' | '<' | '=' | '>' | '^' | '~' => 0.84,
        '&' | 'A'..='Z' => 0.79,
        '\u{20}'..='\u{7e}' => 0.64,
        // Most letters of Latin, Greek and Cyrillic.
        '\u{a0}'..='\u{52f}' => 0.85,
        _ => 1.0,
    }
}

/// A length on paper.
pub(super) fn units(length: f64) -> i32 {
    #[expect(clippy::cast_possible_truncation, reason = "of a few names of 40 characters at most")]
    let units = length.round() as i32;
    units
}

/// A name as it can be shown: on one line, not too long, and without characters that XML forbids.
pub(super) fn shown(name: &str) -> String {
    let is_forbidden =
        |character: char| character.is_control() || matches!(character, '\u{fffe}' | '\u{ffff}');
    let clean = |character| if is_forbidden(character) { '\u{fffd}' } else { character };
    let mut shown: Vec<char> = name.chars().take(LONGEST_NAME + 1).map(clean).collect();
    let is_too_long = |shown: &[char]| {
        let width: f64 = shown.iter().copied().map(ems).sum();
        shown.len() > LONGEST_NAME || width > WIDEST_NAME
    };
    if is_too_long(&shown) {
        shown.push('…');
        while is_too_long(&shown) {
            shown.remove(shown.len() - 2);
        }
    }
    shown.into_iter().collect()
}

/// A number with three digits that count.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if size == 0.0 {
        return "0".to_owned();
    }
    if !(1e-3..1e6).contains(&size) {
        return format!("{value:.2e}");
    }
    let decimals = [(100.0, 0), (10.0, 1), (1.0, 2), (0.1, 3), (0.01, 4)];
    let decimals = decimals.into_iter().find(|(least, _)| size >= *least);
    format!("{value:.*}", decimals.map_or(5, |(_, decimals)| decimals))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let numbers = [0.0, -0.0, 1.0, -12.345, 123_456.0, 0.123_45, 0.001_234_5, 1e-9, -2.5e12];
        let shown = numbers.map(number);
        let expected =
            ["0", "0", "1.00", "-12.3", "123456", "0.123", "0.00123", "1.00e-9", "-2.50e12"];
        assert_eq!(shown, expected);
    }

    #[test]
    fn names_are_short_and_on_one_line() {
        assert_eq!(shown("a\nb\0\u{ffff}"), "a\u{fffd}b\u{fffd}\u{fffd}");
        assert_eq!(shown(&"i".repeat(40)), "i".repeat(40));
        assert_eq!(shown(&"i".repeat(41)), "i".repeat(39) + "…");
        assert_eq!(shown(&"酒".repeat(24)), "酒".repeat(24));
        assert_eq!(shown(&"酒".repeat(1000)), "酒".repeat(23) + "…");
        assert_eq!(shown(""), "");
    }
}
