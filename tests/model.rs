//! model: any sequence of operations against a `VecDeque`, with loans held and released out of order, two handles, and
//! payloads that compete for a small arena.

use proptest::collection::vec;
use proptest::prelude::*;
use ringpost::{BytesQueue, GetError, Message, Options, PutError, Shortage, WriteLoan};
use std::collections::VecDeque;
use std::os::fd::AsFd;

#[derive(Clone, Debug)]
enum Step {
    Put(usize),
    PutParts(usize, usize, usize),
    PutMany(Vec<usize>),
    Loan(usize),
    Truncate(usize, usize),
    Commit(usize),
    DropLoan(usize),
    Get,
    GetInto,
    GetMany(usize),
    GetRef,
    Scribble(usize),
    DropMessage(usize),
    Reopen,
    Shutdown,
    ShutdownNow,
}

const CHUNK: usize = 64;
const ARENA: usize = 8 * CHUNK;
const IN_FLIGHT: usize = 3;

/// Lengths around every edge: empty, inline, one chunk, several, the whole arena, too large.
fn length() -> impl Strategy<Value = usize> {
    prop_oneof![
        4 => 0..=40_usize,
        4 => CHUNK - 1..=2 * CHUNK + 1,
        2 => 3 * CHUNK..=ARENA,
        1 => ARENA..=ARENA + 1,
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => length().prop_map(Step::Put),
        2 => (0..100_usize, 0..100_usize, 0..7_usize).prop_map(|(a, b, shift)| Step::PutParts(a, b, 1 << shift)),
        2 => vec(length(), 0..4).prop_map(Step::PutMany),
        4 => length().prop_map(Step::Loan),
        2 => (0..4_usize, length()).prop_map(|(which, to)| Step::Truncate(which, to)),
        4 => (0..4_usize).prop_map(Step::Commit),
        2 => (0..4_usize).prop_map(Step::DropLoan),
        6 => Just(Step::Get),
        2 => Just(Step::GetInto),
        2 => (0..4_usize).prop_map(Step::GetMany),
        4 => Just(Step::GetRef),
        2 => (0..4_usize).prop_map(Step::Scribble),
        4 => (0..4_usize).prop_map(Step::DropMessage),
        1 => Just(Step::Reopen),
    ]
}

/// The queue under test, through two handles in turn, and what must be in it.
struct Pair {
    handles: [BytesQueue; 2],
    turn: usize,
    expected: VecDeque<Vec<u8>>,
    loans: Vec<(WriteLoan, Vec<u8>)>,
    messages: Vec<(Message, Vec<u8>)>,
    capacity: usize,
    closed: bool,
    next: u8,
}

