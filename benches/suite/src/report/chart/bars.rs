//! Bars with the range of the rounds.

use maud::html;

use super::Chart;
use super::canvas::{Anchor, Canvas, STRONG, fit, place, width};
use super::scale::Scale;
use crate::report::numbers;
use crate::results::{Place, Role};
use crate::stats::Spread;
use crate::view::{Entry, Measurement};

const ROW: f64 = 22.0;
const WIDTH: f64 = 680.0;
/// Names are cut beyond this; the tables have them whole.
const NAMES: f64 = 220.0;
const TOP: f64 = 34.0;

/// One measurement: a bar for each contestant that has a value, best first.
pub(in crate::report) fn bars(id: String, title: String, measurement: &Measurement) -> Chart {
    let measured = measurement.entries.iter();
    let rows: Vec<(&Entry, Spread)> = measured.filter_map(|e| Some((e, e.spread?))).collect();
    let values: Vec<f64> = rows
        .iter()
        .flat_map(|(_, s)| [s.least, s.median, s.greatest])
        .collect();
    let scale = Scale::for_bars(&values);
    let texts: Vec<String> = rows.iter().map(|row| text(row, measurement.unit)).collect();
    let names: Vec<String> = rows
        .iter()
        .map(|(entry, _)| fit(&entry.figure.peer, NAMES))
        .collect();
    let left = 12.0 + widest(&names);
    let right = WIDTH - 24.0 - widest(&texts);
    let bottom = TOP + rows.len() as f64 * ROW;
    let mut canvas = Canvas::new(WIDTH, bottom + 30.0);
    let x = |value: f64| left + 8.0 + scale.position(value) * (right - left - 8.0);

    legend(&mut canvas, &rows);
    axis(&mut canvas, &scale, measurement.unit, x, bottom);
    for (n, (((entry, spread), name), text)) in rows.iter().zip(&names).zip(&texts).enumerate() {
        let y = TOP + (n as f64 + 0.5) * ROW;
        let kind = kind(entry);
        let strong = if kind == "ours" { "strong" } else { "" };
        canvas.label((left, y), Anchor::End, strong, name);
        canvas.label((WIDTH - 8.0, y), Anchor::End, strong, text);
        let zero = x(if scale.is_logarithmic() {
            0.0
        } else {
            spread.median.min(0.0)
        });
        let end = x(spread.median.max(0.0)).max(zero + 1.0);
        let explained = format!(
            "{}: {text}, {}",
            entry.figure.peer,
            numbers::range(spread, measurement.unit)
        );
        canvas.draw(html! {
            rect class=(format!("bar {kind}")) x=(place(zero)) y=(place(y - 6.5))
                width=(place(end - zero)) height="13" { title { (explained) } }
        });
        whisker(&mut canvas, (x(spread.least), x(spread.greatest)), y);
        if entry.for_good() {
            let tip = [(0.0, -9.0), (11.0, 0.0), (0.0, 9.0)];
            let points = tip.map(|(dx, dy)| format!("{},{}", place(end + dx), place(y + dy)));
            canvas
                .draw(html! { polygon class=(format!("bar {kind}")) points=(points.join(" ")) {} });
        }
    }
    Chart { id, title, canvas }
}

/// A line over the range of the rounds, with ends.
pub(super) fn whisker(canvas: &mut Canvas, (from, to): (f64, f64), y: f64) {
    for class in ["whisker halo", "whisker"] {
        canvas.line(class, (from, y), (to, y));
        canvas.line(class, (from, y - 4.0), (from, y + 4.0));
        canvas.line(class, (to, y - 4.0), (to, y + 4.0));
    }
}

fn widest(texts: &[String]) -> f64 {
    texts
        .iter()
        .map(|text| width(text) * STRONG)
        .fold(0.0, f64::max)
}

fn text((entry, spread): &(&Entry, Spread), unit: &str) -> String {
    match entry.for_good() {
        true => "for good".into(),
        false => numbers::value(spread.median, unit),
    }
}

/// The class of a bar.
fn kind(entry: &Entry) -> &'static str {
    match (entry.role(), entry.place()) {
        (Role::Ours, _) => "ours",
        (Role::Limit | Role::Yardstick, _) => "reference",
        (Role::Peer, Place::Threads) => "within",
        (Role::Peer, _) => "between",
    }
}

/// What the kinds of bars are, of those that there are.
fn legend(canvas: &mut Canvas, rows: &[(&Entry, Spread)]) {
    let kinds = [
        ("ours", "ringpost"),
        ("between", "between processes"),
        ("within", "threads (upper bound)"),
        ("reference", "limit or yardstick"),
    ];
    let mut x = 8.0;
    for (class, meaning) in kinds {
        if !rows.iter().any(|(entry, _)| kind(entry) == class) {
            continue;
        }
        canvas.draw(html! {
            rect class=(format!("bar {class}")) x=(place(x)) y="9" width="14" height="12" {}
        });
        canvas.label((x + 20.0, 15.0), Anchor::Start, "quiet", meaning);
        x += 20.0 + width(meaning) + 14.0;
    }
}

/// Lines at the ticks, with labels below as far as there is room.
pub(super) fn axis(
    canvas: &mut Canvas,
    scale: &Scale,
    unit: &str,
    x: impl Fn(f64) -> f64,
    bottom: f64,
) {
    let mut free = 0.0;
    for tick in scale.ticks() {
        let at = x(tick.at);
        canvas.line(
            if tick.labelled { "grid" } else { "grid minor" },
            (at, TOP),
            (at, bottom),
        );
        let text = numbers::tick(tick.at, unit);
        let half = width(&text) / 2.0;
        if tick.labelled && at - half > free && at + half < canvas.width {
            canvas.label((at, bottom + 14.0), Anchor::Middle, "quiet", &text);
            free = at + half + 8.0;
        }
    }
}
