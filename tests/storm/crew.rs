//! The processes of a round: started, killed, started again, and gone with this value.

use crate::common::PATIENCE;
use crate::common::child::{die_after, fork};
use crate::ledger::{Doing, Ledger};
use crate::pauses::{Pauses, account};
use crate::player::{Dice, Player, Survivor};
use crate::shape::Shape;
use crate::totals::Totals;
use crate::words::Words;
use crate::{consumer, producer};
use ringpost::BytesQueue;
use rustix::process::{
    Pid, Signal, WaitOptions, kill_process, set_parent_process_death_signal, waitpid,
};
use std::time::{Duration, Instant};

/// One process, and those before it in its place.
struct Member {
    incarnation: u64,
    pid: Option<Pid>,
}

pub(crate) struct Crew<'a> {
    pub(crate) queue: &'a BytesQueue,
    pub(crate) name: &'a str,
    pub(crate) shape: &'a Shape,
    pub(crate) only_leases: bool,
    pub(crate) seed: u64,
    pub(crate) ledger: &'a Ledger,
    /// The accounts of the first producer and of the first consumer, who are never killed.
    pub(crate) accounts: [Words; 2],
    members: Vec<Member>,
}

impl<'a> Crew<'a> {
    pub(crate) fn start(
        queue: &'a BytesQueue,
        name: &'a str,
        shape: &'a Shape,
        only_leases: bool,
        seed: u64,
        ledger: &'a Ledger,
    ) -> Crew<'a> {
        let mut crew = Crew {
            queue,
            name,
            shape,
            only_leases,
            seed,
            ledger,
            accounts: [account(), account()],
            members: Vec::new(),
        };
        for number in 0..shape.producers + shape.consumers {
            crew.members.push(Member {
                incarnation: 0,
                pid: None,
            });
            crew.start_member(number);
        }
        crew
    }

    fn survives(&self, number: usize) -> Option<&Words> {
        match number {
            0 => Some(&self.accounts[0]),
            number if number == self.shape.producers => Some(&self.accounts[1]),
            _ => None,
        }
    }

    fn start_member(&mut self, number: usize) {
        let incarnation = self.members[number].incarnation + 1;
        self.ledger.set_incarnation(number, incarnation);
        let pid = fork(|| {
            self.play(number, incarnation);
            0
        });
        let member = &mut self.members[number];
        member.incarnation = incarnation;
        member.pid = Pid::from_raw(pid);
    }

    /// In the new process.
    fn play(&self, number: usize, incarnation: u64) {
        become_a_child();
        let mut dice = Dice::new(self.seed ^ (number as u64) << 48 ^ incarnation << 16);
        // A handle of its own, or the one that it was forked with: it attaches at its first use.
        let queue = match self.survives(number) {
            None if dice.below(3) == 0 => self.queue.clone(),
            _ => ringpost::open(self.name).expect("it opens while others die"),
        };
        let player = Player {
            queue,
            ledger: self.ledger,
            number,
            incarnation,
            longest: self.shape.longest,
            dice,
            survivor: self.survives(number).map(|account| Survivor {
                pauses: Pauses::new(),
                account,
            }),
        };
        if number < self.shape.producers {
            producer::play(player);
        } else {
            consumer::play(player, self.only_leases);
        }
    }

    /// The numbers of those who may be killed.
    pub(crate) fn victims(&self) -> Vec<usize> {
        (0..self.members.len())
            .filter(|&number| self.survives(number).is_none())
            .collect()
    }

    /// Kills them, all at once, wherever they are.
    pub(crate) fn kill(&mut self, numbers: &[usize], totals: &mut Totals) {
        for &number in numbers {
            let pid = self.members[number].pid.expect("it was started");
            kill_process(pid, Signal::KILL).expect("it is ours until it is waited for");
        }
        for &number in numbers {
            let pid = self.members[number].pid.take().expect("it was started");
            let status = waitpid(Some(pid), WaitOptions::empty());
            let (_, status) = status.expect("it is ours").expect("it has ended");
            assert_eq!(
                status.terminating_signal(),
                Some(Signal::KILL.as_raw()),
                "process {number} ended before it was killed: {status:?}"
            );
            totals.kills += 1;
            match self.ledger.last_deed(number) {
                Doing::Nothing => {}
                Doing::Plain(items) => {
                    totals.kills_in_a_get += 1;
                    totals.may_be_unseen += items;
                }
                Doing::Acknowledging => totals.kills_in_an_ack += 1,
            }
        }
    }

    pub(crate) fn restart(&mut self, numbers: &[usize]) {
        for &number in numbers {
            self.start_member(number);
        }
    }

    /// Fails if somebody has ended who was not told to.
    pub(crate) fn expect_alive(&mut self) {
        for number in 0..self.members.len() {
            let ended = self.ended(number);
            assert!(ended.is_none(), "process {number} has ended: {ended:?}");
        }
    }

    /// Waits for the end of these, which must be a good one.
    pub(crate) fn wait(&mut self, numbers: impl IntoIterator<Item = usize>) {
        for number in numbers {
            let mut status = None;
            let deadline = Instant::now() + PATIENCE;
            while status.is_none() {
                let queue = &self.queue;
                assert!(
                    Instant::now() < deadline,
                    "process {number} does not come to its end: {:?}",
                    queue.stats()
                );
                std::thread::sleep(Duration::from_millis(1));
                status = self.ended(number);
            }
            assert_eq!(status, Some(Some(0)), "how process {number} ended");
        }
    }

    /// The exit status of one that has ended by itself; `Some(None)`: a signal.
    fn ended(&mut self, number: usize) -> Option<Option<i32>> {
        let pid = self.members[number].pid?;
        let (_, status) = waitpid(Some(pid), WaitOptions::NOHANG).expect("it is ours")?;
        self.members[number].pid = None;
        Some(status.exit_status())
    }
}

impl Drop for Crew<'_> {
    fn drop(&mut self) {
        for pid in self.members.iter().filter_map(|member| member.pid) {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
}

/// What every process does first: it ends with its parent, leaves the terminal's interrupts to it, and is silent.
pub(crate) fn become_a_child() {
    set_parent_process_death_signal(Some(Signal::KILL)).expect("a signal at the parent's death");
    die_after(10 * PATIENCE);
    for signal in [libc::SIGINT, libc::SIGTERM] {
        // SAFETY: ignoring a signal needs no handler.
        unsafe { libc::signal(signal, libc::SIG_IGN) };
    }
    let nothing = std::fs::File::options().write(true).open("/dev/null");
    let nothing = nothing.expect("there is one");
    rustix::stdio::dup2_stdout(&nothing).expect("its own standard output");
}
