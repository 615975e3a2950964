//! Who takes part: the registry, the lock that proves that a participant lives, and what fork does to it.
//!
//! **Liveness is a lock that lives exactly as long as the address space.** A participant holds an open-file-description
//! write lock on its byte of the segment's file. The description has no descriptor: one page is mapped through it, and the
//! descriptor is closed. So neither a `close` of everything (daemons do that) nor an exec in a child can drop the lock
//! early, and a kill drops it, whatever the process was doing. `MADV_DONTFORK` keeps a forked child from holding it too.
//! Timeouts, heartbeats and process numbers prove nothing, and are not used.
//!
//! Who this process is stands in a page of its own that the kernel wipes in a forked child (`MADV_WIPEONFORK`): a handle
//! that a child inherits finds zero there, and attaches as a participant of its own at its first use.

use crate::error::OpenError;
use crate::fences::take_part_in_heavy_fences;
use crate::fork::NoFork;
use crate::layout::{descriptor, entry, participant, position};
use crate::readiness::Signal;
use crate::ring::{Owner, Ring};
use crate::segment::{Segment, io};
use crate::sync::{Ordering::*, step};
use crate::sys;
use rustix::fd::{AsFd, OwnedFd};
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap, mmap_anonymous, munmap};
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize};
use std::time::Duration;

use crate::layout::{PAGE, control};

/// The page that a fork wipes. Process-private, so std's atomics are the right ones.
#[derive(Debug)]
#[repr(C)]
struct ForkPage {
    /// An [`Identity`]; zero: not attached.
    identity: AtomicU64,
    /// The address of the page that holds the lock; zero: none.
    pin: AtomicUsize,
    /// The bridge to this process's event loops, if there is one: an `Arc` turned into a pointer.
    signal: AtomicPtr<Signal>,
    /// 1: this process removes the queue's name in the end.
    unlinks: AtomicU32,
}

/// One attachment: the owner bits, a number that no other attachment of this process has (a place's incarnations repeat
/// after 128), and [`ATTACHED`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity(u64);

const ATTACHED: u64 = 1;

impl Identity {
    fn new(owner: Owner) -> Identity {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        // Where a descriptor word has its position, below the owner.
        Identity(owner.0 | (number << 1) & position::MASK | ATTACHED)
    }
}

/// This process's place among the participants.
#[derive(Debug)]
pub(crate) struct Membership {
    page: NonNull<ForkPage>,
}

// SAFETY: the page holds atomics only, and lives until the drop.
unsafe impl Send for Membership {}
// SAFETY: as above.
unsafe impl Sync for Membership {}

impl Membership {
    /// Not attached yet.
    pub(crate) fn new(unlinks: bool) -> Result<Membership, OpenError> {
        let flags = MapFlags::PRIVATE;
        // SAFETY: a new anonymous mapping at an address that the kernel chooses.
        let page = unsafe {
            mmap_anonymous(
                std::ptr::null_mut(),
                PAGE,
                ProtFlags::READ | ProtFlags::WRITE,
                flags,
            )
        }
        .map_err(|errno| io("mapping a page", errno))?;
        let membership = Membership {
            page: NonNull::new(page.cast()).expect("a mapping has an address"),
        };
        // SAFETY: exactly the page that was just mapped.
        unsafe { madvise(page, PAGE, Advice::LinuxWipeOnFork) }
            .map_err(|errno| io("MADV_WIPEONFORK", errno))?;
        membership.page().unlinks.store(u32::from(unlinks), Relaxed);
        Ok(membership)
    }

    #[inline(always)]
    fn page(&self) -> &ForkPage {
        // SAFETY: mapped until the drop; zero-filled pages are a valid ForkPage.
        unsafe { self.page.as_ref() }
    }

    /// Who this process is, if it is attached.
    #[inline(always)]
    pub(crate) fn current(&self) -> Option<Owner> {
        let identity = self.identity().0;
        (identity != 0).then_some(Owner(identity & descriptor::OWNER))
    }

