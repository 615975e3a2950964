//! Processes that end without a word: what they held comes back, and what they had put stays.

use crate::actors::{TRAP, nothing_is_left, options, scene, stopped_in_get, stopped_in_put};
use crate::common::child::Child;
use crate::common::{Background, PATIENCE, eventually, name, payload};
use ringpost::GetError;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

#[test]
fn what_a_dead_process_held_is_free_again() {
    for ending in ["exit", "abort", "kill"] {
        let (name, queue) = scene(options());
        queue
            .put_many(&[payload(1, 20_000), payload(2, 50)])
            .unwrap();
        let mut child = Child::start("deaths: hold", &[&name]);
        child.expect("holding");
        let stats = queue.stats();
        assert_eq!((stats.held, stats.filling, stats.queued), (1, 1, 1));
        if ending == "kill" {
            child.kill();
        } else {
            child.tell(ending);
            child.wait();
        }
        assert_eq!(queue.recover().unwrap(), 1, "{ending}");
        assert_eq!(queue.recover().unwrap(), 0);
        assert!(queue.try_get().unwrap() == payload(2, 50));
        assert!(
            matches!(queue.try_get(), Err(GetError::Empty)),
            "it was delivered"
        );
        nothing_is_left(&queue);
    }
}

#[test]
fn several_deaths_are_found_at_once() {
    let (name, queue) = scene(options());
    queue
        .put_many(&[payload(1, 10), payload(2, 10), payload(3, 10)])
        .unwrap();
    let children: Vec<_> = (0..3)
        .map(|_| Child::start("deaths: hold", &[&name]))
        .collect();
    for child in &children {
        child.expect("holding");
    }
    children.into_iter().for_each(Child::kill);
    assert_eq!(queue.recover().unwrap(), 3);
    nothing_is_left(&queue);
}

#[test]
fn the_living_are_left_alone_even_when_they_stand_still() {
    let (name, queue) = scene(options());
    queue.put(&payload(1, 10)).unwrap();
    let child = Child::start("deaths: hold", &[&name]);
    child.expect("holding");
    child.signal(libc::SIGSTOP);
    child.expect_stopped();
    assert_eq!(queue.recover().unwrap(), 0);
    drop(ringpost::open(&name).unwrap());
    assert_eq!((queue.stats().held, queue.stats().filling), (1, 1));
}

#[test]
fn a_producer_that_stands_still_in_its_put_stops_nobody() {
    let (name, queue) = scene(options().capacity(1).in_flight(2));
    let child = stopped_in_put(&name, &queue);
    for n in 0..500 {
        queue.put_timeout(&payload(n, 20_000), PATIENCE).unwrap();
        assert!(queue.get_timeout(PATIENCE).unwrap() == payload(n, 20_000));
    }
    child.go_on_until("put");
    let message = queue.get_ref().unwrap();
    let bytes: &[u8] = message.decode().unwrap();
    assert!(bytes == payload(1, 50_000));
}

#[test]
fn a_put_whose_process_died_never_happened() {
    let (name, queue) = scene(options());
    let child = stopped_in_put(&name, &queue);
    let putter = Background::start({
        let queue = queue.clone();
        let longest = payload(3, queue.max_payload());
        move || queue.put(&longest)
    });
    child.kill();
    putter
        .end("a put beside one whose process has died")
        .unwrap();
    assert!(queue.get().unwrap() == payload(3, queue.max_payload()));
    eventually("the dead one is gone", || {
        queue.recover().unwrap();
        queue.stats().participants.len() == 1
    });
    assert!(queue.is_empty());
    nothing_is_left(&queue);
}

#[test]
fn a_blocked_put_gets_the_memory_of_a_dead_process() {
    let (queue, child) = stopped_in_get(options());
    // The trap's item comes back and is to be got: then its memory is free.
    let putter = Background::blocked({
        let queue = queue.clone();
        let longest = payload(3, queue.max_payload());
        move || queue.put(&longest)
    });
    child.kill();
    assert!(queue.get().unwrap() == payload(1, TRAP));
    putter
        .end("a put that waits for a dead process's memory")
        .unwrap();

    let (name, queue) = scene(options());
    queue.put(&payload(1, 90_000)).unwrap();
    let child = Child::start("deaths: hold", &[&name]);
    child.expect("holding");
    let putter = Background::blocked({
        let queue = queue.clone();
        let longest = payload(3, queue.max_payload());
        move || queue.put(&longest)
    });
    child.kill();
    putter
        .end("a put that waits for what a dead process held")
        .unwrap();
}

#[test]
fn what_a_dead_process_had_put_stays() {
    let (name, queue) = scene(options());
    let child = Child::start("deaths: put", &[&name, "5"]);
    child.expect("put");
    child.kill();
    for n in 0..5 {
        assert!(queue.get().unwrap() == payload(n, 3000));
    }
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    queue.recover().unwrap();
    nothing_is_left(&queue);
}

#[test]
fn a_full_table_has_room_again_when_somebody_dies() {
    let (name, queue) = scene(options().participants(3));
    let mut children: Vec<_> = (0..2)
        .map(|_| Child::start("deaths: put", &[&name, "0"]))
        .collect();
    children.iter().for_each(|child| child.expect("put"));
    for _ in 0..5 {
        let error = ringpost::open(&name).unwrap_err();
        assert!(error.to_string().contains("all 3 places"), "{error}");
        children.remove(0).kill();
        let other = ringpost::open(&name).unwrap();
        other.put(b"in").unwrap();
        assert_eq!(queue.get().unwrap(), b"in");
        drop(other);
        let child = Child::start("deaths: put", &[&name, "0"]);
        child.expect("put");
        children.push(child);
    }
}

#[test]
fn a_table_full_of_the_dead_is_taken_over_with_what_they_left() {
    let name = name("deaths");
    drop(options().participants(1).create(&name).unwrap());
    let child = Child::start("deaths: put", &[&name, "3"]);
    child.expect("put");
    child.kill();
    let child = Child::start("deaths: hold", &[&name]);
    child.expect("holding");
    child.kill();
    let queue = options().unlink_on_drop(true).open(&name).unwrap();
    assert!(queue.get().unwrap() == payload(1, 3000));
    assert!(queue.get().unwrap() == payload(2, 3000));
    nothing_is_left(&queue);
}

/// Who looks for the dead holds their places for a moment: an opening process must not take that for a full table.
#[test]
fn a_dead_ones_place_can_be_had_while_somebody_looks() {
    let (name, queue) = scene(options().participants(2));
    let looking = AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while looking.load(Relaxed) {
                queue.recover().unwrap();
            }
        });
        let failed = (0..15).find_map(|_| {
            let child = Child::start("deaths: put", &[&name, "0"]);
            let said = child.hear();
            child.kill();
            let opened = ringpost::open(&name);
            (said != "put")
                .then_some(said)
                .or(opened.err().map(|error| error.to_string()))
        });
        looking.store(false, Relaxed);
        assert_eq!(failed, None);
    });
}
