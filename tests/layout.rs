//! layout: the bytes of a segment are what `docs/layout.md` and the golden dump say. A change of either is a new ABI version.
//!
//! `BLESS=1 cargo test --test layout` writes both anew.
#![allow(dead_code, unreachable_pub, unused_imports)] // the modules serve the whole library; here only a part is used

#[path = "../src/error.rs"]
mod error;
#[path = "../src/layout/mod.rs"]
mod layout;

use layout::{ABI, Header, control, participant, record};
use ringpost::Options;
use std::fmt::Write;
use std::path::Path;

/// Compares `actual` with the file, or writes the file if asked to.
fn compare(file: &str, actual: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        expected == actual,
        "{file} is not what the code does; if the change is meant, raise layout::ABI and run \
         `BLESS=1 cargo test --test layout`.\n--- now:\n{actual}"
    );
}

/// A queue with one item inline, one in the arena, one held; then every word of its file that is not zero.
#[test]
fn golden_bytes() {
    let directory = tempfile::tempdir_in("/dev/shm").unwrap();
    let path = directory.path().join("golden");
    let queue = Options::new()
        .capacity(3)
        .in_flight(2)
        .inline(32)
        .chunk(64)
        .arena(256)
        .participants(2)
        .create_path(&path)
        .unwrap();
    queue.put(b"got").unwrap();
    queue.put(b"held").unwrap();
    assert_eq!(queue.get().unwrap(), b"got");
    let held = queue.get_ref().unwrap();
    queue.put(b"inline").unwrap();
    queue.put(&[0xab; 100]).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    drop(held);

    let mut blank = |at: usize, size: usize| bytes[at..at + size].fill(0);
    for (field, at, size) in Header::FIELDS {
        if ["owner", "group", "identity", "created_ns", "checksum"].contains(field) {
            blank(*at, *size);
        }
    }
    // Who takes part differs from run to run.
    blank(
        control::PARTICIPANTS + participant::PID,
        participant::SIZE - participant::PID,
    );
    let mut dump = format!(
        "ABI version {ABI}, {} bytes; offset and word, where it is not 0\n",
        bytes.len()
    );
    for (i, word) in bytes.chunks_exact(8).enumerate() {
        let word = u64::from_le_bytes(word.try_into().unwrap());
        if word != 0 {
            writeln!(dump, "{:6} {word:016x}", i * 8).unwrap();
        }
    }
    compare("tests/golden/segment.txt", &dump);
}

#[test]
fn documentation() {
    let mut page = String::from(
        "# The layout of a segment\n\n\
         Generated from `src/layout/` by `BLESS=1 cargo test --test layout`, and checked against it by the same test.\n\
         All values are in the machine's byte order; offsets and sizes are in bytes.\n\n",
    );
    writeln!(page, "ABI version **{ABI}**.\n").unwrap();
    let source = concat!(
        include_str!("../src/layout/mod.rs"),
        include_str!("../src/layout/words.rs")
    );

    page += "## Overview\n\n```text\n";
    page += &ruler(source, "//! ```text");
    page += "```\n\n## Header\n\n| offset | size | field |\n|---|---|---|\n";
    for (field, at, size) in Header::FIELDS {
        writeln!(page, "| {at} | {size} | `{field}` |").unwrap();
    }

    page += "\n## Control words\n\n| offset | size | word |\n|---|---|---|\n";
    for (name, at, size) in [
        ("tail_hint", control::TAIL_HINT, 8),
        ("head_hint", control::HEAD_HINT, 8),
        ("retry", control::RETRY, 8),
        ("ev_get", control::EV_GET, 4),
        ("ev_put", control::EV_PUT, 4),
        ("ev_mem", control::EV_MEM, 4),
        ("ev_done", control::EV_DONE, 4),
        ("ev_desc", control::EV_DESC, 4),
        ("state", control::STATE, 4),
        ("reserved", control::RESERVED, 8),
        ("free_hint", control::FREE_HINT, 8),
        ("hot", control::HOT, 4 * layout::HOT_HINTS),
        ("unfinished", control::UNFINISHED, 8),
        ("participants", control::PARTICIPANTS, 0),
    ] {
        let size = if size == 0 {
            format!("{} × P", participant::SIZE)
        } else {
            size.to_string()
        };
        writeln!(page, "| {at} | {size} | `{name}` |").unwrap();
    }

    page += "\n## Participant entry\n\n| offset | size | field |\n|---|---|---|\n";
    for (name, at, size) in [
        ("word", participant::WORD, 8),
        ("pid", participant::PID, 8),
        ("start_time", participant::START_TIME, 8),
        ("command", participant::COMMAND, participant::COMMAND_BYTES),
    ] {
        writeln!(page, "| {at} | {size} | `{name}` |").unwrap();
    }

    page += "\n## Descriptor\n\n| offset | size | field |\n|---|---|---|\n";
    for (name, at, size) in [
        ("slot word, in the first N", record::SLOT, "8"),
        ("descriptor word", record::DESCRIPTOR, "8"),
        ("extent word", record::EXTENT, "8"),
        ("item word", record::ITEM, "8"),
        (
            "inline payload",
            record::INLINE,
            "stride − 32; 88 where it is 128",
        ),
        (
            "lead word, where the stride is 128: nobody reads it",
            record::LEAD,
            "8",
        ),
    ] {
        writeln!(page, "| {at} | {size} | {name} |").unwrap();
    }

    page += "\n## Words\n";
    for (title, start) in [
        ("Slot word", "/// slot word S"),
        ("Descriptor word", "/// descriptor word D"),
        ("Extent word", "/// extent word E"),
        ("Item word", "/// item word"),
        ("Participant word", "/// participant word"),
    ] {
        let at = source
            .find(start)
            .unwrap_or_else(|| panic!("no ruler {start:?}"));
        let fence = source[..at].rfind("/// ```text").unwrap();
        write!(
            page,
            "\n### {title}\n\n```text\n{}```\n",
            ruler(&source[fence..], "/// ```text")
        )
        .unwrap();
    }

    page += "\n## States of a descriptor\n\n| value | state |\n|---|---|\n";
    for (name, word) in [
        ("FREE", layout::descriptor::FREE),
        ("OWN", layout::descriptor::OWN),
        ("PEND", layout::descriptor::PEND),
        ("LOAN", layout::descriptor::LOAN),
        ("RETRY", layout::descriptor::RETRY),
        ("RECL", layout::descriptor::RECL),
        ("QUAR", layout::descriptor::QUAR),
        ("HELD", layout::descriptor::HELD),
    ] {
        writeln!(page, "| {} | {name} |", word >> 61).unwrap();
    }
    compare("docs/layout.md", &page);
}

