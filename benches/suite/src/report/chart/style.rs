//! Who is drawn how: in every chart the same, and told apart without colour, too.

use maud::{Markup, html};

use super::canvas::place;
use crate::results::{Place, Results, Role};

/// How a contestant's line is drawn.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Style {
    /// `ours`, `reference`, or one of the colours `c0` to `c5`: classes of the style sheet.
    pub(super) class: String,
    /// The pattern of dashes, as SVG wants it.
    pub(super) dashes: &'static str,
    /// Which marker.
    pub(super) marker: usize,
}

const DASHES: [&str; 4] = ["none", "7 3", "2 2.5", "9 3 2 3"];
const COLOURS: usize = 6;
const MARKERS: usize = 7;

/// The style of that contestant.
pub(in crate::report) fn style(results: &Results, peer: &str, python: bool) -> Style {
    let alike = results
        .peers
        .iter()
        .filter(|c| (c.place == Place::Python) == python);
    let own = alike.clone().find(|c| c.name == peer).map(|c| c.role);
    let role = own.unwrap_or(Role::Peer);
    let mut same: Vec<&str> = Vec::new();
    for contestant in alike.filter(|c| c.role == role) {
        if !same.contains(&contestant.name.as_str()) {
            same.push(&contestant.name);
        }
    }
    let at = same.iter().position(|name| *name == peer);
    let at = at.unwrap_or(same.len());
    let (class, dash) = match role {
        Role::Ours => ("ours".into(), at),
        Role::Limit => ("reference".into(), 1 + at),
        Role::Yardstick => ("reference".into(), 3 + at),
        Role::Peer => (format!("c{}", at % COLOURS), at / COLOURS),
    };
    Style {
        class,
        dashes: DASHES[dash % DASHES.len()],
        marker: at % MARKERS,
    }
}

/// The marker around a point.
pub(super) fn marker(style: &Style, (x, y): (f64, f64)) -> Markup {
    let shape = |points: &[(f64, f64)]| {
        let points: Vec<String> = points
            .iter()
            .map(|(dx, dy)| format!("{},{}", place(x + dx), place(y + dy)))
            .collect();
        html! { polygon class="marker" points=(points.join(" ")) {} }
    };
    match style.marker {
        0 => html! { circle class="marker" cx=(place(x)) cy=(place(y)) r="3.2" {} },
        1 => shape(&[(-2.9, -2.9), (2.9, -2.9), (2.9, 2.9), (-2.9, 2.9)]),
        2 => shape(&[(0.0, -3.8), (3.6, 2.8), (-3.6, 2.8)]),
        3 => shape(&[(0.0, -4.0), (4.0, 0.0), (0.0, 4.0), (-4.0, 0.0)]),
        4 => shape(&[(0.0, 3.8), (3.6, -2.8), (-3.6, -2.8)]),
        5 => html! { circle class="marker hollow" cx=(place(x)) cy=(place(y)) r="3.0" {} },
        _ => shape(&[(-1.2, -3.8), (1.2, -3.8), (1.2, 3.8), (-1.2, 3.8)]),
    }
}
