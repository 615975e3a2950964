//! Options: every size at its limits, and every impossible one as an error that names the limit.

use crate::common::{directory, payload, small};
use ringpost::{GeometryError, OpenError, Options};

fn refused(options: &Options) -> (GeometryError, String) {
    let sizes = options.segment_bytes().unwrap_err();
    match options.anonymous().unwrap_err() {
        OpenError::Options(error) => {
            assert_eq!(sizes.to_string(), error.to_string());
            let said = error.to_string();
            (error, said)
        }
        other => panic!("{other}"),
    }
}

/// The error's message must name what was found and what is possible.
#[track_caller]
fn names(said: &str, found: u64, limit: u64) {
    assert!(said.contains(&found.to_string()), "{found} in {said}");
    assert!(said.contains(&limit.to_string()), "{limit} in {said}");
}

#[test]
fn the_capacity_is_1_to_524288() {
    for capacity in [0, 524_289, usize::MAX] {
        let (error, said) = refused(&Options::new().capacity(capacity));
        let (found, max) = (capacity as u64, 524_288);
        assert_eq!(error, GeometryError::Capacity { found, max });
        names(&said, found, max);
    }
    let queue = Options::new()
        .capacity(524_288)
        .inline(0)
        .arena(0)
        .anonymous()
        .unwrap();
    assert_eq!((queue.capacity(), queue.stats().in_flight), (524_288, 4096));
    queue.put(b"").unwrap();
    assert_eq!(queue.get().unwrap(), b"");
}

#[test]
fn in_flight_is_limited_by_the_descriptors_that_are_left() {
    for (capacity, in_flight, max) in [
        (1, 0, 1_048_573),
        (1, 1_048_574, 1_048_573),
        (1024, usize::MAX, 1_047_550),
        (524_288, 524_287, 524_286),
    ] {
        let (error, said) = refused(&Options::new().capacity(capacity).in_flight(in_flight));
        let found = in_flight as u64;
        assert_eq!(error, GeometryError::InFlight { found, max });
        names(&said, found, max);
        assert!(
            Options::new()
                .capacity(capacity)
                .in_flight(max as usize)
                .segment_bytes()
                .is_ok()
        );
    }
}

#[test]
fn the_inline_room_is_at_most_65504() {
    for inline in [65_505, usize::MAX] {
        let (error, said) = refused(&Options::new().inline(inline));
        let (found, max) = (inline as u64, 65_504);
        assert_eq!(error, GeometryError::Inline { found, max });
        names(&said, found, max);
    }
    for (asked, given) in [
        (0, 32),
        (1, 32),
        (32, 32),
        (33, 88),
        (88, 88),
        (89, 160),
        (160, 160),
        (161, 224),
        (65_504, 65_504),
    ] {
        let queue = small()
            .capacity(2)
            .inline(asked)
            .arena(0)
            .anonymous()
            .unwrap();
        assert_eq!(queue.max_payload(), given, "inline({asked})");
        queue.put(&payload(1, given)).unwrap();
        assert!(queue.get().unwrap() == payload(1, given));
    }
}

#[test]
fn participants_are_1_to_1023() {
    for places in [0, 1024, usize::MAX] {
        let (error, said) = refused(&Options::new().participants(places));
        let (found, max) = (places as u64, 1023);
        assert_eq!(error, GeometryError::Participants { found, max });
        names(&said, found, max);
    }
    let queue = small().participants(1023).anonymous().unwrap();
    assert_eq!(queue.stats().places, 1023);
}

#[test]
fn more_participants_than_places_is_an_error_until_one_leaves() {
    use std::os::fd::AsFd;
    let queue = small().participants(5).anonymous().unwrap();
    let again = || ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap());
    let mut others: Vec<_> = (0..4).map(|_| again().unwrap()).collect();
    for _ in 0..3 {
        let error = again().unwrap_err();
        assert!(
            matches!(error, OpenError::TooManyParticipants { places: 5 }),
            "{error}"
        );
        assert!(error.to_string().contains("all 5 places"), "{error}");
        queue.put(b"unharmed").unwrap();
        others.rotate_left(1);
        assert_eq!(others[0].get().unwrap(), b"unharmed");
    }
    others.pop();
    crate::common::eventually("a place is free", || again().is_ok());
}

