//! Relative links in the documents lead to files that exist.

use super::Problem;
use super::tree::Tree;

/// Every relative link of every `.md` file points to a file or folder of the project.
pub(super) fn relative(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.files("", "md") {
        for (line, target) in targets(text) {
            match resolve(path, target) {
                Some(file) if !tree.has(&file) => {
                    let message =
                        format!("the link {target} leads to {file}, which does not exist");
                    problems.push(Problem::new(path, line, message));
                }
                None => {
                    let message = format!("the link {target} leads out of the project");
                    problems.push(Problem::new(path, line, message));
                }
                Some(_) => {}
            }
        }
    }
    problems
}

/// The relative link targets of a document and their lines: `[…](target)`, `[…]: target`, and
/// `src=` or `href="target"`. Code is left out.
fn targets<'t>(text: &'t str) -> Vec<(usize, &'t str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (line, source) in (1..).zip(text.lines()) {
        if source.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        let mut add = |target: &'t str| {
            let target = target.split(char::is_whitespace).next().unwrap_or_default();
            if !target.is_empty() && !target.starts_with('#') && !is_address(target) {
                found.push((line, target));
            }
        };
        for opening in ["](", "src=\"", "href=\""] {
            let closing = if opening == "](" { ')' } else { '"' };
            for (at, _) in source.match_indices(opening) {
                if !is_code(source, at) {
                    let rest = &source[at + opening.len()..];
                    add(rest.split(closing).next().unwrap_or_default());
                }
            }
        }
        if source.starts_with('[')
            && !source.starts_with("[^")
            && let Some((_, target)) = source.split_once("]: ")
        {
            add(target.trim());
        }
    }
    found
}

/// Whether the place is between backticks.
fn is_code(line: &str, at: usize) -> bool {
    line[..at].matches('`').count() % 2 == 1
}

/// Whether the target has a scheme: `https:`, `mailto:`.
fn is_address(target: &str) -> bool {
    let scheme = target.split([':', '/', '#']).next().unwrap_or_default();
    target[scheme.len()..].starts_with(':')
}

/// The path a target means, seen from a document; `None` when it leads out of the project.
fn resolve(document: &str, target: &str) -> Option<String> {
    let target = target.split('#').next().unwrap_or_default();
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => document.split('/').collect(),
    };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> Vec<Problem> {
        relative(&Tree::from([
            ("README.md", "# It"),
            ("docs/a.md", text),
            ("docs/b.svg", ""),
        ]))
    }

    #[test]
    fn links_that_lead_somewhere_are_accepted() {
        let good = "[up](../README.md#it) ![b](b.svg \"picture\") [c](/docs/) [self](#here)\n\
                    <img src=\"b.svg\"> [web](https://example.org/x) <a href=\"mailto:a@b\">\n\
                    [b]: ./b.svg\n[^1]: a note\n`[code](nowhere.md)`\n```\n[code](nowhere.md)\n```\n";
        assert_eq!(sample(good), []);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        for bad in [
            "[a](missing.md)",
            "![a](../missing.svg)",
            "see <img src=\"missing.svg\">",
            "[a]: missing.md",
            "[a](../../outside.md)",
            "`code` then [a](README.md)",
        ] {
            let found = sample(&format!("# Title\n\n{bad}\n"));
            assert_eq!(found.len(), 1, "{bad}");
            assert!(found[0].to_string().starts_with("docs/a.md:3: the link "));
        }
    }

    #[test]
    fn a_target_is_seen_from_its_document() {
        assert_eq!(
            resolve("docs/a.md", "../src/lib.rs").as_deref(),
            Some("src/lib.rs")
        );
        assert_eq!(resolve("a.md", "docs/b.md#c").as_deref(), Some("docs/b.md"));
        assert_eq!(resolve("a.md", "/docs/b.md").as_deref(), Some("docs/b.md"));
        assert_eq!(resolve("a.md", "../b.md"), None);
    }
}
