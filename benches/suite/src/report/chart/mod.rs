//! Charts, drawn as SVG by hand: every shape, colour and label is where it should be, and nothing has to be loaded.

use maud::{Markup, PreEscaped, html};

mod bars;
mod canvas;
mod lines;
mod scale;
mod standing;
mod style;

pub(super) use bars::bars;
pub(super) use lines::{Across, Line, lines};
pub(super) use standing::{Order, Standing, standing};
pub(super) use style::style;

use canvas::{Canvas, place};

/// What the classes of the shapes look like, in the page and in the files.
pub(super) const STYLE: &str = include_str!("chart.css");

/// A finished chart.
#[derive(Debug)]
pub(super) struct Chart {
    /// The file's name without its ending, and the anchor in the page.
    pub(super) id: String,
    /// What a heading above it says.
    pub(super) title: String,
    canvas: Canvas,
}

/// The height that a file's title takes above the drawing.
const TITLE: f64 = 40.0;

impl Chart {
    /// For the page, whose style sheet has [`STYLE`] and whose headings have the title.
    pub(super) fn inline(&self) -> Markup {
        let view = format!(
            "0 0 {} {}",
            place(self.canvas.width),
            place(self.canvas.height)
        );
        html! {
            svg .chart viewBox=(view) role="img" aria-label=(self.title)
                style=(format!("max-width: {}px", self.canvas.width)) {
                (self.canvas.shapes())
            }
        }
    }

    /// A file of its own: with title, style and background.
    pub(super) fn file(&self) -> String {
        let (width, height) = (self.canvas.width, self.canvas.height + TITLE);
        let view = format!("0 {} {} {}", place(-TITLE), place(width), place(height));
        let svg = html! {
            svg .chart xmlns="http://www.w3.org/2000/svg" viewBox=(view)
                width=(place(width)) height=(place(height)) role="img" aria-label=(self.title) {
                style { (PreEscaped(STYLE)) }
                rect class="paper" x="0" y=(place(-TITLE)) width="100%" height="100%" {}
                text class="title" x="8" y="-14" { (self.title) }
                (self.canvas.shapes())
            }
        };
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", svg.0)
    }

    /// Labels that cannot be read.
    #[cfg(test)]
    pub(super) fn collisions(&self) -> Vec<String> {
        self.canvas.collisions()
    }

    /// What is written in it.
    #[cfg(test)]
    pub(super) fn texts(&self) -> Vec<&str> {
        self.canvas.texts()
    }
}
