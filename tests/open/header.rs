//! The header: every field wrong in every way that matters.

use crate::common::directory;
use crate::segment_file::{
    ABI, CAPACITY, CHECKSUM, CHUNK, CHUNKS, DESCRIPTORS, FILE_BYTES, Field, GROUP, HEADER_BYTES,
    HEADER_END, MAGIC, MAX_DELIVERIES, MODE, OWNER, PARTICIPANTS, SLOTS, STRIDE, SegmentFile,
};
use ringpost::OpenError;
use std::os::unix::fs::FileExt;

#[test]
fn another_magic_is_named_with_the_right_one() {
    let segment = SegmentFile::new();
    for magic in [*b"RINGPOST", *b"sqlite f", [0xff; 8], *b"ringpos\0"] {
        segment.set(MAGIC, u64::from_ne_bytes(magic));
        let shown = format!("{magic:?}");
        match segment.refused(&["not a ringpost segment", &shown, "\"ringpost\""]) {
            OpenError::Magic { found } => assert_eq!(found, magic),
            other => panic!("{other}"),
        }
    }
    segment.mend();
    segment.is_intact();
}

#[test]
fn another_version_is_named_with_ours() {
    let segment = SegmentFile::new();
    let ours = segment.value(ABI);
    for theirs in [0, ours + 1, 77, u64::from(u32::MAX)] {
        segment.set(ABI, theirs);
        let parts = [format!("version {theirs}"), format!("version {ours}")];
        match segment.refused(&[&parts[0], &parts[1], "create it anew"]) {
            OpenError::Abi { found, expected } => {
                assert_eq!((u64::from(found), u64::from(expected)), (theirs, ours));
            }
            other => panic!("{other}"),
        }
    }
    segment.mend();
    segment.is_intact();
}

#[test]
fn an_unfinished_segment_is_an_error_of_its_own() {
    let segment = SegmentFile::new();
    for magic in [0, u64::from_ne_bytes(*b"building")] {
        segment.set(MAGIC, magic);
        let error = segment.refused(&["not finished", "creator died", "remove the file"]);
        assert!(matches!(error, OpenError::Unfinished), "{error}");
    }
    segment.mend();
    segment.is_intact();
}

#[test]
fn damage_that_leaves_every_size_possible_is_found_by_the_checksum() {
    let segment = SegmentFile::new();
    let damage = [
        (CAPACITY, 7),
        // These two change nothing else that could be compared: their tables end within the same page.
        (DESCRIPTORS, 71),
        (PARTICIPANTS, 65),
        (MAX_DELIVERIES, 17),
        (MODE, 0o666),
        (CHECKSUM, 1),
    ];
    for (field, value) in damage {
        segment.damage(field, value);
        let found = segment.file_value(CHECKSUM);
        let parts = ["the header is damaged", "checksum", &found.to_string()];
        match segment.refused(&parts) {
            OpenError::Geometry { found: f, .. } => assert_eq!(f, found),
            other => panic!("{}: {other}", field.0),
        }
        segment.mend();
    }
    segment.is_intact();
}

/// The fields that say how the segment is laid out, with values that are impossible each by itself.
fn impossible() -> Vec<(Field, Vec<u64>)> {
    let max = u64::MAX;
    vec![
        (HEADER_BYTES, vec![0, 112, 121, u64::from(u32::MAX)]),
        (FILE_BYTES, vec![0, 4096, 1 << 40, max]),
        (CAPACITY, vec![0, 9, 524_289, 1 << 63, max]),
        (SLOTS, vec![0, 7, 9, 16, 4, 1 << 20, 1 << 63, max]),
        (DESCRIPTORS, vec![0, 8, 1 << 20, 1 << 44, max]),
        (STRIDE, vec![0, 63, 65, 127, 65_537, 65_600, 1 << 63, max]),
        (PARTICIPANTS, vec![0, 1024, 1 << 32, max]),
        (CHUNK, vec![0, 1, 63, 4095, 4097, 1 << 31, 1 << 63, max]),
        (CHUNKS, vec![u64::from(u32::MAX), 1 << 32, 1 << 63, max]),
    ]
}

