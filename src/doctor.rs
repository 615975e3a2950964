//! The doctor: is a queue in use as it should be, and what can be mended?

use crate::bytes::BytesQueue;
use crate::error::OpenError;
use crate::layout::descriptor;
use crate::participant;
use crate::ring::{Flaw, Owner, Recovered};
use crate::shared::Shared;
use crate::sync::Ordering::Acquire;
use serde::Serialize;
use std::time::Duration;

/// A flaw counts if each of so many looks has found it, with the same words.
const LOOKS: u32 = 3;
/// Between two looks, so that whoever was in the middle of something has gone on.
const PAUSE: Duration = Duration::from_millis(5);

/// How often a repair starts again while it finds something to mend.
const ROUNDS: u32 = 8;

/// What an [audit](BytesQueue::audit) has found.
///
/// ```
/// let audit = ringpost::Options::new().anonymous()?.audit()?;
/// assert!(audit.findings.is_empty(), "{audit:?}");
/// # Ok::<(), ringpost::OpenError>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Audit {
    /// What is wrong; empty if nothing is.
    pub findings: Vec<Finding>,
    /// How many slots were looked at.
    pub slots: u64,
    /// How many descriptors were looked at.
    pub descriptors: u64,
    /// How many chunks of the arena were looked at.
    pub chunks: u64,
    /// How many places for participants were looked at.
    pub places: u64,
}

/// Something in a queue that is not as it should be.
///
/// ```
/// let queue = ringpost::Options::new().anonymous()?;
/// for finding in queue.audit()?.findings {
///     println!("{} {}: {}", finding.place, finding.index, finding.what);
/// }
/// # Ok::<(), ringpost::OpenError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// What is wrong, in a sentence.
    pub what: String,
    /// The kind of place: header, slot, descriptor, chunk, participant, …
    pub place: &'static str,
    /// Which one of them.
    pub index: u64,
    /// Can [`repair`](BytesQueue::repair) mend it?
    pub repairable: bool,
}

impl BytesQueue {
    /// Checks the whole queue while others use it: every slot, descriptor, chunk and participant against the invariants of
    /// the design. Changes nothing. Takes some milliseconds, and longer for a large arena: it is for people and tests.
    ///
    /// What a living process is in the middle of is not reported, since something counts only if it stays as it is for
    /// several looks.
    ///
    /// # Errors
    ///
    /// [`OpenError::Io`] if the kernel cannot be asked who lives.
    ///
    /// ```
    /// let queue = ringpost::Options::new().anonymous()?;
    /// queue.put(b"one")?;
    /// assert!(queue.audit()?.findings.is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn audit(&self) -> Result<Audit, OpenError> {
        let shared = self.shared();
        let geometry = &shared.segment.geometry;
        Ok(Audit {
            findings: shared.findings()?,
            slots: geometry.slots,
            descriptors: geometry.descriptors,
            chunks: geometry.chunks,
            places: geometry.participants,
        })
    }

    /// Mends what can be mended while others use the queue, and says how many things it changed: recovers the dead, frees
    /// what is held by nobody and chunks that no descriptor knows, restores slots, flags and hints, and wakes everyone.
    ///
    /// What it cannot mend stays in the next [`audit`](Self::audit). One process repairs at a time: 0 if another one does.
    ///
    /// # Errors
    ///
    /// [`OpenError::Io`] if the kernel cannot be asked who lives.
    ///
    /// ```
    /// assert_eq!(ringpost::Options::new().anonymous()?.repair()?, 0);
    /// # Ok::<(), ringpost::OpenError>(())
    /// ```
    pub fn repair(&self) -> Result<u64, OpenError> {
        self.shared().repair()
    }
}

impl Shared {
    fn findings(&self) -> Result<Vec<Finding>, OpenError> {
        let me = self.me().map_err(|error| *error)?;
        let mut findings = Vec::new();
        if !self.segment.header_is_intact() {
            findings.push(Finding {
                what: "the header is not what it was when this process opened the queue: nobody can open it any more"
                    .into(),
                place: "header",
                index: 0,
                repairable: false,
            });
        }
        for i in participant::dead(&self.segment, &self.ring, me)? {
            findings.push(Finding {
                what: "a participant has died, and nobody has recovered it yet".into(),
                place: "participant",
                index: i.into(),
                repairable: true,
            });
        }
        findings.extend(self.lasting_flaws().iter().map(Finding::of));
        Ok(findings)
    }

    /// The flaws that each of several looks has found.
    fn lasting_flaws(&self) -> Vec<Flaw> {
        let mut flaws = self.ring.flaws();
        for _ in 1..LOOKS {
            if flaws.is_empty() {
                break;
            }
            std::thread::sleep(PAUSE);
            let again = self.ring.flaws();
            flaws.retain(|flaw| again.contains(flaw));
        }
        flaws
    }

    fn repair(&self) -> Result<u64, OpenError> {
        let me = self.me().map_err(|error| *error)?;
        // Nobody else mends the same things meanwhile: a chunk that is freed twice may be somebody's by then.
        let Some(_alone) = participant::one_doctor(&self.segment)? else {
            return Ok(0);
        };
        let mut mended = 0;
        // One flaw may hide another.
        for _ in 0..ROUNDS {
            match self.repair_once(me)? {
                0 => break,
                some => mended += some,
            }
        }
        if mended > 0 {
            self.ring.wake_everyone();
        }
        Ok(mended)
    }

