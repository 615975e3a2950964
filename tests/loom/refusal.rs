//! Refusal and the quarantine: an item that comes back is delivered once more, is never lost, and holds nobody up.

use super::support::*;
use crate::layout::state;
use crate::ring::{Finished, GetFailure, Ring};
use crate::sync::{Ordering::*, futex};
use crate::wait;
use loom::thread;

/// The first position of all.
fn first(ring: &Ring) -> u64 {
    ring.memory.geometry.slots
}

/// Gets and refuses one item, if there is one.
fn refuse_one(ring: &Ring, me: u32) {
    if let Ok(claim) = ring.claim(owner(me)) {
        assert_eq!(read(ring, &claim), 7);
        assert!(ring.refuse(claim));
    }
}

/// An item, claimed by process 0, and the views of three processes.
fn claimed_item() -> ([Ring; 3], crate::ring::Claim) {
    let memory = segment(2, 2, 0);
    let views = [(); 3].map(|()| view(&memory));
    put(&views[0], 0, 8, 7).unwrap();
    let claim = views[0].claim(owner(0)).unwrap();
    (views, claim)
}

/// The views of three processes of a queue with an item in the quarantine, and its position.
fn quarantined_item() -> ([Ring; 3], u64) {
    let (views, claim) = claimed_item();
    assert_eq!(read(&views[0], &claim), 7);
    assert!(views[0].set_aside(claim));
    (views, claim.position)
}

#[test]
fn a_refused_item_is_delivered_once_to_whoever_asks_meanwhile() {
    explore(3, || {
        let ([ring, one, _], claim) = claimed_item();
        let one = thread::spawn(move || get(&one, 1).ok());
        assert_eq!(read(&ring, &claim), 7);
        assert!(ring.refuse(claim));
        let mut got: Vec<u64> = one.join().unwrap().into_iter().collect();
        got.extend(drain(&ring, 0));
        assert_eq!(got, [7]);
        assert_eq!(ring.finished(), Finished::Yes);
    });
}

/// The flag is left over from an earlier item, and a get that finds nothing clears it just when this one is refused.
#[test]
fn clearing_the_retry_flag_does_not_miss_a_refused_item() {
    explore(3, || {
        let ([ring, one, two], claim) = claimed_item();
        ring.memory.retry().store(1, SeqCst);
        let one = thread::spawn(move || get(&one, 1).ok());
        assert!(ring.refuse(claim));
        let mut got: Vec<u64> = one.join().unwrap().into_iter().collect();
        got.extend(drain(&two, 2)); // by one that has not refused it itself
        assert_eq!(got, [7]);
    });
}

/// The flag is left over from an earlier item: the word of the descriptor alone says that the count and the payload are
/// complete, and that nobody reads the payload any more when it is overwritten.
#[test]
fn an_item_that_comes_back_has_its_deliveries_counted_and_its_payload_read() {
    let ways: [fn(&Ring, crate::ring::Claim); 2] = [
        |ring, claim| assert!(ring.refuse(claim)),
        |ring, _| assert_eq!(ring.recover(owner(3)).retried, 1), // participant 3 was killed
    ];
    for comes_back in ways {
        explore(3, move || {
            let memory = segment(1, 1, 0);
            let [ring, one] = [(); 2].map(|()| view(&memory));
            ring.memory.retry().store(1, SeqCst);
            let one = thread::spawn(move || {
                let claim = one.claim(owner(1)).ok()?;
                assert_eq!(read(&one, &claim), 7);
                let deliveries = claim.deliveries();
                one.release(claim);
                put(&one, 1, 8, 8).unwrap(); // into the same descriptor
                Some(deliveries)
            });
            put(&ring, 0, 8, 7).unwrap();
            // Unless the other was faster, and this is the item that it put then.
            let first = ring.claim(owner(3)).ok().is_some_and(|claim| {
                let first = read(&ring, &claim) == 7;
                comes_back(&ring, claim);
                first
            });
            if let Some(deliveries) = one.join().unwrap() {
                assert_eq!(deliveries, 1 + u32::from(first));
            }
        });
    }
}

