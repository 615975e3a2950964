//! Numbers as a reader wants them: three digits that mean something, and the unit that makes them short.

use crate::stats::Spread;

/// What a unit's values are multiplied with to be in the base unit, the base unit, and its steps of a thousand.
struct Unit {
    factor: f64,
    steps: &'static [(f64, &'static str)],
}

const TIME: &[(f64, &str)] = &[(1e-9, "ns"), (1e-6, "µs"), (1e-3, "ms"), (1.0, "s")];
const RATE: &[(f64, &str)] = &[(1.0, "/s"), (1e3, "K/s"), (1e6, "M/s"), (1e9, "G/s")];
const BYTES: &[(f64, &str)] = &[(1e3, "KB/s"), (1e6, "MB/s"), (1e9, "GB/s"), (1e12, "TB/s")];
const MEMORY: &[(f64, &str)] = &[
    (1024.0, "KiB"),
    (1_048_576.0, "MiB"),
    (1_073_741_824.0, "GiB"),
];

fn unit(name: &str) -> Unit {
    let (factor, steps): (f64, &'static [(f64, &'static str)]) = match name {
        "ns" => (1e-9, TIME),
        "µs" => (1e-6, TIME),
        "ms" => (1e-3, TIME),
        "s" => (1.0, TIME),
        "M/s" => (1e6, RATE),
        "GB/s" => (1e9, BYTES),
        "MiB" => (1_048_576.0, MEMORY),
        "%" => (1.0, &[(1.0, "%")]),
        _ => (1.0, &[]),
    };
    Unit { factor, steps }
}

/// Three significant digits; an exponent only for what is beyond all units.
pub(super) fn digits(value: f64) -> String {
    let places = match value.abs() {
        v if v >= 999_999.5 => return format!("{value:.2e}"),
        v if v >= 99.95 => 0,
        v if v >= 9.995 => 1,
        v if v >= 0.9995 || v == 0.0 => 2,
        v if v >= 0.09995 => 3,
        _ => 4,
    };
    let text = format!("{value:.places$}");
    // What rounds to nothing is nothing.
    let digits = text.trim_start_matches('-');
    if digits.bytes().all(|b| b == b'0' || b == b'.') {
        return "0".into();
    }
    text
}

/// A value in the unit that makes it short: `1380` `ns` is `1.38 µs`.
pub(super) fn value(value: f64, unit_name: &str) -> String {
    let Unit { factor, steps } = unit(unit_name);
    let base = value * factor;
    let fitting = steps
        .iter()
        .rev()
        .find(|(size, _)| base.abs() >= size * 0.9995);
    match fitting.or(steps.first()) {
        _ if base == 0.0 => format!("0 {unit_name}"),
        Some((size, name)) => format!("{} {name}", digits(base / size)),
        None => format!("{} {unit_name}", digits(value)),
    }
}

/// The label of a tick: `100 ns`, `2 µs`, without zeros that say nothing.
pub(super) fn tick(tick: f64, unit_name: &str) -> String {
    if tick == 0.0 {
        return "0".into();
    }
    let text = value(tick, unit_name);
    let (number, rest) = text.split_once(' ').unwrap_or((&text, ""));
    let (number, exponent) = match number.split_once('e') {
        Some((number, exponent)) => (number, format!("e{exponent}")),
        None => (number, String::new()),
    };
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    format!("{number}{exponent} {rest}").trim_end().to_owned()
}

/// A ratio: `1.25 ×`.
pub(super) fn times(ratio: f64) -> String {
    format!("{} ×", digits(ratio))
}

/// `0.31 to 0.36`, each in its unit.
pub(super) fn range(spread: &Spread, unit_name: &str) -> String {
    let ends = [spread.least, spread.greatest].map(|end| value(end, unit_name));
    shorten(&ends)
}

/// As [`range`], of ratios.
pub(super) fn range_of_times(spread: &Spread) -> String {
    format!("{} to {}", digits(spread.least), digits(spread.greatest))
}

