//! What all clones of a handle share: the mapped segment, the ring over it, and this process's membership.

use crate::error::OpenError;
use crate::failure::{GetStop, PutStop};
use crate::layout::state;
use crate::pace::Pace;
use crate::participant::{self, Identity, Membership};
use crate::ring::{Claim, Fault, Filling, GetFailure, Of, Owner, PutFailure, Ring};
use crate::segment::Segment;
use crate::sync::Ordering::*;
use crate::sys;
use std::sync::atomic::{AtomicU32, AtomicU64};

/// A queue that this process has open. Guards own a share of it, so it is detached after the last of them.
#[derive(Debug)]
pub(crate) struct Shared {
    // The order of the fields is the order of their drops: the view, then the mapping.
    pub(crate) ring: Ring,
    pub(crate) segment: Segment,
    pub(crate) membership: Membership,
    /// When this process last looked for the dead, in milliseconds; see `look_now_and_then`.
    last_look: AtomicU64,
    /// When it last read the clock, in milliseconds; see `look_if_due`.
    last_clock: AtomicU64,
    /// So many looks that find nothing, or no room, go by before the clock is read again; see `found_nothing`.
    unclocked: AtomicU32,
    /// How many turns a wait spins before it sleeps; adapts itself.
    pub(crate) spin: AtomicU32,
    pub(crate) pace: Pace,
    /// Payloads are always copied: peers may write where they should not, at any time.
    pub(crate) strict: bool,
}

/// A process that finds nothing, or no room, looks for the dead when its last look is older than this.
const LOOK_EVERY: u64 = 50;
/// A poller that is quick reads the clock once in so many looks and one.
const UNCLOCKED: u32 = 15;

impl Shared {
    pub(crate) fn new(
        segment: Segment,
        unlink_on_drop: bool,
        strict: bool,
    ) -> Result<Shared, OpenError> {
        let ring = Ring::new(segment.memory(), segment.header.max_deliveries);
        let membership = Membership::new(unlink_on_drop)?;
        let me = membership.attach(&segment, &ring)?;
        let shared = Shared {
            ring,
            segment,
            membership,
            last_look: AtomicU64::new(sys::coarse_milliseconds()),
            last_clock: AtomicU64::new(sys::coarse_milliseconds()),
            unclocked: AtomicU32::new(0),
            pace: Pace::default(),
            strict,
            spin: AtomicU32::new(if sys::cpus() > 1 {
                crate::blocking::SPIN_START
            } else {
                0
            }),
        };
        shared.look_for_the_dead(me)?;
        Ok(shared)
    }

    /// Who this process is; a forked child attaches here at its first use.
    #[inline(always)]
    pub(crate) fn me(&self) -> Result<Owner, Box<OpenError>> {
        match self.membership.current() {
            Some(me) => Ok(me),
            None => self
                .membership
                .attach(&self.segment, &self.ring)
                .map_err(Box::new),
        }
    }

    /// Is this still the attachment that made a guard? Not in a forked child.
    #[inline(always)]
    pub(crate) fn is_me(&self, identity: Identity) -> bool {
        self.membership.identity() == identity
    }

    /// Which attachment this is, for the guards that it makes.
    #[inline(always)]
    pub(crate) fn identity(&self) -> Identity {
        self.membership.identity()
    }

    /// Recovers every participant that has died. Says how many there were.
    pub(crate) fn look_for_the_dead(&self, me: Owner) -> Result<u32, OpenError> {
        self.last_look.store(sys::coarse_milliseconds(), Relaxed);
        participant::look_for_the_dead(&self.segment, &self.ring, Some(me))
    }

    /// For those who found nothing or no room, again and again: what they want may be a dead participant's.
    #[cold]
    pub(crate) fn look_now_and_then(&self) {
        self.look_if_old(sys::coarse_milliseconds());
    }

    /// For a poller that has just found nothing, or no room: as `look_now_and_then`, but those who poll quickly read the
    /// clock at one look in so many.
    #[inline(always)]
    pub(crate) fn found_nothing(&self) {
        match self.unclocked.load(Relaxed) {
            0 => self.look_while_polling(),
            left => self.unclocked.store(left - 1, Relaxed),
        }
    }

    #[cold]
    #[inline(never)]
    fn look_while_polling(&self) {
        let now = sys::coarse_milliseconds();
        let since = now.saturating_sub(self.last_clock.swap(now, Relaxed));
        if since < LOOK_EVERY / 4 {
            self.unclocked.store(UNCLOCKED, Relaxed);
        }
        self.look_if_old(now);
    }

    fn look_if_old(&self, now: u64) {
        if now.saturating_sub(self.last_look.load(Relaxed)) >= LOOK_EVERY
            && let Ok(me) = self.me()
        {
            // A failed look (no descriptors left, say) must not fail the operation; the next one comes soon.
            let _ = self.look_for_the_dead(me);
        }
    }

    /// For those who are always busy and never find the queue empty or full: after a put or a get. The clock costs as much as
    /// a part of an operation, so it is read when the ring says that some have passed.
    #[inline(always)]
    pub(crate) fn look_if_due(&self, of: Of) {
        if self.ring.clock_is_due(of) {
            self.look_at_the_clock(of);
        }
    }

    #[cold]
    #[inline(never)]
    fn look_at_the_clock(&self, of: Of) {
        let now = sys::coarse_milliseconds();
        let since = now.saturating_sub(self.last_clock.swap(now, Relaxed));
        // Whoever takes long for each item reads it at each.
        if since < LOOK_EVERY / 4 {
            self.ring.clock_was_read(of);
        }
        self.look_if_old(now);
    }

