//! Memory orderings work in pairs, and both ends carry the same label.
//!
//! The form is `// ORDERING C (Release): what it publishes`, or `// ORDERING P, L (SeqCst): …` for an access that is an
//! end of two pairs. A label needs an end that publishes and another that observes, and a row in the table below
//! `# Orderings`; a row needs a label that is used.

use std::collections::BTreeMap;

use super::Problem;
use super::tree::Tree;

const MARK: &str = "// ORDERING ";

/// The file with the table of labels, and the heading above it.
const TABLE: &str = "src/ring/mod.rs";
const HEADING: &str = "//! # Orderings";

/// Where an ORDERING comment stands and what its access does.
#[derive(Clone, Copy)]
struct End<'a> {
    file: &'a str,
    line: usize,
    publishes: bool,
    observes: bool,
}

/// Every label has two ends and a row in the table, and every row a label.
pub(super) fn labels(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut labels: BTreeMap<&str, Vec<End<'_>>> = BTreeMap::new();
    for (file, text) in tree.files("src/", "rs") {
        for (line, said) in comments(text) {
            match parse(said) {
                Some((names, publishes, observes)) => {
                    for name in names {
                        labels.entry(name).or_default().push(End {
                            file,
                            line,
                            publishes,
                            observes,
                        });
                    }
                }
                None => {
                    let message =
                        "an ORDERING without label or order: write `// ORDERING C (Release): …`";
                    problems.push(Problem::new(file, line, message));
                }
            }
        }
    }
    let rows = rows(tree.text(TABLE).unwrap_or_default());
    for (label, ends) in &labels {
        let first = ends[0];
        if !is_pair(ends) {
            let message =
                format!("ordering {label} has one end only: one must publish, another one observe");
            problems.push(Problem::new(first.file, first.line, message));
        }
        if !rows.contains_key(label) {
            let message = format!("ordering {label} has no row in the table of {TABLE}");
            problems.push(Problem::new(first.file, first.line, message));
        }
    }
    for (label, line) in rows
        .iter()
        .filter(|(label, _)| !labels.contains_key(*label))
    {
        problems.push(Problem::new(
            TABLE,
            *line,
            format!("no access has the ordering {label} of this row"),
        ));
    }
    problems
}

/// Whether one end publishes what another one observes.
fn is_pair(ends: &[End<'_>]) -> bool {
    let publishers = ends.iter().enumerate().filter(|(_, end)| end.publishes);
    publishers.into_iter().any(|(i, _)| {
        ends.iter()
            .enumerate()
            .any(|(j, end)| i != j && end.observes)
    })
}

/// The lines with the mark and what follows it; documentation only talks about the form.
fn comments(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = (1..).zip(text.lines());
    lines.filter_map(|(line, source)| {
        let source = source.trim_start();
        let documents = source.starts_with("///") || source.starts_with("//!");
        let (_, said) = source.split_once(MARK).filter(|_| !documents)?;
        Some((line, said))
    })
}

/// Reads `P, L (SeqCst): …` into the labels, and whether the access publishes and observes.
fn parse(said: &str) -> Option<(Vec<&str>, bool, bool)> {
    let (labels, rest) = said.split_once(" (")?;
    let (order, _reason) = rest.split_once("):")?;
    let (publishes, observes) = match order {
        "Release" => (true, false),
        "Acquire" => (false, true),
        // The two of `src/fences.rs` are full fences to each other.
        "AcqRel" | "SeqCst" | "light" | "heavy" => (true, true),
        _ => return None,
    };
    let labels: Vec<_> = labels.split(", ").collect();
    labels
        .iter()
        .all(|label| is_label(label))
        .then_some((labels, publishes, observes))
}

/// A label is a capital letter, then capitals or digits: `C`, `W2`.
fn is_label(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_uppercase())
        && word
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
}

/// The labels of the table's rows, and their lines.
fn rows(text: &str) -> BTreeMap<&str, usize> {
    let lines = (1..)
        .zip(text.lines())
        .skip_while(|(_, line)| *line != HEADING)
        .skip(1);
    lines
        .take_while(|(_, line)| !line.starts_with("//! # ") && line.starts_with("//!"))
        .filter_map(|(number, line)| {
            let label = line.strip_prefix("//! | ")?.split(' ').next()?;
            is_label(label).then_some((label, number))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOD: &str = "//! The ring.\n//!\n//! # Orderings\n//!\n//! `// ORDERING <label>` is the form.\n//!\n\
                       //! | label | at one end | at the other |\n//! |---|---|---|\n\
                       //! | C | the commit | a load |\n//! | L1 | the claim | a load |\n";
    const PUT: &str = "//! Put.\n// ORDERING C (Release): publishes\nd.store(1);\nl(); // ORDERING L1 (Acquire): sees\n";
    const GET: &str =
        "//! Get.\n// ORDERING C, L1 (SeqCst): sees the one,\n// publishes the other\n";

    fn found(put: &str, get: &str) -> Vec<String> {
        let tree = Tree::from([
            (TABLE, MOD),
            ("src/ring/put.rs", put),
            ("src/ring/get.rs", get),
        ]);
        labels(&tree).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn both_ends_carry_the_label() {
        assert!(found(PUT, GET).is_empty());
    }

    #[test]
    fn a_label_with_one_end_is_found() {
        let message = "has one end only: one must publish, another one observe";
        let get = GET.replace("C, L1", "C");
        assert_eq!(
            found(PUT, &get),
            [format!("src/ring/put.rs:4: ordering L1 {message}")]
        );
        let get = GET.replace("C, L1 (SeqCst)", "L1 (Release)");
        assert_eq!(
            found(PUT, &get),
            [format!("src/ring/put.rs:2: ordering C {message}")]
        );
    }

    #[test]
    fn two_ends_of_one_kind_are_no_pair() {
        let put = PUT.replace("(Release)", "(Acquire)");
        let get =
            GET.replace("C, L1 (SeqCst)", "C (Acquire)") + "// ORDERING L1 (Release): claims\n";
        assert_eq!(found(&put, &get).len(), 1);
    }

    #[test]
    fn a_label_without_a_row_is_found() {
        let put = format!("{PUT}// ORDERING Z (AcqRel): a\n// ORDERING Z (AcqRel): b\n");
        assert_eq!(
            found(&put, GET),
            [format!(
                "src/ring/put.rs:5: ordering Z has no row in the table of {TABLE}"
            )]
        );
    }

    #[test]
    fn a_row_without_a_label_is_found() {
        let put = PUT.replace("// ORDERING L1 (Acquire)", "//");
        let get = GET.replace("C, L1", "C");
        assert_eq!(
            found(&put, &get),
            [format!(
                "{TABLE}:10: no access has the ordering L1 of this row"
            )]
        );
    }

    #[test]
    fn other_forms_are_found() {
        for other in [
            "(Release): a",
            "C: a",
            "C (Relaxed): a",
            "c (Release): a",
            "C and L (Release): a",
        ] {
            let put = format!("{PUT}// ORDERING {other}\n");
            assert_eq!(found(&put, GET).len(), 1, "{other}");
        }
    }
}
