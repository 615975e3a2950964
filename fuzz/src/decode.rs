//! Any bytes as an item of a typed queue: decoded or an error, and nothing is read beyond the payload.

use ringpost::{Options, Queue};
use std::collections::BTreeMap;

type Value = (u32, String, Option<Vec<u8>>, BTreeMap<i64, f32>);

thread_local! {
    static QUEUE: Queue<Value> = Queue::from(
        Options::new()
            .capacity(4)
            .arena(1 << 20)
            .anonymous()
            .expect("a queue"),
    );
}

/// Puts the input as it is, and decodes it.
pub fn run(data: &[u8]) {
    QUEUE.with(|queue| {
        if queue.as_bytes().try_put(data).is_err() {
            return;
        }
        let message = queue.get_ref().expect("the item that was put");
        assert_eq!(&*message, data);
        if let Ok(value) = message.decode::<Value>() {
            // What decodes is encoded again, and comes back as it was. (NaN is not equal to itself.)
            drop(message);
            queue.put(&value).expect("room");
            let again = queue.get().expect("a value");
            assert_eq!(format!("{value:?}"), format!("{again:?}"));
        }
    });
}
