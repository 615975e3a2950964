//! Where ringpost stands: for each measurement how many times better or worse than the best peer.

use maud::html;

use super::Chart;
use super::bars::{axis, whisker};
use super::canvas::{Anchor, Canvas, fit, place, width};
use super::scale::Scale;
use crate::report::numbers;
use crate::stats::Spread;

/// One measurement.
#[derive(Debug)]
pub(in crate::report) struct Standing {
    pub(in crate::report) measurement: String,
    pub(in crate::report) rival: String,
    /// Above one: ringpost is ahead.
    pub(in crate::report) advantage: Spread,
}

/// How two stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Order {
    /// Better in every round.
    Ahead,
    /// Better in some rounds and worse in others.
    Level,
    /// Worse in every round.
    Behind,
}

const ROW: f64 = 21.0;
const WIDTH: f64 = 1080.0;
const TOP: f64 = 34.0;
const NAMES: f64 = 330.0;

impl Standing {
    /// Which of the two is ahead.
    pub(in crate::report) fn order(&self) -> Order {
        Order::of(&self.advantage)
    }

    /// `3.20 × ahead of shaq`.
    pub(in crate::report) fn text(&self) -> String {
        let factor = self.advantage.median;
        match self.order() {
            Order::Ahead => format!("{} ahead of {}", numbers::times(factor), self.rival),
            Order::Level => format!("{}, level with {}", numbers::times(factor), self.rival),
            Order::Behind => format!("{} behind {}", numbers::times(1.0 / factor), self.rival),
        }
    }
}

impl Order {
    /// By how many times one is better than the other, round by round.
    pub(in crate::report) fn of(advantage: &Spread) -> Order {
        if advantage.least > 1.0 {
            Order::Ahead
        } else if advantage.greatest < 1.0 {
            Order::Behind
        } else {
            Order::Level
        }
    }
}

/// Draws all of them.
pub(in crate::report) fn standing(id: String, title: String, rows: &[Standing]) -> Chart {
    let rows: Vec<&Standing> = rows.iter().filter(|r| r.advantage.median > 0.0).collect();
    let ends = rows
        .iter()
        .flat_map(|r| [r.advantage.median, r.advantage.least, r.advantage.greatest]);
    let values: Vec<f64> = ends.chain([0.5, 2.0]).filter(|v| *v > 0.0).collect();
    let scale = Scale::for_lines(&values);
    let names: Vec<String> = rows.iter().map(|r| fit(&r.measurement, NAMES)).collect();
    let texts: Vec<String> = rows.iter().map(|r| fit(&r.text(), NAMES)).collect();
    let widest = |texts: &[String]| texts.iter().map(|t| width(t)).fold(0.0, f64::max);
    let left = 20.0 + widest(&names);
    let right = WIDTH - 24.0 - widest(&texts);
    let bottom = TOP + rows.len() as f64 * ROW;
    let mut canvas = Canvas::new(WIDTH, bottom + 30.0);
    let x = |factor: f64| left + scale.position(factor) * (right - left);
    axis(&mut canvas, &scale, "×", x, bottom);
    let even = x(1.0);
    canvas.line("even", (even, TOP - 6.0), (even, bottom));
    canvas.label(
        (even - 10.0, TOP - 16.0),
        Anchor::End,
        "behind strong",
        "← the best peer is ahead",
    );
    canvas.label(
        (even + 10.0, TOP - 16.0),
        Anchor::Start,
        "ahead strong",
        "ringpost is ahead →",
    );
    for (n, row) in rows.iter().enumerate() {
        let y = TOP + (n as f64 + 0.5) * ROW;
        let class = match row.order() {
            Order::Ahead => "ahead",
            Order::Level => "level",
            Order::Behind => "behind",
        };
        canvas.label((left - 10.0, y), Anchor::End, "", &names[n]);
        canvas.label((right + 12.0, y), Anchor::Start, class, &texts[n]);
        let at = x(row.advantage.median);
        let (from, to) = (at.min(even), at.max(even));
        canvas.draw(html! {
            rect class=(format!("reach {class}")) x=(place(from)) y=(place(y - 3.0))
                width=(place(to - from)) height="6" {}
        });
        whisker(
            &mut canvas,
            (x(row.advantage.least), x(row.advantage.greatest)),
            y,
        );
        canvas.draw(html! {
            circle class=(format!("dot {class}")) cx=(place(at)) cy=(place(y)) r="5" {
                title { (row.text()) }
            }
        });
    }
    Chart { id, title, canvas }
}
