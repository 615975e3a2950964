//! One scenario, killed and stopped at each of its steps.

use crate::coverage::releases;
use crate::ledger::{Actor, Entry, Verdict, entries, fate, judge};
use crate::points::{self, Happened, NEVER, Process, arm};
use crate::report::still_there;
use crate::scene::{PLAIN, Scenario, VICTIMS, World};
use ringpost::steps::Step;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// A place in the source.
pub(crate) type Place = (&'static str, u32);

fn place(step: &Step) -> Place {
    (step.file, step.line)
}

/// Of the times that one operation passes a place, after [`Scenario::often`] each so many'th is killed.
const SPARSE: usize = 1009;

/// Operations of so few steps are killed after each stop, also outside the long form.
const SHORT: usize = 32;

/// What a scenario has shown.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures {
    pub(crate) kills: usize,
    pub(crate) stops: usize,
    pub(crate) places: BTreeSet<Place>,
    pub(crate) put: usize,
    pub(crate) delivered: usize,
    pub(crate) redelivered: usize,
    /// Items that a process had when it was killed after their release.
    pub(crate) had_by_the_dead: usize,
    /// The outcome from some step on, and the step before it.
    pub(crate) turns: Vec<(String, Option<Step>)>,
    pub(crate) seconds: f64,
}

pub(crate) struct Runner<'s> {
    scenario: &'s Scenario,
    long: bool,
    figures: Figures,
    /// Who passes one of these has released an item.
    releases: BTreeSet<(String, u32)>,
}

/// Has the process ended as it should? If not, it must have been killed.
fn is_over(happened: Happened) -> bool {
    assert!(
        [Happened::Ended(0), Happened::Killed].contains(&happened),
        "{happened:?}"
    );
    happened == Happened::Ended(0)
}

/// Every mode, one after the other.
pub(crate) fn run(scenario: &Scenario, long: bool) -> Figures {
    let started = Instant::now();
    let mut runner = Runner {
        scenario,
        long,
        figures: Figures::default(),
        releases: releases(),
    };
    (scenario.prepare)();
    runner.killed();
    runner.stopped();
    if scenario.beside {
        runner.beside();
    }
    if long && runner.repeats_nothing() {
        runner.recoverers_killed();
    }
    runner.figures.seconds = started.elapsed().as_secs_f64();
    runner.figures
}