/// Nothing but the word of the descriptor says to who takes or lists an item of the quarantine that it is complete.
#[test]
fn what_is_set_aside_is_complete_for_who_looks_at_it() {
    explore(3, || {
        let memory = segment(2, 2, 0);
        let [ring, one] = [(); 2].map(|()| view(&memory));
        let one = thread::spawn(move || {
            for item in one.quarantine() {
                assert_eq!((item.position, item.length, item.deliveries), (2, 8, 1));
            }
            if let Some(claim) = one.claim_set_aside(owner(1), first(&one)) {
                let claim = claim.unwrap();
                assert_eq!(claim.deliveries(), 1);
                assert_eq!(read(&one, &claim), 7);
                one.set_aside(claim);
            }
        });
        put(&ring, 0, 8, 7).unwrap();
        let claim = ring.claim(owner(0)).unwrap();
        assert!(ring.set_aside(claim));
        one.join().unwrap();
        assert_eq!(ring.quarantine().len(), 1);
    });
}

#[test]
fn two_that_refuse_and_one_that_gets_lose_nothing() {
    explore(2, || {
        let ([ring, one, two], claim) = claimed_item();
        let one = thread::spawn(move || refuse_one(&one, 1));
        let two = thread::spawn(move || get(&two, 2).ok());
        assert!(ring.refuse(claim));
        one.join().unwrap();
        let mut got: Vec<u64> = two.join().unwrap().into_iter().collect();
        got.extend(drain(&ring, 0));
        assert_eq!(got, [7]);
    });
}

/// One that has refused an item takes others first; and the refused one, if there is nothing else.
#[test]
fn a_refused_item_comes_last_for_who_refused_it_and_is_not_forgotten() {
    explore(3, || {
        let ([ring, one, _], claim) = claimed_item();
        let one = thread::spawn(move || put(&one, 1, 8, 8).unwrap());
        assert!(ring.refuse(claim));
        let first = get(&ring, 0).unwrap();
        one.join().unwrap();
        let second = get(&ring, 0).unwrap();
        assert_eq!(first + second, 7 + 8);
        assert_eq!(get(&ring, 0), Err(GetFailure::Empty));
    });
}

/// What a blocked get does in a queue that drains (`Shared::claim`, `Shared::nothing` and `Waitable::event`): `None` is
/// "closed".
fn get_while_draining(ring: &Ring, me: u32) -> Option<u64> {
    loop {
        let seen = wait::announce(ring.memory.ev_done());
        let before = ring.state_before_looking();
        assert_eq!(before, state::DRAINING);
        match get(ring, me) {
            Ok(value) => return Some(value),
            Err(GetFailure::Empty) => {}
            Err(other) => panic!("{other:?}"),
        }
        let census = ring.census();
        if census.loaned == 0 && census.retry == 0 {
            return None;
        }
        futex::wait(ring.memory.ev_done().word, seen);
    }
}

#[test]
fn a_consumer_that_waits_while_the_queue_drains_gets_what_another_refuses() {
    explore(3, || {
        let ([ring, one, _], claim) = claimed_item();
        ring.set_state(state::DRAINING);
        let one = thread::spawn(move || get_while_draining(&one, 1));
        assert!(ring.refuse(claim));
        assert_eq!(one.join().unwrap(), Some(7), "closed was said too early");
    });
}

#[test]
fn a_consumer_that_waits_while_the_queue_drains_ends_with_the_last_lease() {
    for set_aside in [false, true] {
        explore(3, move || {
            let ([ring, one, _], claim) = claimed_item();
            ring.set_state(state::DRAINING);
            let one = thread::spawn(move || get_while_draining(&one, 1));
            assert!(if set_aside {
                ring.set_aside(claim)
            } else {
                ring.release(claim)
            });
            assert_eq!(one.join().unwrap(), None);
        });
    }
}