    /// Which attachment this is; nobody's, if it is none.
    #[inline(always)]
    pub(crate) fn identity(&self) -> Identity {
        Identity(self.page().identity.load(Acquire)) // ORDERING I (Acquire): pairs with the CAS in `attach`
    }

    /// Does this process remove the queue's name in the end? Not a forked child.
    pub(crate) fn unlinks(&self) -> bool {
        self.page().unlinks.load(Relaxed) == 1
    }

    /// Takes a free place, or a dead participant's after recovering it.
    #[cold]
    pub(crate) fn attach(&self, segment: &Segment, ring: &Ring) -> Result<Owner, OpenError> {
        take_part_in_heavy_fences();
        let (owner, pin) = take_a_place(segment, ring)?;
        let identity = Identity::new(owner);
        // ORDERING I (AcqRel): pairs with the load in `identity`. Another thread of a forked child may have been faster.
        match self
            .page()
            .identity
            .compare_exchange(0, identity.0, AcqRel, Acquire)
        {
            Ok(_) => {
                self.page().pin.store(pin, Relaxed);
                Ok(owner)
            }
            Err(other) => {
                leave(ring, owner);
                unpin(pin);
                Ok(Owner(other & descriptor::OWNER))
            }
        }
    }

    /// This process's bridge to its event loops. A forked child has none until it makes its own.
    #[inline(always)]
    pub(crate) fn signal(&self) -> Option<&Signal> {
        let signal = self.page().signal.load(Acquire); // ORDERING I (Acquire): pairs with the CAS in `set_signal`
        // SAFETY: null, or a pointer out of `Arc::into_raw` that is kept until the drop of this membership.
        unsafe { signal.as_ref() }
    }

    /// Makes `signal` this process's bridge, unless another thread was faster. Returns the one that counts.
    pub(crate) fn set_signal(&self, signal: Arc<Signal>) -> &Signal {
        let raw = Arc::into_raw(signal).cast_mut();
        // ORDERING I (AcqRel): pairs with the load in `signal`.
        if self
            .page()
            .signal
            .compare_exchange(std::ptr::null_mut(), raw, AcqRel, Acquire)
            .is_err()
        {
            // SAFETY: out of `Arc::into_raw` above, and given to nobody.
            drop(unsafe { Arc::from_raw(raw) });
        }
        self.signal().expect("one of the two was set")
    }

    /// Gives the place back. Nothing that names this participant may be in use any more.
    pub(crate) fn detach(&self, ring: &Ring) {
        let Some(owner) = self.current() else { return };
        self.page().identity.store(0, Relaxed);
        ring.recover(owner);
        leave(ring, owner);
        unpin(self.page().pin.swap(0, Relaxed));
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let signal = self.page().signal.swap(std::ptr::null_mut(), AcqRel); // ORDERING I (AcqRel): as in `set_signal`
        if !signal.is_null() {
            // SAFETY: out of `Arc::into_raw` in `set_signal`, taken out of the page once.
            drop(unsafe { Arc::from_raw(signal) });
        }
        // SAFETY: exactly the page of `new`, and nobody else has its address.
        let _ = unsafe { munmap(self.page.as_ptr().cast(), PAGE) };
    }
}

/// The byte of the file that participant `i` locks.
fn byte(i: u32) -> u64 {
    (control::PARTICIPANTS + i as usize * participant::SIZE) as u64
}

/// How often to look through a table that seems full: a place is locked for a moment by whoever looks for the dead.
const ATTEMPTS: u32 = 8;

/// Returns who this process is now, and the page that holds the lock.
fn take_a_place(segment: &Segment, ring: &Ring) -> Result<(Owner, usize), OpenError> {
    let _no_fork = NoFork::new();
    let lock = segment.reopen()?;
    let pin = pin(&lock)?;
    let taken = (0..ATTEMPTS).find_map(|attempt| {
        if attempt > 0 {
            std::thread::sleep(Duration::from_millis(2));
        }
        look_for_a_place(segment, ring, &lock).transpose()
    });
    step!("close the descriptor that holds the lock");
    drop(lock); // the page keeps the description, and so the lock
    let places = segment.geometry.participants as u32;
    match taken.unwrap_or(Err(OpenError::TooManyParticipants { places })) {
        Ok(owner) if keeps_the_lock(segment, owner)? => Ok((owner, pin)),
        Ok(owner) => {
            leave(ring, owner);
            unpin(pin);
            Err(OpenError::NoLiveness)
        }
        Err(error) => {
            unpin(pin);
            Err(error)
        }
    }
}

