//! Kill points: before every access to an atomic word, and before every system call that others can see, a hook runs.
//!
//! Built with `--cfg kill_points` only, for the tests that kill, stop or betray a process at each of its steps, and over
//! loom's atomics. Without either `sync.rs` names the standard library's atomics and `step!` is nothing: the machine code is
//! the code without them.
//!
//! The atomics here have the methods that the library uses, each of which announces itself; so an access that is new in the
//! code is a kill point from its first day, and none can be forgotten.
#![allow(missing_docs, missing_debug_implementations)] // not part of the interface: nobody gets this without the cfg

#[cfg(loom)]
use loom::sync::atomic;
use std::panic::Location;
#[cfg(not(loom))]
use std::sync::atomic;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is about to happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step {
    /// Its name, if it is no access to an atomic word.
    pub name: Option<&'static str>,
    pub file: &'static str,
    pub line: u32,
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = self.name.unwrap_or("an atomic word");
        write!(f, "{}:{} ({name})", self.file, self.line)
    }
}

/// A function that is called before each step, in the thread that takes it.
pub type Hook = fn(Step);

static HOOK: AtomicUsize = AtomicUsize::new(0);

/// Sets the hook of this process; `None`: no hook.
pub fn set_hook(hook: Option<Hook>) {
    HOOK.store(hook.map_or(0, |hook| hook as usize), Ordering::SeqCst);
}

/// Announces a step.
#[track_caller]
pub(crate) fn reached(name: Option<&'static str>) {
    let hook = HOOK.load(Ordering::Relaxed);
    if hook != 0 {
        // SAFETY: only `set_hook` writes it: 0 or a `Hook`.
        let hook = unsafe { std::mem::transmute::<usize, Hook>(hook) };
        let place = Location::caller();
        hook(Step {
            name,
            file: place.file(),
            line: place.line(),
        });
    }
}

macro_rules! announced {
    (@methods $name:ident, $value:ty, $($method:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {
        impl $name {
            $(
                #[track_caller]
                #[allow(dead_code)]
                pub(crate) fn $method(&self, $($argument: $type),*) -> $result {
                    reached(None);
                    self.0.$method($($argument),*)
                }
            )*
        }
    };
    ($name:ident, $of:ty, $value:ty) => {
        #[derive(Debug, Default)]
        #[repr(transparent)]
        pub(crate) struct $name(pub(crate) $of);

        impl $name {
            #[cfg(not(loom))]
            #[allow(dead_code)]
            pub(crate) const fn new(value: $value) -> Self {
                Self(<$of>::new(value))
            }

            #[cfg(loom)]
            pub(crate) fn new(value: $value) -> Self {
                Self(<$of>::new(value))
            }
        }

        announced! { @methods $name, $value,
            load(order: Ordering) -> $value;
            store(value: $value, order: Ordering) -> ();
            swap(value: $value, order: Ordering) -> $value;
            fetch_add(value: $value, order: Ordering) -> $value;
            fetch_or(value: $value, order: Ordering) -> $value;
            fetch_max(value: $value, order: Ordering) -> $value;
            compare_exchange(old: $value, new: $value, good: Ordering, bad: Ordering) -> Result<$value, $value>;
            compare_exchange_weak(old: $value, new: $value, good: Ordering, bad: Ordering) -> Result<$value, $value>;
        }
    };
}

announced!(AtomicU32, atomic::AtomicU32, u32);
announced!(AtomicU64, atomic::AtomicU64, u64);
