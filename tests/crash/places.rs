//! Places of the sources: those that end an item's use, and those that no scenario reaches, and why.

/// The steps that end an item's use: a file, a part of the line.
pub(crate) const RELEASES: &[(&str, &str)] = &[
    // get, ack, the drop of a message; the second if chunks are given back on the way.
    ("src/ring/arena.rs", "word.store(descriptor::FREE"),
    (
        "src/ring/arena.rs",
        ".compare_exchange(from, descriptor::RECL",
    ),
    // get_many.
    ("src/ring/get.rs", "word.store(descriptor::FREE"),
    // get_ref, into_message: delivered, while the memory stays in use.
    ("src/ring/get.rs", "word.store(held"),
    // discard.
    ("src/ring/refuse.rs", "word.compare_exchange(aside, to"),
];

/// A file, a part of the line, a reason.
pub(crate) type Exception = (&'static str, &'static str, &'static str);

const OWN: &str = "no other process sees it: a counter, or the page that a fork wipes";

/// Words that only one process can reach. They are the standard library's atomics, and no steps.
pub(crate) const PRIVATE: &[Exception] = &[
    ("src/fences.rs", "REACHED.", OWN),
    ("src/ring/ahead.rs", "last.", OWN), // and not counted where steps are
    ("src/ring/ahead.rs", "side.ready.", OWN),
    ("src/participant.rs", "NUMBER.fetch_add(", OWN),
    ("src/participant.rs", "page().", OWN),
    ("src/participant.rs", ".compare_exchange(0, identity.0", OWN),
    (
        "src/participant.rs",
        ".compare_exchange(std::ptr::null_mut(), raw",
        OWN,
    ),
];

/// Steps that a healthy queue does not take.
pub(crate) const NOT_REACHED: &[Exception] = &[];
