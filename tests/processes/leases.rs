//! Leases of processes that die in every way, stand still, fork, or go on: what they held is delivered again, or is theirs.

use crate::common::child::{Child, Role, fork, in_a_fork, listen, say};
use crate::common::{Background, PATIENCE, name, payload, small};
use ringpost::{BytesQueue, GetError, Lease, Options};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::time::Duration;

pub(crate) const ROLES: &[Role] = &[
    ("leases: hold", hold),
    ("leases: wait", wait),
    ("leases: work", work),
    ("leases: inherit", inherit),
    ("leases: two handles", two_handles),
];

/// Arguments: the queue, how many items. Leases them, and ends as it is told.
fn hold(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let count: usize = arguments[1].parse().unwrap();
    let mut leases: Vec<Lease> = (0..count).map(|_| queue.lease().unwrap()).collect();
    say("holding");
    loop {
        match &*listen() {
            // SAFETY: ends this process, without a destructor.
            "_exit" => unsafe { libc::_exit(0) },
            "exit" => std::process::exit(0),
            "abort" => std::process::abort(),
            "panic" => std::panic::resume_unwind(Box::new("the work fails")),
            "exec" => panic!("{}", std::process::Command::new("true").exec()),
            "forget" => leases.drain(..).for_each(std::mem::forget),
            "close" => return close(queue, leases),
            "ack" => leases.pop().unwrap().ack().unwrap(),
            other => panic!("no way {other}"),
        }
        say("done");
    }
}

/// Drops the handle, then acknowledges.
fn close(queue: BytesQueue, leases: Vec<Lease>) {
    drop(queue);
    say("closed");
    listen();
    leases.into_iter().for_each(|lease| lease.ack().unwrap());
    say("acknowledged");
    listen();
}

/// Arguments: the queue, and how it waits for what comes back. Says what came.
fn wait(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let told = |lease: Lease| {
        let told = format!("{} {}", lease.position(), lease.deliveries());
        lease.ack().unwrap();
        told
    };
    say("blocking");
    say(&match arguments[1] {
        "asleep" => told(queue.lease().unwrap()),
        "polling" => loop {
            if let Ok(lease) = queue.try_lease() {
                break told(lease);
            }
        },
        // Its own items keep it from ever finding nothing.
        "busy" => loop {
            queue.put(b"traffic").unwrap();
            let lease = queue.lease().unwrap();
            if lease.is_redelivered() {
                break told(lease);
            }
            lease.ack().unwrap();
        },
        "join" => {
            queue.join();
            "joined".to_owned()
        }
        other => panic!("no way {other}"),
    });
    listen();
}

/// Arguments: the queue, and on how many items it works until it is killed: before it acknowledges the last, if the number is
/// even, or afterwards. Tells each item that it has worked on.
fn work(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let life: u64 = arguments[1].parse().unwrap();
    // SAFETY: a signal to this process.
    let die = || unsafe { libc::raise(libc::SIGKILL) };
    for worked in 1.. {
        let Ok(lease) = queue.lease() else { return };
        let number = u64::from_le_bytes(lease[..8].try_into().unwrap());
        assert!(lease[8..] == payload(number, lease.len() - 8));
        say(&number.to_string());
        if worked == life && life.is_multiple_of(2) {
            die();
        }
        lease.ack().unwrap();
        if worked == life {
            die();
        }
    }
}

pub(crate) fn scene(options: Options) -> (String, BytesQueue) {
    let name = name("leases");
    let queue = options.unlink_on_drop(true).create(&name).unwrap();
    (name, queue)
}

/// A queue whose `count` items, of 5000 bytes, are leased by a child.
fn held(count: u64) -> (String, BytesQueue, Child) {
    let (name, queue) = scene(small().arena(64 * 4096));
    (1..=count).for_each(|n| queue.put(&payload(n, 5000)).unwrap());
    let child = Child::start("leases: hold", &[&name, &count.to_string()]);
    child.expect("holding");
    assert_eq!((queue.stats().loaned, queue.is_empty()), (count, true));
    (name, queue, child)
}

pub(crate) fn nothing_is_left(queue: &BytesQueue) {
    let stats = queue.stats();
    assert_eq!(stats.free, stats.descriptors, "{stats:?}");
    assert_eq!(queue.audit().unwrap().findings, []);
}

