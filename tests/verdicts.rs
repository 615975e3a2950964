//! verdicts: what `docs/dependencies.md` says of the crate `shared_memory`, shown.
#![cfg(feature = "shared_memory")]

use shared_memory::ShmemConf;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};

const BYTES: usize = 16 << 20;

fn file(id: &str) -> std::path::PathBuf {
    format!("/dev/shm/{}", id.trim_start_matches('/')).into()
}

#[test]
fn it_neither_reserves_memory_nor_takes_a_mode() {
    let memory = ShmemConf::new().size(BYTES).create().unwrap();
    let metadata = file(memory.get_os_id()).metadata().unwrap();
    assert_eq!(metadata.len(), BYTES as u64);
    // Nothing stands behind it yet: a store may meet a full /dev/shm, which is a SIGBUS.
    assert_eq!(metadata.blocks(), 0);
    assert_eq!(metadata.mode() & 0o777, 0o600);
}

#[test]
fn it_leaves_its_file_when_its_process_is_killed() {
    const ROLE: &str = "RINGPOST_VERDICT_ID";
    if let Ok(id) = std::env::var(ROLE) {
        let _memory = ShmemConf::new().os_id(id).size(BYTES).create().unwrap();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
            .unwrap();
    }
    let id = format!("/ringpost-verdict-{}", std::process::id());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "it_leaves_its_file_when_its_process_is_killed"])
        .env(ROLE, &id)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert!(!child.wait().unwrap().success());
    let left = file(&id);
    let there = left.exists();
    let _ = std::fs::remove_file(left);
    assert!(there);
}
