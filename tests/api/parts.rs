//! put_parts: several parts as one item, aligned in the payload and in memory.

use crate::common::{Background, payload, small, within};
use ringpost::{BytesQueue, PutError, Shortage};
use std::time::Instant;

/// What the parts make up.
fn joined(parts: &[&[u8]], align: usize) -> Vec<u8> {
    let mut whole: Vec<u8> = Vec::new();
    for part in parts {
        whole.resize(whole.len().next_multiple_of(align), 0);
        whole.extend(*part);
    }
    whole
}

/// Every payload starts with what an earlier one has left, so that padding must really be written.
fn dirty(queue: &BytesQueue) {
    for length in [96, queue.max_payload()] {
        let mut loan = queue.loan(length).unwrap();
        loan.fill(0xee);
        loan.commit().unwrap();
        drop(queue.get_ref().unwrap());
    }
}

#[test]
fn every_alignment_holds_in_the_payload_and_in_memory() {
    let queue = small().capacity(4).anonymous().unwrap();
    let (a, b, c) = (payload(1, 3), payload(2, 70), payload(3, 1));
    for shift in 0..=12 {
        let align = 1 << shift;
        for parts in [
            &[&a[..], &b, &c][..],
            &[&b, &[], &[], &a],
            &[&c],
            &[&[]],
            &[],
            &[&payload(4, 5000), &a],
        ] {
            dirty(&queue);
            queue.put_parts(parts, align).unwrap();
            queue.try_put_parts(parts, align).unwrap();
            queue
                .put_parts_interruptible(parts, align, None, || true)
                .unwrap();
            for _ in 0..3 {
                let message = queue.get_ref().unwrap();
                assert!(*message == *joined(parts, align), "align {align}");
                let address = message.as_ptr() as usize;
                assert_eq!(address % align, 0, "align {align}, {address:#x}");
            }
        }
    }
}

#[test]
fn alignment_holds_in_every_chunk_size_and_stride() {
    for (inline, chunk) in [
        (0, 64),
        (96, 64),
        (33, 128),
        (160, 512),
        (1000, 4096),
        (96, 1 << 16),
    ] {
        let queue = small()
            .capacity(4)
            .inline(inline)
            .chunk(chunk)
            .arena(1 << 18)
            .anonymous()
            .unwrap();
        let mut align = 1;
        while align <= chunk.min(4096) {
            for length in [1, 32, 100, 5000] {
                queue.put_parts(&[&payload(1, length)], align).unwrap();
                let message = queue.get_ref().unwrap();
                assert!(*message == *payload(1, length));
                assert_eq!(message.as_ptr() as usize % align, 0);
            }
            align *= 2;
        }
    }
}

#[test]
fn an_impossible_alignment_is_an_error_that_names_the_limit() {
    let with_arena = small().chunk(256).anonymous().unwrap();
    let large_chunks = small().chunk(1 << 16).anonymous().unwrap();
    let without = small().arena(0).anonymous().unwrap();
    for (queue, align, limit) in [
        (&with_arena, 0, 256),
        (&with_arena, 3, 256),
        (&with_arena, 512, 256),
        (&with_arena, usize::MAX, 256),
        (&large_chunks, 8192, 4096),
        (&without, 64, 32),
    ] {
        for tried in [
            queue.put_parts(&[b"x"], align),
            queue.try_put_parts(&[b"x"], align),
            queue.put_parts_interruptible(&[b"x"], align, None, || true),
        ] {
            let error = tried.unwrap_err();
            assert!(
                matches!(error, PutError::Alignment { found, max } if (found, max) == (align, limit)),
                "{error}"
            );
            let said = error.to_string();
            assert!(said.contains(&align.to_string()) && said.contains(&limit.to_string()));
        }
        queue.put_parts(&[b"x"], limit).unwrap();
        assert_eq!(queue.get_many(9).unwrap(), [b"x"]);
    }
}

#[test]
fn the_padding_counts_for_the_longest_payload() {
    let queue = small().anonymous().unwrap();
    let long = payload(1, 65535);
    queue.put_parts(&[&long, b"x"], 1).unwrap();
    assert_eq!(queue.get().unwrap().len(), 65536);
    let error = queue.put_parts(&[&long, b"xy"], 1).unwrap_err();
    assert!(
        matches!(
            error,
            PutError::TooLarge {
                len: 65537,
                max: 65536
            }
        ),
        "{error}"
    );
    let error = queue.try_put_parts(&[&long, b"x"], 4096).unwrap_err();
    assert!(
        matches!(
            error,
            PutError::TooLarge {
                len: 65537,
                max: 65536
            }
        ),
        "{error}"
    );
    assert!(queue.is_empty());
}

#[test]
fn aligned_parts_that_fit_only_beside_their_slot_can_never_be_put() {
    // An aligned payload goes into the arena even if it is short; here it is longer than that.
    let queue = small()
        .inline(1000)
        .arena(512)
        .chunk(512)
        .anonymous()
        .unwrap();
    let part = payload(1, 900);
    queue.put_parts(&[&part], 32).unwrap();
    assert!(queue.get().unwrap() == part);
    let error = queue.try_put_parts(&[&part], 64).unwrap_err();
    assert!(
        matches!(error, PutError::TooLarge { len: 900, .. }),
        "{error}"
    );
    let error = within("parts that can never fit", move || {
        queue.put_parts(&[&part], 64)
    });
    assert!(matches!(error, Err(PutError::TooLarge { len: 900, .. })));
}

#[test]
fn a_full_queue_takes_no_parts() {
    let queue = small().capacity(1).anonymous().unwrap();
    queue.put(b"first").unwrap();
    let error = queue.try_put_parts(&[b"a", b"b"], 1).unwrap_err();
    assert!(matches!(error, PutError::Full(Shortage::Slots)));
    let error = queue.put_parts_interruptible(&[b"a"], 1, Some(Instant::now()), || false);
    assert!(matches!(error, Err(PutError::TimedOut(Shortage::Slots))));
    let error = queue.put_parts_interruptible(&[b"a"], 1, None, || true);
    assert!(matches!(error, Err(PutError::Interrupted)));
    let putter = Background::blocked({
        let queue = queue.clone();
        move || queue.put_parts(&[b"a", b"b"], 2)
    });
    assert_eq!(queue.get().unwrap(), b"first");
    putter.end("parts that have room by now").unwrap();
    assert_eq!(queue.get().unwrap(), b"a\0b");
    queue.shutdown();
    assert!(matches!(queue.put_parts(&[b"a"], 1), Err(PutError::Closed)));
}
