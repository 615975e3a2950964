//! Contestants, the rows that compare them, and the table that comes out.

use std::fmt::Write as _;

/// Something that is measured once in every round.
pub(crate) struct Contestant {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// How often at most: for what takes seconds and hardly varies.
    pub(crate) most: usize,
    /// Does it run two processes against each other?
    pub(crate) between: bool,
    pub(crate) measure: fn() -> f64,
    pub(crate) samples: Vec<f64>,
}

/// What a row's figure is to be.
#[derive(Clone, Copy)]
pub(crate) enum Target {
    AtLeast(f64),
    AtMost(f64),
    /// Below, not equal.
    Below(f64),
    /// For information.
    None,
}

/// One line of the table: a ratio of two contestants, or one contestant's own figure.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) figure: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) baseline: Option<&'static str>,
    pub(crate) target: Target,
}

/// Median, least and greatest.
#[derive(Clone, Copy)]
struct Spread {
    median: f64,
    least: f64,
    greatest: f64,
}

impl Spread {
    fn of(samples: &[f64]) -> Spread {
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            (sorted[middle - 1] + sorted[middle]) / 2.0
        } else {
            sorted[middle]
        };
        Spread {
            median,
            least: sorted[0],
            greatest: sorted[sorted.len() - 1],
        }
    }

    fn text(&self) -> String {
        let [median, least, greatest] = [self.median, self.least, self.greatest].map(short);
        format!("{median} ({least} to {greatest})")
    }

    fn json(&self) -> String {
        format!(
            "{{\"median\": {}, \"min\": {}, \"max\": {}}}",
            self.median, self.least, self.greatest
        )
    }
}

/// A number with about three digits that mean something.
fn short(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        v if v >= 0.1 || v == 0.0 => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

impl Target {
    fn text(self) -> String {
        match self {
            Target::AtLeast(value) => format!("≥ {value}"),
            Target::AtMost(value) => format!("≤ {value}"),
            Target::Below(value) => format!("< {value}"),
            Target::None => String::new(),
        }
    }

    fn met(self, value: f64) -> Option<bool> {
        match self {
            Target::AtLeast(least) => Some(value >= least),
            Target::AtMost(most) => Some(value <= most),
            Target::Below(bound) => Some(value < bound),
            Target::None => None,
        }
    }
}

/// The rows with what was measured.
pub(crate) struct Table<'a> {
    pub(crate) rows: &'a [Row],
    pub(crate) contestants: &'a [Contestant],
}

/// One row's figures.
struct Line<'a> {
    row: &'a Row,
    unit: &'static str,
    ours: Spread,
    baseline: Option<Spread>,
    /// Of the figures of the same round.
    ratio: Option<Spread>,
}

impl Line<'_> {
    fn met(&self) -> Option<bool> {
        let value = self.ratio.unwrap_or(self.ours).median;
        self.row.target.met(value)
    }
}

impl Table<'_> {
    fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let find = |name| {
            let mut contestants = self.contestants.iter();
            contestants
                .find(|c| c.name == name)
                .expect("rows name contestants")
        };
        self.rows.iter().map(move |row| {
            let ours = find(row.ours);
            let baseline = row.baseline.map(find);
            let ratio = baseline.map(|baseline| {
                let pairs = ours.samples.iter().zip(&baseline.samples);
                Spread::of(
                    &pairs
                        .map(|(ours, theirs)| ours / theirs)
                        .collect::<Vec<_>>(),
                )
            });
            Line {
                row,
                unit: ours.unit,
                ours: Spread::of(&ours.samples),
                baseline: baseline.map(|baseline| Spread::of(&baseline.samples)),
                ratio,
            }
        })
    }

    /// Are all targets met?
    pub(crate) fn all_met(&self) -> bool {
        self.lines().all(|line| line.met() != Some(false))
    }

    /// For people, and for the documentation: a Markdown table.
    pub(crate) fn markdown(&self) -> String {
        let mut cells = vec![
            [
                "figure",
                "ours: median (min to max)",
                "baseline",
                "ratio",
                "target",
                "met",
            ]
            .map(str::to_owned),
        ];
        for line in self.lines() {
            let spread = |spread: Option<Spread>| spread.map_or("–".to_owned(), |s| s.text());
            cells.push([
                line.row.figure.to_owned(),
                format!("{} {}", line.ours.text(), line.unit),
                spread(line.baseline),
                spread(line.ratio),
                line.row.target.text(),
                match line.met() {
                    Some(true) => "yes",
                    Some(false) => "NO",
                    None => "",
                }
                .to_owned(),
            ]);
        }
        let mut widths = [0; 6];
        for row in &cells {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = cell.chars().count().max(*width);
            }
        }
        let mut text = String::new();
        for (i, row) in cells.iter().enumerate() {
            for (width, cell) in widths.iter().zip(row) {
                let _ = write!(text, "| {cell:width$} ");
            }
            text.push_str("|\n");
            if i == 0 {
                for width in widths {
                    let _ = write!(text, "|{:-<1$}", "", width + 2);
                }
                text.push_str("|\n");
            }
        }
        text
    }

    /// For programs. All names are plain text without quotes.
    pub(crate) fn json(&self) -> String {
        let mut text = String::from("{\n  \"rows\": [");
        for (i, line) in self.lines().enumerate() {
            let spread = |spread: Option<Spread>| spread.map_or("null".to_owned(), |s| s.json());
            let _ = write!(
                text,
                "{}\n    {{\"figure\": \"{}\", \"unit\": \"{}\", \"ours\": {}, \"baseline\": {}, \"ratio\": {}, \
                 \"target\": \"{}\", \"met\": {}}}",
                if i == 0 { "" } else { "," },
                line.row.figure,
                line.unit,
                line.ours.json(),
                spread(line.baseline),
                spread(line.ratio),
                line.row.target.text(),
                line.met().map_or("null".to_owned(), |met| met.to_string()),
            );
        }
        text.push_str("\n  ],\n  \"samples\": {");
        for (i, contestant) in self.contestants.iter().enumerate() {
            let separator = if i == 0 { "" } else { "," };
            let _ = write!(
                text,
                "{separator}\n    \"{}\": {:?}",
                contestant.name, contestant.samples
            );
        }
        text.push_str("\n  }\n}\n");
        text
    }
}
