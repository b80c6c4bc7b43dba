use std::io;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::element::{PathElement, Rectangle};
use plotters::prelude::SVGBackend;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor, WHITE};

use super::ReportError;
use super::axis::Axis;
use super::marks;
use super::style::{self, AXIS, GRID, LABEL, TEXT, TITLE};

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Axis, Axis>>;
pub(super) type Fault = DrawingAreaErrorKind<io::Error>;

/// A sheet of paper: a title, a legend below it, and room for what is drawn.
#[derive(Debug)]
pub(super) struct Figure<'a> {
    pub(super) title: &'a str,
    pub(super) legend: Vec<Entry>,
    /// Of the room for what is drawn, in units of half a pixel.
    pub(super) size: (i32, i32),
}

/// A line of the legend.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) mark: Mark,
    pub(super) text: String,
}

/// What stands in a chart for what the legend says.
#[derive(Debug)]
pub(super) enum Mark {
    Line(RGBColor),
    Dot(RGBColor),
    Cross(RGBColor),
    Scale(Vec<RGBColor>),
    /// A note without a mark.
    None,
}

const MARGIN: i32 = 32;
const TITLE_HEIGHT: i32 = 60;
/// So much wider are bold letters.
const BOLD: f64 = 1.12;
const ENTRY_HEIGHT: i32 = 42;
/// Of the mark beside an entry.
const MARK_WIDTH: i32 = 56;
/// Of the labels and the title of a horizontal axis.
pub(super) const BELOW_AXIS: i32 = 100;
/// Between a vertical axis and its title, and of the title.
const AXIS_TITLE: i32 = 64;
const TICK: i32 = 8;
pub(super) const DOT: u32 = 10;
pub(super) const CROSS: i32 = 12;

impl Figure<'_> {
    /// Draws the figure; `draw` is given the room below the legend, and returns elements that are laid on top.
    pub(super) fn draw(
        &self,
        draw: impl FnOnce(&Area<'_>) -> Result<String, Fault>,
    ) -> Result<String, ReportError> {
        let mut drawn = String::new();
        let top = self.paint(&mut drawn, draw);
        let top = top.map_err(|fault| ReportError::Drawing(Box::new(fault)))?;
        Ok(self.envelope(&drawn, &top))
    }

    fn paint(
        &self,
        drawn: &mut String,
        draw: impl FnOnce(&Area<'_>) -> Result<String, Fault>,
    ) -> Result<String, Fault> {
        let paper = SVGBackend::with_string(drawn, self.paper()).into_drawing_area();
        paper.fill(&WHITE)?;
        let (title, room) =
            paper.margin(MARGIN, MARGIN, MARGIN, MARGIN).split_vertically(self.above());
        let (room, _) = room.split_horizontally(self.size.0);
        let text = style::bold_font(TITLE).pos(style::beside(HPos::Left));
        title.draw_text(self.title, &text, (0, TITLE_HEIGHT / 2))?;
        let mut top = String::new();
        for (row, entry) in (0..).zip(&self.legend) {
            top += &entry.draw(&title, TITLE_HEIGHT + row * ENTRY_HEIGHT + ENTRY_HEIGHT / 2)?;
        }
        top += &draw(&room)?;
        paper.present()?;
        Ok(top)
    }

    fn above(&self) -> i32 {
        let entries: i32 = self.legend.iter().map(|_| ENTRY_HEIGHT).sum();
        TITLE_HEIGHT + entries + MARGIN / 2
    }

    /// As wide as the widest of title, legend and what is drawn.
    fn width(&self) -> i32 {
        let title = style::units(BOLD * style::width(self.title, TITLE));
        self.legend.iter().map(Entry::width).fold(self.size.0.max(title), i32::max)
    }

    fn paper(&self) -> (u32, u32) {
        let lengths = [self.width(), self.size.1 + self.above()];
        let paper = lengths.map(|length| (length + 2 * MARGIN).unsigned_abs());
        (paper[0], paper[1])
    }

    /// The file: half a pixel a unit, and with words for those who do not see it.
    fn envelope(&self, drawn: &str, top: &str) -> String {
        let (width, height) = self.paper();
        let body = drawn.split_once(">\n").map_or("", |(_, body)| body);
        let body = body.trim_end().trim_end_matches("</svg>");
        let legend: Vec<&str> = self.legend.iter().map(|entry| entry.text.as_str()).collect();
        let (title, legend) = (escaped(self.title), escaped(&legend.join("; ")));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"{}\" height=\"{}\" \
             viewBox=\"0 0 {width} {height}\">\n<title>{title}</title>\n<desc>{legend}</desc>\n\
             {body}{top}</svg>\n",
            width.div_ceil(2),
            height.div_ceil(2),
        )
    }
}

impl Entry {
    /// Where the text begins.
    fn start(&self) -> i32 {
        match &self.mark {
            Mark::Scale(colors) => colors.iter().map(|_| 16).sum::<i32>() + 16,
            Mark::None => 0,
            _ => MARK_WIDTH,
        }
    }

    fn width(&self) -> i32 {
        self.start() + style::units(style::width(&self.text, TEXT))
    }

    fn draw(&self, area: &Area<'_>, middle: i32) -> Result<String, Fault> {
        let (left, top) = area.get_base_pixel();
        let place = [(left + MARK_WIDTH / 2 - 8, top + middle)];
        let mut marks = String::new();
        match &self.mark {
            Mark::Line(color) => {
                let ends = vec![(0, middle), (MARK_WIDTH - 16, middle)];
                area.draw(&PathElement::new(ends, style::line(*color, 5)))?;
            }
            Mark::Dot(color) => marks = marks::dots(&place, DOT, *color),
            Mark::Cross(color) => marks = marks::crosses(&place, CROSS, *color),
            Mark::Scale(colors) => {
                for (at, color) in (0..).step_by(16).zip(colors) {
                    let corners = [(at, middle - 12), (at + 16, middle + 12)];
                    area.draw(&Rectangle::new(corners, color.filled()))?;
                }
            }
            Mark::None => {}
        }
        let text = style::font(TEXT).pos(style::beside(HPos::Left));
        area.draw_text(&self.text, &text, (self.start(), middle))?;
        Ok(marks)
    }
}

/// How much room a vertical axis needs.
pub(super) fn beside_axis(y: &Axis) -> i32 {
    let title = if y.title.is_empty() { 0 } else { AXIS_TITLE };
    style::units(y.width()) + 2 * TICK + title
}

/// The axes of a chart, and the coordinates that go with them. The vertical axis has `left` units of room.
pub(super) fn chart<'a, 'b>(
    area: &'a Area<'b>,
    x: &Axis,
    y: &Axis,
    left: i32,
) -> Result<Chart<'a, 'b>, Fault> {
    let mut chart = ChartBuilder::on(area)
        .x_label_area_size(BELOW_AXIS)
        .y_label_area_size(left)
        .build_cartesian_2d(x.clone(), y.clone())?;
    let mut mesh = chart.configure_mesh();
    mesh.bold_line_style(style::line(GRID, 2))
        .axis_style(style::line(AXIS, 2))
        .set_all_tick_mark_size(TICK)
        .label_style(style::font(LABEL))
        .axis_desc_style(style::font(TEXT))
        .x_desc(x.title.clone())
        .y_desc(y.title.clone());
    if !y.has_lines {
        mesh.disable_y_mesh();
    }
    mesh.draw()?;
    Ok(chart)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
