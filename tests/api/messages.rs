//! Messages: read and written in place, held and released in any order.

use crate::common::{payload, small};
use ringpost::Shortage;

#[test]
fn a_message_is_the_payload() {
    let queue = small().anonymous().unwrap();
    for length in [0, 1, 88, 89, 4096, 65536] {
        let sent = payload(length as u64, length);
        queue.put(&sent).unwrap();
        let message = queue.get_ref().unwrap();
        assert!(*message == *sent && message.as_ref() == sent);
    }
}

#[test]
fn a_message_can_be_written_to_and_nobody_else_sees_it() {
    let queue = small().anonymous().unwrap();
    for length in [50, 5000] {
        queue
            .put_many(&[payload(0, length), payload(1, length)])
            .unwrap();
        let mut message = queue.get_ref().unwrap();
        message.fill(7);
        message[0] = 9;
        assert!(message[0] == 9 && message[1..].iter().all(|&byte| byte == 7));
        assert!(queue.get().unwrap() == payload(1, length));
        drop(message);
        queue.put(&payload(2, length)).unwrap();
        assert!(queue.get().unwrap() == payload(2, length));
    }
}

#[test]
fn held_messages_keep_their_bytes_while_thousands_pass() {
    let queue = small().in_flight(8).arena(64 * 4096).anonymous().unwrap();
    let mut held = Vec::new();
    for n in 0..6_u64 {
        let length = [10, 3000, 9000][n as usize % 3];
        queue.put(&payload(n, length)).unwrap();
        held.push((n, length, queue.get_ref().unwrap()));
    }
    for n in 100..3000 {
        let sent = payload(n, (n as usize * 37) % 6000);
        queue.put(&sent).unwrap();
        assert!(queue.get().unwrap() == sent);
    }
    for (n, length, message) in held {
        assert!(*message == *payload(n, length), "message {n}");
    }
}

#[test]
fn messages_are_released_out_of_order() {
    let queue = small()
        .capacity(4)
        .in_flight(4)
        .arena(8 * 4096)
        .anonymous()
        .unwrap();
    let put_one = |n: u64| queue.put(&payload(n, 8000)).unwrap();
    (0..4).for_each(put_one);
    let mut held: Vec<_> = (0..4).map(|_| queue.get_ref().unwrap()).collect();
    // The arena is full of what is held; each release makes room for just one more, wherever it lay.
    for (next, release) in [(4, 2), (5, 0), (6, 1), (7, 0)] {
        let error = queue.try_put(&[0; 8000]).unwrap_err();
        assert!(
            matches!(error, ringpost::PutError::Full(Shortage::Arena)),
            "{error}"
        );
        drop(held.remove(release));
        put_one(next);
    }
    for n in 4..8 {
        assert!(queue.get().unwrap() == payload(n, 8000));
    }
    let stats = queue.stats();
    assert_eq!((stats.held, stats.free), (0, stats.descriptors));
}

#[test]
fn positions_count_items_and_deliveries_start_at_one() {
    let queue = small().anonymous().unwrap();
    queue.put_many(&["a", "b", "c"]).unwrap();
    let first = queue.get_ref().unwrap();
    queue.get().unwrap();
    let third = queue.get_ref().unwrap();
    assert_eq!(third.position(), first.position() + 2);
    assert_eq!((first.deliveries(), third.deliveries()), (1, 1));
}

#[test]
fn a_message_has_no_lifetime_and_can_be_sent() {
    let queue = small().anonymous().unwrap();
    queue.put(&payload(1, 5000)).unwrap();
    let message = queue.get_ref().unwrap();
    drop(queue);
    let reader = std::thread::spawn(move || *message == *payload(1, 5000));
    assert!(reader.join().unwrap());
}

#[test]
fn a_message_stays_valid_after_both_shutdowns() {
    let queue = small().anonymous().unwrap();
    queue
        .put_many(&[payload(1, 5000), payload(2, 5000)])
        .unwrap();
    let message = queue.get_ref().unwrap();
    queue.shutdown();
    queue.shutdown_now();
    assert!(*message == *payload(1, 5000));
    assert_eq!(queue.stats().held, 1);
    drop(message);
    assert_eq!(queue.stats().held, 0);
}

#[test]
fn a_message_that_does_not_decode_stays_and_can_be_decoded_otherwise() {
    let queue = small().anonymous().unwrap();
    queue.put(&[5, b'h', b'e', b'l', b'l', b'o']).unwrap();
    let message = queue.get_ref().unwrap();
    let error = message.decode::<(String, u64)>().unwrap_err();
    assert_eq!(error.len, 6);
    let said = error.to_string();
    assert!(said.contains("6 bytes") && said.contains("u64"), "{said}");
    assert_eq!(message.decode::<&str>().unwrap(), "hello");
}