    // ---- put ----

    /// Owns a descriptor and memory for `length` bytes.
    #[inline(always)]
    pub(crate) fn reserve(&self, me: Owner, length: u64, apart: bool) -> Result<Filling, PutStop> {
        if self.ring.state() != state::OPEN {
            return Err(PutFailure::Closed.into());
        }
        let geometry = &self.segment.geometry;
        if (apart || length > geometry.inline) && length > geometry.chunks * geometry.chunk {
            return Err(PutStop::TooLarge(length));
        }
        let filling = self.ring.reserve(me, length, apart)?;
        // ORDERING A (Acquire): pairs with the change in `back`: the memory is there.
        if filling.extent != 0 && filling.arena_end() > self.ring.memory.reserved().load(Acquire) {
            return self.back(filling, apart);
        }
        Ok(filling)
    }

    /// Commits, or gives the descriptor back: for calls whose payload is still the caller's.
    #[inline(always)]
    pub(crate) fn commit_or_abandon(&self, filling: Filling) -> Result<(), PutStop> {
        match self.ring.commit(filling) {
            Ok(()) => {
                self.look_if_due(Of::Put);
                Ok(())
            }
            Err(failure) => {
                self.ring.abandon_after(failure, filling);
                Err(failure.into())
            }
        }
    }

    /// Puts a copy of `payload`.
    #[inline(always)]
    pub(crate) fn put(&self, me: Owner, payload: &[u8]) -> Result<(), PutStop> {
        let copy_in = |filling, payload: &[u8]| self.copy_in(filling, payload);
        match self.ring.put_short(me, payload, copy_in) {
            Some(Ok(())) => {
                self.look_if_due(Of::Put);
                Ok(())
            }
            Some(Err(failure)) => Err(failure.into()),
            None => self.put_with_care(me, payload),
        }
    }

    #[inline(never)]
    fn put_with_care(&self, me: Owner, payload: &[u8]) -> Result<(), PutStop> {
        let filling = self.reserve(me, payload.len() as u64, false)?;
        self.copy_in(filling, payload);
        self.commit_or_abandon(filling)
    }

    /// Puts as many of these as go the straight way, and says how many that were: none, for whatever reason, or more.
    #[inline(always)]
    pub(crate) fn put_run<'p>(&self, me: Owner, payloads: impl Iterator<Item = &'p [u8]>) -> usize {
        let put = self.ring.put_run(me, payloads, |filling, payload| {
            self.copy_in(filling, payload)
        });
        if put > 0 {
            self.look_if_due(Of::Put);
        }
        put
    }

    // ---- get ----

    /// Claims the next item.
    #[inline(always)]
    pub(crate) fn claim(&self, me: Owner) -> Result<Claim, GetStop> {
        let before = self.ring.state_before_looking();
        if before == state::CLOSED {
            return Err(self.drop_the_rest(me));
        }
        match self.ring.claim(me) {
            Ok(claim) => {
                self.look_if_due(Of::Get);
                Ok(claim)
            }
            Err(GetFailure::Empty) if before == state::OPEN => Err(GetStop::Empty),
            Err(GetFailure::Empty) => Err(self.nothing_left()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Claims as many items as go the straight way, at most `most`; `take` gets each.
    #[inline(always)]
    pub(crate) fn claim_run(&self, me: Owner, most: usize, take: impl FnMut(Claim)) -> usize {
        if self.ring.state_before_looking() == state::CLOSED {
            return 0;
        }
        let claimed = self.ring.claim_run(me, most, take);
        if claimed > 0 {
            self.look_if_due(Of::Get);
        }
        claimed
    }

    /// After `shutdown_now`: what is still queued, because whoever shut it down died, or came back from the dead, goes now.
    #[cold]
    fn drop_the_rest(&self, me: Owner) -> GetStop {
        // A damaged segment has nothing more to drop.
        let _: Result<u64, Fault> = self.ring.drain(me);
        GetStop::Closed
    }

    /// For those who wait until all is done: after `shutdown_now`, nobody else may be left to drop the rest.
    pub(crate) fn drop_the_rest_if_closed(&self) {
        if self.ring.state() == state::CLOSED
            && let Ok(me) = self.me()
        {
            self.drop_the_rest(me);
        }
    }

    /// Nothing was found in a queue that was shut down before: is it closed, or is there more to come?
    #[cold]
    fn nothing_left(&self) -> GetStop {
        // While draining, an item that somebody has claimed may come back; and one may be on its way to being retracted,
        // in which case its put says closed.
        let census = self.ring.census();
        if census.loaned == 0 && census.retry == 0 {
            GetStop::Closed
        } else {
            GetStop::Empty
        }
    }

    /// No more puts and no more gets; what is queued is dropped.
    pub(crate) fn close_now(&self) {
        self.ring.set_state(state::CLOSED);
        if let Ok(me) = self.me() {
            self.drop_the_rest(me);
        }
    }

    /// Removes the queue's name, unless another queue has it by now.
    pub(crate) fn unlink(&self) -> Result<(), OpenError> {
        self.segment.unlink()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(signal) = self.membership.signal() {
            signal.stop();
        }
        // A forked child has not opened it, and removes nothing.
        let unlink = self.membership.unlinks();
        self.membership.detach(&self.ring);
        if unlink {
            let _ = self.segment.unlink();
        }
    }
}
