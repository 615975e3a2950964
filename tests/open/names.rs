//! Names that no queue can have.

use crate::common::{directory, small};
use crate::segment_file::says;
use ringpost::{OpenError, unlink};

fn refused(name: &str, reason: &str) {
    let errors = [
        small().create(name).unwrap_err(),
        small().open(name).unwrap_err(),
        small().open_or_create(name).unwrap_err(),
        ringpost::open(name).unwrap_err(),
        unlink(name).unwrap_err(),
    ];
    for error in errors {
        says(&error, &[reason, "1 to 200 bytes", "no '/' and no NUL"]);
        match error {
            OpenError::Name { name: shown, .. } => {
                let start: String = name.chars().take(40).collect();
                assert!(shown.starts_with(&start), "{shown:?}");
                assert!(shown.len() < 200, "a message of reasonable length");
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn an_impossible_name_is_refused_with_the_reason() {
    refused("", "empty");
    refused("a/b", "'/'");
    refused("/", "'/'");
    refused("../shm/x", "'/'");
    refused("a\0b", "NUL");
    refused("\0", "NUL");
    refused(".", "directory");
    refused("..", "directory");
    refused(&"x".repeat(300), "too long");
    refused(&"x".repeat(201), "too long");
    refused(&"ü".repeat(101), "too long");
    refused(&"x".repeat(1 << 20), "too long");
}

#[test]
fn nothing_of_such_a_name_is_left_behind() {
    refused(&"left".repeat(75), "too long");
    let files = std::fs::read_dir("/dev/shm").unwrap();
    let mut names = files.map(|file| file.unwrap().file_name().into_string().unwrap_or_default());
    assert!(!names.any(|name| name.contains("leftleft")));
}

#[test]
fn a_path_that_no_file_can_have_is_an_error() {
    let directory = directory();
    for name in ["x".repeat(300), "nul\0nul".into(), "x/".repeat(3000)] {
        let path = directory.path().join(name);
        assert!(small().create_path(&path).is_err());
        assert!(small().open_path(&path).is_err());
    }
    assert!(small().create_path("").is_err());
    assert!(small().open_path("").is_err());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
