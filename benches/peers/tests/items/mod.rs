//! What is sent in a trial: every byte tells whose it is.

/// The payload of an item: its sender and number, then bytes that depend on both.
pub(crate) fn fill(payload: &mut [u8], sender: usize, number: u64) {
    let (head, rest) = payload.split_at_mut(8);
    let head_value = (sender as u64) << 48 | number;
    head.copy_from_slice(&head_value.to_le_bytes());
    for (index, byte) in rest.iter_mut().enumerate() {
        *byte = (index as u64 ^ head_value) as u8;
    }
}

/// Reads an item in full: its sender and number.
#[track_caller]
pub(crate) fn read(payload: &[u8]) -> (usize, u64) {
    let (head, rest) = payload.split_at(8);
    let head = u64::from_le_bytes(head.try_into().expect("eight bytes"));
    for (index, byte) in rest.iter().enumerate() {
        assert_eq!(
            *byte,
            (index as u64 ^ head) as u8,
            "byte {index} is another's"
        );
    }
    ((head >> 48) as usize, head & ((1 << 48) - 1))
}
