//! Any bytes as an item of a typed queue: decoded or an error, and nothing is read beyond the payload.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run decode`
#![no_main]

use libfuzzer_sys::fuzz_target;
use ringpost::{Options, Queue};
use std::collections::BTreeMap;
use std::sync::LazyLock;

type Value = (u32, String, Option<Vec<u8>>, BTreeMap<i64, f32>);

static QUEUE: LazyLock<Queue<Value>> = LazyLock::new(|| {
    Queue::from(
        Options::new()
            .capacity(4)
            .arena(1 << 20)
            .anonymous()
            .expect("a queue"),
    )
});

fuzz_target!(|data: &[u8]| {
    if QUEUE.as_bytes().try_put(data).is_err() {
        return;
    }
    let message = QUEUE.get_ref().expect("the item that was put");
    assert_eq!(&*message, data);
    if let Ok(value) = message.decode::<Value>() {
        // What decodes is encoded again, and comes back as it was. (NaN is not equal to itself.)
        drop(message);
        QUEUE.put(&value).expect("room");
        let again = QUEUE.get().expect("a value");
        assert_eq!(format!("{value:?}"), format!("{again:?}"));
    }
});