impl Pair {
    fn new(capacity: usize) -> Pair {
        let one = Options::new()
            .capacity(capacity)
            .in_flight(IN_FLIGHT)
            .inline(32)
            .chunk(CHUNK)
            .arena(ARENA as u64)
            .anonymous()
            .unwrap();
        let two = reopened(&one);
        Pair {
            handles: [one, two],
            turn: 0,
            expected: VecDeque::new(),
            loans: Vec::new(),
            messages: Vec::new(),
            capacity,
            closed: false,
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
                    self.expected.len() < self.capacity,
                    "a put into a full queue"
                );
                assert!(payload.len() <= ARENA);
                self.expected.push_back(payload);
            }
            Err(PutError::Closed) => assert!(self.closed),
            Err(PutError::TooLarge { len, max }) => {
                assert_eq!((len as usize, max as usize), (payload.len(), ARENA));
                assert!(payload.len() > ARENA);
            }
            Err(PutError::Full(Shortage::Slots)) => assert_eq!(self.expected.len(), self.capacity),
            Err(PutError::Full(Shortage::Descriptors)) => {
                let held = self.loans.len() + self.messages.len();
                let descriptors = self.capacity.next_power_of_two() + IN_FLIGHT;
                assert!(
                    held + self.expected.len() >= descriptors,
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
        let payloads = self.expected.iter().map(Vec::len);
        let messages = self.messages.iter().map(|(_, bytes)| bytes.len());
        let loans = self.loans.iter().map(|(loan, _)| loan.len());
        let chunks: Vec<_> = payloads
            .chain(messages)
            .chain(loans)
            .map(|len| 2 * len.div_ceil(CHUNK).max(1))
            .collect();
        (chunks.iter().sum(), chunks.len())
    }

    fn check_got(&mut self, got: Result<Vec<u8>, GetError>) {
        match got {
            Ok(got) => assert_eq!(Some(got), self.expected.pop_front()),
            Err(GetError::Empty) => assert!(self.expected.is_empty() && !self.closed),
            Err(GetError::Closed) => assert!(self.expected.is_empty() && self.closed),
            Err(other) => panic!("{other}"),
        }
    }

    fn run(&mut self, step: Step) {
        let queue = self.queue();
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
                        assert_eq!(self.expected.len(), self.capacity);
                        self.loans.push((loan, payload));
                    }
                    Err((_, error)) => self.check_put(Err(error), payload),
                }
            }
            Step::DropLoan(which) if which < self.loans.len() => {
                drop(self.loans.swap_remove(which))
            }
            Step::Get => self.check_got(queue.try_get()),
            Step::GetInto => {
                let mut out = vec![1, 2, 3];
                let got = queue.try_get_into(&mut out).map(|()| out);
                self.check_got(got);
            }
            Step::GetMany(max) => match queue.try_get_many(max) {
                Ok(items) => {
                    assert_eq!(items.len(), max.min(self.expected.len()));
                    for item in items {
                        self.check_got(Ok(item));
                    }
                }
                Err(error) => self.check_got(Err(error)),
            },
            Step::GetRef => match queue.try_get_ref() {
                Ok(message) => {
                    assert_eq!(message.deliveries(), 1);
                    self.check_got(Ok(message.to_vec()));
                    let bytes = message.to_vec();
                    self.messages.push((message, bytes));
                }
                Err(error) => self.check_got(Err(error)),
            },
            Step::Scribble(which) => {
                if let Some((message, bytes)) = self.messages.get_mut(which) {
                    message.fill(0xee);
                    bytes.fill(0xee);
                }
            }
            Step::DropMessage(which) if which < self.messages.len() => {
                drop(self.messages.swap_remove(which));
            }
            Step::Reopen => {
                let other = self.turn % 2;
                self.handles[other] = reopened(&self.handles[1 - other]);
            }
            Step::Shutdown => {
                queue.shutdown();
                self.closed = true;
            }
            Step::ShutdownNow => {
                queue.shutdown_now();
                self.closed = true;
                self.expected.clear();
            }
            Step::Commit(_) | Step::DropLoan(_) | Step::DropMessage(_) => {}
        }
        self.check();
    }

    /// What must hold between any two operations.
    fn check(&mut self) {
        let queue = self.queue();
        assert_eq!(queue.len(), self.expected.len());
        assert_eq!(queue.is_empty(), self.expected.is_empty());
        assert_eq!(queue.is_full(), self.expected.len() == self.capacity);
        for (loan, payload) in &self.loans {
            assert_eq!(**loan, **payload, "somebody wrote into a loan");
        }
        for (message, bytes) in &self.messages {
            assert_eq!(**message, **bytes, "somebody wrote into a message");
        }
        let stats = queue.stats();
        assert_eq!(stats.queued as usize, self.expected.len());
        assert_eq!(stats.filling as usize, self.loans.len());
        assert_eq!(stats.held as usize, self.messages.len());
        let used = stats.queued + stats.filling + stats.held + stats.free;
        assert_eq!(used, stats.descriptors, "a descriptor is lost: {stats:?}");
    }

    /// At the end everything comes back: the whole arena is one run again.
    fn settle(mut self) {
        self.loans.clear();
        self.messages.clear();
        while let Ok(got) = self.handles[0].try_get() {
            assert_eq!(Some(got), self.expected.pop_front());
        }
        assert!(self.expected.is_empty());
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

fn reopened(queue: &BytesQueue) -> BytesQueue {
    ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_sequence_is_a_fifo(capacity in 1..=9_usize, steps in vec(step(), 1..120)) {
        let mut pair = Pair::new(capacity);
        for step in steps {
            pair.run(step);
        }
        pair.settle();
    }

    #[test]
    fn shutdown_ends_any_sequence(
        capacity in 1..=5_usize,
        before in vec(step(), 0..30),
        now in any::<bool>(),
        after in vec(step(), 0..30),
    ) {
        let mut pair = Pair::new(capacity);
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
