//! The project's files, read once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Folders that are made, not written.
const GENERATED: &[&str] = &[
    "target",
    "artifacts",
    "corpus",
    "__pycache__",
    "node_modules",
];

/// The kinds of file that some check reads.
const READ: &[&str] = &["rs", "md", "toml"];

/// Paths are relative to the project's root and use `/`.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// Every file and folder.
    paths: BTreeSet<String>,
    /// The contents of the files that are read.
    texts: BTreeMap<String, String>,
}

impl Tree {
    /// Walks the project; hidden and generated folders are left out of what is read.
    pub(super) fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.walk(root, "")?;
        Ok(tree)
    }

    fn walk(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        let unreadable = || format!("{} cannot be read", folder.display());
        for entry in fs::read_dir(folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            let path = format!("{prefix}{name}");
            let is_folder = entry.file_type().with_context(unreadable)?.is_dir();
            self.paths.insert(path.clone());
            if is_folder {
                if !name.starts_with('.') && !GENERATED.contains(&name.as_str()) {
                    self.walk(&entry.path(), &format!("{path}/"))?;
                }
            } else if READ.iter().any(|kind| ends_with(&name, kind)) {
                let text = fs::read_to_string(entry.path())
                    .with_context(|| format!("{path} cannot be read as text"))?;
                self.texts.insert(path, text);
            }
        }
        Ok(())
    }

    /// Whether there is such a file or folder.
    pub(super) fn has(&self, path: &str) -> bool {
        path.is_empty() || self.paths.contains(path)
    }

    /// The text of one file.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        self.texts.get(path).map(String::as_str)
    }

    /// Every file below `folder` (all for `""`) whose name ends in `.kind`, with its text.
    pub(super) fn files<'a>(
        &'a self,
        folder: &'a str,
        kind: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let texts = self.texts.iter();
        texts
            .filter(move |(path, _)| path.starts_with(folder) && ends_with(path, kind))
            .map(|(path, text)| (path.as_str(), text.as_str()))
    }
}

fn ends_with(name: &str, kind: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, end)| end == kind)
}

#[cfg(test)]
impl<const N: usize> From<[(&str, &str); N]> for Tree {
    /// A tree in memory, for samples.
    fn from(files: [(&str, &str); N]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            for (slash, _) in path.match_indices('/') {
                tree.paths.insert(path[..slash].into());
            }
            tree.paths.insert(path.into());
            tree.texts.insert(path.into(), text.into());
        }
        tree
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_is_written_and_leaves_out_what_is_made() {
        let root = std::env::temp_dir().join(format!("ringpost-tidy-{}", std::process::id()));
        for folder in ["src/ring", "target/debug", ".git"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        for file in [
            "src/ring/put.rs",
            "src/bytes.bin",
            "target/debug/a.rs",
            ".git/b.md",
        ] {
            fs::write(root.join(file), file).unwrap();
        }
        let tree = Tree::read(&root).unwrap();
        fs::remove_dir_all(&root).unwrap();
        let all: Vec<_> = tree.files("", "rs").chain(tree.files("", "md")).collect();
        assert_eq!(all, [("src/ring/put.rs", "src/ring/put.rs")]);
        assert!(tree.has("src/bytes.bin") && tree.has("src/ring") && tree.has(""));
        assert!(!tree.has("src/other.rs"));
    }
}
