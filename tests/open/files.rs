//! Files that are no segment, or a segment of another length.

use crate::common::{directory, name, payload, small, within};
use crate::segment_file::{SegmentFile, items, says};
use ringpost::{OpenError, Options};
use std::os::unix::fs::{FileTypeExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;

#[test]
fn a_file_that_does_not_exist_is_not_found() {
    let directory = directory();
    let path = directory.path().join("missing");
    let error = ringpost::open_path(&path).unwrap_err();
    assert!(
        matches!(&error, OpenError::NotFound { path: p } if *p == path),
        "{error}"
    );
    says(&error, &[path.to_str().unwrap(), "create it first"]);
    let error = ringpost::open(&name("missing")).unwrap_err();
    assert!(matches!(error, OpenError::NotFound { .. }), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_truncated_file_is_refused_at_every_length() {
    let segment = SegmentFile::new();
    let whole = segment.len();
    for length in [0, 1, 8, 111, 112, 1023] {
        segment.file.set_len(length).unwrap();
        let bytes = format!("{length} bytes");
        match segment.refused(&[&bytes, "too short"]) {
            OpenError::TooShort { found } => assert_eq!(found, length),
            other => panic!("{length} bytes: {other}"),
        }
        segment.mend();
    }
    for length in [1024, 4096, whole / 2, whole - 4096, whole - 1] {
        segment.file.set_len(length).unwrap();
        let found = format!("{length} bytes");
        match segment.refused(&[&found, &whole.to_string(), "truncated"]) {
            OpenError::Size { found, expected } => assert_eq!((found, expected), (length, whole)),
            other => panic!("{length} bytes: {other}"),
        }
        segment.mend();
    }
    segment.is_intact();
}

#[test]
fn a_grown_file_is_refused() {
    let segment = SegmentFile::new();
    let whole = segment.len();
    for length in [whole + 1, whole + 4096, whole * 2, 1 << 40] {
        segment.file.set_len(length).unwrap();
        let error = segment.open().unwrap_err();
        says(
            &error,
            &[&length.to_string(), &whole.to_string(), "has grown"],
        );
        assert!(matches!(error, OpenError::Size { .. }), "{error}");
        segment.mend();
    }
    segment.is_intact();
}

/// Opens it by its path, creates there, and opens-or-creates: all fail, and the thing stays what it is.
#[track_caller]
fn not_a_segment(path: &Path, what: &str) {
    let kind = |path: &Path| path.symlink_metadata().unwrap().file_type();
    let before = kind(path);
    for options in [Options::new(), small().unlink_on_drop(true)] {
        let path = path.to_owned();
        let error = within("opening it", move || options.open_path(&path)).unwrap_err();
        assert!(matches!(error, OpenError::NotRegular { .. }), "{error}");
        says(&error, &[what, "regular file"]);
    }
    let error = small().create_path(path).unwrap_err();
    assert!(matches!(error, OpenError::Exists { .. }), "{error}");
    assert_eq!(kind(path), before);
}

#[test]
fn a_directory_is_no_segment() {
    let directory = directory();
    not_a_segment(directory.path(), "directory");
    std::fs::write(directory.path().join("file"), "x").unwrap();
    not_a_segment(directory.path(), "directory");
}

#[test]
fn a_fifo_is_no_segment_and_nobody_waits_at_it() {
    let directory = directory();
    let path = directory.path().join("fifo");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
    assert!(path.metadata().unwrap().file_type().is_fifo());
    not_a_segment(&path, "FIFO");
}

#[test]
fn a_socket_is_no_segment() {
    let directory = directory();
    let path = directory.path().join("socket");
    let _listener = UnixListener::bind(&path).unwrap();
    not_a_segment(&path, "socket");
}

#[test]
fn a_device_is_no_segment() {
    not_a_segment(Path::new("/dev/null"), "device");
    not_a_segment(Path::new("/dev/zero"), "device");
}

#[test]
fn descriptors_of_other_things_are_no_segments() {
    let (reader, writer) = std::io::pipe().unwrap();
    for fd in [reader.into(), writer.into()] {
        let error = ringpost::from_fd(fd).unwrap_err();
        assert!(
            matches!(error, OpenError::NotRegular { found: "FIFO" }),
            "{error}"
        );
    }
    let (socket, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    let error = ringpost::from_fd(socket.into()).unwrap_err();
    assert!(
        matches!(error, OpenError::NotRegular { found: "socket" }),
        "{error}"
    );
    let error = ringpost::from_fd(std::fs::File::open("/").unwrap().into()).unwrap_err();
    assert!(
        matches!(error, OpenError::NotRegular { found: "directory" }),
        "{error}"
    );
}

#[test]
fn a_descriptor_must_be_open_for_reading_and_writing() {
    let segment = SegmentFile::new();
    let read = std::fs::File::open(&segment.path).unwrap();
    let write = std::fs::File::options()
        .write(true)
        .open(&segment.path)
        .unwrap();
    for file in [read, write] {
        let error = ringpost::from_fd(file.into()).unwrap_err();
        assert!(matches!(error, OpenError::Io { .. }), "{error}");
    }
    segment.is_intact();
}

#[test]
fn a_symbolic_link_is_not_followed_wherever_it_leads() {
    let segment = SegmentFile::new();
    let directory = directory();
    for (n, target) in [
        segment.path.as_path(),
        Path::new("missing"),
        Path::new("link-2"),
        Path::new("/"),
    ]
    .into_iter()
    .enumerate()
    {
        let link = directory.path().join(format!("link-{n}"));
        symlink(target, &link).unwrap();
        let error = ringpost::open_path(&link).unwrap_err();
        assert!(
            matches!(&error, OpenError::Symlink { path } if *path == link),
            "{error}"
        );
        says(
            &error,
            &["symbolic link", link.to_str().unwrap(), "never followed"],
        );
        let error = small().create_path(&link).unwrap_err();
        assert!(matches!(error, OpenError::Exists { .. }), "{error}");
        assert_eq!(std::fs::read_link(&link).unwrap(), target);
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 4);
    segment.is_intact();
}

#[test]
fn a_symbolic_link_with_a_queues_name_is_not_followed() {
    let name = name("symlink");
    let segment = SegmentFile::new();
    let link = Path::new("/dev/shm").join(format!("ringpost.{name}"));
    symlink(&segment.path, &link).unwrap();
    let open = ringpost::open(&name).unwrap_err();
    let open_or_create = small().open_or_create(&name).unwrap_err();
    let listed = ringpost::list()
        .unwrap()
        .iter()
        .any(|info| info.name == name);
    std::fs::remove_file(&link).unwrap();
    assert!(matches!(open, OpenError::Symlink { .. }), "{open}");
    assert!(
        matches!(open_or_create, OpenError::Symlink { .. }),
        "{open_or_create}"
    );
    assert!(!listed);
    segment.is_intact();
}

#[test]
fn files_of_something_else_are_left_alone() {
    let directory = directory();
    let path = directory.path().join("file");
    for content in [
        &b"#!/bin/sh\nexit 0\n".repeat(100)[..],
        &[0xff; 8192],
        &payload(1, 50_000),
    ] {
        std::fs::write(&path, content).unwrap();
        let error = ringpost::open_path(&path).unwrap_err();
        assert!(matches!(error, OpenError::Magic { .. }), "{error}");
        assert!(std::fs::read(&path).unwrap() == content);
    }
    for content in [&b""[..], b"short"] {
        std::fs::write(&path, content).unwrap();
        let error = ringpost::open_path(&path).unwrap_err();
        says(&error, &[&format!("{} bytes", content.len())]);
        assert!(matches!(error, OpenError::TooShort { .. }), "{error}");
    }
}

#[test]
fn a_file_in_a_missing_directory_cannot_be_made() {
    let directory = directory();
    let missing = directory.path().join("missing");
    let error = small().create_path(missing.join("queue")).unwrap_err();
    says(&error, &[missing.to_str().unwrap()]);
    assert!(matches!(error, OpenError::NotFound { .. }), "{error}");
    std::fs::write(&missing, "a file").unwrap();
    assert!(small().create_path(missing.join("queue")).is_err());
    assert!(ringpost::open_path(missing.join("queue")).is_err());
    assert_eq!(std::fs::read(&missing).unwrap(), b"a file");
}

#[test]
fn a_queue_on_a_disk_survives_its_processes() {
    let Ok(directory) = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")) else {
        return eprintln!("skipped: the build directory is somebody else's");
    };
    let path = directory.path().join("queue");
    let queue = match small().create_path(&path) {
        Err(error @ OpenError::NoLiveness) => return eprintln!("skipped: {error}"),
        created => created.unwrap(),
    };
    queue.put_many(&items()).unwrap();
    drop(queue);
    assert!(ringpost::open_path(&path).unwrap().get_many(9).unwrap() == items());
}