/// Does the page keep the lock, now that the descriptor is closed? On a file system that maps another file than the one that
/// was opened (overlayfs), it does not, and this process would be taken for dead while it lives.
fn keeps_the_lock(segment: &Segment, owner: Owner) -> Result<bool, OpenError> {
    let other = segment.reopen()?;
    Ok(!try_lock(&other, owner.participant())?)
}

/// Locks a place and writes into it who is there. `None`: all were locked.
fn look_for_a_place(
    segment: &Segment,
    ring: &Ring,
    lock: &OwnedFd,
) -> Result<Option<Owner>, OpenError> {
    // First the places that are free; then those of the dead, which must be recovered first.
    for take_over in [false, true] {
        for i in 0..segment.geometry.participants as u32 {
            let word = ring.memory.participant(i, participant::WORD);
            let attached = word.load(Acquire) & entry::ATTACHED != 0; // ORDERING E (Acquire): pairs with E below
            if attached != take_over || !try_lock(lock, i)? {
                continue;
            }
            let seen = word.load(Acquire); // ORDERING E (Acquire): under the lock it can only be its last holder's word
            let mut incarnation = entry::incarnation(seen);
            if seen & entry::ATTACHED != 0 {
                ring.recover(Owner::new(i, incarnation));
                incarnation += 1;
            }
            introduce(ring, i);
            // ORDERING E (Release): pairs with the loads of those who look for the dead.
            word.store(entry::pack(incarnation, true), Release);
            return Ok(Some(Owner::new(i, incarnation)));
        }
    }
    Ok(None)
}

fn try_lock(fd: impl AsFd, i: u32) -> Result<bool, OpenError> {
    sys::try_lock_byte(fd, byte(i)).map_err(|errno| io("locking a participant's byte", errno))
}

/// Maps one page through the description that holds the lock.
fn pin(lock: &OwnedFd) -> Result<usize, OpenError> {
    step!("map the liveness page");
    // SAFETY: a new mapping at an address that the kernel chooses; no access is allowed through it.
    let page = unsafe {
        mmap(
            std::ptr::null_mut(),
            PAGE,
            ProtFlags::empty(),
            MapFlags::SHARED,
            lock,
            0,
        )
    }
    .map_err(|errno| io("mapping the liveness page", errno))?;
    step!("keep the liveness page from children");
    // SAFETY: exactly the page that was just mapped.
    let advised = unsafe { madvise(page, PAGE, Advice::LinuxDontFork) };
    if let Err(errno) = advised {
        unpin(page as usize);
        return Err(io("MADV_DONTFORK", errno));
    }
    Ok(page as usize)
}

fn unpin(pin: usize) {
    if pin != 0 {
        step!("unmap the liveness page");
        // SAFETY: a page of `pin`, unmapped once: its address was taken out of the fork page by a swap.
        let _ = unsafe { munmap(pin as *mut _, PAGE) };
    }
}

/// Writes for people to read who this is. It is never used to decide anything.
fn introduce(ring: &Ring, i: u32) {
    let field = |offset| ring.memory.participant(i, offset);
    field(participant::PID).store(
        rustix::process::getpid().as_raw_nonzero().get() as u64,
        Relaxed,
    );
    let started = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    field(participant::START_TIME).store(started.tv_sec as u64, Relaxed);
    let mut command = [0; participant::COMMAND_BYTES];
    if let Ok(name) = std::fs::read("/proc/self/comm") {
        let length = name.trim_ascii_end().len().min(command.len());
        command[..length].copy_from_slice(&name[..length]);
    }
    for (k, bytes) in command.chunks_exact(8).enumerate() {
        let word = u64::from_ne_bytes(bytes.try_into().expect("eight bytes"));
        field(participant::COMMAND + 8 * k).store(word, Relaxed);
    }
}

