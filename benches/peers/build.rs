//! Which peers are built: the versions of those that are, the reasons of those that are not.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

/// Feature, the peer's name in the report, the crate whose version it has.
const PEERS: &[(&str, &str, Option<&str>)] = &[
    (
        "crossbeam-channel",
        "crossbeam-channel",
        Some("crossbeam-channel"),
    ),
    ("kanal", "kanal", Some("kanal")),
    ("flume", "flume", Some("flume")),
    ("iceoryx2", "iceoryx2", Some("iceoryx2")),
    ("shaq", "shaq", Some("shaq")),
    ("ipc-channel", "ipc-channel", Some("ipc-channel")),
    ("boost", "Boost message_queue", None),
    ("zeromq", "ZeroMQ ipc", None),
];

/// Why features are not there, from who starts the build: lines of a feature, a tab and a reason.
const REASONS: &str = "RINGPOST_PEERS_LEFT_OUT";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/boost_queue.cpp");
    println!("cargo::rerun-if-changed=../Cargo.lock");
    println!("cargo::rerun-if-env-changed={REASONS}");
    let lock = fs::read_to_string("../Cargo.lock").unwrap_or_default();
    let reasons = env::var(REASONS).unwrap_or_default();
    for package in ["ringpost", "crossbeam-queue"] {
        let name = package.replace('-', "_").to_uppercase();
        println!("cargo::rustc-env=VERSION_{name}={}", locked(&lock, package));
    }
    let mut left_out = String::from("&[\n");
    for &(feature, name, package) in PEERS {
        let flag = feature.replace('-', "_");
        println!("cargo::rustc-check-cfg=cfg(peer_{flag})");
        let found = if !on(feature) {
            let reason = reasons
                .lines()
                .filter_map(|line| line.split_once('\t'))
                .find(|(of, _)| *of == feature);
            Err(match reason {
                Some((_, reason)) => reason.to_owned(),
                None => format!("built without the feature {feature}"),
            })
        } else {
            match package {
                Some(package) => Ok(locked(&lock, package)),
                None => native(feature),
            }
        };
        match found {
            Ok(version) => {
                println!("cargo::rustc-cfg=peer_{flag}");
                let flag = flag.to_uppercase();
                println!("cargo::rustc-env=VERSION_{flag}={version}");
            }
            Err(reason) => writeln!(left_out, "    ({name:?}, {reason:?}),").expect("a string"),
        }
    }
    left_out.push_str("]\n");
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    fs::write(folder.join("left_out.rs"), left_out).expect("cargo made the folder");
}

/// Whether the feature is.
fn on(feature: &str) -> bool {
    let name = feature.replace('-', "_").to_uppercase();
    env::var_os(format!("CARGO_FEATURE_{name}")).is_some()
}

/// The version of a package in the lock file.
fn locked(lock: &str, package: &str) -> String {
    let line = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|found| *found != line).skip(1);
    let version = lines
        .next()
        .and_then(|line| line.strip_prefix("version = "));
    version
        .map_or("unknown", |version| version.trim_matches('"'))
        .to_owned()
}

/// Builds what is written in C++, if its packages are there, and tells its version.
#[cfg(any(feature = "boost", feature = "zeromq"))]
fn native(feature: &str) -> Result<String, String> {
    match feature {
        "boost" => {
            let version = expand("<boost/version.hpp>", "BOOST_LIB_VERSION")
                .map_err(|why| format!("{why}; on Debian and Ubuntu: apt install libboost-dev"))?;
            let mut build = cc::Build::new();
            build.cpp(true).std("c++17").warnings(false);
            build.file("src/boost_queue.cpp");
            let built = build.try_compile("ringpost_boost_queue");
            built.map_err(|error| format!("its adapter does not compile: {error}"))?;
            Ok(version.trim_matches('"').replace('_', "."))
        }
        _ => {
            let numbers = "ZMQ_VERSION_MAJOR.ZMQ_VERSION_MINOR.ZMQ_VERSION_PATCH";
            let version = expand("<zmq.h>", numbers)
                .map_err(|why| format!("{why}; on Debian and Ubuntu: apt install libzmq3-dev"))?;
            println!("cargo::rustc-link-lib=zmq");
            Ok(version.replace(' ', ""))
        }
    }
}

#[cfg(not(any(feature = "boost", feature = "zeromq")))]
fn native(_feature: &str) -> Result<String, String> {
    unreachable!("neither is built")
}

/// What the preprocessor makes of `text` after including `header`.
#[cfg(any(feature = "boost", feature = "zeromq"))]
fn expand(header: &str, text: &str) -> Result<String, String> {
    let folder = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let file = folder.join("probe.cpp");
    let probe = format!("#include {header}\nVERSION_FOLLOWS {text}\n");
    fs::write(&file, probe).map_err(|error| error.to_string())?;
    let expanded = cc::Build::new()
        .cpp(true)
        .warnings(false)
        .cargo_warnings(false)
        .file(&file)
        .try_expand()
        .map_err(|_| format!("there is no C++ compiler, or no {header}"))?;
    let expanded = String::from_utf8_lossy(&expanded);
    // What comes out of a system header stands between line markers.
    let kept = expanded.lines().filter(|line| !line.starts_with('#'));
    let kept: Vec<&str> = kept.collect();
    let kept = kept.join(" ");
    let version = kept.split_once("VERSION_FOLLOWS").map(|(_, rest)| rest);
    version
        .map(|version| version.split_whitespace().collect())
        .ok_or_else(|| format!("{header} has no version"))
}
