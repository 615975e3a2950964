//! The operations of the process that is betrayed: every kind, whatever it answers.

use crate::input::Instruction;
use crate::peer::Peer;
use ringpost::{BytesQueue, Lease, Message, Options, Readiness, WriteLoan};
use std::time::Duration;

/// A handle and what was got from it. Non-strict guards are only touched between steps, when nobody writes.
pub(super) struct Handle {
    loans: Vec<WriteLoan>,
    messages: Vec<Message>,
    leases: Vec<Lease>,
    _readiness: Option<Readiness>,
    queue: BytesQueue,
}

impl Handle {
    pub(super) fn new(queue: BytesQueue) -> Handle {
        Handle {
            loans: Vec::new(),
            messages: Vec::new(),
            leases: Vec::new(),
            _readiness: None,
            queue,
        }
    }
}

const READINESS: u8 = 30;

pub(super) fn starts_a_thread(instruction: Instruction) -> bool {
    instruction.code % CODES == READINESS
}

const CODES: u8 = 34;

/// `who` chooses the handle by its lower bits, and one of its guards by the upper ones.
pub(super) fn act(peer: &Peer, handles: &mut Vec<Handle>, instruction: Instruction) {
    let Instruction { code, who, a, b } = instruction;
    if handles.is_empty() || code % CODES == 31 {
        attach(peer, handles, a & 1 == 1);
        return;
    }
    let chosen = usize::from(who & 15) % handles.len();
    if code % CODES == 32 {
        drop(handles.swap_remove(chosen));
        return;
    }
    let length = instruction.length();
    let short = Duration::from_millis(u64::from(b == 0xff));
    let Handle {
        loans,
        messages,
        leases,
        _readiness,
        queue,
    } = &mut handles[chosen];
    let bytes = vec![a ^ b; length];
    let position = || {
        queue
            .quarantined()
            .get(usize::from(a))
            .map_or(a.into(), |item| item.position)
    };
    match code % CODES {
        0..=2 => _ = queue.try_put(&bytes),
        3 => _ = queue.put_timeout(&bytes, short),
        4 => _ = queue.try_put_parts(&[&bytes, &[b; 9]], 1 << (b % 7)),
        5 => _ = queue.try_put_many(&[&bytes[..], b"two", &[b; 70]]),
        6 | 7 => loans.extend(queue.try_loan(length)),
        8 => {
            if let Some(loan) = pick(loans, who) {
                loan.fill(b);
            }
        }
        9 => {
            if let Some(loan) = pick(loans, who) {
                loan.truncate(b.into());
            }
        }
        10 => {
            if let Some(loan) = take(loans, who) {
                loans.extend(loan.try_commit().err().map(|(loan, _)| loan));
            }
        }
        11 => drop(take(loans, who)),
        12 => _ = queue.try_get(),
        13 => _ = queue.try_get_into(&mut vec![1]),
        14 => _ = queue.get_timeout(short),
        15 => _ = queue.try_get_many(b.into()),
        16 | 17 => messages.extend(queue.try_get_ref()),
        18 => {
            if let Some(message) = pick(messages, who) {
                message.fill(b);
            }
        }
        19 => drop(take(messages, who)),
        20 | 21 => leases.extend(queue.try_lease()),
        22 => leases.extend(queue.lease_timeout(short)),
        23 => {
            if let Some(lease) = take(leases, who) {
                std::hint::black_box(lease.to_vec());
                let _ = lease.ack();
            }
        }
        24 => drop(take(leases, who)),
        25 => {
            if let Some(lease) = take(leases, who) {
                messages.extend(lease.into_message());
            }
        }
        26 => {
            if let Some(lease) = take(leases, who) {
                let _ = lease.quarantine();
            }
        }
        27 => _ = queue.inspect(position()),
        28 => _ = queue.requeue(position()),
        29 => _ = queue.discard(position()),
        READINESS => *_readiness = queue.readiness().ok(),
        33 => ask(queue, a, short),
        _ => unreachable!("see above"),
    }
}

/// What is asked now and then.
fn ask(queue: &BytesQueue, what: u8, short: Duration) {
    match what % 8 {
        0 => _ = queue.recover(),
        1 => _ = queue.stats(),
        2 => _ = queue.join_timeout(short),
        3 => _ = (queue.len(), queue.is_empty(), queue.is_full()),
        4 => _ = queue.quarantined(),
        5 => queue.shutdown(),
        6 => queue.shutdown_now(),
        _ => _ = format!("{queue:?}"),
    }
}

/// Once for an input: it sleeps between its looks.
pub(super) fn see_the_doctor(handles: &[Handle], flags: u8) {
    if let Some(Handle { queue, .. }) = handles.first() {
        match flags >> 1 & 3 {
            1 => _ = queue.audit(),
            2 => _ = queue.repair(),
            _ => {}
        }
    }
}

fn attach(peer: &Peer, handles: &mut Vec<Handle>, strict: bool) {
    if handles.len() < 3 {
        let opened = Options::new().strict(strict).from_fd(peer.fd());
        handles.extend(opened.map(Handle::new));
    }
}

fn pick<T>(guards: &mut [T], who: u8) -> Option<&mut T> {
    let count = guards.len();
    guards.get_mut(usize::from(who >> 4) % count.max(1))
}

fn take<T>(guards: &mut Vec<T>, who: u8) -> Option<T> {
    (!guards.is_empty()).then(|| guards.swap_remove(usize::from(who >> 4) % guards.len()))
}
