//! The report of a run that never was: complete, well formed, readable, and right.

use std::collections::HashSet;

use super::chart::Chart;
use super::*;
use crate::results::Better;
use sample::{crowd, sample};

mod rows;
mod sample;

fn page_of(results: &Results, old: Option<&Results>) -> String {
    page::page(results, &content(results, old).blocks())
}

fn charts(blocks: &[Block]) -> Vec<&Chart> {
    let chart = |block| match block {
        &Block::Chart(ref chart) | &Block::Beside(ref chart, _) => Some(chart),
        _ => None,
    };
    blocks.iter().filter_map(chart).collect()
}

#[test]
fn the_page_is_well_formed_and_needs_nothing_else() {
    let results = sample(1);
    let older = sample(2);
    let page = page_of(&results, Some(&older));
    let parsed = scraper::Html::parse_document(&page);
    assert_eq!(parsed.errors, [""; 0]);
    for outside in ["<script", "http:", "https:", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    let mut ids = HashSet::new();
    let mut links = Vec::new();
    for element in parsed.root_element().descendent_elements() {
        if let Some(id) = element.attr("id") {
            assert!(ids.insert(id), "the id {id} is there twice");
        }
        links.extend(element.attr("href").and_then(|link| link.strip_prefix('#')));
    }
    assert!(links.len() > 10);
    assert!(links.iter().all(|link| ids.contains(link)), "{links:?}");
}

#[test]
fn nothing_that_is_no_number_is_shown() {
    let mut results = sample(1);
    results.figures[0].rounds = vec![Some(f64::NAN), Some(f64::INFINITY), Some(0.0)];
    results.figures[1].rounds = vec![None];
    results.figures[2].rounds = Vec::new();
    results.figures[3].rounds = vec![Some(-5.0), Some(0.0)];
    results.figures[4].rounds = vec![Some(1e300), Some(1e-300)];
    results.curves[0].points = vec![(f64::NAN, 1.0), (10.0, f64::NAN), (50.0, 0.0), (100.0, 1.0)];
    results.curves[1].points.clear();
    let blocks = content(&results, Some(&sample(2))).blocks();
    for text in [page::page(&results, &blocks), markdown::document(&blocks)] {
        let words = text.split(|c: char| !c.is_alphanumeric());
        assert_eq!(
            words.clone().find(|word| ["NaN", "inf"].contains(word)),
            None
        );
        // A coordinate or a figure of hundreds of digits would come of what is too great or too small.
        assert_eq!(words.clone().find(|word| word.len() > 40), None);
    }
}

#[test]
fn every_figure_is_in_the_page_and_in_the_markdown() {
    let results = sample(1);
    let blocks = content(&results, None).blocks();
    let page = page::page(&results, &blocks);
    let markdown = markdown::document(&blocks);
    for measurement in &View::new(&results).measurements {
        let id = names::slug(measurement.name);
        let start = format!("<h3 id=\"{id}\">");
        let in_page = section(&page, &start, "<h3 ");
        let start = format!("### {}\n", names::title(measurement.name));
        let in_markdown = section(&markdown, &start, "\n##");
        for entry in &measurement.entries {
            let wanted = match entry.spread {
                _ if entry.for_good() => "for good".into(),
                Some(spread) => numbers::value(spread.median, measurement.unit),
                None => "failed".into(),
            };
            let peer = &entry.figure.peer;
            let row = in_page.split("<tr").find(|row| {
                ["</td>", " ("]
                    .iter()
                    .any(|end| row.contains(&format!("\">{peer}{end}")))
            });
            let row = row.unwrap_or_else(|| panic!("{peer} is not in {id}"));
            assert!(
                row.contains(&wanted),
                "{peer} in {id}: {wanted} is not in {row}"
            );
            let line = in_markdown.lines().find(|line| {
                let line = line.replace(['*', '\\'], "");
                [" |", " ("]
                    .iter()
                    .any(|end| line.starts_with(&format!("| {peer}{end}")))
            });
            let line = line.unwrap_or_else(|| panic!("{peer} is not in {start}"));
            assert!(line.contains(&wanted), "{peer} in {start}: {line}");
        }
    }
    for peer in &results.peers {
        assert!(page.contains(&peer.name) && markdown.contains(&peer.version));
    }
    for absent in &results.left_out {
        assert!(page.contains(&absent.reason) && markdown.contains(&absent.reason));
    }
    for curve in &results.curves {
        assert!(page.contains(&format!("percentiles-{}", names::slug(&curve.measurement))));
    }
}

/// What is between a beginning and the next of its kind.
fn section<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text
        .split_once(start)
        .unwrap_or_else(|| panic!("no {start}"));
    rest.split(end).next().unwrap_or_default()
}

#[test]
fn what_went_wrong_is_said() {
    let results = sample(1);
    let page = page_of(&results, None);
    assert!(page.contains("1 of 9 rounds failed"));
    assert!(page.contains(">failed</td>"));
    assert!(page.contains("for good (≥ 2.00 s)"));
    assert!(page.contains("The hypervisor gave 1.90 %"));
    let mut calm = results;
    calm.machine.steal_percent = 0.1;
    assert!(!page_of(&calm, None).contains("The hypervisor gave"));
    calm.machine.load = 1.5;
    assert!(page_of(&calm, None).contains("The machine was busy"));
}

