//! Every state and every kill of an operation is judged here, and the figures are summed up.

use crate::common::child::{Role, die_after, say};
use crate::ledger::{Account, Effect, Fate, take_stock};
use crate::operations::{ALL, LEAVE, LEAVE_IN_THE_ONLY_PLACE, MARKS_ALONE, OPEN, Operation};
use crate::tracer::{Play, bytes_of, segment_of};
use crate::walk::{Walk, impersonal};
use crate::{limit, soak};
use std::collections::{BTreeSet, HashSet};

pub(crate) const ROLES: &[Role] = &[("single step", step_through)];

/// Unoptimised code is ten times as long: then there are fewer kills.
const OPTIMISED: bool = !cfg!(debug_assertions);

/// Arguments: the operation.
fn step_through(arguments: &[&str]) {
    die_after(limit());
    let mut report = Report::default();
    let done = match arguments[0] {
        "attach and recover" => report.attach(&LEAVE, soak()),
        "attach in the dead one's place" => report.attach(&LEAVE_IN_THE_ONLY_PLACE, soak()),
        name => {
            let operation = ALL.iter().find(|operation| operation.name == name);
            report.operation(operation.expect("an operation"), soak() || OPTIMISED)
        }
    };
    match done {
        Ok(()) => report.tell(arguments[0]),
        Err(errno) => say(&format!(
            "{}: skipped, ptrace is not permitted here: {errno}",
            arguments[0]
        )),
    }
}

/// Where an operation begins, and what must be left.
struct Scene<'a> {
    segment: &'a [u8],
    play: Play,
    earlier: &'a [Vec<u8>],
    effect: Effect,
}

#[derive(Default)]
struct Report {
    instructions: usize,
    kills: usize,
    snapshots: usize,
    states: HashSet<Vec<u8>>,
    redelivered: usize,
    lost: usize,
    leaked: u64,
    faults: Vec<String>,
}

impl Report {
    /// An operation from a segment at rest.
    fn operation(&mut self, operation: &Operation, each: bool) -> nix::Result<()> {
        let (segment, earlier) = (operation.segment(), operation.earlier());
        let scene = Scene {
            segment: &segment,
            play: operation.play,
            earlier: &earlier,
            effect: operation.effect,
        };
        let walk = Walk::of(&segment, operation.play)?;
        self.instructions = walk.instructions - Walk::of(&segment, MARKS_ALONE)?.instructions;
        let fates = self.judge_states("", &walk, &scene);
        // Over all instructions, each change of fate happens exactly once.
        let mut course = fates.clone();
        course.dedup();
        let wanted: Vec<_> = operation.course.iter().copied().map(Some).collect();
        if course != wanted {
            self.fault(format!(
                "one after the other: {course:?}, and not {wanted:?}"
            ));
        }
        for (calls, &wanted) in (1..).zip(operation.returned) {
            let returned = walk.states.iter().position(|state| state.calls == calls);
            let fate = returned.and_then(|state| fates[state]);
            if fate != Some(wanted) {
                self.fault(format!(
                    "{fate:?}, and not {wanted:?}, when {calls} calls had returned"
                ));
            }
        }
        if let (true, Effect::Claims(all)) = (operation.copies, operation.effect) {
            let delivered = fates.iter().position(|&fate| fate >= Some(Fate::Partly));
            let from = delivered.map_or(0, |state| walk.states[state].from);
            let (victim, _) = walk.stop_after(from, &segment, operation.play)?;
            if !earlier[..all].iter().all(|item| victim.holds(item)) {
                self.fault(format!(
                    "delivered after {from} instructions, before it was copied out"
                ));
            }
        }
        self.judge_kills("", &walk, &fates, &scene, kills(&walk, each))
    }

    /// Attaching, and so recovering, after a death, for each state that the dead one may have left.
    fn attach(&mut self, dead: &Operation, each: bool) -> nix::Result<()> {
        let (segment, earlier) = (dead.segment(), dead.earlier());
        let left = Walk::of(&segment, dead.play)?;
        let some = if OPTIMISED { 1 } else { 12 };
        for state in left.states.iter().step_by(some) {
            let place = format!("left from instruction {}, ", state.from);
            let own = take_stock(segment_of(&state.bytes), &earlier, dead.effect);
            let fate = self.enter(&format!("{place}a copy"), own);
            let scene = Scene {
                segment: &state.bytes,
                play: OPEN,
                earlier: &earlier,
                effect: dead.effect,
            };
            let walk = Walk::of(&state.bytes, OPEN)?;
            self.instructions = self.instructions.max(walk.instructions);
            let fates = self.judge_states(&place, &walk, &scene);
            if fates.iter().any(|&after| after != fate) {
                self.fault(format!(
                    "{place}{fate:?}, but {fates:?} when recovery was killed"
                ));
            }
            self.judge_kills(&place, &walk, &fates, &scene, kills(&walk, each))?;
        }
        Ok(())
    }

    /// Every state of the walk, in a copy: its fate.
    fn judge_states(&mut self, place: &str, walk: &Walk, scene: &Scene<'_>) -> Vec<Option<Fate>> {
        let mut fates = Vec::new();
        for state in &walk.states {
            let account = take_stock(segment_of(&state.bytes), scene.earlier, scene.effect);
            self.snapshots += 1;
            self.states.insert(impersonal(&state.bytes));
            let place = format!("{place}a copy after {} instructions", state.from);
            fates.push(self.enter(&place, account));
        }
        fates
    }

    /// Real kills: each leaves the state that the walk saw there, and meets the same fate.
    fn judge_kills(
        &mut self,
        place: &str,
        walk: &Walk,
        fates: &[Option<Fate>],
        scene: &Scene<'_>,
        kills: BTreeSet<usize>,
    ) -> nix::Result<()> {
        for k in kills {
            let place = format!("{place}killed after {k} instructions");
            let (victim, slack) = walk.stop_after(k, scene.segment, scene.play)?;
            let left = victim.kill();
            self.kills += 1;
            let seen = walk.saw(k, slack, &bytes_of(&left, scene.segment.len()));
            let fate = self.enter(&place, take_stock(left, scene.earlier, scene.effect));
            match seen {
                None => self.fault(format!(
                    "{place}: it leaves what the walk has not seen there"
                )),
                Some(state) if fates[state] == fate => {}
                Some(state) => {
                    self.fault(format!(
                        "{place}: {fate:?}, but {:?} in a copy",
                        fates[state]
                    ));
                }
            }
        }
        Ok(())
    }

    fn enter(&mut self, place: &str, account: Account) -> Option<Fate> {
        self.redelivered += account.redelivered;
        self.lost += account.lost;
        self.leaked += account.leaked;
        for fault in account.faults {
            self.fault(format!("{place}: {fault}"));
        }
        account.fate
    }

    fn fault(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// Tells the figures, and fails if anything is wrong.
    fn tell(self, name: &str) {
        say(&format!(
            "{name:<30} {:>5} instructions, {:>5} kills, {:>3} snapshots of {:>3} states, {:>4} redeliveries, {} lost, {} leaked",
            self.instructions,
            self.kills,
            self.snapshots,
            self.states.len(),
            self.redelivered,
            self.lost,
            self.leaked,
        ));
        for fault in self.faults.iter().take(5) {
            eprintln!("{name}: {fault}");
        }
        assert!(self.faults.is_empty(), "{} faults", self.faults.len());
    }
}

/// After which instructions to kill: after each one, or about the changes of memory.
fn kills(walk: &Walk, each: bool) -> BTreeSet<usize> {
    if each {
        (0..walk.instructions).collect()
    } else {
        walk.changes()
    }
}
