//! An operation from its first instruction to its last: what the segment holds on the way.

use crate::tracer::{Play, Stop, Victim};
use std::collections::BTreeSet;

/// What the segment holds from some instruction on.
pub(crate) struct State {
    pub(crate) from: usize,
    pub(crate) bytes: Vec<u8>,
    /// How many calls have returned.
    pub(crate) calls: usize,
}

pub(crate) struct Walk {
    pub(crate) instructions: usize,
    /// The address of each instruction.
    path: Vec<u64>,
    pub(crate) states: Vec<State>,
}

impl Walk {
    /// Steps through the whole operation. An error: ptrace is not permitted here.
    pub(crate) fn of(segment: &[u8], play: Play) -> nix::Result<Walk> {
        let victim = Victim::start(segment, play)?;
        let mut now = vec![0; segment.len()];
        let (mut instructions, mut calls) = (0, 0);
        let mut states: Vec<State> = Vec::new();
        let mut path = vec![victim.address()];
        loop {
            victim.read(&mut now);
            if states
                .last()
                .is_none_or(|last| last.bytes != now || last.calls != calls)
            {
                states.push(State {
                    from: instructions,
                    bytes: now.clone(),
                    calls,
                });
            }
            match victim.step() {
                Stop::Instruction => {
                    instructions += 1;
                    path.push(victim.address());
                }
                Stop::Returned => calls += 1,
                Stop::End => break,
            }
        }
        victim.finish();
        Ok(Walk {
            instructions,
            path,
            states,
        })
    }

    /// Runs the operation anew, and stops it after `k` instructions. Says how far it may be from there: who reads a clock just
    /// when that is being set needs some instructions more.
    pub(crate) fn stop_after(
        &self,
        k: usize,
        segment: &[u8],
        play: Play,
    ) -> nix::Result<(Victim, usize)> {
        let victim = Victim::start(segment, play)?;
        if victim.follow(&self.path, k) {
            return Ok((victim, 0));
        }
        let victim = Victim::start(segment, play)?;
        victim.advance(k);
        Ok((victim, 64))
    }

    /// After which instructions a real kill tells something that the others do not: those about a change.
    pub(crate) fn changes(&self) -> BTreeSet<usize> {
        let about = |state: &State| state.from.saturating_sub(2)..=state.from + 2;
        let all = self.states.iter().flat_map(about);
        all.filter(|&k| k < self.instructions).collect()
    }

    /// The state that a kill after `k` instructions must have left, if these bytes are it; `slack`: or after so many others.
    pub(crate) fn saw(&self, k: usize, slack: usize, bytes: &[u8]) -> Option<usize> {
        let bytes = impersonal(bytes);
        let ends = self.states[1..].iter().map(|state| state.from);
        self.states
            .iter()
            .zip(ends.chain([usize::MAX]))
            .position(|(state, end)| {
                let there = state.from <= k + slack && k < end.saturating_add(slack);
                there && impersonal(&state.bytes) == bytes
            })
    }
}

/// The bytes without what differs from run to run: each participant's process number and start time.
pub(crate) fn impersonal(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for entry in bytes[1024..4096].chunks_exact_mut(64) {
        entry[8..24].fill(0);
    }
    bytes
}
