//! What chance may miss: each kind of operation with a kill, or a scribble, before each of its steps.
//!
//! Without `--cfg kill_points` there are no steps, and all happens between operations.

/// More steps than most of these operations take; beyond the last one the kill comes after the operation.
const STEPS: u8 = 120;
/// How many ways to scribble are tried at each step: there are some thousands.
const WAYS: u16 = 3;

/// Capacity 4, 4 more in flight, 2 deliveries.
const HEAD: [u8; 3] = [3, 0x13, 0];

fn input(instructions: &[[u8; 4]]) -> Vec<u8> {
    let mut bytes = HEAD.to_vec();
    bytes.extend(instructions.as_flattened());
    bytes
}

/// Two participants; the first holds a loan, a message, a lease; one item is aside, and two are queued.
fn ops_scene(strict: u8) -> Vec<[u8; 4]> {
    vec![
        [36, 0, strict, 0], // attach: the second
        [0, 0, 100, 0],     // put
        [22, 1, 0, 0],      // lease
        [29, 1, 0, 0],      // set aside
        [0, 0, 90, 0],
        [18, 1, 0, 0], // get_ref
        [0, 0, 80, 0],
        [22, 1, 0, 0],
        [6, 1, 70, 0], // loan
        [0, 0, 3, 0],
        [0, 0, 50, 0],
    ]
}

#[test]
fn a_kill_before_each_step_of_each_operation_leaves_what_it_may() {
    for code in 0..40 {
        for step in 0..STEPS {
            let mut instructions = ops_scene(step & 1);
            // Of the second participant: a length in the arena, `shutdown_now` for the last code.
            let length = if code == 39 { 0x28 } else { 44 };
            instructions.extend([[0xe0, 0, step, 0], [code, 1, length, 4]]);
            // The audit, a recovery, the audit, and traffic.
            instructions.extend([[34, 0, 0, 0], [33, 0, 0, 0], [34, 0, 0, 0]]);
            instructions.extend([[14, 0, 0, 0], [0, 0, 60, 0]]);
            println!("code {code}, step {step}");
            ringpost_fuzz::ops(&input(&instructions));
        }
    }
}

#[test]
fn a_scribble_before_each_step_of_each_operation_is_survived() {
    for code in 0..34 {
        for (step, way) in (1..STEPS).flat_map(|step| (0..WAYS).map(move |way| (step, way))) {
            // Each of the ten kinds of place in turn; how the value is made, and which one, go round more slowly.
            let turn = (u16::from(code) * u16::from(STEPS) + u16::from(step)) * WAYS + way;
            let (place, kind) = (turn % 10, turn / 10 % 12);
            let scribble = 0x80 + (10 * kind + place) as u8;
            let which = (turn / 7 % 11) as u8;
            let operand = [0, 1, 61, 255, which][usize::from(turn % 5)];
            let mut instructions = vec![
                [31, 0, step & 1, 0], // attach
                [0, 0, 100, 0],       // put
                [20, 1, 0, 0],        // lease
                [26, 1, 0, 0],        // quarantine
                [0, 0, 90, 0],
                [16, 1, 0, 0], // get_ref
                [0, 0, 80, 0],
                [20, 1, 0, 0],
                [6, 1, 70, 0], // loan
                [0, 0, 50, 0],
            ];
            instructions.push([scribble, step, which, operand]);
            instructions.extend([[code, 1, 44, 4], [33, 0, 0, 0], [33, 0, 1, 0]]);
            instructions.extend([[12, 0, 0, 0], [0, 0, 60, 0]]);
            println!("code {code}, step {step}, scribble {scribble:#x}");
            ringpost_fuzz::scribble(&input(&instructions));
        }
    }
}