/// The place is free for the next incarnation.
fn leave(ring: &Ring, owner: Owner) {
    let incarnation = descriptor::incarnation(owner.0) + 1;
    // ORDERING E (Release): pairs with the loads in `take_a_place` and `look_for_the_dead`.
    ring.memory
        .participant(owner.participant(), participant::WORD)
        .store(entry::pack(incarnation, false), Release);
}

/// The participants that have died and were not recovered.
#[cold]
pub(crate) fn dead(segment: &Segment, ring: &Ring, me: Owner) -> Result<Vec<u32>, OpenError> {
    let lock = segment.reopen()?;
    let mut dead = Vec::new();
    for i in (0..segment.geometry.participants as u32).filter(|&i| i != me.participant()) {
        let word = ring.memory.participant(i, participant::WORD);
        let attached = || word.load(Acquire) & entry::ATTACHED != 0; // ORDERING E (Acquire): pairs with E above
        if attached() && try_lock(&lock, i)? {
            if attached() {
                dead.push(i);
            }
            let _ = sys::unlock_byte(&lock, byte(i));
        }
    }
    Ok(dead)
}

/// For repairs that belong to no participant's place: only one process at a time makes them, while this is kept. `None`:
/// another one does.
pub(crate) fn one_doctor(segment: &Segment) -> Result<Option<OwnedFd>, OpenError> {
    let lock = segment.reopen()?;
    let free =
        sys::try_lock_byte(&lock, 0).map_err(|errno| io("locking the doctor's byte", errno))?;
    Ok(free.then_some(lock))
}

/// For what a descriptor says of a participant that is not there: keeps anyone from becoming just that one, while the result
/// is kept. `None`: that cannot be had.
pub(crate) fn place_of_nobody(
    segment: &Segment,
    ring: &Ring,
    nobody: Owner,
) -> Result<Option<OwnedFd>, OpenError> {
    let i = nobody.participant();
    let lock = segment.reopen()?;
    if u64::from(i) >= segment.geometry.participants || try_lock(&lock, i)? {
        return Ok(Some(lock)); // no place at all, or nobody attaches there now
    }
    // Somebody else has the place. The next one there could be it.
    let word = ring.memory.participant(i, participant::WORD).load(Acquire); // ORDERING E (Acquire): as above
    let next = entry::incarnation(word).wrapping_add(1) & 127;
    Ok((descriptor::incarnation(nobody.0) != next).then_some(lock))
}

/// Recovers every participant whose lock is gone. Says how many there were. One's own place need not be looked at.
#[cold]
pub(crate) fn look_for_the_dead(
    segment: &Segment,
    ring: &Ring,
    me: Option<Owner>,
) -> Result<u32, OpenError> {
    let mut found = 0;
    let mut own: Option<OwnedFd> = None;
    for i in (0..segment.geometry.participants as u32)
        .filter(|&i| me.is_none_or(|me| i != me.participant()))
    {
        let word = ring.memory.participant(i, participant::WORD);
        if word.load(Acquire) & entry::ATTACHED == 0 {
            continue; // ORDERING E (Acquire): pairs with the stores in `take_a_place` and `leave`
        }
        // A description of its own, so that two threads exclude each other in the kernel.
        let lock = match &own {
            Some(lock) => lock,
            None => own.insert(segment.reopen()?),
        };
        if !try_lock(lock, i)? {
            continue;
        }
        let seen = word.load(Acquire); // ORDERING E (Acquire): under the lock it can only be its last holder's word
        if seen & entry::ATTACHED != 0 {
            let dead = Owner::new(i, entry::incarnation(seen));
            ring.recover(dead);
            leave(ring, dead);
            found += 1;
        }
        let _ = sys::unlock_byte(lock, byte(i));
    }
    Ok(found)
}
