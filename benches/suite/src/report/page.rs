//! The report as one HTML page: style and charts are in it, and no script is needed.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{Chart, STYLE};
use super::document::{Block, Mood, Table};
use crate::results::Results;

const PAGE: &str = include_str!("page.css");
const TITLE: &str = "ringpost: queues between processes, side by side";

pub(super) fn page(results: &Results, blocks: &[Block]) -> String {
    let day = results.started.split('T').next().unwrap_or_default();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (TITLE) }
                style { (PreEscaped(STYLE)) (PreEscaped(PAGE)) }
            }
            body {
                header {
                    p.kicker { "Benchmark report, " (day) }
                    h1 { (TITLE) }
                }
                (contents(blocks))
                main { @for block in blocks { (piece(block)) } }
                footer { "The same as " a href="report.md" { "Markdown" } ", as " a href="results.json" { "JSON" }
                    ", and each chart as a file in " code { "charts/" } "." }
            }
        }
    };
    page.into_string()
}

/// Links to the sections.
fn contents(blocks: &[Block]) -> Markup {
    html! {
        nav aria-label="Contents" {
            @for block in blocks {
                @if let Block::Heading { level: 2, id, text } = block { a href=(format!("#{id}")) { (text) } " " }
            }
        }
    }
}

fn piece(block: &Block) -> Markup {
    html! {
        @match block {
            Block::Heading { level: 2, id, text } => h2 id=(id) { (text) },
            Block::Heading { id, text, .. } => h3 id=(id) { (text) },
            Block::Text(text) => p { (text) },
            Block::Warning(text) => p.warning role="note" { strong { "Attention. " } (text) },
            Block::Facts(facts) => {
                dl { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
            },
            Block::Tiles(tiles) => {
                div.tiles {
                    @for (figure, what, mood) in tiles {
                        div class=(format!("tile {}", class(*mood))) { b { (figure) } span { (what) } }
                    }
                }
            },
            Block::Command(command) => pre { code { (command) } },
            Block::Table(rows) => (table(rows)),
            Block::Chart(drawn) => (chart(drawn)),
            Block::Beside(drawn, rows) => div.beside { (chart(drawn)) (table(rows)) },
            Block::Folded(title, inner) => {
                details { summary { (title) } @for block in inner { (piece(block)) } }
            },
        }
    }
}

fn chart(chart: &Chart) -> Markup {
    html! {
        figure id=(chart.id) {
            (chart.inline())
            figcaption { a href=(format!("charts/{}.svg", chart.id)) { "SVG" } }
        }
    }
}

fn table(table: &Table) -> Markup {
    let figures = |at: usize| if table.columns[at].1 { "figure" } else { "" };
    html! {
        div.scroll {
            table {
                thead { tr { @for (at, (name, _)) in table.columns.iter().enumerate() {
                    th scope="col" class=(figures(at)) { (name) }
                } } }
                tbody { @for row in &table.rows {
                    tr class=(class(row.mood)) { @for (at, cell) in row.cells.iter().enumerate() {
                        td class=(format!("{} {}", figures(at), class(cell.mood)).trim()) { (cell.text) }
                    } }
                } }
            }
        }
    }
}

fn class(mood: Mood) -> &'static str {
    match mood {
        Mood::Neutral => "",
        Mood::Good => "good",
        Mood::Bad => "bad",
        Mood::Quiet => "quiet",
        Mood::Ours => "ours",
    }
}
