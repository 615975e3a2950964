//! The report as Markdown, with links to the charts.

use std::fmt::Write as _;

use super::chart::Chart;
use super::document::{Block, Mood, Row, Table};

pub(super) fn document(blocks: &[Block]) -> String {
    let mut text = String::from("# ringpost: queues between processes, side by side\n\n");
    for block in blocks {
        text.push_str(&piece(block));
    }
    text
}

fn piece(block: &Block) -> String {
    match block {
        Block::Heading { level, text, .. } => {
            format!("{} {text}\n\n", "#".repeat(usize::from(*level)))
        }
        Block::Text(text) => format!("{}\n\n", escape(text)),
        Block::Warning(text) => format!("> **Attention.** {}\n\n", escape(text)),
        Block::Facts(facts) => list(facts.iter().map(|(name, value)| format!("{name}: {value}"))),
        Block::Tiles(tiles) => list(
            tiles
                .iter()
                .map(|(figure, what, _)| format!("{figure} {what}")),
        ),
        Block::Command(command) => format!("```\n{command}\n```\n\n"),
        Block::Table(rows) => table(rows),
        Block::Chart(drawn) => chart(drawn),
        Block::Beside(drawn, rows) => chart(drawn) + &table(rows),
        Block::Folded(title, inner) => {
            let inner: String = inner.iter().map(piece).collect();
            let title = escape(title);
            format!("<details>\n<summary>{title}</summary>\n\n{inner}</details>\n\n")
        }
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    let lines: String = items.map(|item| format!("- {}\n", escape(&item))).collect();
    lines + "\n"
}

fn chart(chart: &Chart) -> String {
    format!("![{}](charts/{}.svg)\n\n", escape(&chart.title), chart.id)
}

fn table(table: &Table) -> String {
    let mut text = String::new();
    for (name, _) in &table.columns {
        let _ = write!(text, "| {} ", escape(name));
    }
    text.push_str("|\n");
    for (_, figures) in &table.columns {
        text.push_str(if *figures { "|---:" } else { "|---" });
    }
    text.push_str("|\n");
    for row in &table.rows {
        text.push_str(&line(row));
    }
    text.push('\n');
    text
}

/// A row; ours, and what is good or bad, in bold.
fn line(row: &Row) -> String {
    let mut text = String::new();
    for cell in &row.cells {
        let strong =
            row.mood == Mood::Ours || matches!(cell.mood, Mood::Good | Mood::Bad | Mood::Ours);
        let escaped = escape(&cell.text);
        let _ = match strong && !escaped.is_empty() {
            true => write!(text, "| **{escaped}** "),
            false => write!(text, "| {escaped} "),
        };
    }
    text + "|\n"
}

/// What would be read as a mark is none.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '|' | '*' | '_' | '<' | '[' | ']' | '`' | '\\') {
            escaped.push('\\');
        }
        escaped.push(if c == '\n' { ' ' } else { c });
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_a_table() {
        let mut sample = Table::new(["who", "#what"]);
        sample.row(Mood::Ours, vec!["a|b".into(), "1 × <2>".into()]);
        assert_eq!(
            table(&sample),
            "| who | what |\n|---|---:|\n| **a\\|b** | **1 × \\<2>** |\n\n"
        );
    }
}
