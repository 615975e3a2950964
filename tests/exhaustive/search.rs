//! Breadth first through every state that can be reached, so that what it finds is a shortest way there.
//!
//! A state is remembered by a fingerprint of 64 bits. Among ten million states the chance that two share one, and a part of
//! the space is overlooked, is 3 in a million.

use super::fingerprint::{Fingerprinted, fingerprint};
use super::frames::{Actor, Broken};
use super::setup::Setup;
use super::words::{Memory, Owner};
use super::world::{Action, Process, Thread, World};
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::time::{Duration, Instant};

/// How a search ended.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) states: u64,
    /// States in which nothing was left to do.
    pub(crate) ends: u64,
    /// Every state was seen: the search did not give up.
    pub(crate) complete: bool,
    pub(crate) took: Duration,
    pub(crate) counterexample: Option<Counterexample>,
}

/// A promise that can be broken, and a shortest way there.
#[derive(Debug)]
pub(crate) struct Counterexample {
    pub(crate) broken: Broken,
    pub(crate) steps: usize,
    trace: String,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}, after {} steps:", self.broken, self.steps)?;
        f.write_str(&self.trace)
    }
}

/// Looks at every state.
pub(crate) fn explore(setup: &Setup) -> Report {
    let began = Instant::now();
    let mut search = Search {
        setup,
        parents: HashMap::default(),
        queue: VecDeque::new(),
        ends: 0,
    };
    let broken = search.run();
    Report {
        states: search.parents.len() as u64,
        ends: search.ends,
        complete: broken.is_none() && search.queue.is_empty(),
        took: began.elapsed(),
        counterexample: broken.map(|(parent, last, broken)| search.retrace(parent, last, broken)),
    }
}

/// A search under way.
struct Search<'a> {
    setup: &'a Setup,
    /// The fingerprint of each state, and that of the one from which it was first reached.
    parents: HashMap<u64, u64, Fingerprinted>,
    queue: VecDeque<(u64, World)>,
    ends: u64,
}

/// The state before, what happened there (nothing: everything was over), and what that broke.
type Found = (u64, Option<Action>, Broken);

impl Search<'_> {
    fn run(&mut self) -> Option<Found> {
        let first = World::new(self.setup);
        let print = fingerprint(&first);
        self.parents.insert(print, print);
        self.queue.push_back((print, first));
        let mut actions = Vec::new();
        while let Some((print, world)) = self.queue.pop_front() {
            world.actions(self.setup, &mut actions);
            if !actions.iter().any(Action::goes_on) {
                self.ends += 1;
                if let Err(broken) = audit(&world, self.setup) {
                    return Some((print, None, broken));
                }
            }
            for &action in &actions {
                let mut next = world.clone();
                if let Err(broken) = next.act(self.setup, action) {
                    return Some((print, Some(action), broken));
                }
                let new = fingerprint(&next);
                if self.parents.contains_key(&new) {
                    continue;
                }
                self.parents.insert(new, print);
                if let Err(broken) = self.check(&next) {
                    return Some((print, Some(action), broken));
                }
                self.queue.push_back((new, next));
            }
            if self.parents.len() as u64 >= self.setup.most_states {
                return None;
            }
        }
        None
    }

    fn check(&self, world: &World) -> Result<(), Broken> {
        world.check(self.setup)?;
        if self.setup.alone {
            for (t, thread) in world.threads.iter().enumerate() {
                if !thread.stack.is_empty() {
                    world.clone().finish(self.setup, Action::Step(t as u8))?;
                }
            }
        }
        Ok(())
    }

    /// Goes the way again, and writes down each step.
    fn retrace(&self, end: u64, last: Option<Action>, broken: Broken) -> Counterexample {
        let mut way = vec![end];
        while self.parents[way.last().unwrap()] != *way.last().unwrap() {
            way.push(self.parents[way.last().unwrap()]);
        }
        let mut world = World::new(self.setup);
        let mut trace = String::new();
        let mut actions = Vec::new();
        for &to in way.iter().rev().skip(1) {
            world.actions(self.setup, &mut actions);
            let leads_there = |action: &Action| {
                let mut next = world.clone();
                next.act(self.setup, *action).is_ok() && fingerprint(&next) == to
            };
            let action = actions.iter().copied().find(leads_there);
            let action = action.expect("the way was found before");
            trace += &world.tell(self.setup, action);
            world.act(self.setup, action).expect("as before");
        }
        trace += &match last {
            Some(action) => world.tell(self.setup, action),
            None => "  everything is over\n".to_owned(),
        };
        trace += &world.memory.describe(self.setup);
        Counterexample {
            broken,
            steps: way.len(),
            trace,
        }
    }
}

