//! The part of a producer: every way to put, in a random order.

use crate::item::Item;
use crate::player::Player;
use ringpost::{PutError, PutManyError};
use std::ops::ControlFlow::{self, Break, Continue};
use std::time::Duration;

/// Puts until it is told to end, or the queue is shut down.
pub(crate) fn play(mut player: Player<'_>) {
    while player.ledger.ending() == 0 {
        if put(&mut player).is_break() {
            break;
        }
    }
    player.hand_over();
}

fn put(player: &mut Player<'_>) -> ControlFlow<()> {
    let kind = player.dice.below(12);
    if kind == 0 {
        return put_many(player);
    }
    let Some(item) = player.ledger.begin(player.number, player.incarnation) else {
        return exhausted(player);
    };
    let queue = &player.queue;
    let result = match kind {
        1..=3 => loan(player, item),
        4 | 5 => {
            let payload = item.payload(player.longest);
            let (first, rest) = payload.split_at(payload.len() / 3);
            let (second, third) = rest.split_at(rest.len() / 2);
            queue.put_parts(&[first, second, third], 1)
        }
        6 => queue.try_put(&item.payload(player.longest)),
        7 => queue.put_timeout(&item.payload(player.longest), Duration::from_millis(2)),
        _ => queue.put(&item.payload(player.longest)),
    };
    ended(player, item, result)
}

/// Written in place; sometimes too long at first, and sometimes thought better of.
fn loan(player: &mut Player<'_>, item: Item) -> Result<(), PutError> {
    let length = item.length(player.longest);
    let lent = (length + player.dice.below(500) as usize).min(player.longest);
    let mut loan = player.queue.loan(lent)?;
    loan.truncate(length);
    item.write(&mut loan);
    player.linger();
    if player.survivor.is_none() && player.dice.below(16) == 0 {
        return Err(PutError::Interrupted);
    }
    loan.commit()
}

fn put_many(player: &mut Player<'_>) -> ControlFlow<()> {
    let wanted = 2 + player.dice.below(3);
    let items: Vec<Item> = (0..wanted)
        .map_while(|_| player.ledger.begin(player.number, player.incarnation))
        .collect();
    let payloads: Vec<_> = items
        .iter()
        .map(|item| item.payload(player.longest))
        .collect();
    let (done, error) = match player.queue.put_many(&payloads) {
        Ok(()) => (items.len(), None),
        Err(PutManyError { done, error, .. }) => (done, Some(error)),
    };
    for &item in &items[..done] {
        ended(player, item, Ok(()))?;
    }
    for &item in &items[done..] {
        player.ledger.put(item, false);
    }
    match error {
        None if items.is_empty() => exhausted(player),
        None | Some(PutError::Full(_)) => Continue(()),
        Some(PutError::Closed) => Break(()),
        Some(error) => panic!("put_many: {error}"),
    }
}

fn ended(player: &mut Player<'_>, item: Item, result: Result<(), PutError>) -> ControlFlow<()> {
    player.ledger.put(item, result.is_ok());
    match result {
        Ok(()) => {
            player.success();
            Continue(())
        }
        // `Interrupted` stands for a loan that was dropped.
        Err(PutError::Full(_) | PutError::TimedOut(_) | PutError::Interrupted) => {
            std::thread::yield_now();
            Continue(())
        }
        Err(PutError::Closed) => Break(()),
        Err(error) => panic!("a put: {error}"),
    }
}

/// The ledger has no more room: the round is about to end.
fn exhausted(player: &Player<'_>) -> ControlFlow<()> {
    if player.queue.is_shutdown() {
        return Break(());
    }
    std::thread::sleep(Duration::from_millis(1));
    Continue(())
}
