//! A scene: a new queue, what is in it, who is killed at what, and how the others go on.

use crate::ledger::{Actor, Kind, item, note, note_delivery, number};
use crate::points::{self, Process};
use crate::report::{place_for_files, still_there};
use ringpost::{BytesQueue, GetError, Lease, Message, Options, PutError, Shortage};
use std::cell::{Cell, RefCell};
use std::os::unix::fs::FileExt;

/// The numbers of the items that the process under test puts, and of the traffic after its death.
pub(crate) const VICTIMS: u32 = 1001;
pub(crate) const TRAFFIC: u32 = 2001;
/// And of a process that runs beside it.
pub(crate) const PARTNERS: u32 = 1_000_000;

/// Where the queue of a scene is.
pub(crate) fn queue_path() -> String {
    format!("{}/queue", place_for_files())
}

/// One process's view: its handle, and under which name it writes into the ledger.
pub(crate) struct Player<'a> {
    pub(crate) queue: &'a BytesQueue,
    pub(crate) actor: Actor,
    /// The number of its first item.
    pub(crate) first: u32,
}

impl Player<'_> {
    /// A forked process attaches; from now on its steps count.
    pub(crate) fn begin(&self) {
        self.attach();
        points::begin();
    }

    pub(crate) fn attach(&self) {
        // Nothing is ever in the quarantine at this position.
        assert_eq!(self.queue.inspect(u64::MAX).unwrap(), None);
    }

    /// A put of item `n`, which ends as the queue's state has it.
    pub(crate) fn putting(&self, n: u32, put: impl FnOnce() -> Result<(), PutError>) {
        note(self.actor, Kind::Putting, n);
        match put() {
            Ok(()) => note(self.actor, Kind::Put, n),
            Err(PutError::Closed | PutError::NoSpace { .. }) => note(self.actor, Kind::NotPut, n),
            Err(other) => panic!("{:?} puts {n}: {other:?}", self.actor),
        }
    }

    /// Puts the item of this number, counted from the process's first.
    pub(crate) fn put(&self, n: u32, length: usize) {
        let n = self.first + n;
        let bytes = item(n, length);
        self.putting(n, || self.queue.put(&bytes));
    }

    /// A delivery that is final.
    pub(crate) fn got(&self, bytes: &[u8]) {
        note(self.actor, Kind::Got, number(bytes));
    }

    pub(crate) fn got_message(&self, message: &Message) {
        let (position, again) = (message.position(), message.is_redelivered());
        note_delivery(
            self.actor,
            Kind::Got,
            number(message),
            Some(position),
            again,
        );
    }

    pub(crate) fn got_lease(&self, number: u32, position: u64, again: bool) {
        note_delivery(self.actor, Kind::Got, number, Some(position), again);
    }

    /// Gets one item, if there is one now.
    pub(crate) fn try_get(&self) -> bool {
        match self.queue.try_get_ref() {
            Ok(message) => {
                self.got_message(&message);
                true
            }
            Err(GetError::Empty | GetError::Closed) => false,
            Err(other) => panic!("{:?} gets: {other:?}", self.actor),
        }
    }
}

/// The driver's side of a scene.
pub(crate) struct World {
    pub(crate) queue: BytesQueue,
    /// The number of the next item that was there before, and of the next one after.
    before: Cell<u32>,
    after: Cell<u32>,
    /// What the driver holds, and ends when asked to.
    pub(crate) leases: RefCell<Vec<Lease>>,
    pub(crate) messages: RefCell<Vec<Message>>,
    /// A process that sleeps in a call that somebody must end.
    pub(crate) waiter: RefCell<Option<Process>>,
    /// How many items the process under test may have numbered before.
    pub(crate) numbered: Cell<u32>,
}

impl World {
    pub(crate) fn new(options: &Options) -> World {
        points::clear();
        still_there();
        let options = options.clone().unlink_on_drop(true);
        World {
            queue: options.create_path(queue_path()).unwrap(),
            before: Cell::new(1),
            after: Cell::new(TRAFFIC),
            leases: RefCell::default(),
            messages: RefCell::default(),
            waiter: RefCell::default(),
            numbered: Cell::new(0),
        }
    }

