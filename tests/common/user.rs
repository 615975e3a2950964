//! For roles of root: to become somebody else.

use rustix::process::{DumpableBehavior, Gid, Uid, set_dumpable_behavior};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Makes this process, which has one thread, one of this user, without any other group.
pub(crate) fn become_user(user: u32) {
    set_thread_groups(&[]).unwrap();
    set_thread_gid(Gid::from_raw(user)).unwrap();
    set_thread_uid(Uid::from_raw(user)).unwrap();
    // As after an exec; otherwise its own `/proc/self` is closed to it.
    set_dumpable_behavior(DumpableBehavior::Dumpable).unwrap();
}
