//! Many marks in few bytes: the backend would write an element for each.

use std::fmt::Write;

use plotters::style::RGBColor;

/// Dots at places, as one element.
pub(super) fn dots(places: &[(i32, i32)], diameter: u32, color: RGBColor) -> String {
    // A line without length and with round ends is a dot.
    path(places, "h0", (0, 0), (diameter, "round"), color)
}

/// Crosses at places, as one element.
pub(super) fn crosses(places: &[(i32, i32)], size: i32, color: RGBColor) -> String {
    let half = size / 2;
    let whole = 2 * half;
    let cross = format!("m-{half}-{half}l{whole} {whole}m0-{whole}l-{whole} {whole}");
    path(places, &cross, (-half, half), (3, "butt"), color)
}

/// The same figure at many places; `end` is where it ends, seen from its place.
fn path(
    places: &[(i32, i32)],
    figure: &str,
    end: (i32, i32),
    (width, cap): (u32, &str),
    color: RGBColor,
) -> String {
    if places.is_empty() {
        return String::new();
    }
    let RGBColor(red, green, blue) = color;
    let mut path = format!(
        "<path fill=\"none\" stroke=\"#{red:02X}{green:02X}{blue:02X}\" stroke-width=\"{width}\" \
         stroke-linecap=\"{cap}\" d=\"M0 0"
    );
    let mut at = (0, 0);
    for place in places {
        let (right, down) = (place.0 - at.0, place.1 - at.1);
        // A sign parts numbers as well as a space does.
        let space = if down < 0 { "" } else { " " };
        // Text takes whatever is written.
        let _ = write!(path, "m{right}{space}{down}{figure}");
        at = (place.0 + end.0, place.1 + end.1);
    }
    path.push_str("\"/>\n");
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_one_element() {
        let places = [(10, 20), (13, 18)];
        let dots = dots(&places, 8, RGBColor(0, 114, 178));
        assert!(dots.starts_with("<path fill=\"none\" stroke=\"#0072B2\" stroke-width=\"8\""));
        assert!(dots.ends_with(" d=\"M0 0m10 20h0m3-2h0\"/>\n"), "{dots}");
        let crosses = crosses(&places, 8, RGBColor(0, 0, 0));
        assert!(
            crosses.ends_with("M0 0m10 20m-4-4l8 8m0-8l-8 8m7-6m-4-4l8 8m0-8l-8 8\"/>\n"),
            "{crosses}"
        );
        assert_eq!(super::dots(&[], 8, RGBColor(0, 0, 0)), "");
    }
}