/// A unit that both ends have is said once.
fn shorten([least, greatest]: &[String; 2]) -> String {
    match (least.split_once(' '), greatest.split_once(' ')) {
        (Some((number, unit)), Some((_, other))) if unit == other => {
            format!("{number} to {greatest}")
        }
        _ => format!("{least} to {greatest}"),
    }
}

/// Seconds as a person says them.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match (whole / 60, whole % 60) {
        (0, _) => format!("{} s", digits(seconds)),
        (minutes, rest) if minutes < 60 => format!("{minutes} min {rest} s"),
        (minutes, _) => format!("{} h {} min", minutes / 60, minutes % 60),
    }
}

/// Bytes in the unit that makes them short, whole if they are: `32 KiB`, `1.5 GiB`.
pub(super) fn bytes(bytes: u64) -> String {
    tick(bytes as f64 / 1_048_576.0, "MiB")
}

/// The bytes of a size as the measurements name it: `64 B`, `1 KiB`, `1 MB array`.
pub(super) fn parse_bytes(size: &str) -> Option<f64> {
    let (number, unit) = size.split_once(' ')?;
    let unit = match unit.split(' ').next()? {
        "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1_048_576.0,
        "MB" => 1e6,
        _ => return None,
    };
    Some(number.parse::<f64>().ok()? * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_three_digits_in_a_short_unit() {
        let cases = [
            (1380.0, "ns", "1.38 µs"),
            (308.0, "ns", "308 ns"),
            (0.4, "ns", "0.400 ns"),
            (999.96, "ns", "1.00 µs"),
            (80_000.0, "ns", "80.0 µs"),
            (0.17, "M/s", "170 K/s"),
            (62.0, "M/s", "62.0 M/s"),
            (0.000_448, "M/s", "448 /s"),
            (0.49, "GB/s", "490 MB/s"),
            (0.0, "ms", "0 ms"),
            (-0.02, "ms", "-20.0 µs"),
            (10_000.0, "ms", "10.0 s"),
            (0.5, "MiB", "512 KiB"),
            (3.25, "%", "3.25 %"),
            (7.0, "parsec", "7.00 parsec"),
            (1e30, "ns", "1.00e21 s"),
            (f64::MIN_POSITIVE, "%", "0 %"),
        ];
        for (given, unit, wanted) in cases {
            assert_eq!(value(given, unit), wanted);
        }
    }

    #[test]
    fn ticks_ranges_and_durations_are_short() {
        assert_eq!(tick(1000.0, "ns"), "1 µs");
        assert_eq!(tick(0.5, "M/s"), "500 K/s");
        assert_eq!(tick(2.5, "GB/s"), "2.5 GB/s");
        assert_eq!(tick(2e18, "ns"), "2e9 s");
        assert_eq!(tick(0.0, "ns"), "0");
        let spread = |least, greatest| Spread {
            median: least,
            least,
            greatest,
            rounds: 2,
        };
        assert_eq!(range(&spread(310.0, 360.0), "ns"), "310 to 360 ns");
        assert_eq!(range(&spread(310.0, 3600.0), "ns"), "310 ns to 3.60 µs");
        assert_eq!(duration(59.4), "59.4 s");
        assert_eq!(duration(275.0), "4 min 35 s");
        assert_eq!(duration(7260.0), "2 h 1 min");
        assert_eq!(bytes(32 << 10), "32 KiB");
        assert_eq!(bytes(3 << 29), "1.5 GiB");
        assert_eq!(times(0.0043), "0.0043 ×");
    }

    #[test]
    fn sizes_are_read_from_names() {
        assert_eq!(parse_bytes("64 KiB"), Some(65_536.0));
        assert_eq!(parse_bytes("1 MB array"), Some(1e6));
        assert_eq!(parse_bytes("tuple"), None);
    }
}
