//! Full fences, and pairs of which one side costs next to nothing.
//!
//! Whoever changes the queue and then looks whether somebody waits needs a full fence between the two, and so does who
//! says that he waits and then looks at the queue (`wait.rs`). Where waiting is rare, the first pays for the second at every
//! single operation. There the waiter pays for both: its [`heavy_fence`] makes every processor that runs one of our
//! processes pass a full fence (`membarrier`, Linux 4.16), so that the other side's [`light_fence`] need not be an
//! instruction. This is the "asymmetric fence" of folly and of userspace RCU.
//!
//! Why it does the same: the heavy fence falls somewhere between two instructions of the other side. If its change comes
//! before that, the waiter's next look sees it. If its change comes after, so does its look at the waiters' bit, which was
//! set before.
//!
//! A process that the kernel does not let take part (a sandbox without the call) makes its light fences full ones, and its
//! waiters, who cannot know that the others did so too, sleep in short slices ([`heavy_fence_works`]).

use crate::sync::{Ordering::SeqCst, fence};

/// Orders the SeqCst read-modify-write before it against every load after it.
///
/// On x86 a locked instruction is already a full barrier, so this is no instruction there, only a barrier for the
/// compiler. aarch64 needs a real one, and loom, which treats SeqCst accesses as AcqRel, needs one too.
#[inline(always)]
pub(crate) fn full_fence_after_rmw() {
    if cfg!(all(target_arch = "x86_64", not(loom))) {
        std::sync::atomic::compiler_fence(SeqCst);
    } else {
        fence(SeqCst);
    }
}

#[cfg(loom)]
pub(crate) use full_fences::*;
#[cfg(not(loom))]
pub(crate) use membarrier::*;

#[cfg(loom)]
mod full_fences {
    //! loom knows no such pairs: it explores two full fences, which is what they stand for.
    use super::*;

    pub(crate) fn light_fence() {
        fence(SeqCst);
    }

    pub(crate) fn heavy_fence() {
        fence(SeqCst);
    }
}

#[cfg(not(loom))]
mod membarrier {
    use super::*;
    use crate::sync::step;
    use rustix::thread::{MembarrierCommand, membarrier};
    use std::sync::atomic::{AtomicBool, Ordering::Relaxed, compiler_fence};

    /// Do heavy fences of other processes reach this one? Process-private, and the same in a forked child.
    static REACHED: AtomicBool = AtomicBool::new(false);

    /// Lets heavy fences reach this process. To be called before its first light fence; again costs a system call.
    pub(crate) fn take_part_in_heavy_fences() {
        let registered = membarrier(MembarrierCommand::RegisterGlobalExpedited);
        REACHED.store(registered.is_ok(), Relaxed);
    }

    /// Orders all before it against all after it, as far as those can tell who make a [`heavy_fence`].
    #[inline(always)]
    pub(crate) fn light_fence() {
        if REACHED.load(Relaxed) {
            compiler_fence(SeqCst);
        } else {
            fence(SeqCst);
        }
    }

    /// Makes every processor that runs a process that takes part pass a full fence, this one included.
    pub(crate) fn heavy_fence() {
        step!("membarrier");
        if membarrier(MembarrierCommand::GlobalExpedited).is_err() {
            // Forbidden, perhaps since this process has attached: from now on its light fences are full ones too.
            REACHED.store(false, Relaxed);
            fence(SeqCst);
        }
    }

    /// Did the last [`heavy_fence`] of this process, and will the next one, do what it should?
    pub(crate) fn heavy_fence_works() -> bool {
        REACHED.load(Relaxed)
    }
}
