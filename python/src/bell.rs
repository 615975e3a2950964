//! How a reader is told that something has come: a byte lies in its socket, while there is something in the ring.
//!
//! So the socket is readable when there is a message, and at end of file, which the kernel tells: it counts the copies of
//! the other end over fork, exec and kill. Nobody needs a thread, and a stream of messages costs no system call, since the
//! byte stays where it is until a reader that has emptied the ring takes it out: before it sleeps, or, once anybody has
//! asked for the descriptor, after each get.
//!
//! | word | in the socket | who acts |
//! |---|---|---|
//! | `ARMED` | nothing | a writer: after its put it rings, `ARMED` → `RINGING`, looks whether the ring is still not empty, sends the byte, → `RUNG` |
//! | `RINGING` | perhaps the byte | whoever set it; all others wait for him, but not for ever: he may have been killed |
//! | `RUNG` | the byte | a reader that finds the ring empty: → `ARMED`, looks once more, and takes the byte out |
//!
//! Each `RINGING` has a number of its own, so that one who was stopped over it does not end another's.
//!
//! A reader cannot put a byte into its own socket. That is why it arms first and takes the byte last: if something has come
//! in between, it goes back to `RUNG`, and the byte is still there. If a writer has rung in between, there are two, and it
//! takes one. So the bytes are those of the word plus one for each reader between its two steps; only one that was killed
//! there, or a writer that was stopped for longer than others wait, leaves one too many, which the next reader that sleeps,
//! polls, or asks for the descriptor takes out ([`Bell::mend`]).
//!
//! No message is missed: a writer puts and then looks at the word, a reader arms and then looks at the ring, each with a
//! full fence between.

use crate::page::Page;
use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::*, fence};
use std::time::{Duration, Instant};

/// The lower bits of the word; the others are the number.
const STATE: u32 = 3;
const ARMED: u32 = 0;
const RINGING: u32 = 1;
const RUNG: u32 = 2;
const NUMBER: u32 = 4;
/// Not what `multiprocessing.reduction.send_handle` sends, which the socket also carries.
const BYTE: u8 = b'!';

/// Nobody rings for so long, unless he was killed or stopped.
const LONGEST: Duration = Duration::from_millis(100);
/// What each direction has of the page, and where in it the words lie.
const DIRECTION: usize = 128;
const WORD: usize = 0;
const WATCHED: usize = 8;
const CLOSED: usize = 16;

/// The bell of one direction of a pipe.
#[derive(Debug)]
pub(crate) struct Bell {
    page: Arc<Page>,
    direction: usize,
}

/// What a reader found when it wanted to sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Settled {
    /// Nothing there: the next put rings.
    Armed,
    /// The ring is not empty, and the socket is readable.
    Ready,
}

/// Whoever waits for another process's two steps: spins, then leaves it the CPU, then gives up.
#[derive(Default)]
struct Courtesy {
    turns: u32,
    since: Option<Instant>,
}

#[derive(PartialEq, Eq)]
enum Turn {
    Spun,
    Yielded,
    /// It has lasted too long.
    Over,
}

impl Courtesy {
    fn turn(&mut self) -> Turn {
        self.turns += 1;
        if self.turns < 1000 {
            std::hint::spin_loop();
            return Turn::Spun;
        }
        std::thread::yield_now();
        match self.since.get_or_insert_with(Instant::now).elapsed() > LONGEST {
            true => Turn::Over,
            false => Turn::Yielded,
        }
    }
}

/// The word with another state.
fn with(word: u32, state: u32) -> u32 {
    word & !STATE | state
}

/// The word of one who rings now.
fn ringing_anew(word: u32) -> u32 {
    with(word.wrapping_add(NUMBER), RINGING)
}

impl Bell {
    pub(crate) fn new(page: Arc<Page>, direction: usize) -> Bell {
        Bell { page, direction }
    }

    pub(crate) fn direction(&self) -> usize {
        self.direction
    }

    fn at(&self, which: usize) -> &AtomicU32 {
        self.page.u32(self.direction * DIRECTION + which)
    }

    fn word(&self) -> u32 {
        self.at(WORD).load(SeqCst)
    }

    fn change(&self, from: u32, to: u32) -> bool {
        self.at(WORD)
            .compare_exchange(from, to, SeqCst, SeqCst)
            .is_ok()
    }

    /// To be called after each put. An error: nobody reads any more.
    #[inline]
    pub(crate) fn ring(
        &self,
        socket: &OwnedFd,
        is_empty: impl FnOnce() -> bool,
    ) -> Result<(), Errno> {
        fence(SeqCst);
        match self.word() & STATE {
            RUNG => Ok(()),
            _ => self.ring_now(socket, is_empty),
        }
    }

