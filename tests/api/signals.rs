//! Interruption: a signal handler that runs in a blocked thread makes the interruptible calls ask.

use crate::common::{Background, eventually, small};
use ringpost::{BytesQueue, GetError, PutError, Shortage};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};
use std::time::Duration;

static HANDLED: AtomicU32 = AtomicU32::new(0);

extern "C" fn handler(_signal: libc::c_int) {
    HANDLED.fetch_add(1, SeqCst);
}

/// Sends a signal with a handler to this thread, until `done`.
fn pester<T: Send + 'static>(thread: &Background<T>, done: impl Fn() -> bool) {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        // SAFETY: sigaction is plain data, for which zero is a value.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        action.sa_sigaction = handler as extern "C" fn(libc::c_int) as usize;
        // SAFETY: the handler only adds to an atomic. SA_RESTART is not set.
        let set =
            unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, std::ptr::null_mut()) };
        assert_eq!(set, 0);
    });
    eventually("the signal has its effect", || {
        // SAFETY: signals a thread of this process, or, if it has ended, none.
        unsafe {
            libc::syscall(
                libc::SYS_tgkill,
                std::process::id(),
                thread.thread(),
                libc::SIGUSR1,
            )
        };
        done()
    });
}

/// `interrupted` says yes only if it is asked after a handler has run.
fn handled_since(before: u32) -> impl FnMut() -> bool {
    move || HANDLED.load(SeqCst) > before
}

#[test]
fn a_signal_ends_every_interruptible_call() {
    type Call = fn(&BytesQueue, u32) -> &'static str;
    fn put_ended(result: Result<(), PutError>) -> &'static str {
        match result {
            Err(PutError::Interrupted) => "interrupted",
            other => panic!("{other:?}"),
        }
    }
    fn get_ended<T: std::fmt::Debug>(result: Result<T, GetError>) -> &'static str {
        match result {
            Err(GetError::Interrupted) => "interrupted",
            other => panic!("{other:?}"),
        }
    }
    let on_full: [Call; 4] = [
        |queue, before| put_ended(queue.put_interruptible(b"x", None, handled_since(before))),
        |queue, before| {
            put_ended(queue.put_parts_interruptible(&[b"x"], 1, None, handled_since(before)))
        },
        |queue, before| {
            put_ended(
                queue
                    .loan_interruptible(1, None, handled_since(before))
                    .map(drop),
            )
        },
        |queue, before| match queue.join_interruptible(None, handled_since(before)) {
            false => "interrupted",
            true => panic!("the item is still there"),
        },
    ];
    let on_empty: [Call; 3] = [
        |queue, before| get_ended(queue.get_interruptible(None, handled_since(before))),
        |queue, before| get_ended(queue.get_ref_interruptible(None, handled_since(before))),
        |queue, before| get_ended(queue.get_many_interruptible(3, None, handled_since(before))),
    ];
    let calls = on_full.iter().map(|call| (call, 1));
    for (call, items) in calls.chain(on_empty.iter().map(|call| (call, 0))) {
        let queue = small().capacity(1).anonymous().unwrap();
        (0..items).for_each(|_| queue.put(b"first").unwrap());
        let (call, blocked) = (*call, queue.clone());
        let ended = Arc::new(AtomicBool::new(false));
        let caller = Background::blocked({
            let ended = Arc::clone(&ended);
            move || {
                let said = call(&blocked, HANDLED.load(SeqCst));
                ended.store(true, SeqCst);
                said
            }
        });
        pester(&caller, || ended.load(SeqCst));
        assert_eq!(caller.end("an interruptible call"), "interrupted");
        assert_eq!(queue.len(), items, "nothing was put or taken");
    }
}

#[test]
fn a_plain_call_goes_on_after_a_signal() {
    let queue = small().capacity(1).anonymous().unwrap();
    let before = HANDLED.load(SeqCst);
    let getter = Background::blocked({
        let queue = queue.clone();
        move || queue.get()
    });
    pester(&getter, || HANDLED.load(SeqCst) > before + 3);
    assert!(!getter.has_ended());
    queue.put(b"item").unwrap();
    assert_eq!(getter.end("a get despite signals").unwrap(), b"item");

    queue.put(b"full").unwrap();
    let before = HANDLED.load(SeqCst);
    let putter = Background::blocked({
        let queue = queue.clone();
        move || queue.put_timeout(b"second", Duration::from_secs(20))
    });
    pester(&putter, || HANDLED.load(SeqCst) > before + 3);
    assert_eq!(queue.get().unwrap(), b"full");
    putter.end("a put despite signals").unwrap();
    assert_eq!(queue.get().unwrap(), b"second");
}

#[test]
fn an_answer_of_no_lets_the_call_go_on() {
    let queue = small().anonymous().unwrap();
    let asked = Arc::new(AtomicU32::new(0));
    let getter = Background::blocked({
        let (queue, asked) = (queue.clone(), Arc::clone(&asked));
        move || {
            queue.get_interruptible(None, || {
                asked.fetch_add(1, SeqCst);
                false
            })
        }
    });
    eventually("it is asked, signal or not", || asked.load(SeqCst) >= 3);
    queue.put(b"item").unwrap();
    assert_eq!(getter.end("a get that is not stopped").unwrap(), b"item");
}

#[test]
fn it_is_asked_although_wake_ups_keep_coming() {
    let queue = small().capacity(1).anonymous().unwrap();
    queue.put(b"full").unwrap();
    let ended = Arc::new(AtomicBool::new(false));
    let putter = Background::start({
        let (queue, ended) = (queue.clone(), Arc::clone(&ended));
        move || {
            let result = queue.put_interruptible(b"second", None, || true);
            ended.store(true, SeqCst);
            result
        }
    });
    // Whoever leaves the queue wakes everyone, far more often than a sleep without a wake would end. A machine that is so
    // slow that it does not makes this test pass, never fail.
    for _ in 0..400 {
        if ended.load(SeqCst) {
            break;
        }
        drop(ringpost::from_fd(queue.as_fd().try_clone_to_owned().unwrap()).unwrap());
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(
        ended.load(SeqCst),
        "two seconds have passed without a question"
    );
    assert!(matches!(putter.end("the put"), Err(PutError::Interrupted)));
}

#[test]
fn a_deadline_ends_an_interruptible_call_that_nobody_interrupts() {
    let queue = small().capacity(1).anonymous().unwrap();
    queue.put(b"full").unwrap();
    let soon = std::time::Instant::now() + Duration::from_millis(20);
    let ended = queue.put_interruptible(b"x", Some(soon), || false);
    assert!(matches!(ended, Err(PutError::TimedOut(Shortage::Slots))));
}