#[test]
fn whatever_another_process_does_it_gets_what_a_killed_one_held() {
    for waits in ["asleep", "polling", "busy"] {
        let (name, queue, child) = held(1);
        let position = queue.stats().total_put + queue.capacity() as u64 - 1;
        let waiter = Child::start("leases: wait", &[&name, waits]);
        match waits {
            "asleep" => waiter.expect_blocked(),
            _ => waiter.expect("blocking"),
        }
        child.kill();
        assert_eq!(waiter.hear(), format!("{position} 2"), "{waits}");
        while queue.try_get().is_ok() {} // the traffic of the busy one
        nothing_is_left(&queue);
    }
}

#[test]
fn every_end_of_a_process_gives_back_what_it_held() {
    for end in ["_exit", "exit", "abort", "panic", "exec", "forget"] {
        let (_name, queue, mut child) = held(3);
        child.tell(end);
        if end == "forget" {
            child.expect("done");
            assert!(matches!(queue.try_get(), Err(GetError::Empty)));
            assert_eq!(queue.recover().unwrap(), 0, "forgotten, but held");
            child.signal(libc::SIGKILL);
        }
        child.wait();
        queue.recover().unwrap();
        for n in 1..=3 {
            let lease = queue.try_lease().unwrap();
            assert!(*lease == *payload(n, 5000), "{end}");
            assert_eq!((lease.deliveries(), lease.is_redelivered()), (2, true));
            lease.ack().unwrap();
        }
        nothing_is_left(&queue);
    }
}

#[test]
fn what_was_acknowledged_before_the_death_does_not_come_back() {
    let (_name, queue, mut child) = held(3);
    child.tell("ack");
    child.expect("done");
    child.kill();
    queue.recover().unwrap();
    for n in 1..=2 {
        assert!(queue.try_get().unwrap() == payload(n, 5000));
    }
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    nothing_is_left(&queue);
}

#[test]
fn a_process_that_stands_still_keeps_its_lease_and_stops_nobody() {
    let (name, queue, mut child) = held(1);
    child.signal(libc::SIGSTOP);
    child.expect_stopped();
    let waiter = Child::start("leases: wait", &[&name, "asleep"]);
    waiter.expect_blocked();
    assert_eq!(queue.recover().unwrap(), 0);
    for n in 10..200 {
        queue.put(&payload(n, 5000)).unwrap();
        if n == 10 {
            assert!(waiter.hear().ends_with(" 1"), "a new item");
        } else {
            assert!(queue.get().unwrap() == payload(n, 5000));
        }
    }
    assert!(!queue.join_timeout(Duration::ZERO));
    child.signal(libc::SIGCONT);
    child.tell("ack");
    child.expect("done");
    queue.join();
    nothing_is_left(&queue);
}

#[test]
fn a_join_stays_true_while_workers_die_one_after_the_other() {
    let (name, queue, mut child) = held(2);
    let joiner = Child::start("leases: wait", &[&name, "join"]);
    joiner.expect_blocked();
    let here = Background::blocked({
        let queue = queue.clone();
        move || queue.join()
    });
    for deaths in 1..5 {
        child.kill();
        child = Child::start("leases: hold", &[&name, "2"]);
        child.expect("holding");
        assert!(!queue.join_timeout(Duration::ZERO), "after {deaths} deaths");
    }
    assert!(!here.has_ended());
    for _ in 0..2 {
        child.tell("ack");
        child.expect("done");
    }
    joiner.expect("joined");
    here.end("a join when all is done");
    nothing_is_left(&queue);
}

#[test]
fn a_process_that_has_dropped_its_handle_keeps_its_lease() {
    let (_name, queue, mut child) = held(2);
    child.tell("close");
    child.expect("closed");
    assert_eq!(queue.recover().unwrap(), 0);
    assert!(matches!(queue.try_get(), Err(GetError::Empty)));
    assert_eq!(queue.stats().participants.len(), 2);
    child.tell("ack");
    child.expect("acknowledged");
    queue.join();
    assert_eq!(queue.stats().participants.len(), 1, "it has left");
    nothing_is_left(&queue);
}

/// Arguments: the queue.
fn two_handles(arguments: &[&str]) {
    let one = ringpost::open(arguments[0]).unwrap();
    let two = ringpost::open(arguments[0]).unwrap();
    let (first, second) = (one.lease().unwrap(), two.lease().unwrap());
    let third = one.lease().unwrap();
    drop(one);
    first.refuse();
    let first = two.lease().unwrap();
    assert_eq!(first.deliveries(), 2);
    say("holding");
    listen();
    drop((first, second, third));
}

