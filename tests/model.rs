//! model: any sequence of operations against a `VecDeque`, with loans, messages and leases held and released out of order,
//! refusals, the quarantine, two handles of which one may be strict, and payloads that compete for a small arena.

#[path = "model/items.rs"]
mod items;
#[path = "model/leases.rs"]
mod leases;
#[path = "model/steps.rs"]
mod steps;

use items::{Item, Items};
use leases::{described, reopened};
use proptest::collection::vec;
use proptest::prelude::*;
use ringpost::{BytesQueue, GetError, Lease, Message, Options, PutError, Shortage, WriteLoan};
use steps::{ARENA, CHUNK, IN_FLIGHT, Step, step};

/// The queue under test, through two handles in turn, and what must be in it.
struct Pair {
    handles: [BytesQueue; 2],
    turn: usize,
    /// Which participant each handle is, over all that there were.
    participants: [usize; 2],
    /// Is each participant strict?
    strict: Vec<bool>,
    expected: Items,
    loans: Vec<(WriteLoan, Vec<u8>)>,
    /// With their bytes, and whether these lie in the segment.
    messages: Vec<(Message, Vec<u8>, bool)>,
    /// With the participant that has leased it.
    leases: Vec<(Lease, Item, usize)>,
    capacity: usize,
    closed: bool,
    dropping: bool,
    next: u8,
}

impl Pair {
    fn new(capacity: usize, max_deliveries: u32) -> Pair {
        let one = Options::new()
            .capacity(capacity)
            .in_flight(IN_FLIGHT)
            .max_deliveries(max_deliveries)
            .inline(32)
            .chunk(CHUNK)
            .arena(ARENA as u64)
            .anonymous()
            .unwrap();
        let two = reopened(&one, false);
        Pair {
            handles: [one, two],
            turn: 0,
            participants: [0, 1],
            strict: vec![false; 2],
            expected: Items::new(max_deliveries, capacity.next_power_of_two() as u64),
            loans: Vec::new(),
            messages: Vec::new(),
            leases: Vec::new(),
            capacity,
            closed: false,
            dropping: false,
            next: 0,
        }
    }

    fn queue(&mut self) -> BytesQueue {
        self.turn += 1;
        self.handles[self.turn % 2].clone()
    }

    fn payload(&mut self, length: usize) -> Vec<u8> {
        self.next = self.next.wrapping_add(1);
        (0..length).map(|i| self.next ^ (i as u8)).collect()
    }

    /// What a put of `length` bytes must answer, given what the queue answered.
    fn check_put(&mut self, answer: Result<(), PutError>, payload: Vec<u8>) {
        match answer {
            Ok(()) => {
                assert!(!self.closed, "a put after the shutdown");
                assert!(
                    self.expected.queued.len() < self.capacity,
                    "a put into a full queue"
                );
                assert!(payload.len() <= ARENA);
                self.expected.put(payload);
            }
            Err(PutError::Closed) => assert!(self.closed),
            Err(PutError::TooLarge { len, max }) => {
                assert_eq!((len as usize, max as usize), (payload.len(), ARENA));
                assert!(payload.len() > ARENA);
            }
            Err(PutError::Full(Shortage::Slots)) => {
                assert_eq!(self.expected.queued.len(), self.capacity);
            }
            Err(PutError::Full(Shortage::Descriptors)) => {
                let held = self.loans.len() + self.messages_lent() + self.leases.len();
                let descriptors = self.capacity.next_power_of_two() + IN_FLIGHT;
                assert!(
                    held + self.expected.all().count() >= descriptors,
                    "{held} held, no descriptor"
                );
            }
            // One thread: not spurious. What is held cuts the arena into at most so many free runs, none long enough.
            Err(PutError::Full(Shortage::Arena)) => {
                let (held, holders) = self.chunks_held_at_most();
                let longest = (ARENA / CHUNK).saturating_sub(held).div_ceil(holders + 1);
                let need = payload.len().div_ceil(CHUNK);
                assert!(
                    longest < need,
                    "{holders} hold {held} chunks, and there are none for {need}"
                );
            }
            Err(other) => panic!("{other}"),
        }
    }

