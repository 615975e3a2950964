//! Every dependency has a line in `docs/dependencies.md` that says why it is there.

use super::Problem;
use super::tree::Tree;

const DOCUMENT: &str = "docs/dependencies.md";

/// Each crate that a manifest of the workspace asks for is named in the document.
pub(super) fn documented(tree: &Tree) -> Vec<Problem> {
    let Some(document) = tree.text(DOCUMENT) else {
        return vec![Problem::new(DOCUMENT, 1, "there is no such file")];
    };
    let manifest = tree.text("Cargo.toml").unwrap_or_default();
    let members = members(manifest).into_iter();
    let mut problems = Vec::new();
    for path in members
        .map(|folder| format!("{folder}/Cargo.toml"))
        .chain(["Cargo.toml".into()])
    {
        let Some(text) = tree.text(&path) else {
            let message = format!("the workspace member's manifest {path} does not exist");
            problems.push(Problem::new("Cargo.toml", 1, message));
            continue;
        };
        for (line, name) in wanted(text) {
            if !names(document, name) {
                let message =
                    format!("dependency {name} is not named in {DOCUMENT}: say why it is there");
                problems.push(Problem::new(&path, line, message));
            }
        }
    }
    problems
}

/// The folders in the workspace's `members = […]`.
fn members(manifest: &str) -> Vec<&str> {
    let Some(start) = manifest.find("\nmembers = [") else {
        return Vec::new();
    };
    let list = manifest[start..]
        .split(['[', ']'])
        .nth(1)
        .unwrap_or_default();
    list.split('"').skip(1).step_by(2).collect()
}

/// The dependencies of a manifest with their lines, those by `path` (our own crates) left out.
fn wanted(manifest: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_list = false;
    for (line, text) in (1..).zip(manifest.lines()) {
        if let Some(section) = text
            .trim()
            .strip_prefix('[')
            .and_then(|s| s.split(']').next())
        {
            in_list = section.ends_with("dependencies");
            if let Some((_, name)) = section.split_once("dependencies.") {
                found.push((line, name));
            }
        } else if in_list
            && let Some((key, value)) = text.split_once('=')
            && let Some(name) = key.trim().split('.').next()
            && !name.is_empty()
            && name.chars().all(is_name)
            && !value.contains("path =")
        {
            found.push((line, name));
        }
    }
    found
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// Whether the document has the name as a word of its own (`serde_json` does not name `serde`).
fn names(document: &str, name: &str) -> bool {
    document
        .split(|c: char| !is_name(c))
        .any(|word| word == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace]\nmembers = [\"cli\"]\n\n[dependencies]\nserde = \"1\"\n\
                        libc = { version = \"0.2\", features = [\n  \"a\",\n] }\n\n\
                        [package.metadata]\nother = 1\n\n\
                        [target.'cfg(loom)'.dependencies]\nloom = \"0.7\"\n\
                        [dev-dependencies.proptest]\nversion = \"1\"\n";
    const CLI: &str = "[dependencies]\nringpost = { path = \"..\" }\nclap.workspace = true\n";

    fn sample(document: &str) -> Tree {
        Tree::from([
            ("Cargo.toml", ROOT),
            ("cli/Cargo.toml", CLI),
            (DOCUMENT, document),
        ])
    }

    #[test]
    fn a_documented_tree_is_accepted() {
        let document = "# Dependencies\n| `serde` | … |\n**libc**, loom: …\n[proptest](x) `clap`\n";
        assert_eq!(documented(&sample(document)), []);
    }

    #[test]
    fn a_missing_reason_is_found() {
        let found = documented(&sample("serde_json libc loom proptest\n"));
        let shown: Vec<_> = found
            .iter()
            .map(|p| format!("{}:{}", p.file, p.line))
            .collect();
        assert_eq!(shown, ["cli/Cargo.toml:3", "Cargo.toml:5"]);
        assert!(found[1].message.contains("dependency serde is not named"));
    }

    #[test]
    fn a_missing_document_or_member_is_found() {
        assert_eq!(documented(&Tree::from([("Cargo.toml", ROOT)])).len(), 1);
        let document = "serde libc loom proptest";
        let found = documented(&Tree::from([("Cargo.toml", ROOT), (DOCUMENT, document)]));
        assert!(found[0].message.contains("cli/Cargo.toml does not exist"));
    }

    #[test]
    fn every_kind_of_entry_is_read() {
        let names: Vec<_> = wanted(ROOT).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["serde", "libc", "loom", "proptest"]);
        assert_eq!(wanted(CLI), [(3, "clap")]);
    }
}