#[test]
fn every_impossible_field_is_named_with_what_is_possible() {
    let segment = SegmentFile::new();
    for (field, values) in impossible() {
        for value in values {
            segment.set(field, value);
            let error = segment.refused(&["the header is damaged", "expected", "create it anew"]);
            match &error {
                OpenError::Geometry {
                    what,
                    found,
                    expected,
                } => {
                    let said = error.to_string();
                    for part in [what.to_string(), found.to_string(), expected.clone()] {
                        assert!(said.contains(&part), "{part} in {said}");
                    }
                    // What is wrong is said of the field itself, or of the first that does not agree with it.
                    if !(field == CAPACITY && value == 9 || field == SLOTS || field == STRIDE) {
                        assert_eq!(*found, value, "{said}");
                    }
                }
                other => panic!("{} = {value}: {other}", field.0),
            }
            segment.mend();
        }
    }
    segment.is_intact();
}

#[test]
fn possible_fields_that_disagree_with_the_file_are_refused() {
    let segment = SegmentFile::new();
    for (field, values) in [
        (DESCRIPTORS, vec![9, 40, 200, 1000]),
        (STRIDE, vec![64, 192, 65_536]),
        (PARTICIPANTS, vec![1023, 300]),
        (CHUNK, vec![64, 2048, 8192, 1 << 30]),
        (CHUNKS, vec![0, 15, 17, 1 << 20, u64::from(u32::MAX) - 1]),
    ] {
        for value in values {
            segment.set(field, value);
            match segment.refused(&["file size in the header"]) {
                OpenError::Geometry { found, .. } => assert_eq!(found, segment.len()),
                other => panic!("{} = {value}: {other}", field.0),
            }
            segment.mend();
        }
    }
    segment.is_intact();
}

#[test]
fn sizes_that_overflow_are_refused() {
    let segment = SegmentFile::new();
    segment.set(CHUNK, 1 << 30);
    segment.set(CHUNKS, u64::from(u32::MAX) - 1);
    for file_bytes in [segment.len(), 0, u64::MAX, 1 << 62, (1 << 62) - 4096] {
        segment.set(FILE_BYTES, file_bytes);
        let error = segment.refused(&["arena", "a file can hold"]);
        assert!(
            matches!(error, OpenError::Geometry { what: "arena", .. }),
            "{error}"
        );
    }
    segment.mend();
    segment.is_intact();
}

#[test]
fn a_header_that_agrees_with_itself_must_agree_with_the_file_too() {
    // All fields of a larger queue, in the file of a smaller one.
    let segment = SegmentFile::new();
    let directory = directory();
    let larger = directory.path().join("larger");
    drop(
        crate::common::small()
            .arena(1 << 20)
            .create_path(&larger)
            .unwrap(),
    );
    let header = std::fs::read(&larger).unwrap();
    segment
        .file
        .write_all_at(&header[..HEADER_END as usize], 0)
        .unwrap();
    let (found, expected) = (segment.len(), header.len() as u64);
    match segment.refused(&[&found.to_string(), &expected.to_string()]) {
        OpenError::Size {
            found: f,
            expected: e,
        } => assert_eq!((f, e), (found, expected)),
        other => panic!("{other}"),
    }
    segment.mend();
    segment.is_intact();
}

#[test]
fn a_changed_policy_is_refused() {
    let segment = SegmentFile::new();
    let (owner, group) = (segment.value(OWNER), segment.value(GROUP));
    // By a descriptor the policy is not asked for, so these are opened by path only.
    for (field, value) in [
        (MODE, 0o640),
        (MODE, 0o4600),
        (MODE, 0),
        (OWNER, owner + 1),
        (GROUP, group + 1),
    ] {
        segment.set(field, value);
        let error = segment.open().unwrap_err();
        let said = error.to_string();
        match error {
            OpenError::Mode {
                found: 0o600,
                expected,
            } if field == MODE => {
                assert_eq!(u64::from(expected), value);
                assert!(
                    said.contains("600") && said.contains(&format!("{value:03o}")),
                    "{said}"
                );
            }
            OpenError::Owner { found, expected } if field == OWNER => {
                assert_eq!(u64::from(found), owner);
                assert!(expected.contains(&value.to_string()), "{expected}");
                assert!(said.contains(&expected) && said.contains(&owner.to_string()));
            }
            OpenError::Group { found, expected } if field == GROUP => {
                assert_eq!((u64::from(found), u64::from(expected)), (group, value));
                assert!(said.contains(&group.to_string()) && said.contains(&value.to_string()));
            }
            other => panic!("{} = {value:o}: {other}", field.0),
        }
        segment.mend();
    }
    segment.is_intact();
}

#[test]
fn the_greatest_number_of_deliveries_may_be_anything() {
    let segment = SegmentFile::new();
    for value in [0, 1, 4096, u64::from(u32::MAX)] {
        segment.set(MAX_DELIVERIES, value);
        segment.is_intact();
    }
}