/// The lines of a comment between `fence` and the next closing fence, without their comment signs.
fn ruler(source: &str, fence: &str) -> String {
    let start = source.find(fence).unwrap() + fence.len() + 1;
    let mut text = String::new();
    for line in source[start..].lines() {
        let line = line.trim_start_matches(['/', '!']);
        if line.trim() == "```" {
            break;
        }
        text += line.strip_prefix(' ').unwrap_or(line);
        text.push('\n');
    }
    text
}

/// The words' fields do not overlap and fill their words.
#[test]
fn words_pack_and_unpack() {
    use layout::{descriptor, entry, extent, item, position, slot};
    let p = position::MASK;
    assert_eq!(slot::pack(p, slot::NONE), u64::MAX);
    assert_eq!(
        (slot::position(u64::MAX), slot::descriptor(u64::MAX)),
        (p, slot::NONE)
    );
    assert_eq!(descriptor::STATE | descriptor::OWNER | p, u64::MAX);
    assert_eq!(descriptor::STATE & descriptor::OWNER, 0);
    let owner = descriptor::owner(1022, 127);
    assert_eq!(
        (
            descriptor::participant(owner),
            descriptor::incarnation(owner)
        ),
        (1022, 127)
    );
    assert!(descriptor::is_pending(descriptor::PEND | owner | 5, 5));
    assert!(!descriptor::is_pending(descriptor::PEND | owner | 5, 6));
    assert!(!descriptor::is_pending(descriptor::LOAN | owner | 5, 5));
    let word = extent::pack(u32::MAX, 1);
    assert_eq!((extent::start(word), extent::count(word)), (u32::MAX, 1));
    let word = item::IN_EXTENT | 77;
    let mut delivered = word;
    for _ in 0..5000 {
        delivered = item::delivered(delivered);
    }
    assert_eq!(item::deliveries(delivered), item::MAX_DELIVERIES);
    assert_eq!(item::length(delivered), 77);
    assert_eq!(delivered & item::IN_EXTENT, item::IN_EXTENT);
    assert_eq!(entry::incarnation(entry::pack(127, true)), 127);
}

/// Positions wrap: the later of two is the one less than half the range ahead.
#[test]
fn positions_wrap() {
    use layout::position::{MASK, add, distance, later, sub};
    assert_eq!(add(MASK, 1), 0);
    assert_eq!(sub(0, 1), MASK);
    assert_eq!(distance(2, MASK), 3);
    assert_eq!(distance(MASK, 2), -3);
    assert_eq!(later(MASK, 2), 2);
    assert_eq!(later(2, 1), 2);
}
