//! Lines over a common axis: distributions, and growth. Each line has its name at its right end.

use maud::html;

use super::Chart;
use super::canvas::{Anchor, Canvas, STRONG, fit, place, spread, width};
use super::scale::{Scale, nines};
use super::style::{Style, marker};
use crate::report::numbers;

/// A line, from left to right.
#[derive(Debug)]
pub(in crate::report) struct Line {
    pub(in crate::report) name: String,
    pub(in crate::report) style: Style,
    pub(in crate::report) points: Vec<(f64, f64)>,
}

/// What goes to the right.
#[derive(Debug)]
pub(in crate::report) enum Across {
    /// Percentiles: every nine as far as the one before.
    Percentiles,
    /// Values above zero, logarithmic, each with its label; and what they are.
    Steps(Vec<(f64, String)>, &'static str),
}

const WIDTH: f64 = 960.0;
const LEFT: f64 = 74.0;
const TOP: f64 = 16.0;
const GAP: f64 = 16.0;
const NAMES: f64 = 240.0;

/// The percentiles that have a tick and, on each line, a marker.
const PERCENTILES: [(f64, &str); 6] = [
    (0.0, "0 %"),
    (50.0, "50 %"),
    (90.0, "90 %"),
    (99.0, "99 %"),
    (99.9, "99.9 %"),
    (99.99, "99.99 %"),
];

/// Draws them; `unit` is that of the values upwards.
pub(in crate::report) fn lines(
    id: String,
    title: String,
    across: &Across,
    unit: &str,
    lines: &[Line],
) -> Chart {
    let lines: Vec<Line> = lines
        .iter()
        .filter_map(|line| drawable(line, across))
        .collect();
    let values: Vec<f64> = lines.iter().flat_map(|l| &l.points).map(|p| p.1).collect();
    let scale = Scale::for_lines(&values);
    let names: Vec<String> = lines.iter().map(|line| fit(&line.name, NAMES)).collect();
    let widest = names
        .iter()
        .map(|name| width(name) * STRONG)
        .fold(0.0, f64::max);
    let right = WIDTH - widest - 84.0;
    let bottom = TOP + (lines.len() as f64 * GAP).max(320.0);
    let mut canvas = Canvas::new(WIDTH, bottom + 48.0);
    let ticks = across.ticks();
    let (first, last) = match &ticks[..] {
        [] => (0.0, 1.0),
        [(only, _)] => (only - 0.5, only + 0.5),
        [(first, _), .., (last, _)] => (*first, *last),
    };
    let x = |at: f64| LEFT + (at - first) / (last - first) * (right - LEFT);
    let y = |value: f64| bottom - scale.position(value) * (bottom - TOP);
    let frame = Frame { right, bottom };
    grid(&mut canvas, &frame, &scale, unit, y);
    feet(&mut canvas, &frame, &ticks, x);
    canvas.label(
        (right, bottom + 36.0),
        Anchor::End,
        "quiet",
        across.caption(),
    );

    let mut order: Vec<usize> = (0..lines.len()).collect();
    let end = |n: &usize| lines[*n].points.last().map_or(bottom, |p| y(p.1));
    order.sort_by(|a, b| end(a).total_cmp(&end(b)));
    let wanted: Vec<f64> = order.iter().map(end).collect();
    let places = spread(&wanted, GAP, TOP, bottom);
    // Ours last, so that it lies above the others.
    let mut drawn: Vec<(usize, f64)> = order.into_iter().zip(places).collect();
    drawn.sort_by_key(|(n, _)| lines[*n].style.class == "ours");
    for (n, label) in drawn {
        let points: Vec<(f64, f64)> = lines[n].points.iter().map(|p| (x(p.0), y(p.1))).collect();
        let marked = lines[n].points.iter().zip(&points);
        let marked = marked.filter(|(p, _)| ticks.iter().any(|(at, _)| (at - p.0).abs() < 1e-6));
        let marked: Vec<(f64, f64)> = marked.map(|(_, place)| *place).collect();
        draw(
            &mut canvas,
            &lines[n],
            &names[n],
            &points,
            &marked,
            (right, label),
        );
    }
    Chart { id, title, canvas }
}

struct Frame {
    right: f64,
    bottom: f64,
}

impl Across {
    fn place(&self, at: f64) -> f64 {
        match self {
            Across::Percentiles => nines(at),
            Across::Steps(..) => at.ln(),
        }
    }

