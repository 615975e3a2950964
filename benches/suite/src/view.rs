//! The results put in order: for each measurement who took part, best first, and who the best peer is.

use crate::results::{Better, Contestant, Figure, Place, Results, Role};
use crate::stats::{Spread, ratio};

/// What our own figures are called.
pub const OURS: &str = "ringpost";

/// All measurements, in the order in which they were made.
#[derive(Debug)]
pub struct View<'a> {
    /// What it is made of.
    pub results: &'a Results,
    /// One for each name of a measurement.
    pub measurements: Vec<Measurement<'a>>,
}

/// One measurement of all who took part in it.
#[derive(Debug)]
pub struct Measurement<'a> {
    /// As the figures call it.
    pub name: &'a str,
    /// The figures' unit.
    pub unit: &'a str,
    /// Which value is better.
    pub better: Better,
    /// Best first; those without a value last.
    pub entries: Vec<Entry<'a>>,
}

/// One contestant's part in a measurement.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// The rounds.
    pub figure: &'a Figure,
    /// Who it is, if the results say so.
    pub contestant: Option<&'a Contestant>,
    /// Their median and range; none if every round failed.
    pub spread: Option<Spread>,
}

impl<'a> View<'a> {
    /// Sorts the figures.
    pub fn new(results: &'a Results) -> View<'a> {
        let mut measurements: Vec<Measurement> = Vec::new();
        for figure in &results.figures {
            let known = measurements
                .iter()
                .position(|m| m.name == figure.measurement);
            let at = known.unwrap_or_else(|| {
                measurements.push(Measurement {
                    name: &figure.measurement,
                    unit: &figure.unit,
                    better: figure.better,
                    entries: Vec::new(),
                });
                measurements.len() - 1
            });
            measurements[at].entries.push(Entry {
                figure,
                contestant: contestant(results, &figure.measurement, &figure.peer),
                spread: Spread::of_figure(figure),
            });
        }
        for measurement in &mut measurements {
            let sign = match measurement.better {
                Better::Lower => 1.0,
                Better::Higher => -1.0,
            };
            let key = |entry: &Entry| entry.spread.map_or(f64::INFINITY, |s| sign * s.median);
            measurement
                .entries
                .sort_by(|a, b| key(a).total_cmp(&key(b)));
        }
        View {
            results,
            measurements,
        }
    }

    /// The measurement of that name.
    pub fn measurement(&self, name: &str) -> Option<&Measurement<'a>> {
        self.measurements.iter().find(|m| m.name == name)
    }
}

/// Whose figure that is. The same name may stand for a library and for its Python package.
pub fn contestant<'a>(
    results: &'a Results,
    measurement: &str,
    peer: &str,
) -> Option<&'a Contestant> {
    let python = measurement.starts_with("python/");
    let mut named = results.peers.iter().filter(|c| c.name == peer);
    let fitting = named.clone().find(|c| (c.place == Place::Python) == python);
    fitting.or_else(|| named.next())
}

impl<'a> Measurement<'a> {
    /// The entry of that name.
    pub fn of(&self, peer: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|e| e.figure.peer == peer)
    }

    /// The entries of that name, or of names that begin with it and a space: `iceoryx2`, `iceoryx2 event`.
    pub fn like(&self, name: &str) -> Vec<&Entry<'a>> {
        if let Some(exact) = self.of(name) {
            return vec![exact];
        }
        let begins = |e: &&Entry| {
            let rest = e.figure.peer.strip_prefix(name);
            rest.is_some_and(|rest| rest.starts_with([' ', '.', ',']))
        };
        self.entries.iter().filter(begins).collect()
    }

    /// Ours, by the name that a user would use.
    pub fn ours(&self) -> Option<&Entry<'a>> {
        self.of(OURS).filter(|entry| entry.spread.is_some())
    }

    /// The best peer of those that can do what we do, threads of one process left out: they are only an upper bound.
    pub fn best_peer(&self) -> Option<&Entry<'a>> {
        self.peers().find(|e| e.place() != Place::Threads)
    }

    fn peers(&self) -> impl Iterator<Item = &Entry<'a>> {
        let measured = self.entries.iter().filter(|e| e.spread.is_some());
        measured.filter(|e| e.role() == Role::Peer)
    }

    /// Limits and yardsticks.
    pub fn references(&self) -> impl Iterator<Item = &Entry<'a>> {
        let measured = self.entries.iter().filter(|e| e.spread.is_some());
        measured.filter(|e| matches!(e.role(), Role::Limit | Role::Yardstick))
    }

    /// How many times better ours is than that entry, whichever direction is better.
    pub fn advantage(&self, theirs: &Entry) -> Option<Spread> {
        let ours = self.ours()?.figure;
        match self.better {
            Better::Lower => ratio(theirs.figure, ours),
            Better::Higher => ratio(ours, theirs.figure),
        }
    }
}

impl Entry<'_> {
    /// What it is to the table; a name that the results do not explain is a peer.
    pub fn role(&self) -> Role {
        self.contestant.map_or(Role::Peer, |c| c.role)
    }

    /// Where its ends are.
    pub fn place(&self) -> Place {
        self.contestant.map_or(Place::Processes, |c| c.place)
    }

    /// Whether its median reached the end of the observation.
    pub fn for_good(&self) -> bool {
        let reached = self.spread.zip(self.figure.observed);
        reached.is_some_and(|(spread, end)| spread.median >= end)
    }

    /// How many rounds gave no value.
    pub fn failed(&self) -> usize {
        self.figure.rounds.iter().filter(|r| r.is_none()).count()
    }
}
