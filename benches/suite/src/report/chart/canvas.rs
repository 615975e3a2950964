//! A drawing under construction: shapes, and labels of which it is known how much room they take.

use maud::{Markup, PreEscaped, html};

/// A picture of a known size.
#[derive(Debug)]
pub(super) struct Canvas {
    pub(super) width: f64,
    pub(super) height: f64,
    body: String,
    #[cfg(test)]
    labels: Vec<Label>,
}

/// A text and the room that it takes.
#[cfg(test)]
#[derive(Clone, Debug)]
struct Label {
    text: String,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

/// Which end of a text is at its place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// The height of the letters of labels, in units of the picture.
pub(super) const SIZE: f64 = 12.0;

/// How much wider strong letters are.
pub(super) const STRONG: f64 = 1.12;

impl Canvas {
    pub(super) fn new(width: f64, height: f64) -> Canvas {
        Canvas {
            width,
            height,
            body: String::new(),
            #[cfg(test)]
            labels: Vec::new(),
        }
    }

    /// Adds a shape.
    pub(super) fn draw(&mut self, shape: Markup) {
        self.body.push_str(&shape.0);
        self.body.push('\n');
    }

    /// Adds a text, centred upon `y`.
    pub(super) fn label(&mut self, (x, y): (f64, f64), anchor: Anchor, class: &str, text: &str) {
        #[cfg(test)]
        self.labels.push(Label::new(text, class, (x, y), anchor));
        let name = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        // Letters stand on their line, which is about a third of their height below their middle.
        let baseline = place(y + SIZE * 0.35);
        self.draw(html! {
            text x=(place(x)) y=(baseline) text-anchor=(name) class=(class) { (text) }
        });
    }

    /// A line between two points.
    pub(super) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        self.draw(html! {
            line class=(class) x1=(place(x1)) y1=(place(y1)) x2=(place(x2)) y2=(place(y2)) {}
        });
    }

    /// What was drawn.
    pub(super) fn shapes(&self) -> Markup {
        PreEscaped(self.body.clone())
    }

    /// Two labels that overlap, or one that leaves the picture: what a reader could not read.
    #[cfg(test)]
    pub(super) fn collisions(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (at, a) in self.labels.iter().enumerate() {
            if a.left < 0.0 || a.right > self.width || a.top < 0.0 || a.bottom > self.height {
                found.push(format!("{a:?} leaves the picture"));
            }
            for b in &self.labels[at + 1..] {
                let beside = a.right <= b.left || b.right <= a.left;
                if !beside && a.bottom > b.top && b.bottom > a.top {
                    found.push(format!("{a:?} overlaps {b:?}"));
                }
            }
        }
        found
    }

    /// The texts, to be searched.
    #[cfg(test)]
    pub(super) fn texts(&self) -> Vec<&str> {
        self.labels
            .iter()
            .map(|label| label.text.as_str())
            .collect()
    }
}

#[cfg(test)]
impl Label {
    fn new(text: &str, class: &str, (x, y): (f64, f64), anchor: Anchor) -> Label {
        let strong = class.split(' ').any(|word| word == "strong");
        let width = if strong {
            width(text) * STRONG
        } else {
            width(text)
        };
        let left = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - width / 2.0,
            Anchor::End => x - width,
        };
        Label {
            text: text.to_owned(),
            left,
            right: left + width,
            top: y - SIZE / 2.0,
            bottom: y + SIZE / 2.0,
        }
    }
}

/// A coordinate, to a tenth.
pub(super) fn place(coordinate: f64) -> String {
    format!("{coordinate:.1}")
}

/// The width of a text in the widest of the usual sans-serif fonts, so that it takes no more room in any of them.
pub(super) fn width(text: &str) -> f64 {
    let em = |c: char| match c {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' => 0.32,
        ' ' | 'f' | 'r' | 't' | '(' | ')' | '[' | ']' | '-' | '/' => 0.42,
        'm' | 'w' | 'M' | 'W' | '%' => 0.98,
        '×' | '→' | '←' | '≥' | '≤' | '–' | '…' => 0.85,
        c if c.is_uppercase() => 0.74,
        _ => 0.65,
    };
    text.chars().map(em).sum::<f64>() * SIZE
}

/// The text, cut where it would be wider than that.
pub(super) fn fit(text: &str, most: f64) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let mut cut = text.to_owned();
    while cut.pop().is_some() {
        let shortened = format!("{}…", cut.trim_end());
        if width(&shortened) <= most {
            return shortened;
        }
    }
    cut
}

/// Moves places that are wanted apart until each has `gap` to the next, each as near to where it was wanted as the others
/// allow, all between `top` and `bottom` if there is room. The places are ascending, and stay so.
pub(super) fn spread(wanted: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    // Without the gaps, places must not descend: neighbours that would are pooled at their mean.
    let mut pools: Vec<(f64, usize)> = Vec::new();
    for (n, place) in wanted.iter().enumerate() {
        pools.push((place - n as f64 * gap, 1));
        while let [.., (before, count), (last, last_count)] = pools[..]
            && before > last
        {
            let all = count + last_count;
            let mean = (before * count as f64 + last * last_count as f64) / all as f64;
            pools.truncate(pools.len() - 2);
            pools.push((mean, all));
        }
    }
    let last = bottom - (wanted.len().max(1) - 1) as f64 * gap;
    let places = pools
        .into_iter()
        .flat_map(|(place, count)| std::iter::repeat_n(place, count));
    places
        .enumerate()
        .map(|(n, place)| place.min(last).max(top) + n as f64 * gap)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_have_room_stay_and_others_part_as_little_as_they_can() {
        assert_eq!(spread(&[10.0, 50.0], 10.0, 0.0, 100.0), [10.0, 50.0]);
        assert_eq!(spread(&[50.0, 50.0], 10.0, 0.0, 100.0), [45.0, 55.0]);
        assert_eq!(
            spread(&[0.0, 99.0, 99.0, 100.0], 10.0, 0.0, 100.0),
            [0.0, 80.0, 90.0, 100.0]
        );
        assert_eq!(spread(&[5.0, 5.0], 10.0, 4.0, 100.0), [4.0, 14.0]);
        assert_eq!(spread(&[], 10.0, 0.0, 1.0), [0.0; 0]);
    }

    #[test]
    fn overlapping_labels_are_noticed() {
        let mut canvas = Canvas::new(200.0, 100.0);
        canvas.label((20.0, 50.0), Anchor::Start, "", "first");
        canvas.label((20.0, 64.0), Anchor::Start, "", "below");
        assert_eq!(canvas.collisions(), [""; 0]);
        canvas.label((40.0, 57.0), Anchor::Start, "", "over both");
        assert_eq!(canvas.collisions().len(), 2);
        canvas.label((10.0, 90.0), Anchor::End, "", "out");
        assert_eq!(canvas.collisions().len(), 3);
    }

    #[test]
    fn a_text_that_is_too_wide_is_cut() {
        assert_eq!(fit("short", 100.0), "short");
        let cut = fit("Boost.Interprocess message_queue", 120.0);
        assert!(cut.starts_with("Boost.") && cut.ends_with('…'));
        assert!(width(&cut) <= 120.0);
    }
}