/// Refused by one, taken and refused by the next, and then due to the one that waits.
#[test]
fn closed_is_not_said_while_any_lease_may_come_back() {
    explore(2, || {
        let ([ring, one, two], claim) = claimed_item();
        ring.set_state(state::DRAINING);
        let one = thread::spawn(move || get_while_draining(&one, 1));
        let two = thread::spawn(move || refuse_one(&two, 2));
        assert!(ring.refuse(claim));
        two.join().unwrap();
        assert_eq!(one.join().unwrap(), Some(7), "closed was said too early");
    });
}

/// Whether the refusal or the shutdown comes first, nothing is left in the end, and whoever waits for that learns of it.
#[test]
fn an_item_that_is_refused_while_the_queue_is_shut_down_now_is_dropped() {
    explore(3, || {
        let ([ring, one, _], claim) = claimed_item();
        let one = thread::spawn(move || {
            one.set_state(state::CLOSED);
            // As `Shared::join` does: what comes back late is dropped by who waits.
            loop {
                let seen = wait::announce(one.memory.ev_done());
                one.drain(owner(1)).unwrap();
                if one.finished() == Finished::Yes {
                    return;
                }
                futex::wait(one.memory.ev_done().word, seen);
            }
        });
        assert_eq!(read(&ring, &claim), 7);
        assert!(ring.refuse(claim));
        one.join().unwrap();
        assert_eq!(ring.census().free, ring.memory.geometry.descriptors);
    });
}

#[test]
fn a_requeued_item_is_delivered_once_and_counted_anew() {
    explore(3, || {
        let ([ring, one, _], position) = quarantined_item();
        let deliver = |ring: &Ring, me| {
            ring.claim(owner(me)).ok().map(|claim| {
                assert_eq!(read(ring, &claim), 7);
                assert_eq!((claim.deliveries(), claim.is_redelivered()), (1, true));
                ring.release(claim)
            })
        };
        let one = thread::spawn(move || deliver(&one, 1));
        assert_eq!(ring.requeue(owner(0), position), Some(Ok(())));
        let got = [one.join().unwrap(), deliver(&ring, 0)];
        assert_eq!(got.iter().flatten().count(), 1);
        assert_eq!(drain(&ring, 0), []);
    });
}

/// What can be done with an item of the quarantine; each says whether it was this one that did it.
type Decision = fn(&Ring, u32, u64) -> bool;

fn requeue(ring: &Ring, me: u32, position: u64) -> bool {
    ring.requeue(owner(me), position)
        .is_some_and(|requeued| requeued.is_ok())
}

fn discard(ring: &Ring, me: u32, position: u64) -> bool {
    ring.discard(owner(me), position).is_some()
}

#[test]
fn of_two_that_decide_on_one_item_one_does() {
    let pairs: [[Decision; 2]; 3] = [[requeue, requeue], [discard, discard], [requeue, discard]];
    for [here, there] in pairs {
        explore(3, move || {
            let ([ring, one, _], position) = quarantined_item();
            let one = thread::spawn(move || there(&one, 1, position));
            let did = [here(&ring, 0, position), one.join().unwrap()];
            assert_eq!(did.iter().filter(|&&did| did).count(), 1);
            let requeued = [here, there]
                .iter()
                .zip(did)
                .any(|(&how, did)| did && std::ptr::fn_addr_eq(how, requeue as Decision));
            assert_eq!(drain(&ring, 0).len(), usize::from(requeued));
            assert_eq!(ring.census().free, ring.memory.geometry.descriptors);
        });
    }
}

/// A look at an item takes it out for a moment. Then another finds nothing to decide on, or decides before or after it.
#[test]
fn a_look_at_an_item_and_a_decision_on_it_do_not_meet() {
    explore(3, || {
        let ([ring, one, _], position) = quarantined_item();
        let one = thread::spawn(move || {
            let claim = one.claim_set_aside(owner(1), position)?.unwrap();
            assert_eq!(read(&one, &claim), 7);
            one.set_aside(claim).then_some(())
        });
        let discarded = discard(&ring, 0, position);
        one.join().unwrap();
        assert_eq!(ring.quarantine().len(), usize::from(!discarded));
        assert!(discarded || requeue(&ring, 0, position));
        assert_eq!(drain(&ring, 0).len(), usize::from(!discarded));
    });
}
