//! The report: one page that opens anywhere, its charts as files, Markdown and JSON.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::compare::compare;
use crate::results::{Results, SCHEMA};
use crate::targets;
use crate::view::View;

mod chart;
mod document;
mod markdown;
mod names;
mod numbers;
mod page;
mod sections;
#[cfg(test)]
mod tests;

use document::Block;
use sections::Content;

/// Writes `index.html`, `report.md`, `results.json` and the charts (`charts/*.svg`) into a folder, which is made if there is
/// none. With an older run's results, what changed since then is part of it.
///
/// # Errors
///
/// If a file cannot be written.
pub fn write(results: &Results, folder: &Path, old: Option<&Results>) -> Result<()> {
    let blocks = content(results, old).blocks();
    let charts = folder.join("charts");
    fs::create_dir_all(&charts).with_context(|| format!("cannot make {}", charts.display()))?;
    let put = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    };
    put("index.html", &page::page(results, &blocks))?;
    put("report.md", &markdown::document(&blocks))?;
    put("results.json", &json(results)?)?;
    for block in &blocks {
        if let Block::Chart(chart) | Block::Beside(chart, _) = block {
            put(&format!("charts/{}.svg", chart.id), &chart.file())?;
        }
    }
    Ok(())
}

/// Reads what [`write()`] has written as `results.json`.
///
/// # Errors
///
/// If the file cannot be read, or is not of this version's form.
pub fn read(path: &Path) -> Result<Results> {
    let shown = path.display();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {shown}"))?;
    let results: Results = serde_json::from_str(&text)
        .with_context(|| format!("{shown} is not a file of results that this version can read"))?;
    ensure!(
        results.schema == SCHEMA,
        "{shown} has the form {}, and this version reads the form {SCHEMA}",
        results.schema
    );
    Ok(results)
}

/// The results as they are kept in a file.
///
/// # Errors
///
/// None that is known; serde asks for it.
pub fn json(results: &Results) -> Result<String> {
    Ok(serde_json::to_string_pretty(results)? + "\n")
}

fn content<'a>(results: &'a Results, old: Option<&'a Results>) -> Content<'a> {
    let view = View::new(results);
    Content {
        outcomes: targets::outcomes(&view),
        comparison: old.map(|old| compare(results, old)),
        view,
    }
}
