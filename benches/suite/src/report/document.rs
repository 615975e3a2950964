//! What a report consists of, before it becomes a page or Markdown: so that both say the same.

use super::chart::Chart;

/// One piece.
#[derive(Debug)]
pub(super) enum Block {
    /// A heading of level 2 or 3, and its anchor.
    Heading { level: u8, id: String, text: String },
    /// A paragraph.
    Text(String),
    /// A paragraph that must not be overlooked.
    Warning(String),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// Figures at a glance: the figure, what it is, and how to look at it.
    Tiles(Vec<(String, String, Mood)>),
    /// A command, to be copied.
    Command(String),
    /// A table.
    Table(Table),
    /// A chart.
    Chart(Chart),
    /// A chart and the table of the same figures.
    Beside(Chart, Table),
    /// What only some want to see.
    Folded(String, Vec<Block>),
}

/// Whether something is as one would wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(super) enum Mood {
    #[default]
    Neutral,
    Good,
    Bad,
    /// To be read, and of less weight.
    Quiet,
    /// Ours.
    Ours,
}

/// Rows of cells.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// The columns' names, and whether they hold figures.
    pub(super) columns: Vec<(String, bool)>,
    /// Each with as many cells as there are columns.
    pub(super) rows: Vec<Row>,
}

/// A row.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) mood: Mood,
    pub(super) cells: Vec<Cell>,
}

/// A text in a table.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) mood: Mood,
}

impl Table {
    /// Without rows; a name that begins with `#` is of a column of figures.
    pub(super) fn new<'n>(columns: impl IntoIterator<Item = &'n str>) -> Table {
        let column = |name: &str| match name.strip_prefix('#') {
            Some(name) => (name.to_owned(), true),
            None => (name.to_owned(), false),
        };
        Table {
            columns: columns.into_iter().map(column).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub(super) fn row(&mut self, mood: Mood, cells: Vec<Cell>) {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows.push(Row { mood, cells });
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Cell {
        Cell {
            text: text.into(),
            mood: Mood::Neutral,
        }
    }
}

/// A cell that is looked at in that way.
pub(super) fn cell(text: impl Into<String>, mood: Mood) -> Cell {
    Cell {
        text: text.into(),
        mood,
    }
}

/// A heading, with an anchor made of its text.
pub(super) fn heading(level: u8, text: &str) -> Block {
    Block::Heading {
        level,
        id: super::names::slug(text),
        text: text.to_owned(),
    }
}
