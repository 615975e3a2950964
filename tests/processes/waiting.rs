//! Waiting for another process: for items, for room, for memory, for its end, or for nothing until the time is up.

use crate::common::child::{Child, Role, listen, say};
use crate::common::{PATIENCE, name, payload, small};
use ringpost::{BytesQueue, GetError, PutError, Queue, Shortage};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

pub(crate) const ROLES: &[Role] = &[("waiting: call", call)];

/// Arguments: the queue, and a call that blocks. Says `blocking` before it, and how it ended afterwards.
fn call(arguments: &[&str]) {
    let queue = ringpost::open(arguments[0]).unwrap();
    let soon = Duration::from_millis(50);
    let got = |result: Result<Vec<u8>, GetError>| match result {
        Ok(bytes) => format!("got {} bytes", bytes.len()),
        Err(error) => format!("{error:?}"),
    };
    let put = |result: Result<(), PutError>| match result {
        Ok(()) => "put".to_owned(),
        Err(error) => format!("{error:?}"),
    };
    let typed = Queue::<String>::from(queue.clone());
    let ready = || {
        use rustix::event::{PollFd, PollFlags, poll};
        let readiness = queue.readiness().unwrap();
        poll(&mut [PollFd::new(&readiness, PollFlags::IN)], None).unwrap();
        "ready".to_owned()
    };
    say("blocking");
    let ended = match arguments[1] {
        "get" => got(queue.get()),
        "get_ref" => got(queue.get_ref().map(|message| message.to_vec())),
        "get_many" => got(queue.get_many(9).map(|many| many.concat())),
        "get_typed" => got(typed.get().map(String::into_bytes)),
        "get_timeout" => got(queue.get_timeout(soon)),
        "put" => put(queue.put(b"from the child")),
        "put_long" => put(queue.put(&payload(1, 50_000))),
        "put_typed" => put(typed.put(&"from the child".to_owned())),
        "put_timeout" => put(queue.put_timeout(b"from the child", soon)),
        "join" => {
            queue.join();
            "joined".to_owned()
        }
        "ready" => ready(),
        other => panic!("no call {other}"),
    };
    say(&ended);
    listen();
}

struct Scene {
    name: String,
    queue: BytesQueue,
}

impl Scene {
    /// A queue for two items, of which `items` are there.
    fn with(items: u64) -> Scene {
        let name = name("waiting");
        let queue = small()
            .capacity(2)
            .unlink_on_drop(true)
            .create(&name)
            .unwrap();
        (0..items).for_each(|n| queue.put(&payload(n, 10)).unwrap());
        Scene { name, queue }
    }

    /// A child that is blocked in this call.
    #[track_caller]
    fn blocked(&self, call: &str) -> Child {
        let child = Child::start("waiting: call", &[&self.name, call]);
        child.expect_blocked();
        child
    }
}

#[test]
fn a_get_waits_for_an_item_of_another_process() {
    for (call, ended) in [
        ("get", "got 700 bytes"),
        ("get_ref", "got 700 bytes"),
        ("get_many", "got 700 bytes"),
        ("join", "joined"),
        ("ready", "ready"),
    ] {
        let scene = Scene::with(u64::from(call == "join"));
        let child = scene.blocked(call);
        if call == "join" {
            scene.queue.get().unwrap();
        } else {
            scene.queue.put(&payload(1, 700)).unwrap();
        }
        child.expect(ended);
    }
    let scene = Scene::with(0);
    let child = scene.blocked("get_typed");
    Queue::from(scene.queue.clone())
        .put(&"hello".to_owned())
        .unwrap();
    child.expect("got 5 bytes");
}

#[test]
fn a_put_waits_for_a_get_of_another_process() {
    for call in ["put", "put_typed"] {
        let scene = Scene::with(2);
        let child = scene.blocked(call);
        assert!(scene.queue.get().unwrap() == payload(0, 10));
        child.expect("put");
        assert!(scene.queue.get().unwrap() == payload(1, 10));
        assert!(scene.queue.get().unwrap().ends_with(b"from the child"));
    }
}

#[test]
fn a_put_waits_for_memory_that_another_process_holds() {
    let scene = Scene::with(0);
    scene.queue.put(&payload(2, 65_536)).unwrap();
    let message = scene.queue.get_ref().unwrap();
    let child = scene.blocked("put_long");
    drop(message);
    child.expect("put");
    assert!(scene.queue.get().unwrap() == payload(1, 50_000));
}