impl Action {
    /// Must this happen some time? Kills need not, nor do the killed return.
    fn goes_on(&self) -> bool {
        matches!(
            self,
            Action::Step(_) | Action::Look(..) | Action::Attach(..)
        )
    }
}

impl World {
    fn tell(&self, setup: &Setup, action: Action) -> String {
        let (Action::Step(t) | Action::Look(t, _) | Action::Attach(t, _)) = action else {
            return format!("  {action:?}\n");
        };
        let mut world = self.clone();
        let thread = usize::from(t);
        Actor {
            world: &mut world,
            setup,
            thread,
        }
        .begin(action);
        let op = match world.op(setup, thread) {
            Some(op) => format!("{op:?}"),
            None => "all done".to_owned(),
        };
        let Thread { process, stack, .. } = &world.threads[thread];
        let frame = stack.frames().last().expect("it has just begun");
        format!("  thread {t} of process {process}, {op}: {frame:?}\n")
    }
}

/// Everything is over. A newcomer recovers the dead and takes what is left; then all must be accounted for.
fn audit(world: &World, setup: &Setup) -> Result<(), Broken> {
    world.check_closed(setup)?;
    let mut world = world.clone();
    let (process, thread) = (setup.processes(), setup.scripts.len());
    world.processes[usize::from(process)] = Process {
        alive: true,
        me: Some(Owner {
            place: process,
            incarnation: 0,
        }),
        tail: setup.first_position(),
        head: setup.first_position(),
        ..Process::default()
    };
    world.threads[thread].process = process;
    for place in 0..process {
        if world.seems_gone(setup, place) {
            world.finish(setup, Action::Look(thread as u8, place))?;
        }
    }
    let mut before = None;
    while before != Some(world.fates) {
        before = Some(world.fates);
        let mut auditor = Actor {
            world: &mut world,
            setup,
            thread,
        };
        let get = auditor.begin_get();
        auditor.thread().stack.push(get);
        world.finish(setup, Action::Step(thread as u8))?;
    }
    world.check(setup)?;
    world.check_end(setup)
}

/// More steps than any call takes that nobody disturbs.
const STEPS_ALONE: u32 = 500;

impl World {
    /// Goes on with one thread alone until it is in no call any more.
    fn finish(&mut self, setup: &Setup, action: Action) -> Result<(), Broken> {
        let (Action::Step(t) | Action::Look(t, _) | Action::Attach(t, _)) = action else {
            unreachable!("only threads go on")
        };
        self.act(setup, action)?;
        for _ in 0..STEPS_ALONE {
            if self.threads[usize::from(t)].stack.is_empty() {
                return Ok(());
            }
            self.act(setup, Action::Step(t))?;
        }
        Err("a thread waits for another one")
    }
}

impl Memory {
    /// What there is, for people to read.
    fn describe(&self, setup: &Setup) -> String {
        let mut text = format!(
            "and before the last step: {:?}, retry {}, hints {} and {}\n",
            self.state, self.retry, self.tail_hint, self.head_hint
        );
        let parts = [
            listed("slot", &self.slots[..setup.slots.into()]),
            listed("descriptor", &self.records[..setup.descriptors.into()]),
            listed("chunk", &self.chunks[..setup.chunks.into()]),
            listed("place", &self.entries[..setup.processes().into()]),
            listed("lock", &self.locks[..setup.processes().into()]),
        ];
        text.extend(parts);
        text
    }
}

fn listed<T: fmt::Debug>(name: &str, all: &[T]) -> String {
    let lines = all.iter().enumerate();
    lines
        .map(|(i, one)| format!("  {name} {i}: {one:?}\n"))
        .collect()
}
