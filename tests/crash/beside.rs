//! A process that puts and gets all the time, beside those that are killed.

use crate::ledger::{Kind, item, note};
use crate::points;
use crate::report::on_any_processor;
use crate::scene::{PARTNERS, Player};
use ringpost::PutError;
use std::time::Duration;

/// It leaves so many items for those who get.
const LEFT: usize = 3;

pub(crate) fn partner(me: &Player<'_>) {
    on_any_processor();
    me.attach();
    for n in PARTNERS.. {
        if points::is_enough() {
            break;
        }
        points::limit(); // it outlives those that are killed
        if points::log_is_filling() {
            std::thread::sleep(Duration::from_millis(1));
        }
        let length = [20, 100, 30, 200, 20][n as usize % 5];
        let bytes = item(n, length);
        if me.queue.len() > LEFT {
            me.try_get();
            continue;
        }
        note(me.actor, Kind::Putting, n);
        let kind = match me.queue.try_put(&bytes) {
            Ok(()) => Kind::Put,
            Err(PutError::Full(_)) => Kind::NotPut, // those who are killed put as well
            Err(other) => panic!("{other:?}"),
        };
        note(me.actor, kind, n);
    }
}