    /// How many chunks items, loans and messages can hold, and how many of them do: an extent is at most twice what its
    /// payload needs, and a short payload may have been truncated from a long one.
    fn chunks_held_at_most(&self) -> (usize, usize) {
        let payloads = self.expected.all().map(|item| item.payload.len());
        let lent = self.messages.iter().filter(|(_, _, lent)| *lent);
        let messages = lent.map(|(_, bytes, _)| bytes.len());
        let leases = self.leases.iter().map(|(lease, _, _)| lease.len());
        let loans = self.loans.iter().map(|(loan, _)| loan.len());
        let chunks: Vec<_> = payloads
            .chain(messages)
            .chain(loans)
            .chain(leases)
            .map(|len| 2 * len.div_ceil(CHUNK).max(1))
            .collect();
        (chunks.iter().sum(), chunks.len())
    }

    fn messages_lent(&self) -> usize {
        self.messages.iter().filter(|(_, _, lent)| *lent).count()
    }

    fn check_got(&mut self, got: Result<Vec<u8>, GetError>, me: usize) {
        if let Some(got) = self.check_next(got, me) {
            let item = self.expected.take(me).map(|item| item.payload);
            assert_eq!(Some(got), item);
        }
    }

    /// Passes on what was got; an error must be the right one.
    fn check_next<T>(&mut self, got: Result<T, GetError>, me: usize) -> Option<T> {
        match got {
            Ok(got) => {
                assert!(!self.dropping, "after shutdown_now");
                Some(got)
            }
            Err(GetError::Empty) => {
                assert_eq!(self.expected.take(me), None);
                assert!(!self.closed || !self.leases.is_empty(), "nothing will come");
                None
            }
            Err(GetError::Closed) if self.dropping => {
                self.expected.clear();
                None
            }
            Err(GetError::Closed) => {
                assert_eq!(self.expected.take(me), None);
                assert!(self.closed && self.leases.is_empty());
                None
            }
            Err(other) => panic!("{other}"),
        }
    }

    fn run(&mut self, step: Step) {
        let queue = self.queue();
        let me = self.participants[self.turn % 2];
        match step {
            Step::Put(length) => {
                let payload = self.payload(length);
                let answer = queue.try_put(&payload);
                self.check_put(answer, payload);
            }
            Step::PutParts(a, b, align) => {
                let (a, b) = (self.payload(a), self.payload(b));
                let mut whole = a.clone();
                whole.resize(a.len().next_multiple_of(align), 0);
                whole.extend(&b);
                let answer = queue.try_put_parts(&[&a, &b], align);
                self.check_put(answer, whole);
            }
            Step::PutMany(lengths) => {
                let items: Vec<_> = lengths
                    .into_iter()
                    .map(|length| self.payload(length))
                    .collect();
                match queue.try_put_many(&items) {
                    Ok(done) => {
                        for item in items.into_iter().take(done) {
                            self.check_put(Ok(()), item);
                        }
                    }
                    Err(error) => self.check_put(Err(error), items[0].clone()),
                }
            }
            Step::Loan(length) => match queue.try_loan(length) {
                Ok(mut loan) => {
                    let payload = self.payload(length);
                    loan.copy_from_slice(&payload);
                    self.loans.push((loan, payload));
                }
                Err(error) => {
                    let payload = self.payload(length);
                    self.check_put(Err(error), payload);
                }
            },
            Step::Truncate(which, to) => {
                if let Some((loan, payload)) = self.loans.get_mut(which) {
                    loan.truncate(to);
                    payload.truncate(to);
                }
            }
            Step::Commit(which) if which < self.loans.len() => {
                let (loan, payload) = self.loans.remove(which);
                assert_eq!(*loan, *payload, "somebody wrote into a loan");
                match loan.try_commit() {
                    Ok(()) => self.check_put(Ok(()), payload),
                    Err((loan, PutError::Full(Shortage::Slots))) => {
                        assert_eq!(self.expected.queued.len(), self.capacity);
                        self.loans.push((loan, payload));
                    }
                    Err((_, error)) => self.check_put(Err(error), payload),
                }
            }
            Step::DropLoan(which) if which < self.loans.len() => {
                drop(self.loans.swap_remove(which))
            }
            Step::Get => self.check_got(queue.try_get(), me),
            Step::GetInto => {
                let mut out = vec![1, 2, 3];
                let got = queue.try_get_into(&mut out).map(|()| out);
                self.check_got(got, me);
            }
            Step::GetMany(max) => match queue.try_get_many(max) {
                Ok(items) => {
                    let got = items.len();
                    for item in items {
                        self.check_got(Ok(item), me);
                    }
                    if got < max {
                        assert_eq!(self.expected.take(me), None, "there were more");
                    }
                }
                Err(error) => self.check_got(Err(error), me),
            },
            Step::GetRef => {
                if let Some(message) = self.check_next(queue.try_get_ref(), me) {
                    let item = self.expected.take(me).expect("nothing there");
                    assert_eq!(described(&message), item);
                    self.messages
                        .push((message, item.payload, !self.strict[me]));
                }
            }
            Step::Scribble(which) => {
                if let Some((message, bytes, _)) = self.messages.get_mut(which) {
                    message.fill(0xee);
                    bytes.fill(0xee);
                }
            }
            Step::DropMessage(which) if which < self.messages.len() => {
                drop(self.messages.swap_remove(which));
            }
            Step::Reopen(strict) => {
                let other = self.turn % 2;
                self.handles[other] = reopened(&self.handles[1 - other], strict);
                self.participants[other] = self.strict.len();
                self.strict.push(strict);
            }
            Step::Lease
            | Step::Ack(_)
            | Step::Refuse(_)
            | Step::IntoMessage(_)
            | Step::SetAside(_)
            | Step::Inspect(_)
            | Step::Requeue(_)
            | Step::Discard(_) => self.run_lease(step, &queue, me),
            Step::Shutdown => {
                queue.shutdown();
                self.closed = true;
            }
            Step::ShutdownNow => {
                queue.shutdown_now();
                self.closed = true;
                self.dropping = true;
                self.expected.clear();
            }
            Step::Commit(_) | Step::DropLoan(_) | Step::DropMessage(_) => {}
        }
        self.check();
    }

