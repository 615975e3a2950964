//! The machine that a run is made on, as far as it can be told from inside.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::results::Machine;

/// Watches the machine while the suite runs.
#[derive(Debug)]
pub struct Watch {
    times: Option<Times>,
    load: f64,
}

impl Watch {
    /// To be called before the first measurement.
    pub fn begin() -> Watch {
        Watch {
            times: times(&text(Path::new("/proc/stat"))),
            load: load(&text(Path::new("/proc/loadavg"))),
        }
    }

    /// To be called after the last one.
    pub fn end(&self) -> Machine {
        let now = times(&text(Path::new("/proc/stat")));
        let steal = self.times.zip(now).map_or(0.0, |(from, to)| from.steal(to));
        Machine {
            steal_percent: steal,
            load: self.load,
            versions: versions(),
            ..still(Path::new("/"))
        }
    }
}

/// What does not change during a run, from the files below `root`.
fn still(root: &Path) -> Machine {
    let read = |path: &str| text(&root.join(path));
    let cpuinfo = read("proc/cpuinfo");
    let cpu = "sys/devices/system/cpu/cpu0";
    let word = |path: &str| Some(read(path).trim().to_owned()).filter(|word| !word.is_empty());
    Machine {
        processor: processor(&cpuinfo),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        caches: caches(&root.join(cpu).join("cache")),
        memory: memory(&read("proc/meminfo")),
        kernel: [
            word("proc/sys/kernel/ostype"),
            word("proc/sys/kernel/osrelease"),
        ]
        .map(Option::unwrap_or_default)
        .join(" "),
        governor: word(&format!("{cpu}/cpufreq/scaling_governor")),
        virtual_machine: virtual_machine(
            &cpuinfo,
            word("sys/hypervisor/type"),
            word("sys/class/dmi/id/sys_vendor"),
            word("sys/class/dmi/id/product_name"),
        ),
        steal_percent: 0.0,
        load: 0.0,
        versions: Vec::new(),
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The value of a line `name : value`.
fn field<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = pairs.find(|(key, _)| key.trim() == name)?;
    Some(value.trim())
}

/// The name of x86's processors; of Arm's the numbers of who made it and which it is.
fn processor(cpuinfo: &str) -> String {
    if let Some(name) = field(cpuinfo, "model name").or_else(|| field(cpuinfo, "Model")) {
        return name.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    match (
        field(cpuinfo, "CPU implementer"),
        field(cpuinfo, "CPU part"),
    ) {
        (Some(maker), Some(part)) => {
            format!(
                "{} processor, maker {maker}, part {part}",
                std::env::consts::ARCH
            )
        }
        _ => format!("unknown {} processor", std::env::consts::ARCH),
    }
}

/// The caches of the first processor; instruction caches are left out.
fn caches(folder: &Path) -> Vec<(String, u64)> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut indices: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    indices.sort();
    let cache = |index: &PathBuf| {
        let read = |name: &str| text(&index.join(name)).trim().to_owned();
        let suffix = match read("type").as_str() {
            "Data" => "d",
            "Unified" => "",
            _ => return None,
        };
        Some((format!("L{}{suffix}", read("level")), bytes(&read("size"))?))
    };
    indices.iter().filter_map(cache).collect()
}

/// `48K` or `32M` in bytes.
fn bytes(size: &str) -> Option<u64> {
    let number = size.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &size[number.len()..] {
        "K" | "kB" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        "" => 1,
        _ => return None,
    };
    Some(number.trim().parse::<u64>().ok()? * unit)
}

fn memory(meminfo: &str) -> u64 {
    let total = field(meminfo, "MemTotal").and_then(|size| bytes(&size.replace(' ', "")));
    total.unwrap_or_default()
}

/// The hypervisor's name. The processor's flag alone says that there is one, and the board's maker often which.
fn virtual_machine(
    cpuinfo: &str,
    hypervisor: Option<String>,
    vendor: Option<String>,
    product: Option<String>,
) -> Option<String> {
    let flags = field(cpuinfo, "flags").unwrap_or_default();
    let flagged = flags.split_whitespace().any(|flag| flag == "hypervisor");
    let board: Vec<String> = [vendor, product].into_iter().flatten().collect();
    let board = Some(board.join(" ")).filter(|board| !board.is_empty());
    // Arm has no such flag: there the board's name must do.
    const GUESTS: &[&str] = &[
        "QEMU",
        "KVM",
        "VMware",
        "VirtualBox",
        "Xen",
        "Amazon EC2",
        "Google Compute",
        "Microsoft Corporation Virtual",
    ];
    let is_guest = |board: &String| GUESTS.iter().any(|guest| board.contains(guest));
    match hypervisor {
        Some(name) => Some(board.map_or(name.clone(), |board| format!("{name} ({board})"))),
        None if flagged => Some(board.unwrap_or_else(|| "of unknown kind".into())),
        None => board.filter(is_guest),
    }
}

/// Processor time since the start, in the kernel's ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Times {
    all: u64,
    stolen: u64,
}