    #[cold]
    fn ring_now(&self, socket: &OwnedFd, is_empty: impl FnOnce() -> bool) -> Result<(), Errno> {
        let mut courtesy = Courtesy::default();
        let mine = loop {
            let word = self.word();
            let mine = ringing_anew(word);
            match word & STATE {
                ARMED if self.change(word, mine) => break mine,
                RINGING if courtesy.turn() == Turn::Over && self.change(word, mine) => break mine,
                RUNG => return Ok(()),
                _ => {}
            }
        };
        if self.is_watched() && is_empty() {
            // It was taken before the bell was rung, by somebody who did not sleep: there is nothing to tell. Whoever takes it
            // from now on finds it being rung, and waits. Unwatched, the byte does no harm, and spares the next puts all this.
            self.change(mine, with(mine, ARMED));
            return Ok(());
        }
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let sent = rustix::io::retry_on_intr(|| send(socket, &[BYTE], flags));
        match sent {
            Ok(_) => {
                self.change(mine, with(mine, RUNG));
                Ok(())
            }
            Err(error) => {
                self.change(mine, with(mine, ARMED));
                match error {
                    // No memory for a byte: the next put tries again.
                    Errno::AGAIN | Errno::NOBUFS | Errno::NOMEM => Ok(()),
                    gone => Err(gone),
                }
            }
        }
    }

    /// Makes the socket tell what the ring holds.
    pub(crate) fn settle(&self, socket: &OwnedFd, is_empty: impl Fn() -> bool) -> Settled {
        let mut courtesy = Courtesy::default();
        while is_empty() {
            let word = self.word();
            match word & STATE {
                ARMED => return Settled::Armed,
                RUNG if self.change(word, with(word, ARMED)) => {
                    fence(SeqCst);
                    if is_empty() {
                        take_one(socket);
                        return Settled::Armed;
                    }
                    self.keep_or_take(socket);
                }
                // What it rings for is gone already.
                RINGING => match courtesy.turn() {
                    Turn::Spun => {}
                    Turn::Yielded if next_byte(socket) != Some(BYTE) => {}
                    Turn::Yielded => {
                        self.change(word, with(word, RUNG));
                    }
                    Turn::Over => {
                        self.change(word, with(word, ARMED));
                    }
                },
                _ => {}
            }
        }
        Settled::Ready
    }

    /// Something has come since the bell was armed, and the byte is still there: it stays for that, unless there is another.
    fn keep_or_take(&self, socket: &OwnedFd) {
        loop {
            let word = self.word();
            if word & STATE != ARMED {
                take_one(socket);
                return;
            }
            if self.change(word, with(word, RUNG)) {
                return;
            }
        }
    }

    /// The ring is empty, and the bell armed: takes out what may be in the socket nevertheless.
    pub(crate) fn mend(&self, socket: &OwnedFd) {
        if next_byte(socket) != Some(BYTE) {
            return;
        }
        let word = self.word();
        let mine = ringing_anew(word);
        // As long as it says so, nobody else sends.
        if word & STATE == ARMED && self.change(word, mine) {
            while next_byte(socket) == Some(BYTE) {
                take_one(socket);
            }
            self.change(mine, with(mine, ARMED));
        }
    }

    /// Somebody polls the socket by himself: from now on every get settles.
    pub(crate) fn watch(&self) {
        self.at(WATCHED).store(1, SeqCst);
        fence(SeqCst);
    }

    #[inline]
    pub(crate) fn is_watched(&self) -> bool {
        fence(SeqCst);
        self.at(WATCHED).load(SeqCst) != 0
    }

    /// A copy of the reader's end was closed.
    pub(crate) fn reader_closed(&self) {
        self.at(CLOSED).fetch_add(1, SeqCst);
    }

    /// How many copies of the reader's end were closed.
    #[inline]
    pub(crate) fn readers_closed(&self) -> u32 {
        self.at(CLOSED).load(Acquire)
    }
}

/// Takes a byte out.
fn take_one(socket: &OwnedFd) {
    receive(socket, RecvFlags::DONTWAIT);
}

/// The next byte, which stays.
fn next_byte(socket: &OwnedFd) -> Option<u8> {
    receive(socket, RecvFlags::DONTWAIT | RecvFlags::PEEK)
}

fn receive(socket: &OwnedFd, flags: RecvFlags) -> Option<u8> {
    let mut byte = [0];
    match rustix::io::retry_on_intr(|| recv(socket, &mut byte[..], flags)) {
        Ok((1.., _)) => Some(byte[0]),
        _ => None,
    }
}