#[test]
fn a_dead_process_with_two_handles_gives_back_what_both_held() {
    let (name, queue) = scene(small());
    queue.put_many(&["a", "b", "c"]).unwrap();
    let child = Child::start("leases: two handles", &[&name]);
    child.expect("holding");
    assert_eq!(
        (queue.stats().loaned, queue.stats().participants.len()),
        (3, 3)
    );
    child.kill();
    assert_eq!(queue.recover().unwrap(), 2);
    for (item, deliveries) in [("a", 3), ("b", 2), ("c", 2)] {
        let message = queue.try_get_ref().unwrap();
        assert_eq!(
            (&*message, message.deliveries()),
            (item.as_bytes(), deliveries)
        );
    }
    nothing_is_left(&queue);
}

fn inherit(_: &[&str]) {
    let queue = small().anonymous().unwrap();
    for strict in [false, true] {
        use std::os::fd::AsFd;
        let fd = queue.as_fd().try_clone_to_owned().unwrap();
        let queue = Options::new().strict(strict).from_fd(fd).unwrap();
        for n in 1..=5 {
            queue.put(&payload(n, 3000)).unwrap();
        }
        let mut parents: Vec<Lease> = (0..4).map(|_| queue.lease().unwrap()).collect();
        let ended = in_a_fork(|| {
            let [a, b, c, d] = std::mem::take(&mut parents).try_into().unwrap();
            assert!(*a == *payload(1, 3000));
            assert!(matches!(a.ack(), Err(GetError::Inherited)));
            assert!(matches!(b.into_message(), Err(GetError::Inherited)));
            let error = c.quarantine().unwrap_err();
            assert!(error.to_string().contains("parent process"), "{error}");
            // The child's own are its own, and the parent's stay so also when the child takes part itself.
            let own = queue.lease().unwrap();
            assert!(*own == *payload(5, 3000));
            drop(d);
            assert!(matches!(queue.try_lease(), Err(GetError::Empty)));
            own.ack().unwrap();
            assert_eq!(queue.stats().loaned, 4);
            0
        });
        assert_eq!(ended, Some(0));
        // A refusal is no end in the child either.
        let inherited = parents.len();
        let orphan = fork(|| {
            parents.pop().unwrap().refuse();
            i32::from(queue.stats().loaned != 4)
        });
        let mut status = 0;
        // SAFETY: waits for the child that was just made.
        unsafe { libc::waitpid(orphan, &raw mut status, 0) };
        assert_eq!((status, inherited), (0, 4));
        assert!(queue.recover().unwrap() >= 1);
        for (n, lease) in (1..).zip(parents) {
            assert!(*lease == *payload(n, 3000) && lease.deliveries() == 1);
            lease.ack().unwrap();
        }
        assert!(matches!(queue.try_get(), Err(GetError::Empty)));
        nothing_is_left(&queue);
    }
}

#[test]
fn an_inherited_lease_stays_the_parents() {
    Child::start("leases: inherit", &[]).succeed();
}

#[test]
fn however_many_workers_are_killed_every_item_is_worked_on_and_acknowledged() {
    const ITEMS: u64 = 300;
    let (name, queue) = scene(small().max_deliveries(4095));
    let producer = Background::start({
        let queue = queue.clone();
        move || {
            for n in 0..ITEMS {
                let mut item = n.to_le_bytes().to_vec();
                item.extend(payload(n, (n % 3 * 2500) as usize));
                queue.put_timeout(&item, PATIENCE).unwrap();
            }
            queue.shutdown();
            queue.join();
        }
    });
    let mut worked = vec![0; ITEMS as usize];
    let mut deaths = 0;
    let mut lives = crate::common::scrambled(7).map(|random| 1 + random % 40);
    let mut next = || Child::start("leases: work", &[&name, &lives.next().unwrap().to_string()]);
    let mut workers = [next(), next()];
    loop {
        let [one, two] = workers;
        for number in one.hear_all() {
            worked[number.parse::<usize>().unwrap()] += 1;
        }
        // Whoever ends by itself has been told that nothing will come any more.
        let ended = one.wait();
        if ended.success() {
            for number in two.hear_all() {
                worked[number.parse::<usize>().unwrap()] += 1;
            }
            break;
        }
        assert_eq!(ended.signal(), Some(libc::SIGKILL));
        deaths += 1;
        workers = [two, next()];
    }
    producer.end("a join when all is done");
    assert!(deaths > 3, "{deaths} deaths");
    let again = worked.iter().filter(|&&times| times > 1).count();
    assert!(
        worked.iter().all(|&times| times > 0),
        "one got lost: {worked:?}"
    );
    assert!(again <= deaths + 1, "{again} items twice, {deaths} deaths");
    queue.recover().unwrap();
    nothing_is_left(&queue);
}
