//! The queues that a storm goes over, in rotation.

use ringpost::Options;

/// How a round ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The producers stop, the consumers get what is left, and `join` says when that is.
    Join,
    /// `shutdown`: producers and consumers are told by the queue.
    Shutdown,
    /// All who may be killed are, in the middle of their work.
    Killed,
}

/// A queue, and how many use it.
pub(crate) struct Shape {
    pub(crate) name: &'static str,
    pub(crate) ending: Ending,
    pub(crate) producers: usize,
    pub(crate) consumers: usize,
    /// The longest payload in bytes.
    pub(crate) longest: usize,
    options: fn(u64) -> Options,
    /// After how many deliveries an item is set aside.
    pub(crate) max_deliveries: u32,
}

impl Shape {
    /// The queue of one round.
    pub(crate) fn options(&self, round: u64) -> Options {
        // One for each process and the parent; a few more, since whoever looks for the dead has their places for a moment.
        (self.options)(round)
            .participants(self.producers + self.consumers + 1 + 4)
            .max_deliveries(self.max_deliveries)
            .unlink_on_drop(true)
    }
}

/// Each of them has more processes than a small machine has CPUs.
pub(crate) fn shapes() -> [Shape; 3] {
    let cpus = std::thread::available_parallelism().map_or(2, usize::from);
    [
        Shape {
            name: "tiny",
            ending: Ending::Join,
            producers: 3,
            consumers: 3,
            longest: 1000,
            options: |round| {
                Options::new()
                    .capacity(1 + round as usize % 4)
                    .in_flight(2)
                    .chunk(256)
                    .arena(12 * 256)
            },
            max_deliveries: 4095,
        },
        Shape {
            name: "medium",
            ending: Ending::Shutdown,
            producers: 4,
            consumers: 4,
            longest: 6000,
            options: |_| Options::new().capacity(50).chunk(1024).arena(128 << 10),
            // Few, so that some items are set aside: the parent puts them back.
            max_deliveries: 3,
        },
        Shape {
            name: "crowd",
            ending: Ending::Killed,
            producers: (2 * cpus).clamp(4, 16),
            consumers: (2 * cpus).clamp(4, 16),
            longest: 20_000,
            options: |_| Options::new().arena(1 << 20),
            max_deliveries: 4095,
        },
    ]
}
