//! Creating and opening by many processes at once.

use crate::common::child::{Child, Role, listen, say};
use crate::common::{name, small};
use ringpost::OpenError;

pub(crate) const ROLES: &[Role] = &[("creation: race", race)];

const RACERS: usize = 8;

/// For each line `how name`: creates or opens that queue, puts its own number, says how it went. `end` ends it.
fn race(arguments: &[&str]) {
    let me = arguments[0].as_bytes();
    let mut open = Vec::new();
    say("ready");
    loop {
        let line = listen();
        let Some((how, name)) = line.split_once(' ') else {
            return;
        };
        let options = small().capacity(RACERS);
        let result = match how {
            "open_or_create" => options.open_or_create(name),
            "create" => options.create(name),
            "open" => loop {
                match options.open(name) {
                    Err(OpenError::NotFound { .. }) => {}
                    other => break other,
                }
            },
            other => panic!("no way {other}"),
        };
        say(match result {
            Ok(queue) => {
                queue.put(me).unwrap();
                open.push(queue);
                "in"
            }
            Err(OpenError::Exists { .. }) => "exists",
            Err(other) => panic!("{other}"),
        });
    }
}

fn racers() -> Vec<Child> {
    let racers: Vec<_> = (0..RACERS)
        .map(|n| Child::start("creation: race", &[&n.to_string()]))
        .collect();
    for racer in &racers {
        racer.expect("ready");
    }
    racers
}

fn end(racers: Vec<Child>) {
    for mut racer in racers {
        racer.tell("end");
        racer.succeed();
    }
}

/// Whose numbers are in the queue; it is removed, on a panic too.
fn arrived(name: &str) -> Vec<usize> {
    let queue = small().unlink_on_drop(true).open(name).unwrap();
    let mut numbers: Vec<usize> = queue
        .try_get_many(99)
        .unwrap_or_default()
        .into_iter()
        .map(|item| String::from_utf8(item).unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn open_or_create_by_many_processes_makes_one_queue() {
    let mut racers = racers();
    for _ in 0..20 {
        let name = name("race");
        for racer in &mut racers {
            racer.tell(&format!("open_or_create {name}"));
        }
        for racer in &racers {
            racer.expect("in");
        }
        assert!(
            arrived(&name).into_iter().eq(0..RACERS),
            "one queue has all"
        );
    }
    end(racers);
}

#[test]
fn create_by_many_processes_succeeds_in_one() {
    let mut racers = racers();
    for _ in 0..20 {
        let name = name("race");
        for racer in &mut racers {
            racer.tell(&format!("create {name}"));
        }
        let answers: Vec<_> = racers.iter().map(Child::hear).collect();
        let winners: Vec<_> = (0..RACERS).filter(|&n| answers[n] == "in").collect();
        assert_eq!(winners.len(), 1, "{answers:?}");
        assert_eq!(arrived(&name), winners);
    }
    end(racers);
}

#[test]
fn who_opens_while_it_is_created_finds_a_whole_queue_or_none() {
    let mut racers = racers();
    for _ in 0..20 {
        let name = name("race");
        for (n, racer) in racers.iter_mut().enumerate() {
            let how = if n == RACERS - 1 { "create" } else { "open" };
            racer.tell(&format!("{how} {name}"));
        }
        for racer in &racers {
            racer.expect("in");
        }
        assert!(arrived(&name).into_iter().eq(0..RACERS));
    }
    end(racers);
}