    /// What must hold between any two operations.
    fn check(&mut self) {
        let queue = self.queue();
        let queued = self.expected.queued.len();
        assert_eq!(queue.len(), queued);
        assert_eq!(queue.is_empty(), self.expected.is_empty());
        assert_eq!(queue.is_full(), queued == self.capacity);
        for (loan, payload) in &self.loans {
            assert_eq!(**loan, **payload, "somebody wrote into a loan");
        }
        for (message, bytes, _) in &self.messages {
            assert_eq!(**message, **bytes, "somebody wrote into a message");
        }
        for (lease, item, _) in &self.leases {
            assert_eq!(**lease, *item.payload, "somebody wrote into a lease");
        }
        let stats = queue.stats();
        let counted = [stats.queued, stats.retry, stats.quarantined, stats.loaned];
        let expected = [
            queued,
            self.expected.waiting.len(),
            self.expected.aside.len(),
            self.leases.len(),
        ];
        assert_eq!(counted.map(|n| n as usize), expected);
        assert_eq!(stats.filling as usize, self.loans.len());
        assert_eq!(stats.held as usize, self.messages_lent());
        let used = counted.iter().sum::<u64>() + stats.filling + stats.held + stats.free;
        assert_eq!(used, stats.descriptors, "a descriptor is lost: {stats:?}");
    }

    /// At the end everything comes back: the whole arena is one run again.
    fn settle(mut self) {
        self.loans.clear();
        self.messages.clear();
        while !self.leases.is_empty() {
            self.run(Step::Refuse(0));
        }
        let me = self.participants[0];
        loop {
            let got = self.handles[0].try_get();
            let done = got.is_err();
            self.check_got(got, me);
            if done {
                break;
            }
        }
        assert!(self.expected.is_empty());
        while !self.expected.aside.is_empty() {
            self.run(Step::Discard(0));
        }
        if !self.closed {
            let payload = vec![7; ARENA];
            self.handles[0]
                .try_put(&payload)
                .expect("the whole arena is free");
            assert_eq!(self.handles[1].try_get().unwrap(), payload);
            assert!(self.handles[0].join_timeout(std::time::Duration::ZERO));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_is_a_fifo(
        capacity in 1..=9_usize,
        max_deliveries in 1..=4_u32,
        steps in vec(step(), 1..120),
    ) {
        let mut pair = Pair::new(capacity, max_deliveries);
        for step in steps {
            pair.run(step);
        }
        pair.settle();
    }

    #[test]
    fn shutdown_ends_any_sequence(
        capacity in 1..=5_usize,
        max_deliveries in 1..=3_u32,
        before in vec(step(), 0..30),
        now in any::<bool>(),
        after in vec(step(), 0..30),
    ) {
        let mut pair = Pair::new(capacity, max_deliveries);
        for step in before {
            pair.run(step);
        }
        pair.run(if now { Step::ShutdownNow } else { Step::Shutdown });
        for step in after {
            pair.run(step);
        }
        pair.settle();
    }
}