impl Times {
    /// The share that was stolen until then, in percent.
    fn steal(self, to: Times) -> f64 {
        match to.all.saturating_sub(self.all) {
            0 => 0.0,
            all => 100.0 * to.stolen.saturating_sub(self.stolen) as f64 / all as f64,
        }
    }
}

/// The line of all processors: user nice system idle iowait irq softirq steal, and guest times that user contains already.
fn times(stat: &str) -> Option<Times> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<u64> = line
        .split_whitespace()
        .map_while(|field| field.parse().ok())
        .collect();
    Some(Times {
        all: fields.iter().take(8).sum(),
        stolen: *fields.get(7)?,
    })
}

fn load(loadavg: &str) -> f64 {
    let first = loadavg.split_whitespace().next();
    first.and_then(|load| load.parse().ok()).unwrap_or_default()
}

/// What compiles and interprets here; what is not installed is left out.
fn versions() -> Vec<(String, String)> {
    ["rustc", "python3", "gcc"]
        .into_iter()
        .filter_map(|program| {
            let output = Command::new(program)
                .arg("--version")
                .stderr(Stdio::null())
                .output()
                .ok()?;
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            Some((program.to_owned(), version(&said)?))
        })
        .collect()
}

/// The first word with a dot that begins with a digit, after the parentheses of `gcc (Debian 12.2.0-14) 12.2.0`.
fn version(said: &str) -> Option<String> {
    let line = said.lines().next()?;
    let line = line.split_once(") ").map_or(line, |(_, rest)| rest);
    let is_version = |word: &&str| word.starts_with(|c: char| c.is_ascii_digit());
    line.split_whitespace().find(is_version).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    const X86: &str = "processor\t: 0\nvendor_id\t: AuthenticAMD\n\
                       model name\t: AMD EPYC 9R14  96-Core Processor\n\
                       flags\t\t: fpu vme hypervisor lahf_lm\n\nprocessor\t: 1\n";
    const ARM: &str =
        "processor\t: 0\nBogoMIPS\t: 243.75\nCPU implementer\t: 0x41\nCPU part\t: 0xd40\n";

    #[test]
    fn the_processor_is_named() {
        assert_eq!(processor(X86), "AMD EPYC 9R14 96-Core Processor");
        assert!(processor(ARM).ends_with("processor, maker 0x41, part 0xd40"));
        assert!(processor("").starts_with("unknown"));
    }

    #[test]
    fn a_hypervisor_is_known_by_flag_by_file_or_by_board() {
        let some = |text: &str| Some(text.to_owned());
        let bare = X86.replace("hypervisor", "");
        assert_eq!(
            virtual_machine(X86, None, some("QEMU"), some("Standard PC")),
            some("QEMU Standard PC")
        );
        assert_eq!(
            virtual_machine(X86, None, None, None),
            some("of unknown kind")
        );
        assert_eq!(
            virtual_machine(&bare, None, some("Dell Inc."), some("R640")),
            None
        );
        assert_eq!(virtual_machine(&bare, some("xen"), None, None), some("xen"));
        assert_eq!(
            virtual_machine(ARM, None, some("QEMU"), some("virt")),
            some("QEMU virt")
        );
    }

    #[test]
    fn stolen_time_is_a_share_of_all_time_between_two_looks() {
        let from = times("cpu  100 0 50 800 10 0 0 40 30 0\ncpu0 1 2\n").unwrap();
        assert_eq!((from.all, from.stolen), (1000, 40));
        let to = times("cpu  200 0 100 1550 10 0 0 140 60 0\n").unwrap();
        assert_eq!(from.steal(to), 10.0);
        assert_eq!(from.steal(from), 0.0);
        assert_eq!(times("cpu  1 2 3\n"), None);
    }

    #[test]
    fn sizes_load_and_memory_are_read() {
        assert_eq!(bytes("48K"), Some(49_152));
        assert_eq!(bytes("32M"), Some(33_554_432));
        assert_eq!(bytes("3 parsecs"), None);
        assert_eq!(
            memory("MemTotal:       16384 kB\nMemFree: 1 kB\n"),
            16_777_216
        );
        assert_eq!(load("0.52 0.58 0.59 1/389 4242\n"), 0.52);
    }

    #[test]
    fn versions_are_cut_out_of_what_programs_say() {
        let cases = [
            ("rustc 1.95.0 (59807616e 2026-04-14)\n", "1.95.0"),
            ("Python 3.13.5\n", "3.13.5"),
            ("gcc (Debian 12.2.0-14) 12.2.0\nCopyright\n", "12.2.0"),
        ];
        for (said, wanted) in cases {
            assert_eq!(version(said).as_deref(), Some(wanted));
        }
        assert_eq!(version(""), None);
    }

    #[test]
    fn the_files_of_a_machine_are_put_together() {
        let root = tempfile::tempdir().unwrap();
        let cache = "sys/devices/system/cpu/cpu0/cache";
        let files = [
            ("proc/cpuinfo", X86),
            ("proc/meminfo", "MemTotal: 1024 kB\n"),
            ("proc/sys/kernel/ostype", "Linux\n"),
            ("proc/sys/kernel/osrelease", "6.18.44\n"),
            (
                "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                "performance\n",
            ),
            (&format!("{cache}/index0/type"), "Data\n"),
            (&format!("{cache}/index0/level"), "1\n"),
            (&format!("{cache}/index0/size"), "32K\n"),
            (&format!("{cache}/index1/type"), "Instruction\n"),
            (&format!("{cache}/index1/level"), "1\n"),
            (&format!("{cache}/index1/size"), "32K\n"),
            (&format!("{cache}/index3/type"), "Unified\n"),
            (&format!("{cache}/index3/level"), "3\n"),
            (&format!("{cache}/index3/size"), "32M\n"),
        ];
        for (path, content) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        let machine = still(root.path());
        assert_eq!(machine.kernel, "Linux 6.18.44");
        assert_eq!(machine.governor.as_deref(), Some("performance"));
        assert_eq!(
            machine.caches,
            [("L1d".into(), 32 << 10), ("L3".into(), 32 << 20)]
        );
        assert_eq!(machine.virtual_machine.as_deref(), Some("of unknown kind"));
    }

    #[test]
    fn this_machine_can_be_told() {
        let machine = Watch::begin().end();
        assert!(machine.memory > 0 && machine.processors > 0);
        assert!(machine.kernel.starts_with("Linux "));
        assert!((0.0..=100.0).contains(&machine.steal_percent));
        assert!(machine.versions.iter().any(|(name, _)| name == "rustc"));
    }
}
