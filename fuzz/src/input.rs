//! Inputs as instructions: a head of a few bytes, then records of one length, so that a mutation changes one of them.

/// One instruction. What its bytes mean is up to its code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Instruction {
    pub(crate) code: u8,
    pub(crate) who: u8,
    pub(crate) a: u8,
    pub(crate) b: u8,
}

/// How many bytes an instruction has.
const RECORD: usize = 4;
/// The most instructions of one input that are carried out: more of them find nothing new.
const MOST: usize = 400;

/// Splits the head off, and the rest into instructions; `None`: there is not even a head.
pub(crate) fn split<const HEAD: usize>(
    data: &[u8],
) -> Option<([u8; HEAD], impl Iterator<Item = Instruction>)> {
    let (head, body) = data.split_first_chunk()?;
    let instructions = body
        .chunks_exact(RECORD)
        .take(MOST)
        .map(|record| Instruction {
            code: record[0],
            who: record[1],
            a: record[2],
            b: record[3],
        });
    Some((*head, instructions))
}

/// Lengths around every edge: empty, inline (32), one chunk (64), several, the whole arena (512), too long by one.
pub(crate) fn length(byte: u8) -> usize {
    match usize::from(byte) {
        short @ 0..=40 => short,
        long => 40 + (long - 40) * 11 / 5,
    }
}
