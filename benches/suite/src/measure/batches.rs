//! Sixty-four items in a call, from one sender to one receiver.

use super::throughput::measured;
use super::{LINE, Outcome, Pace, as_it_does, depth, flow};
use crate::controller::Control;
use crate::crew::{self, Part, Work};
use crate::failure::Failure;
use crate::payload::{self, Account};
use ringpost_peers::{Peer, Receiver, Sender, Spec};

/// Items in a call.
const BATCH: usize = 64;

pub(super) fn run<P: Peer>(control: &Control, pace: &Pace) -> Result<Outcome, Failure> {
    let spec = Spec {
        payload: LINE,
        depth: depth(LINE),
        senders: 1,
        receivers: 1,
        waiting: as_it_does::<P>().waiting(),
    };
    let setup = P::set_up(&spec)?;
    let board = flow::board(&spec);
    let rate = crew::run(control, P::ABOUT.place, &board, |crew| {
        crew.add(Part::Sender(0), sender::<P>(&setup, spec));
        crew.add(Part::Receiver(0), receiver::<P>(&setup, spec));
        measured(crew, &board, &spec, pace)
    })?;
    Ok(Outcome::of(rate / 1e6))
}

fn sender<'e, P: Peer>(setup: &'e P::Setup, spec: Spec) -> Work<'e> {
    Box::new(move |seat| {
        let mut end = P::sender(setup, 0)?;
        let mut account = Account::new(false);
        let mut payloads = [[0; LINE]; BATCH];
        seat.start();
        while !seat.board.stopped() {
            for payload in &mut payloads {
                let tag = payload::tag(0, account.items);
                payload::write(payload, tag);
                account.add(tag);
            }
            end.send_many(&payloads.each_ref().map(<[u8; LINE]>::as_slice));
            seat.count(account.items);
        }
        flow::end(seat, &spec, || {
            payload::write(&mut payloads[0], payload::STOP);
            end.send_many(&[&payloads[0]]);
        });
        Ok(flow::report(&account))
    })
}

fn receiver<'e, P: Peer>(setup: &'e P::Setup, spec: Spec) -> Work<'e> {
    Box::new(move |seat| {
        let mut end = P::receiver(setup, 0)?;
        let mut account = Account::new(true);
        let mut buffer = vec![0; spec.payload];
        let mut stopped = false;
        seat.start();
        while !stopped {
            let mut fault = Ok(());
            end.receive_many(BATCH, &mut buffer, |payload| {
                let read = payload::read(payload, spec.payload).and_then(|tag| {
                    if tag == payload::STOP {
                        stopped |= flow::is_all(seat, &spec);
                        Ok(())
                    } else {
                        account.note(tag).inspect(|()| seat.count(account.items))
                    }
                });
                fault = fault.and(read);
            });
            fault?;
        }
        Ok(flow::report(&account))
    })
}