    fn caption(&self) -> &'static str {
        match self {
            Across::Percentiles => "this share of the messages took no longer",
            Across::Steps(_, caption) => caption,
        }
    }

    fn ticks(&self) -> Vec<(f64, String)> {
        match self {
            Across::Percentiles => PERCENTILES
                .iter()
                .map(|(at, text)| (nines(*at), (*text).to_owned()))
                .collect(),
            Across::Steps(steps, _) => steps.iter().map(|(at, t)| (at.ln(), t.clone())).collect(),
        }
    }
}

/// The line with its places to the right; what cannot be drawn on logarithmic axes is left out.
fn drawable(line: &Line, across: &Across) -> Option<Line> {
    let most = match across {
        Across::Percentiles => nines(99.99) + 1e-9,
        Across::Steps(..) => f64::INFINITY,
    };
    let places = line.points.iter().map(|(at, v)| (across.place(*at), *v));
    let points: Vec<(f64, f64)> = places
        .filter(|(at, v)| at.is_finite() && *at <= most && v.is_finite() && *v > 0.0)
        .collect();
    (!points.is_empty()).then(|| Line {
        name: line.name.clone(),
        style: line.style.clone(),
        points,
    })
}

fn grid(canvas: &mut Canvas, frame: &Frame, scale: &Scale, unit: &str, y: impl Fn(f64) -> f64) {
    let mut free = f64::INFINITY;
    for tick in scale.ticks() {
        let at = y(tick.at);
        let class = if tick.labelled { "grid" } else { "grid minor" };
        canvas.line(class, (LEFT, at), (frame.right, at));
        if tick.labelled && at + 8.0 < free {
            canvas.label(
                (LEFT - 8.0, at),
                Anchor::End,
                "quiet",
                &numbers::tick(tick.at, unit),
            );
            free = at - 8.0;
        }
    }
}

fn feet(canvas: &mut Canvas, frame: &Frame, ticks: &[(f64, String)], x: impl Fn(f64) -> f64) {
    let mut free = 0.0;
    for (at, text) in ticks {
        let at = x(*at);
        let half = width(text) / 2.0;
        canvas.line("grid", (at, TOP), (at, frame.bottom));
        if at - half >= free {
            canvas.label((at, frame.bottom + 18.0), Anchor::Middle, "quiet", text);
            free = at + half + 8.0;
        }
    }
}

/// A line, its markers, the way to its name, and the name.
fn draw(
    canvas: &mut Canvas,
    line: &Line,
    name: &str,
    points: &[(f64, f64)],
    marked: &[(f64, f64)],
    (right, label): (f64, f64),
) {
    let path: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{},{}", place(*x), place(*y)))
        .collect();
    let path = path.join(" ");
    let class = &line.style.class;
    let (from, to) = (right + 30.0, right + 58.0);
    let end = points[points.len() - 1];
    let leader = [end, (right + 4.0, end.1), (from - 4.0, label)];
    let leader = leader.map(|(x, y)| format!("{},{}", place(x), place(y)));
    canvas.draw(html! {
        g class=(format!("series {class}")) {
            title { (line.name) }
            @if class == "ours" { polyline class="halo" points=(path) {} }
            polyline class="path" stroke-dasharray=(line.style.dashes) points=(path) {}
            @for point in marked { (marker(&line.style, *point)) }
            polyline class="leader" points=(leader.join(" ")) {}
            line class="path" stroke-dasharray=(line.style.dashes)
                x1=(place(from)) y1=(place(label)) x2=(place(to)) y2=(place(label)) {}
            (marker(&line.style, ((from + to) / 2.0, label)))
        }
    });
    let strong = if class == "ours" { "strong" } else { "" };
    canvas.label((to + 8.0, label), Anchor::Start, strong, name);
}