#[test]
fn a_chunk_is_a_power_of_two_from_64_to_a_gigabyte() {
    for chunk in [0, 1, 32, 63, 65, 4095, (1 << 30) + 1, 1 << 31, usize::MAX] {
        let (error, said) = refused(&Options::new().chunk(chunk));
        let (found, min, max) = (chunk as u64, 64, 1 << 30);
        assert_eq!(error, GeometryError::Chunk { found, min, max });
        names(&said, found, min);
        names(&said, found, max);
    }
    for chunk in [64, 1 << 30] {
        let queue = small().chunk(chunk).arena(1000).anonymous().unwrap();
        assert_eq!(queue.max_payload(), 1000_usize.next_multiple_of(chunk));
        queue.put(&payload(1, 1000)).unwrap();
        assert!(queue.get().unwrap() == payload(1, 1000));
    }
}

#[test]
fn an_arena_has_at_most_so_many_chunks() {
    let max = 64 * (u64::from(u32::MAX) - 1);
    for arena in [max + 1, u64::MAX] {
        let (error, said) = refused(&Options::new().chunk(64).arena(arena));
        assert_eq!(error, GeometryError::Arena { found: arena, max });
        names(&said, arena, max);
    }
    assert!(Options::new().chunk(64).arena(max).segment_bytes().is_ok());
}

#[test]
fn sizes_beyond_what_a_file_can_hold_are_an_error() {
    let huge = Options::new().chunk(1 << 30).arena((1 << 62) - (1 << 31));
    let (error, said) = refused(&huge);
    assert_eq!(error, GeometryError::Overflow);
    assert!(said.contains("smaller"), "{said}");
}

#[test]
fn an_arena_that_the_machine_cannot_map_is_an_error() {
    let directory = directory();
    let options = small().chunk(1 << 30).arena(1 << 60);
    let error = options.anonymous().unwrap_err();
    assert!(
        matches!(error, OpenError::NoSpace { .. } | OpenError::Io { .. }),
        "{error}"
    );
    assert!(options.create_path(directory.path().join("queue")).is_err());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn an_arena_is_rounded_up_to_whole_chunks() {
    for (arena, chunk, max) in [
        (0, 4096, 88),
        (1, 4096, 4096),
        (4097, 4096, 8192),
        (100, 64, 128),
    ] {
        let queue = small().arena(arena).chunk(chunk).anonymous().unwrap();
        assert_eq!(queue.max_payload(), max);
    }
}

#[test]
fn segment_bytes_is_what_the_file_gets() {
    let directory = directory();
    let options = [
        small(),
        small().arena(0),
        small()
            .capacity(1)
            .in_flight(1)
            .inline(0)
            .participants(1)
            .arena(1)
            .chunk(64),
        small().capacity(1000).inline(300).participants(100),
    ];
    for (n, options) in options.iter().enumerate() {
        let path = directory.path().join(n.to_string());
        let queue = options.create_path(&path).unwrap();
        let bytes = options.segment_bytes().unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), bytes);
        assert_eq!(queue.stats().segment_bytes, bytes);
        assert_eq!(bytes % 4096, 0);
    }
}

#[test]
fn max_deliveries_is_kept_in_its_range_and_in_the_queue() {
    use std::os::fd::AsFd;
    for (asked, kept) in [
        (0, 1),
        (1, 1),
        (7, 7),
        (4095, 4095),
        (4096, 4095),
        (u32::MAX, 4095),
    ] {
        let queue = small().max_deliveries(asked).anonymous().unwrap();
        assert_eq!(queue.stats().max_deliveries, kept);
        let fd = queue.as_fd().try_clone_to_owned().unwrap();
        let other = small().max_deliveries(99).from_fd(fd).unwrap();
        assert_eq!(other.stats().max_deliveries, kept, "the creator's counts");
    }
}

#[test]
fn the_default_options_are_the_new_ones() {
    let (new, default) = (Options::new(), Options::default());
    assert_eq!(format!("{new:?}"), format!("{default:?}"));
}
