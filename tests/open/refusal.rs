//! System calls that fail as if the kernel or a file system did not offer them: by a seccomp filter, for one process.

use std::io;

/// Which calls are refused: those of this number of which argument `argument` has any of `bits`, or all if `bits` is 0.
#[derive(Clone, Copy)]
pub(crate) struct Refusal {
    pub(crate) call: libc::c_long,
    pub(crate) argument: u32,
    pub(crate) bits: u32,
    pub(crate) errno: i32,
}

/// From now on this process's calls of that kind fail. There is no way back.
pub(crate) fn refuse(refusal: Refusal) -> io::Result<()> {
    const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const IF_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const IF_ANY_BIT: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    let step = |code, k, jt, jf| libc::sock_filter { code, jt, jf, k };
    // struct seccomp_data: the number, the architecture, the instruction's address, then six arguments of 8 bytes.
    let argument_at = 16 + 8 * refusal.argument;
    let bits = if refusal.bits == 0 { 1 } else { refusal.bits };
    let otherwise = u8::from(refusal.bits != 0);
    let mut program = [
        step(LOAD, 0, 0, 0),
        step(IF_EQUAL, refusal.call as u32, 0, 3),
        step(LOAD, argument_at, 0, 0),
        step(IF_ANY_BIT, bits, 0, otherwise),
        step(RETURN, libc::SECCOMP_RET_ERRNO | refusal.errno as u32, 0, 0),
        step(RETURN, libc::SECCOMP_RET_ALLOW, 0, 0),
    ];
    let program = libc::sock_fprog {
        len: program.len() as u16,
        filter: program.as_mut_ptr(),
    };
    // SAFETY: concerns this process alone.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel copies the program, which lives until the call has returned.
    let set = unsafe {
        libc::prctl(
            libc::PR_SET_SECCOMP,
            libc::SECCOMP_MODE_FILTER,
            &raw const program,
        )
    };
    if set == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
