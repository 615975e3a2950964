//! What a queue holds and who takes part, for people and monitoring.

use crate::layout::{descriptor, entry, participant, state};
use crate::shared::Shared;
use crate::sync::Ordering::*;
use serde::Serialize;

/// A snapshot of a queue: each figure is added up from looks at different moments during [`stats`](crate::BytesQueue::stats).
///
/// ```
/// let stats = ringpost::Options::new().capacity(8).anonymous()?.stats();
/// assert_eq!((stats.capacity, stats.queued, stats.state), (8, 0, "open"));
/// # Ok::<(), ringpost::OpenError>(())
/// ```
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// `open`, `draining` (after `shutdown`) or `closed` (after `shutdown_now`).
    pub state: &'static str,
    /// The most items that can be queued.
    pub capacity: u64,
    /// Items that are queued.
    pub queued: u64,
    /// Items that wait to be delivered again.
    pub retry: u64,
    /// Items that were set aside after too many deliveries.
    pub quarantined: u64,
    /// Items that producers are filling.
    pub filling: u64,
    /// Items that consumers have taken and not yet acknowledged.
    pub loaned: u64,
    /// Items that consumers have got and still use in place.
    pub held: u64,
    /// Descriptors that are free, of `descriptors`.
    pub free: u64,
    /// All descriptors: one for each slot, and `in_flight` more.
    pub descriptors: u64,
    /// How many items can be held at once beside those that are queued.
    pub in_flight: u64,
    /// How many items have been put since the queue was created (modulo 2^44).
    pub total_put: u64,
    /// Payloads up to so many bytes need no arena.
    pub inline_bytes: u64,
    /// The size of the arena in bytes.
    pub arena_bytes: u64,
    /// The unit of the arena in bytes.
    pub chunk_bytes: u64,
    /// How much of the arena belongs to items, or is kept for the next ones, in bytes.
    pub arena_used_bytes: u64,
    /// How much of the arena has memory behind it, in bytes.
    pub arena_reserved_bytes: u64,
    /// The size of the segment's address range in bytes.
    pub segment_bytes: u64,
    /// After how many deliveries without acknowledgement an item is set aside.
    pub max_deliveries: u32,
    /// When the queue was created, in seconds since 1970.
    pub created: u64,
    /// How many participants there can be.
    pub places: u64,
    /// Who takes part; a dead one that nobody has recovered yet is among them.
    pub participants: Vec<Participant>,
}

/// One attachment of one process.
///
/// ```
/// let stats = ringpost::Options::new().anonymous()?.stats();
/// assert_eq!(stats.participants[0].pid, std::process::id());
/// # Ok::<(), ringpost::OpenError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Participant {
    /// Its place.
    pub index: u32,
    /// Its process, as it names itself in its own PID namespace. Proves nothing.
    pub pid: u32,
    /// Its command, shortened.
    pub command: String,
    /// When it attached, in seconds since 1970.
    pub since: u64,
}

impl Stats {
    pub(crate) fn of(shared: &Shared) -> Stats {
        let ring = &shared.ring;
        let geometry = &shared.segment.geometry;
        let header = &shared.segment.header;
        let census = ring.census();
        Stats {
            state: match ring.state() {
                state::OPEN => "open",
                state::DRAINING => "draining",
                _ => "closed",
            },
            capacity: geometry.capacity,
            queued: census.queued,
            retry: census.retry,
            quarantined: census.quarantined,
            filling: census.filling,
            loaned: census.loaned,
            held: census.held,
            free: census.free,
            descriptors: geometry.descriptors,
            in_flight: geometry.descriptors - geometry.slots,
            total_put: crate::layout::position::sub(ring.find_tail(), geometry.slots),
            inline_bytes: geometry.inline,
            arena_bytes: geometry.chunks * geometry.chunk,
            chunk_bytes: geometry.chunk,
            arena_used_bytes: ring.chunks_in_use() * geometry.chunk,
            // ORDERING A (Acquire): pairs with the change in shared.rs.
            arena_reserved_bytes: ring.memory.reserved().load(Acquire).min(geometry.chunks)
                * geometry.chunk,
            segment_bytes: geometry.file_bytes,
            max_deliveries: header.max_deliveries,
            created: header.created_ns / 1_000_000_000,
            places: geometry.participants,
            participants: (0..geometry.participants as u32)
                .filter_map(|i| participant(shared, i))
                .collect(),
        }
    }
}

fn participant(shared: &Shared, index: u32) -> Option<Participant> {
    let field = |offset| shared.ring.memory.participant(index, offset);
    // ORDERING E (Acquire): pairs with the store in participant.rs, which comes after the fields below.
    if field(participant::WORD).load(Acquire) & entry::ATTACHED == 0 {
        return None;
    }
    let mut command = Vec::new();
    for k in 0..participant::COMMAND_BYTES / 8 {
        command.extend(
            field(participant::COMMAND + 8 * k)
                .load(Relaxed)
                .to_ne_bytes(),
        );
    }
    let end = command
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(command.len());
    Some(Participant {
        index: index & descriptor::participant(descriptor::OWNER),
        pid: field(participant::PID).load(Relaxed) as u32,
        command: String::from_utf8_lossy(&command[..end]).into_owned(),
        since: field(participant::START_TIME).load(Relaxed),
    })
}
