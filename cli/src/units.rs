//! Numbers as people write and read them: sizes, times, modes, thousands.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Parses a size such as `4096`, `4K`, `64M`, `1.5G`; the letters are powers of 1024.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let bad = || format!("`{text}` is no size: expected bytes, or a number with K, M, G or T");
    let lower = text.trim().to_ascii_lowercase();
    let lower = lower.strip_suffix('b').unwrap_or(&lower);
    let lower = lower.strip_suffix('i').unwrap_or(lower);
    let (number, shift) = match lower.chars().last() {
        Some('k') => (&lower[..lower.len() - 1], 10),
        Some('m') => (&lower[..lower.len() - 1], 20),
        Some('g') => (&lower[..lower.len() - 1], 30),
        Some('t') => (&lower[..lower.len() - 1], 40),
        _ => (lower, 0),
    };
    if let Ok(whole) = number.parse::<u64>() {
        let too_large = || format!("`{text}` is more than 2^64 bytes");
        return whole.checked_mul(1 << shift).ok_or_else(too_large);
    }
    let plain = number
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    let fraction: f64 = number.parse().map_err(|_| bad())?;
    let bytes = fraction * (1_u64 << shift) as f64;
    if !plain || shift == 0 || bytes >= 2_f64.powi(63) {
        return Err(bad());
    }
    Ok(bytes as u64)
}

/// As [`parse_size`], for what must fit into memory.
pub(crate) fn parse_length(text: &str) -> Result<usize, String> {
    usize::try_from(parse_size(text)?).map_err(|error| format!("`{text}`: {error}"))
}

/// Parses a time such as `5`, `0.5`, `5s`, `200ms`, `2m`; without a unit it is seconds.
pub(crate) fn parse_time(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let (number, unit) = units
        .iter()
        .find_map(|(suffix, unit)| Some((text.strip_suffix(suffix)?, *unit)))
        .unwrap_or((text, 1.0));
    let seconds = number.trim().parse::<f64>().ok();
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds * unit).ok())
        .ok_or_else(|| {
            format!("`{text}` is no time: expected seconds, or a number with ms, s, m or h")
        })
}

/// Parses permission bits in octal, such as `600` or `0640`.
pub(crate) fn parse_mode(text: &str) -> Result<u32, String> {
    let digits = text.strip_prefix("0o").unwrap_or(text);
    match u32::from_str_radix(digits, 8) {
        Ok(mode) if mode <= 0o777 => Ok(mode),
        _ => Err(format!(
            "`{text}` is no mode: expected octal digits from 000 to 777"
        )),
    }
}

/// `1234567` as `1,234,567`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size with the largest unit that keeps it above one: `148.5 KiB`, `64 MiB`.
pub(crate) fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    let text = format!("{value:.1}");
    format!(
        "{} {}",
        text.strip_suffix(".0").unwrap_or(&text),
        units[unit]
    )
}

/// A number of nanoseconds in three digits: `870 ns`, `12.3 µs`, `4.56 ms`.
pub(crate) fn nanoseconds(time: u64) -> String {
    let units = ["ns", "µs", "ms", "s"];
    let mut value = time as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < units.len() {
        value /= 1000.0;
        unit += 1;
    }
    let whole = unit == 0;
    format!("{} {}", three_digits(value, whole), units[unit])
}

/// How long ago a moment was, given in seconds since 1970: `12 s`, `5 min`, `3 h`, `40 d`.
pub(crate) fn age(since: u64) -> String {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs());
    match now.saturating_sub(since) {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds < 7_200 => format!("{} min", seconds / 60),
        seconds if seconds < 172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// A rate in three digits with a decimal prefix before the unit: `3.42 MB/s`, `870 B/s`.
pub(crate) fn rate(per_second: f64, unit: &str) -> String {
    let prefixes = ["", "k", "M", "G"];
    let mut value = per_second;
    let mut prefix = 0;
    while value >= 999.5 && prefix + 1 < prefixes.len() {
        value /= 1000.0;
        prefix += 1;
    }
    format!("{} {}{unit}", three_digits(value, false), prefixes[prefix])
}

/// A number of things: `1 line`, `3,608 lines`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", thousands(number))
}

fn three_digits(value: f64, whole: bool) -> String {
    let decimals = match value {
        _ if whole => 0,
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        let good = [
            ("0", 0),
            ("4096", 4096),
            ("4K", 4096),
            ("4kib", 4096),
            ("64M", 64 << 20),
        ];
        for (text, bytes) in good {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
        assert_eq!(parse_size("1.5G"), Ok(3 << 29));
        for text in [
            "",
            "K",
            "-1",
            "4X",
            "1.5",
            "1e3K",
            "infK",
            "nan",
            "99999999999T",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn times_are_seconds_unless_said_otherwise() {
        let good = [
            ("5", 5000),
            ("0.5", 500),
            ("200ms", 200),
            ("5s", 5000),
            ("2m", 120_000),
        ];
        for (text, milliseconds) in good {
            assert_eq!(
                parse_time(text),
                Ok(Duration::from_millis(milliseconds)),
                "{text}"
            );
        }
        for text in ["", "-1", "soon", "inf", "nan"] {
            assert!(parse_time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn modes_are_octal() {
        assert_eq!(parse_mode("600"), Ok(0o600));
        assert_eq!(parse_mode("0o640"), Ok(0o640));
        for text in ["", "8", "1777", "rw"] {
            assert!(parse_mode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_000_000), "1,000,000");
        assert_eq!(size(1023), "1023 B");
        assert_eq!(size(64 << 20), "64 MiB");
        assert_eq!(size(148_480), "145 KiB");
        assert_eq!(size(u64::MAX), "16 EiB");
        assert_eq!(nanoseconds(7), "7 ns");
        assert_eq!(nanoseconds(999), "999 ns");
        assert_eq!(nanoseconds(12_345), "12.3 µs");
        assert_eq!(nanoseconds(999_999), "1.00 ms");
        assert_eq!(rate(3_421_000.0, "B/s"), "3.42 MB/s");
        assert_eq!(count(1, "line"), "1 line");
        assert_eq!(count(3_608, "line"), "3,608 lines");
        assert_eq!(rate(17.0, "/s"), "17.0 /s");
    }
}