impl Runner<'_> {
    fn world(&self) -> World {
        let world = World::new(&(self.scenario.options)());
        (self.scenario.before)(&world);
        world
    }

    fn start(&self, world: &World, at: usize, signal: i32) -> Process {
        let player = world.player(Actor::Victim);
        Process::under_test(at, signal, || (self.scenario.attack)(&player))
    }

    fn wait(&self, world: &World, victim: &mut Process) -> Happened {
        victim.wait_beside(|| (self.scenario.peer)(world))
    }

    /// Notes where the process was; the last step of one that was killed was not taken.
    fn reached(&mut self, trace: &[Step]) {
        self.figures.places.extend(trace.iter().map(place));
    }

    /// What passes the same places again and again is not killed at any two of its steps: there are too many.
    fn repeats_nothing(&self) -> bool {
        self.scenario.often == PLAIN.often
    }

    /// The steps at places that have been passed so often before that not each time need be killed.
    fn skipped(&mut self) -> BTreeSet<usize> {
        let world = self.world();
        let mut victim = self.start(&world, NEVER, 0);
        assert_eq!(self.wait(&world, &mut victim), Happened::Ended(0));
        let trace = points::trace();
        self.ended_well(&world);
        let often = self.scenario.often * if self.long { 5 } else { 1 };
        let mut passed: BTreeMap<Place, usize> = BTreeMap::new();
        let mut is_skipped = |step: &Step| {
            let times = passed.entry(place(step)).or_default();
            *times += 1;
            *times > often && !times.is_multiple_of(SPARSE)
        };
        trace
            .into_iter()
            .enumerate()
            .filter_map(|(k, step)| is_skipped(&step).then_some(k))
            .collect()
    }

    /// Killed at each step, alone: the others go on, and what becomes of its items changes at exactly the expected steps.
    fn killed(&mut self) {
        let skipped = self.skipped();
        let mut after_release: Option<Vec<Step>> = None;
        let mut longest = 0; // one that spins takes another number of steps each time
        for k in (0..).filter(|k| !skipped.contains(k)) {
            let world = self.world();
            let mut victim = self.start(&world, k, libc::SIGKILL);
            let happened = self.wait(&world, &mut victim);
            let trace = points::trace();
            self.reached(&trace);
            let is_over = is_over(happened);
            if is_over && self.scenario.corpses == 0 {
                world.nothing_is_held();
            }
            let outcome = self.aftermath(&world);
            let last = self.figures.turns.last().map(|turn| turn.0.clone());
            if last.as_ref() != Some(&outcome) {
                let step = k.checked_sub(1).and_then(|k| trace.get(k)).copied();
                let gone = |outcome: &String| outcome.matches('-').count();
                let is_ordered = !self.scenario.outcomes.is_empty();
                let is_gone = last.is_some_and(|last| gone(&last) < gone(&outcome));
                if is_gone && is_ordered && self.takes() {
                    let expected = step.filter(|step| self.is_release(step));
                    assert_ne!(expected, None, "[{outcome}] from {step:?} on");
                    after_release = Some(Vec::new());
                }
                self.figures.turns.push((outcome, step));
            }
            longest = longest.max(trace.len());
            if is_over {
                if k < longest {
                    continue;
                }
                break;
            }
            if let Some(steps) = &mut after_release {
                steps.extend(trace.get(k));
            }
            self.figures.kills += 1;
        }
        if let Some(steps) = after_release {
            let copied = |step: &&Step| step.name == Some("copy a payload out");
            let copied = steps.iter().find(copied);
            assert_eq!(copied, None, "an item is copied after its release");
        }
        let turns: Vec<&str> = self
            .figures
            .turns
            .iter()
            .map(|turn| turn.0.as_str())
            .collect();
        if !self.scenario.outcomes.is_empty() {
            assert_eq!(turns, self.scenario.outcomes, "{:#?}", self.figures.turns);
        }
    }

    /// Does the operation take items that others have put, one by one?
    fn takes(&self) -> bool {
        !self.scenario.drops && self.scenario.subjects.iter().any(|&n| n < VICTIMS)
    }

    fn is_release(&self, step: &Step) -> bool {
        self.releases.contains(&(step.file.to_owned(), step.line))
    }

    /// How many items these steps have released.
    fn released(&self, taken: &[Step]) -> usize {
        match self.takes() {
            true => taken.iter().filter(|step| self.is_release(step)).count(),
            false => 0,
        }
    }

    /// After a death: the others go on, recover, go on, and find every item.
    fn aftermath(&mut self, world: &World) -> String {
        (self.scenario.traffic)(world);
        world.recover();
        (self.scenario.traffic)(world);
        let (entries, verdict) = self.reckon(world);
        let special = (self.scenario.after)(world);
        let fates = self.scenario.subjects.iter().map(|&n| fate(&entries, n));
        let outcome = special.unwrap_or_else(|| fates.collect::<Vec<_>>().join(" "));
        let subjects = self.scenario.subjects;
        let lost = verdict.missing.iter().find(|n| !subjects.contains(n));
        assert_eq!(lost, None, "lost");
        outcome
    }

    /// Drains, audits, and holds the ledger against what must be true.
    fn reckon(&mut self, world: &World) -> (Vec<Entry>, Verdict) {
        world.let_go();
        world.drain();
        drop(world.waiter.take());
        world.recover();
        world.drain();
        world.audit();
        let entries = entries();
        let verdict = judge(&entries);
        self.figures.put += verdict.put;
        self.figures.delivered += verdict.delivered;
        self.figures.redelivered += verdict.redelivered;
        self.figures.had_by_the_dead += verdict.missing.len();
        (entries, verdict)
    }

    fn none_lost(&self, verdict: &Verdict, had: usize) {
        let missing = &verdict.missing;
        assert!(
            self.scenario.drops || missing.len() <= had,
            "lost: {missing:?}, released: {had}"
        );
    }

    /// Stopped at each step: the others go on meanwhile, and then the operation ends as it should.
    ///
    /// Where that leads to places that an undisturbed operation does not reach, it is killed there too.
    fn stopped(&mut self) {
        let mut known = self.figures.places.clone();
        let skipped = self.skipped();
        for s in (0..).filter(|s| !skipped.contains(s)) {
            let world = self.world();
            let mut victim = self.start(&world, s, libc::SIGSTOP);
            let happened = self.wait(&world, &mut victim);
            if happened == Happened::Ended(0) {
                self.ended_well(&world);
                break;
            }
            assert_eq!(happened, Happened::Stopped, "at step {s}");
            self.figures.stops += 1;
            self.meanwhile(&world);
            arm(NEVER, 0);
            victim.go_on();
            assert_eq!(self.wait(&world, &mut victim), Happened::Ended(0));
            let trace = points::trace();
            self.reached(&trace);
            self.ended_well(&world);
            drop((victim, world));
            let new: Vec<Place> = trace[s..].iter().map(place).collect();
            let leads_elsewhere = new.iter().any(|place| !known.contains(place));
            if self.repeats_nothing() && (self.long || trace.len() <= SHORT || leads_elsewhere) {
                known.extend(new);
                self.disturbed_then_killed(s);
            }
        }
    }

    /// The operation has ended, and nobody has died in the middle of anything.
    fn ended_well(&mut self, world: &World) {
        if self.scenario.corpses == 0 {
            world.nothing_is_held();
        }
        world.recover();
        let verdict = self.reckon(world).1;
        (self.scenario.after)(world);
        self.none_lost(&verdict, 0);
    }

    /// Others do this while it is stopped; none of it waits, and nobody is dead.
    fn meanwhile(&self, world: &World) {
        (self.scenario.traffic)(world);
        let dead = world.queue.recover().unwrap();
        assert!(dead <= self.scenario.corpses, "it is stopped, not dead");
    }

    /// Stopped at step `s`, then killed at each later one.
    fn disturbed_then_killed(&mut self, s: usize) {
        for k in s + 1.. {
            let world = self.world();
            let mut victim = self.start(&world, s, libc::SIGSTOP);
            assert_eq!(self.wait(&world, &mut victim), Happened::Stopped);
            self.meanwhile(&world);
            arm(k, libc::SIGKILL);
            victim.go_on();
            let happened = self.wait(&world, &mut victim);
            let trace = points::trace();
            self.reached(&trace);
            let taken = &trace[..k.min(trace.len())];
            world.recover();
            (self.scenario.traffic)(&world);
            let verdict = self.reckon(&world).1;
            (self.scenario.after)(&world);
            self.none_lost(&verdict, self.released(taken));
            if is_over(happened) {
                break;
            }
            self.figures.kills += 1;
        }
    }

    /// Killed at each step while another process puts and gets all the time, in one queue that outlives them all.
    fn beside(&mut self) {
        let world = self.world();
        points::tell_enough(false);
        let player = world.player(Actor::Partner);
        let mut partner = Process::start(|| crate::beside::partner(&player));
        let mut had = 0;
        let rounds = if self.long { 20 } else { 2 };
        for _ in 0..rounds {
            for k in 0.. {
                still_there();
                world.numbered.set(world.numbered.get() + 8);
                let mut victim = self.start(&world, k, libc::SIGKILL);
                let happened = victim.wait();
                let trace = points::trace();
                self.reached(&trace);
                let taken = &trace[..k.min(trace.len())];
                had += self.released(taken);
                world.queue.recover().unwrap();
                // The same items die with one after the other: too often, but they are to go on.
                for aside in world.queue.quarantined() {
                    world.queue.requeue(aside.position).unwrap();
                }
                if is_over(happened) {
                    break;
                }
                self.figures.kills += 1;
            }
        }
        points::tell_enough(true);
        assert_eq!(partner.wait(), Happened::Ended(0));
        world.recover();
        let verdict = self.reckon(&world).1;
        self.none_lost(&verdict, had);
    }

    /// Killed at each step, and whoever recovers it at each of the recovery's: then a third finds everything.
    fn recoverers_killed(&mut self) {
        for k in 0.. {
            let mut completed = false;
            for j in 0.. {
                let world = self.world();
                let mut victim = self.start(&world, k, libc::SIGKILL);
                completed = is_over(self.wait(&world, &mut victim));
                let player = world.player(Actor::Partner);
                let mut recoverer = Process::under_test(j, libc::SIGKILL, || {
                    player.begin();
                    player.queue.recover().unwrap();
                });
                let recovered = is_over(recoverer.wait());
                self.aftermath(&world);
                if recovered {
                    break;
                }
                self.figures.kills += 1;
            }
            if completed {
                break;
            }
        }
    }
}