#[test]
fn many_blocked_processes_each_get_one() {
    let scene = Scene::with(0);
    let children: Vec<_> = (0..4).map(|_| scene.blocked("get")).collect();
    for n in 0..4 {
        scene.queue.put(&payload(n, 10)).unwrap();
    }
    for child in children {
        child.expect("got 10 bytes");
    }
    assert!(scene.queue.is_empty());
}

#[test]
fn a_batch_wakes_as_many_processes_as_it_has_items() {
    let scene = Scene::with(0);
    let children: Vec<_> = (0..3).map(|_| scene.blocked("get")).collect();
    scene.queue.put_many(&[[1; 10], [2; 10], [3; 10]]).unwrap();
    for child in children {
        child.expect("got 10 bytes");
    }
}

#[test]
fn time_runs_out_in_another_process() {
    let scene = Scene::with(0);
    let child = Child::start("waiting: call", &[&scene.name, "get_timeout"]);
    child.expect("blocking");
    child.expect("TimedOut");
    let scene = Scene::with(2);
    let child = Child::start("waiting: call", &[&scene.name, "put_timeout"]);
    child.expect("blocking");
    child.expect("TimedOut(Slots)");
    assert_eq!(scene.queue.len(), 2);
}

#[test]
fn time_runs_out_here_whatever_another_process_does() {
    let scene = Scene::with(0);
    let _other = scene.blocked("get");
    let before = Instant::now();
    let timeout = Duration::from_millis(60);
    assert!(matches!(
        scene.queue.get_timeout(timeout),
        Err(GetError::TimedOut)
    ));
    assert!(before.elapsed() >= timeout);
    let scene = Scene::with(2);
    let _other = scene.blocked("put");
    let error = scene.queue.put_timeout(b"x", timeout).unwrap_err();
    assert!(matches!(error, PutError::TimedOut(Shortage::Slots)));
    assert_eq!(scene.queue.len(), 2);
}

#[test]
fn a_shutdown_is_seen_by_every_blocked_process() {
    let endings: [fn(&BytesQueue); 2] = [|queue| queue.shutdown(), |queue| queue.shutdown_now()];
    for end in endings {
        let (empty, full) = (Scene::with(0), Scene::with(2));
        let getters = ["get", "get_ref", "get_many", "get_typed"].map(|call| empty.blocked(call));
        let poller = empty.blocked("ready");
        let putters = ["put", "put_typed"].map(|call| full.blocked(call));
        end(&empty.queue);
        end(&full.queue);
        for child in getters.iter().chain(&putters) {
            child.expect("Closed");
        }
        poller.expect("ready");
    }
}

#[test]
fn a_put_that_waits_for_memory_sees_the_shutdown() {
    let scene = Scene::with(0);
    scene.queue.put(&payload(2, 65_536)).unwrap();
    let _message = scene.queue.get_ref().unwrap();
    let child = scene.blocked("put_long");
    scene.queue.shutdown();
    child.expect("Closed");
}

#[test]
fn a_join_ends_when_another_process_closes_the_queue() {
    let scene = Scene::with(2);
    let child = scene.blocked("join");
    scene.queue.shutdown_now();
    child.expect("joined");
}

#[test]
fn a_closed_queue_is_closed_for_those_who_come_later() {
    let scene = Scene::with(1);
    scene.queue.shutdown();
    let later = Child::start("waiting: call", &[&scene.name, "put"]);
    later.expect("blocking");
    later.expect("Closed");
    let later = Child::start("waiting: call", &[&scene.name, "get"]);
    later.expect("blocking");
    later.expect("got 10 bytes");
    assert!(matches!(scene.queue.get(), Err(GetError::Closed)));
}

#[test]
fn a_stopped_process_stops_nobody_else() {
    let scene = Scene::with(0);
    let stopped = scene.blocked("get");
    stopped.signal(libc::SIGSTOP);
    stopped.expect_stopped();
    let other = ringpost::from_fd(scene.queue.as_fd().try_clone_to_owned().unwrap()).unwrap();
    for n in 0..500 {
        scene
            .queue
            .put_timeout(&payload(n, 3000), PATIENCE)
            .unwrap();
        assert!(other.get_timeout(PATIENCE).unwrap() == payload(n, 3000));
    }
    stopped.signal(libc::SIGCONT);
    scene.queue.put(&payload(9, 33)).unwrap();
    stopped.expect("got 33 bytes");
}
