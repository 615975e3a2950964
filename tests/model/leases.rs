//! Leases and the quarantine, step by step.

use super::{Item, Pair, Step};
use ringpost::{BytesQueue, GetError, Lease, Message, Options};
use std::os::fd::AsFd;

impl Pair {
    pub(super) fn run_lease(&mut self, step: Step, queue: &BytesQueue, me: usize) {
        let leases = self.leases.len();
        match step {
            Step::Lease => {
                if let Some(lease) = self.check_next(queue.try_lease(), me) {
                    let item = self.expected.take(me).expect("nothing there");
                    assert_eq!(leased(&lease), item);
                    self.leases.push((lease, item, me));
                }
            }
            Step::Ack(which) if which < leases => {
                let (lease, _, _) = self.leases.swap_remove(which);
                lease.ack().unwrap();
            }
            Step::Refuse(which) if which < leases => {
                let (lease, item, participant) = self.leases.swap_remove(which);
                lease.refuse();
                if !self.dropping {
                    self.expected.refuse(item, participant);
                }
            }
            Step::IntoMessage(which) if which < leases => {
                let (lease, item, participant) = self.leases.swap_remove(which);
                let message = lease.into_message().unwrap();
                assert_eq!(described(&message), item);
                let strict = self.strict[participant];
                self.messages.push((message, item.payload, !strict));
            }
            Step::SetAside(which) if which < leases => {
                let (lease, item, _) = self.leases.swap_remove(which);
                lease.quarantine().unwrap();
                self.expected.set_aside(item);
            }
            Step::Inspect(which) => {
                let listed = queue.quarantined();
                let aside = self.expected.aside.values();
                assert_eq!(listed.len(), aside.len());
                for (found, item) in listed.iter().zip(aside) {
                    assert_eq!(
                        (found.position, found.len as usize, found.deliveries),
                        (item.position, item.payload.len(), item.deliveries)
                    );
                }
                if let Some(found) = listed.get(which) {
                    let payload = queue.inspect(found.position).unwrap();
                    let item = &self.expected.aside[&found.position];
                    assert_eq!(payload.as_ref(), Some(&item.payload));
                }
            }
            Step::Requeue(which) => {
                if let Some(position) = self.expected.any_aside(which) {
                    if queue.stats().state == "closed" {
                        let requeued = queue.requeue(position);
                        assert!(matches!(requeued, Err(GetError::Closed)));
                        return;
                    }
                    assert!(queue.requeue(position).unwrap());
                    assert!(!queue.requeue(position).unwrap());
                    self.expected.requeue(position);
                }
            }
            Step::Discard(which) => {
                if let Some(position) = self.expected.any_aside(which) {
                    assert!(queue.discard(position).unwrap());
                    assert_eq!(queue.inspect(position).unwrap(), None);
                    self.expected.aside.remove(&position);
                }
            }
            _ => {}
        }
    }
}

/// What a lease says of itself.
fn leased(lease: &Lease) -> Item {
    Item {
        payload: lease.to_vec(),
        position: lease.position(),
        deliveries: lease.deliveries(),
        redelivered: lease.is_redelivered(),
    }
}

/// What a message says of itself.
pub(super) fn described(message: &Message) -> Item {
    Item {
        payload: message.to_vec(),
        position: message.position(),
        deliveries: message.deliveries(),
        redelivered: message.is_redelivered(),
    }
}

/// Another participant of the same queue.
pub(super) fn reopened(queue: &BytesQueue, strict: bool) -> BytesQueue {
    let fd = queue.as_fd().try_clone_to_owned().unwrap();
    Options::new().strict(strict).from_fd(fd).unwrap()
}