    pub(crate) fn player(&self, actor: Actor) -> Player<'_> {
        Player {
            queue: &self.queue,
            actor,
            first: VICTIMS + self.numbered.get(),
        }
    }

    fn me(&self) -> Player<'_> {
        self.player(Actor::Driver)
    }

    /// Puts the next item of those that are there before.
    pub(crate) fn put(&self, length: usize) -> u32 {
        let n = self.before.replace(self.before.get() + 1);
        let bytes = item(n, length);
        self.me().putting(n, || self.queue.put(&bytes));
        n
    }

    pub(crate) fn get(&self) {
        assert!(self.me().try_get(), "there is something to get");
    }

    /// Puts and gets one item after the other: the next position is so much further.
    pub(crate) fn advance(&self, items: u32) {
        for _ in 0..items {
            self.put(20);
            self.get();
        }
    }

    pub(crate) fn lease(&self) {
        self.leases
            .borrow_mut()
            .push(self.queue.try_lease().unwrap());
    }

    /// Acknowledges the oldest lease.
    pub(crate) fn acknowledge(&self) {
        let lease = self.leases.borrow_mut().remove(0);
        let n = number(&lease);
        lease.ack().unwrap();
        // Without its position: others were delivered since it was leased.
        note(Actor::Driver, Kind::Got, n);
    }

    /// Another process does this and is killed at the end, with whatever it holds.
    pub(crate) fn corpse(&self, work: impl FnOnce(&Player<'_>)) {
        let player = self.player(Actor::Corpse);
        let happened = Process::start(|| {
            player.attach();
            work(&player);
        })
        .wait();
        assert_eq!(happened, points::Happened::Ended(0));
    }

    /// A process that sleeps in this, before anything happens.
    pub(crate) fn waiting(&self, work: impl FnOnce(&Player<'_>)) {
        let player = self.player(Actor::Partner);
        let process = Process::start(|| {
            player.attach();
            work(&player);
        });
        process.await_sleep();
        *self.waiter.borrow_mut() = Some(process);
    }

    /// Others go on: each of these calls returns at once, whatever the process under test holds.
    pub(crate) fn traffic(&self, length: usize) {
        let me = self.me();
        me.try_get();
        // One that is delivered again leaves no room in a full queue.
        while self.queue.is_full() && me.try_get() {}
        self.try_put(20);
        if length > 0 {
            self.try_put(length);
            self.loan(length / 2);
        }
        // Once round nearly all slots, with items of other lengths than those that were there.
        for n in 0..6 {
            me.try_get();
            while self.queue.is_full() && me.try_get() {}
            self.try_put(21 + n);
        }
    }

    /// Others shut the queue down and get what is left, until they are told that nothing is.
    pub(crate) fn close(&self) {
        self.queue.shutdown();
        while self.me().try_get() {}
        if matches!(self.queue.try_get_ref(), Err(GetError::Closed)) {
            note(Actor::Driver, Kind::Closed, 0);
        }
    }

    fn next(&self) -> u32 {
        self.after.replace(self.after.get() + 1)
    }

    fn try_put(&self, length: usize) {
        let n = self.next();
        let bytes = item(n, length);
        match self.queue.try_put(&bytes) {
            Ok(()) => {
                note(Actor::Driver, Kind::Putting, n);
                note(Actor::Driver, Kind::Put, n);
            }
            Err(PutError::Closed) => {}
            // More than there is: what the others hold may be much. Short ones always find room, for one was got.
            Err(PutError::Full(Shortage::Arena | Shortage::Slots)) if length > 32 => {}
            Err(other) => panic!("the others cannot put {length} bytes: {other:?}"),
        }
    }

    fn loan(&self, length: usize) {
        if let Ok(mut loan) = self.queue.try_loan(length) {
            let n = self.next();
            loan.copy_from_slice(&item(n, length));
            if loan.try_commit().is_ok() {
                note(Actor::Driver, Kind::Putting, n);
                note(Actor::Driver, Kind::Put, n);
            }
        }
    }

    /// Gets all there is; what was set aside is looked at, and put back to be got.
    pub(crate) fn drain(&self) {
        let me = self.me();
        while me.try_get() {}
        let aside = self.queue.quarantined();
        for found in &aside {
            let bytes = self.queue.inspect(found.position).unwrap();
            let bytes = bytes.expect("nobody else takes it");
            assert_eq!(found.len, bytes.len() as u64);
            note(Actor::Driver, Kind::Aside, number(&bytes));
            assert!(self.queue.requeue(found.position).unwrap());
        }
        if !aside.is_empty() {
            while me.try_get() {}
        }
    }

    /// Recovers the dead, of whom there must be none but these.
    pub(crate) fn recover(&self) {
        self.queue.recover().unwrap();
        assert_eq!(self.queue.recover().unwrap(), 0, "they are recovered");
    }

    /// The living end what they hold.
    pub(crate) fn let_go(&self) {
        while !self.leases.borrow().is_empty() {
            self.acknowledge();
        }
        self.messages.borrow_mut().clear();
    }

    /// Writes a word of the segment, as no process does: damage.
    pub(crate) fn overwrite(&self, offset: u64, bytes: &[u8]) {
        let file = std::fs::File::options().write(true).open(queue_path());
        file.unwrap().write_all_at(bytes, offset).unwrap();
    }

    /// What the process under test had is done with, though nobody has recovered it: it has ended as it should.
    pub(crate) fn nothing_is_held(&self) {
        let stats = self.queue.stats();
        let own = self.leases.borrow().len() + self.messages.borrow().len();
        let rest = stats.queued + stats.retry + stats.quarantined + own as u64;
        assert_eq!(
            stats.free + rest,
            stats.descriptors,
            "still held: {stats:?}"
        );
    }

    /// Nobody but the driver holds anything, and all of the memory can be had.
    pub(crate) fn audit(&self) {
        let stats = self.queue.stats();
        let left = [
            ("queued", stats.queued),
            ("to be delivered again", stats.retry),
            ("set aside", stats.quarantined),
            ("being filled", stats.filling),
            ("on loan", stats.loaned),
            ("held", stats.held),
        ];
        for (what, count) in left {
            assert_eq!(count, 0, "{what}: {stats:?}");
        }
        assert_eq!(stats.free, stats.descriptors, "leaked: {stats:?}");
        assert_eq!(stats.participants.len(), 1, "{stats:?}");
        assert_eq!(self.queue.audit().unwrap().findings, []);
        if stats.state == "open" {
            let longest = vec![7; self.queue.max_payload()];
            self.queue
                .try_put(&longest)
                .expect("all of the arena is free");
            assert!(self.queue.try_get().unwrap() == longest);
        }
    }
}

/// What is killed at every step.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) options: fn() -> Options,
    /// Once, before all else: what is to be found out for the rest.
    pub(crate) prepare: fn(),
    /// Before: by the driver.
    pub(crate) before: fn(&World),
    /// The operation, which calls [`Player::begin`] when its steps are to count.
    pub(crate) attack: fn(&Player<'_>),
    /// What the driver does whenever the process under test sleeps.
    pub(crate) peer: fn(&World),
    /// What the others do while it is stopped or dead.
    pub(crate) traffic: fn(&World),
    /// What becomes of these items, ...
    pub(crate) subjects: &'static [u32],
    /// ... in this order over all steps; each change is at one step. Empty: it depends on when somebody wakes up.
    pub(crate) outcomes: &'static [&'static str],
    /// What the driver finds in the end: the default drains and audits. Returns the outcome, if that is not about items.
    pub(crate) after: fn(&World) -> Option<String>,
    /// Can another process put and get beside it, all the time?
    pub(crate) beside: bool,
    /// How many dead it starts with, whom somebody may recover at any time.
    pub(crate) corpses: u32,
    /// The operation drops what is queued, whoever put it.
    pub(crate) drops: bool,
    /// Of the times that the operation passes one place, at least so many are killed, and not every later one.
    pub(crate) often: usize,
    /// It runs on as many processors as there are, and spins.
    pub(crate) spins: bool,
}

pub(crate) fn small() -> Options {
    Options::new()
        .capacity(6)
        .in_flight(4)
        .inline(32)
        .chunk(64)
        .arena(16 * 64)
        .participants(5)
}

pub(crate) const PLAIN: Scenario = Scenario {
    name: "",
    options: small,
    prepare: || {},
    before: |_| {},
    attack: |_| {},
    peer: |_| panic!("nobody expects it to sleep"),
    traffic: |world| world.traffic(100),
    subjects: &[],
    outcomes: &[""],
    after: |_| None,
    beside: false,
    corpses: 0,
    drops: false,
    often: 40,
    spins: false,
};