#[test]
fn no_label_of_any_chart_overlaps_another() {
    for results in [sample(1), crowd()] {
        let blocks = content(&results, None).blocks();
        let charts = charts(&blocks);
        assert!(charts.len() >= 2);
        for chart in charts {
            assert!(!chart.texts().is_empty());
            assert_eq!(chart.collisions(), [""; 0], "{}", chart.id);
        }
    }
}

#[test]
fn every_chart_is_a_picture_of_its_own() {
    let results = sample(1);
    let blocks = content(&results, None).blocks();
    for chart in charts(&blocks) {
        let file = chart.file();
        let parsed =
            roxmltree::Document::parse(&file).unwrap_or_else(|e| panic!("{}: {e}", chart.id));
        let root = parsed.root_element();
        assert_eq!(
            root.tag_name().namespace(),
            Some("http://www.w3.org/2000/svg")
        );
        let numbers = parsed.descendants().flat_map(|node| node.attributes());
        assert!(numbers.clone().count() > 20);
        for attribute in numbers {
            assert!(!attribute.value().contains("NaN") && !attribute.value().contains("inf"));
        }
        let text: String = parsed
            .descendants()
            .filter_map(|node| node.text())
            .collect();
        assert!(text.contains(&chart.title) && text.contains(".chart .grid"));
    }
}

#[test]
fn everyone_in_a_chart_has_a_style_of_their_own() {
    let results = sample(1);
    for python in [false, true] {
        let place =
            |c: &&crate::results::Contestant| (c.place == crate::results::Place::Python) == python;
        let names = results.peers.iter().filter(place).map(|c| c.name.as_str());
        let mut seen = Vec::new();
        for name in names {
            let style = chart::style(&results, name, python);
            assert!(
                !seen.contains(&style),
                "{name} looks like another: {style:?}"
            );
            seen.push(style);
        }
    }
}

#[test]
fn what_is_written_can_be_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("new/folder");
    let results = sample(1);
    write(&results, &folder, None).unwrap();
    let again = read(&folder.join("results.json")).unwrap();
    assert!(json(&again).unwrap() == json(&results).unwrap());
    let page = fs::read_to_string(folder.join("index.html")).unwrap();
    assert!(page == page_of(&again, None));
    let markdown = fs::read_to_string(folder.join("report.md")).unwrap();
    for text in [page, markdown] {
        let files = text
            .split("charts/")
            .skip(1)
            .filter_map(|t| t.split_once(".svg"));
        let files: Vec<_> = files
            .map(|(name, _)| folder.join(format!("charts/{name}.svg")))
            .collect();
        assert!(files.len() > 30);
        assert!(files.iter().all(|file| file.is_file()));
    }
}

#[test]
fn a_file_of_another_form_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("results.json");
    let mut results = sample(1);
    results.schema += 1;
    fs::write(&path, json(&results).unwrap()).unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("has the form 2"), "{error}");
    fs::write(&path, "{}").unwrap();
    let error = read(&path).unwrap_err().to_string();
    assert!(error.contains("not a file of results"), "{error}");
    assert!(read(&folder.path().join("none")).is_err());
}

#[test]
fn a_peer_ahead_is_as_visible_as_one_behind() {
    let mut results = sample(1);
    results.figures.retain(|f| f.measurement == "batches/64 B");
    for (peer, value) in [("ringpost", 10.0), ("shaq", 40.0), ("pipe", 5.0)] {
        let figure = results.figures.iter_mut().find(|f| f.peer == peer);
        figure.unwrap().rounds = vec![Some(value), Some(value)];
    }
    results
        .figures
        .retain(|f| ["ringpost", "shaq", "pipe"].contains(&f.peer.as_str()));
    assert!(results.figures.iter().all(|f| f.better == Better::Higher));
    let page = page_of(&results, None);
    assert!(page.contains("4.00 × behind shaq"));
    assert!(page.contains("0.250 ×, behind"));
    // Threads of one process are an upper bound, and never the best peer.
    let shaq = results.figures.iter_mut().find(|f| f.peer == "shaq");
    shaq.unwrap().peer = "kanal".into();
    let page = page_of(&results, None);
    assert!(page.contains("2.00 × ahead of pipe"));
    assert!(page.contains("2.00 ×, ahead"));
}

#[test]
fn changes_are_shown_and_another_machine_is_not_overlooked() {
    let results = sample(1);
    let mut older = sample(2);
    let page = page_of(&results, Some(&older));
    assert!(page.contains("What changed since the older run"));
    assert!(!page.contains("NOT of the same machine"));
    older.machine.kernel = "Linux 5.4".into();
    let page = page_of(&results, Some(&older));
    assert!(page.contains("NOT of the same machine (kernel: Linux 5.4, now Linux 6.18.44)"));
    assert!(!page_of(&results, None).contains("What changed"));
}

#[test]
fn a_target_that_is_missed_by_little_is_not_rounded_to_its_bound() {
    let mut results = sample(1);
    for figure in &mut results.figures {
        if figure.measurement == "throughput/1-1/64 B/copy" {
            let value = match figure.peer.as_str() {
                "ringpost" => 1.1996,
                _ => 1.0,
            };
            figure.rounds = vec![Some(value); 3];
        }
    }
    let page = page_of(&results, None);
    assert!(page.contains("<td class=\"figure bad\">1.1996 ×</td>"));
}