    fn repair_once(&self, me: Owner) -> Result<u64, OpenError> {
        let mut mended = 0;
        // The slots first: what a slot names, belongs to no dead producer any more.
        for flaw in self.lasting_flaws() {
            let done = match flaw {
                Flaw::Orphan { word, .. } => self.adopt(word)?,
                flaw => self.ring.mend(flaw, me),
            };
            mended += u64::from(done);
        }
        Ok(mended + u64::from(self.look_for_the_dead(me)?))
    }

    /// Finishes what is left of a participant that is not there, as recovery does. Says whether there was anything.
    fn adopt(&self, word: u64) -> Result<bool, OpenError> {
        let gone = Owner(word & descriptor::OWNER);
        let Some(_place) = participant::place_of_nobody(&self.segment, &self.ring, gone)? else {
            return Ok(false); // somebody may become this very participant
        };
        // ORDERING F (Acquire): pairs with every change of D.
        let is_there = |word: u64| {
            self.ring
                .memory
                .indices()
                .any(|index| self.ring.memory.record(index).word().load(Acquire) == word)
        };
        if !is_there(word) || self.ring.is_attached(word) {
            return Ok(false);
        }
        Ok(self.ring.recover(gone) != Recovered::default())
    }
}

impl Finding {
    fn of(flaw: &Flaw) -> Finding {
        let (place, index) = flaw.place();
        Finding {
            what: flaw.to_string(),
            place,
            index,
            repairable: flaw.is_repairable(),
        }
    }
}

impl Flaw {
    fn place(&self) -> (&'static str, u64) {
        match *self {
            Flaw::State { .. }
            | Flaw::NoTail
            | Flaw::TailHint { .. }
            | Flaw::HeadHint { .. }
            | Flaw::Reserved { .. } => ("control word", 0),
            Flaw::SlotNamesNothing { slot, .. } | Flaw::SlotPosition { slot, .. } => ("slot", slot),
            Flaw::Twice { second, .. } => ("descriptor", second.into()),
            Flaw::NeverPut { descriptor, .. }
            | Flaw::Orphan { descriptor, .. }
            | Flaw::Extent { descriptor, .. }
            | Flaw::Payload { descriptor, .. }
            | Flaw::NotItsChunk { descriptor, .. }
            | Flaw::NotAnnounced { descriptor, .. } => ("descriptor", descriptor.into()),
            Flaw::LostChunk { chunk, .. } => ("chunk", chunk.into()),
        }
    }

    fn is_repairable(&self) -> bool {
        match self {
            Flaw::SlotNamesNothing { .. }
            | Flaw::SlotPosition { .. }
            | Flaw::Orphan { .. }
            | Flaw::Extent { .. }
            | Flaw::LostChunk { .. }
            | Flaw::NotAnnounced { .. }
            | Flaw::TailHint { .. }
            | Flaw::HeadHint { .. }
            | Flaw::Reserved { .. } => true,
            Flaw::NotItsChunk { free, .. } => *free,
            Flaw::State { .. }
            | Flaw::NoTail
            | Flaw::Twice { .. }
            | Flaw::NeverPut { .. }
            | Flaw::Payload { .. } => false,
        }
    }
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Flaw::State { word } => write!(
                f,
                "the queue's state is {word}, expected 0 (open), 1 (draining) or 2 (closed)"
            ),
            Flaw::NoTail => write!(
                f,
                "the slots contradict each other: nobody can say where the queue ends"
            ),
            Flaw::SlotNamesNothing { word, .. } => write!(
                f,
                "it names descriptor {}, which does not exist",
                crate::layout::slot::descriptor(word)
            ),
            Flaw::SlotPosition { word, expected, .. } => write!(
                f,
                "its position is {}, expected {expected}: puts and gets stop here",
                crate::layout::slot::position(word)
            ),
            Flaw::Twice {
                position, first, ..
            } => write!(
                f,
                "it holds position {position}, as descriptor {first} does"
            ),
            Flaw::NeverPut { word, .. } => write!(
                f,
                "it holds position {}, at which nothing was ever put",
                descriptor::position(word)
            ),
            Flaw::Orphan { word, .. } => write!(
                f,
                "participant {} (incarnation {}) holds it, who is not there",
                descriptor::participant(word),
                descriptor::incarnation(word)
            ),
            Flaw::Extent { extent, .. } => write!(
                f,
                "its extent of {} chunks from {} on reaches beyond the arena",
                crate::layout::extent::count(extent),
                crate::layout::extent::start(extent)
            ),
            Flaw::Payload { item, .. } => write!(
                f,
                "its payload has {} bytes, more than its memory; it will go into the quarantine, where it can be discarded",
                crate::layout::item::length(item)
            ),
            Flaw::NotItsChunk { chunk, .. } => write!(
                f,
                "chunk {chunk} of its extent does not belong to it: another payload may lie there"
            ),
            Flaw::LostChunk { word, .. } => write!(
                f,
                "it belongs to descriptor {}, which does not know it: it is lost to the arena",
                word.wrapping_sub(1)
            ),
            Flaw::NotAnnounced { .. } => write!(
                f,
                "it is to be delivered again, but the flag that tells consumers is not set"
            ),
            Flaw::TailHint { hint } => write!(
                f,
                "the hint to the tail is {hint}, beyond it; each put loses time until it is mended"
            ),
            Flaw::HeadHint { hint } => write!(
                f,
                "the hint to the head is {hint}, beyond it; each get loses time until it is mended"
            ),
            Flaw::Reserved { chunks } => write!(
                f,
                "{chunks} chunks are said to have memory, more than the arena has"
            ),
        }
    }
}
