//! Checks of single source files: the first line, the length, and where unsafe code may live.

use super::Problem;
use super::tree::Tree;

/// The longest a library file may be, in lines. The aim is 400; this is the limit.
const LONGEST: usize = 600;

/// The files that may hold unsafe code: those that touch shared memory or the system. Everything
/// above them (options, queues, the command line) is safe code over them, so that a reader who
/// looks for undefined behaviour has only these to read. A folder ends in `/`.
const UNSAFE_ROOMS: &[&str] = &[
    // Offsets become addresses.
    "src/memory.rs",
    // Bytes of the segment become slices, and guards own them.
    "src/payload.rs",
    "src/bytes/loan.rs",
    "src/bytes/message.rs",
    "src/bytes/lease.rs",
    // Mappings, descriptors and system calls.
    "src/segment.rs",
    "src/participant.rs",
    "src/kept_fd.rs",
    "src/fork.rs",
    "src/sys.rs",
    // The hook of the kill points, which no user's build has.
    "src/steps.rs",
];

/// Every `.rs` file starts with a `//!` line.
pub(super) fn first_lines(tree: &Tree) -> Vec<Problem> {
    tree.files("", "rs")
        .filter(|(_, text)| {
            let first = text.lines().next().unwrap_or_default();
            first
                .strip_prefix("//!")
                .is_none_or(|said| said.trim().is_empty())
        })
        .map(|(path, _)| {
            let message = "the first line is not a `//!` line: say in one what the file is for";
            Problem::new(path, 1, message)
        })
        .collect()
}

/// No file of the library is longer than [`LONGEST`] lines.
pub(super) fn lengths(tree: &Tree) -> Vec<Problem> {
    tree.files("src/", "rs")
        .filter_map(|(path, text)| {
            let lines = text.lines().count();
            let message = format!("{lines} lines, more than {LONGEST}: split the file by role");
            (lines > LONGEST).then(|| Problem::new(path, LONGEST + 1, message))
        })
        .collect()
}

/// Unsafe code is in [`UNSAFE_ROOMS`] only.
pub(super) fn unsafe_rooms(tree: &Tree) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (path, text) in tree.files("src/", "rs") {
        if UNSAFE_ROOMS.iter().any(|room| is_in(path, room)) {
            continue;
        }
        for (line, source) in (1..).zip(text.lines()) {
            if grants_unsafe(source) {
                let message = "unsafe code outside its rooms: move it below, or extend \
                               UNSAFE_ROOMS in xtask/src/tidy/source.rs and say why";
                problems.push(Problem::new(path, line, message));
            }
        }
    }
    problems
}

fn is_in(path: &str, room: &str) -> bool {
    path == room || (room.ends_with('/') && path.starts_with(room))
}

/// Whether the line has the keyword `unsafe` in its code, other than as part of a function's
/// signature: such a function may do nothing unsafe without a block of its own.
fn grants_unsafe(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices("unsafe").any(|(at, word)| {
        let after = &code[at + word.len()..];
        let whole = !code[..at].ends_with(is_word) && !after.starts_with(is_word);
        let signature = ["fn ", "fn(", "extern \"C\" fn"];
        whole && !signature.iter().any(|s| after.trim_start().starts_with(s))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_is() {
        let good = Tree::from([("cli/src/main.rs", "//! The command.\nfn main() {}\n")]);
        assert_eq!(first_lines(&good), []);
        for text in ["fn main() {}\n//! late", "// The command.", "//!", ""] {
            let found = first_lines(&Tree::from([("tests/a.rs", text)]));
            assert_eq!(found.len(), 1, "{text:?}");
            assert!(found[0].to_string().starts_with("tests/a.rs:1: "));
        }
    }

    #[test]
    fn a_library_file_has_a_longest_length() {
        let (short, long) = (&*"\n".repeat(LONGEST), &*"\n".repeat(LONGEST + 1));
        assert_eq!(lengths(&Tree::from([("src/a.rs", short)])), []);
        assert_eq!(lengths(&Tree::from([("tests/a.rs", long)])), []);
        let found = lengths(&Tree::from([("src/ring/a.rs", long)]));
        assert_eq!(found.len(), 1);
        assert!(
            found[0]
                .to_string()
                .starts_with("src/ring/a.rs:601: 601 lines")
        );
    }

    #[test]
    fn unsafe_code_has_its_rooms() {
        let block = "let a = 1;\nlet b = unsafe { p.read() };\n";
        for room in [
            "src/memory.rs",
            "src/bytes/loan.rs",
            "tests/api.rs",
            "cli/src/a.rs",
        ] {
            assert_eq!(unsafe_rooms(&Tree::from([(room, block)])), [], "{room}");
        }
        for other in ["src/bytes/mod.rs", "src/ring/put.rs", "src/new/memory.rs"] {
            let found = unsafe_rooms(&Tree::from([(other, block)]));
            assert_eq!(found.len(), 1, "{other}");
            assert!(found[0].to_string().starts_with(&format!("{other}:2: ")));
        }
    }

    #[test]
    fn unsafe_code_is_told_from_words() {
        for line in [
            "unsafe {",
            "unsafe impl Send for A {}",
            "x(unsafe { y })",
            "unsafe extern {",
        ] {
            assert!(grants_unsafe(line), "{line}");
        }
        for line in [
            "// unsafe { is a word here",
            "#![deny(unsafe_op_in_unsafe_fn)]",
            "pub unsafe fn attach() {",
            "type Callback = unsafe extern \"C\" fn();",
            "let not_unsafe = 1;",
        ] {
            assert!(!grants_unsafe(line), "{line}");
        }
    }
}
