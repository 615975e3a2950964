//! What ringpost is to reach, as ratios within one run, and whether it does.

use crate::results::{Place, Role};
use crate::stats::{Spread, ratio};
use crate::view::{Entry, Measurement, View};

mod table;
#[cfg(test)]
mod tests;

pub use table::{EXPLANATIONS, TARGETS};

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Which group of rows it belongs to.
    pub group: &'static str,
    /// Which of ours.
    pub ours: &'static str,
    /// What is measured.
    pub measurement: &'static str,
    /// Against whom.
    pub versus: Versus,
    /// Where theirs is measured, if not there.
    pub theirs_in: Option<&'static str>,
    /// What the ratio ours to theirs has to be.
    pub bound: Bound,
}

/// Whom a target compares with. Of several, the one that leaves us the worst ratio counts, and is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Versus {
    /// Contestants of that name, or whose name begins with it.
    Named(&'static str),
    /// Every peer whose ends are processes.
    EveryPeer,
    /// Every peer, threads of one process included.
    EveryPeerAndThread,
    /// Every peer that sleeps although it is busy: it needs at least half a raw futex ping-pong for a round trip.
    EverySleeper,
    /// Every peer or yardstick that claims its position before it writes.
    EveryClaimer,
    /// Nobody: the value itself is bounded. The others' are shown beside it.
    Itself,
}

/// What a ratio has to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Not above.
    AtMost(f64),
    /// Not below.
    AtLeast(f64),
}

/// What became of a target.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    /// Which.
    pub target: &'static Target,
    /// Whom the ratio is with.
    pub against: Option<&'a str>,
    /// The ratio, round by round; or ours itself, in `unit`.
    pub measured: Option<Spread>,
    /// The unit of what is no ratio.
    pub unit: Option<&'a str>,
    /// Met or not; none if it was not measured.
    pub met: Option<bool>,
    /// Why it was not measured, as far as the results say.
    pub missing: String,
    /// The others' values, for what is no ratio.
    pub beside: Vec<Entry<'a>>,
    /// What is understood about it.
    pub explanation: Option<&'static str>,
}

impl Bound {
    /// Whether a ratio keeps it.
    pub fn holds(self, ratio: f64) -> bool {
        match self {
            Bound::AtMost(bound) => ratio <= bound,
            Bound::AtLeast(bound) => ratio >= bound,
        }
    }

    /// Whether the first leaves less room than the second.
    fn is_worse(self, first: f64, second: f64) -> bool {
        match self {
            Bound::AtMost(_) => first > second,
            Bound::AtLeast(_) => first < second,
        }
    }
}

impl Target {
    /// By which an explanation is found: `round-trip/spinning/64 B vs shaq`.
    pub fn key(&self) -> String {
        let versus = match self.versus {
            Versus::Named(name) => name,
            Versus::EveryPeer => "every peer",
            Versus::EveryPeerAndThread => "every peer and thread",
            Versus::EverySleeper => "every sleeper",
            Versus::EveryClaimer => "every claimer",
            Versus::Itself => "itself",
        };
        let ours = match self.ours {
            crate::view::OURS => String::new(),
            other => format!("{other}: "),
        };
        match self.theirs_in {
            Some(place) => format!("{ours}{} vs {versus} in {place}", self.measurement),
            None => format!("{ours}{} vs {versus}", self.measurement),
        }
    }

    /// Computes it.
    pub fn outcome<'a>(&'static self, view: &View<'a>) -> Outcome<'a> {
        let mut outcome = Outcome {
            target: self,
            against: None,
            measured: None,
            unit: None,
            met: None,
            missing: String::new(),
            beside: Vec::new(),
            explanation: self.explanation(),
        };
        let place = view.measurement(self.measurement);
        let ours = place.and_then(|m| m.of(self.ours));
        let Some((place, ours)) = place.zip(ours).filter(|(_, ours)| ours.spread.is_some()) else {
            outcome.missing = self.reason(view, self.ours, self.measurement);
            return outcome;
        };
        if self.versus == Versus::Itself {
            outcome.measured = ours.spread;
            outcome.unit = Some(place.unit);
            let others = place.entries.iter().filter(|e| e.role() != Role::Ours);
            outcome.beside = others.filter(|e| e.spread.is_some()).copied().collect();
        } else {
            let name = self.theirs_in.unwrap_or(self.measurement);
            let rivals = match view.measurement(name) {
                Some(theirs) => self.rivals(view, theirs),
                None => Vec::new(),
            };
            for rival in rivals {
                let Some(found) = ratio(ours.figure, rival.figure) else {
                    continue;
                };
                let worst = outcome.measured.map(|m: Spread| m.median);
                if worst.is_none_or(|worst| self.bound.is_worse(found.median, worst)) {
                    outcome.measured = Some(found);
                    outcome.against = Some(&rival.figure.peer);
                }
            }
            if outcome.measured.is_none() {
                let wanted = match self.versus {
                    Versus::Named(wanted) => wanted,
                    _ => "",
                };
                outcome.missing = self.reason(view, wanted, name);
            }
        }
        outcome.met = outcome.measured.map(|m| self.bound.holds(m.median));
        outcome
    }

    /// All with whom it compares.
    fn rivals<'v, 'a>(&self, view: &View<'a>, theirs: &'v Measurement<'a>) -> Vec<&'v Entry<'a>> {
        if let Versus::Named(name) = self.versus {
            return theirs.like(name);
        }
        let futex = view.measurement("round-trip/idle/64 B");
        let futex = futex.and_then(|m| m.of("futex")?.spread);
        let takes_part = |entry: &&Entry| {
            let peer = entry.role() == Role::Peer;
            match self.versus {
                Versus::EveryPeer => peer && entry.place() != Place::Threads,
                Versus::EverySleeper => {
                    let asleep = entry.spread.zip(futex);
                    peer && asleep.is_some_and(|(own, futex)| own.median >= futex.median / 2.0)
                }
                Versus::EveryClaimer => {
                    let claims = entry.contestant.is_some_and(|c| c.claims_before_writing);
                    claims && entry.role() != Role::Ours
                }
                _ => peer,
            }
        };
        theirs.entries.iter().filter(takes_part).collect()
    }

    /// What the results say about who is missing there.
    fn reason(&self, view: &View, peer: &str, measurement: &str) -> String {
        let left_out = view.results.left_out.iter();
        let mut fitting = left_out.filter(|l| {
            !peer.is_empty() && l.peer.starts_with(peer) && measurement.starts_with(&l.measurement)
        });
        match fitting.next() {
            Some(left_out) => format!("{}: {}", left_out.peer, left_out.reason),
            None if peer.is_empty() => format!("nobody to compare with in {measurement}"),
            None => format!("no figure of {peer} in {measurement}"),
        }
    }

    fn explanation(&self) -> Option<&'static str> {
        let key = self.key();
        let mut known = EXPLANATIONS.iter();
        known.find(|(of, _)| *of == key).map(|(_, text)| *text)
    }
}

/// Computes all of them.
pub fn outcomes<'a>(view: &View<'a>) -> Vec<Outcome<'a>> {
    TARGETS.iter().map(|target| target.outcome(view)).collect()
}
