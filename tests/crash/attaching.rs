//! Processes that are killed while they attach, detach, or create a queue.

use crate::points;
use crate::refusal::{Refusal, refuse};
use crate::report::place_for_files;
use crate::scene::{PLAIN, Player, Scenario, VICTIMS, World, queue_path, small};
use ringpost::{BytesQueue, OpenError, Options};
use std::os::fd::AsFd;

/// Puts an item by a handle that was opened just now.
fn put_by(me: &Player<'_>, queue: BytesQueue) {
    let other = Player {
        queue: &queue,
        ..*me
    };
    other.put(0, 20);
    points::end();
    std::mem::forget(queue);
}

const OPEN: Scenario = Scenario {
    before: |world| {
        world.put(20);
    },
    subjects: &[VICTIMS],
    outcomes: &["-", "first"],
    ..PLAIN
};

/// Where a queue is created, and what is made beside it.
fn new_path() -> String {
    format!("{}/new", place_for_files())
}

/// What a creator has left: a whole queue or none. A temporary name may be left, which nobody opens.
fn whole_or_none(_: &World) -> Option<String> {
    let mut found = "none";
    match ringpost::open_path(new_path()) {
        Ok(queue) => {
            queue.put(&[3; 100]).unwrap();
            assert_eq!(queue.get().unwrap(), [3; 100]);
            let stats = queue.stats();
            assert_eq!(
                (stats.free, stats.participants.len()),
                (stats.descriptors, 1)
            );
            queue.unlink().unwrap();
            found = "whole";
        }
        Err(OpenError::NotFound { .. }) => {}
        Err(other) => panic!("{other}"),
    }
    for file in std::fs::read_dir(place_for_files()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        if name.starts_with(".ringpost-") {
            std::fs::remove_file(format!("{}/{name}", place_for_files())).unwrap();
        } else {
            assert_eq!(name, "queue", "left behind");
        }
    }
    Some(found.to_owned())
}

fn create() {
    points::begin();
    std::mem::forget(small().create_path(new_path()).unwrap());
}

const CREATE: Scenario = Scenario {
    after: whole_or_none,
    outcomes: &["none", "whole"],
    ..PLAIN
};

scenarios! {
    an_open_by_path: Scenario {
        attack: |me| {
            points::begin();
            put_by(me, ringpost::open_path(queue_path()).unwrap());
        },
        ..OPEN
    };
    an_open_by_descriptor: Scenario {
        attack: |me| {
            let fd = me.queue.as_fd().try_clone_to_owned().unwrap();
            points::begin();
            put_by(me, ringpost::from_fd(fd).unwrap());
        },
        ..OPEN
    };
    a_first_use_in_a_forked_child: Scenario {
        attack: |me| {
            points::begin();
            me.put(0, 20);
        },
        ..OPEN
    };
    an_open_that_takes_a_dead_ones_place: Scenario {
        options: || small().participants(2),
        before: |world| {
            world.put(20);
            world.corpse(|me| std::mem::forget(me.queue.lease().unwrap()));
        },
        attack: |me| {
            points::begin();
            put_by(me, ringpost::open_path(queue_path()).unwrap());
        },
        corpses: 1,
        subjects: &[1, VICTIMS],
        outcomes: &["again -", "again first"],
        ..PLAIN
    };
    a_handle_that_is_dropped: Scenario {
        attack: |_| {
            let queue = ringpost::open_path(queue_path()).unwrap();
            points::begin();
            drop(queue);
        },
        ..PLAIN
    };
    a_handle_that_removes_the_name: Scenario {
        attack: |_| {
            let options = Options::new().unlink_on_drop(true);
            let queue = options.open_path(queue_path()).unwrap();
            points::begin();
            drop(queue);
        },
        after: |_| {
            let found = std::fs::exists(queue_path()).unwrap();
            Some(if found { "named" } else { "removed" }.to_owned())
        },
        outcomes: &["named", "removed"],
        ..PLAIN
    };
    a_creation: Scenario {
        attack: |_| create(),
        ..CREATE
    };
    a_creation_under_a_temporary_name: Scenario {
        attack: |_| {
            // `__O_TMPFILE` without the `O_DIRECTORY` that is always with it: as on a file system that has none.
            let openat = Refusal {
                call: libc::SYS_openat,
                argument: 2,
                bits: (libc::O_TMPFILE & !libc::O_DIRECTORY) as u32,
                errno: libc::EOPNOTSUPP,
            };
            refuse(openat).expect("system calls can be refused");
            #[cfg(target_arch = "x86_64")]
            refuse(Refusal {
                call: libc::SYS_open,
                argument: 1,
                ..openat
            })
            .expect("system calls can be refused");
            create();
        },
        ..CREATE
    };
    a_creation_of_an_anonymous_queue: Scenario {
        attack: |_| {
            points::begin();
            std::mem::forget(small().anonymous().unwrap());
        },
        ..PLAIN
    };
}
