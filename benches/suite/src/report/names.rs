//! What measurements are called: by the figures, by a heading, by a file.

/// A measurement's name for people: `throughput/2-2/64 B/copy` is "Throughput, 2 to 2, 64 B, copied".
pub(super) fn title(measurement: &str) -> String {
    if let Some(rest) = measurement.strip_prefix("python/") {
        let rest = title(rest);
        return format!("Python: {}", lower(&rest));
    }
    let words: Vec<&str> = measurement.split('/').collect();
    match words[..] {
        ["latency", rate, size] => format!("Latency at {rate} of the peak, {size}"),
        ["idle", "processor"] => "Processor time of a reader that waits".into(),
        ["memory", "touched"] => "Memory touched".into(),
        ["pause", "longest"] => "Pause: longest gap of the others".into(),
        ["pause", percentile] => format!("Pause: {percentile} of the others' gaps"),
        ["kill", "stand-still"] => "Kill: stand-still of the others".into(),
        ["growth", "depth", depth] => format!("Throughput at a depth of {depth}"),
        ["growth", "participants", "1"] => "Throughput with 1 participant".into(),
        ["growth", "participants", count] => format!("Throughput with {count} participants"),
        _ => {
            let words = words.into_iter().map(|word| match word {
                "round-trip" => "round trip".to_owned(),
                "spinning" => "both spinning".to_owned(),
                "polling" => "polling".to_owned(),
                "busy" => "blocking, both busy".to_owned(),
                "idle" => "blocking, after idling".to_owned(),
                "copy" => "copied".to_owned(),
                word => pair(word).unwrap_or_else(|| word.to_owned()),
            });
            upper(&words.collect::<Vec<_>>().join(", "))
        }
    }
}

/// `2-2` is "2 to 2".
fn pair(word: &str) -> Option<String> {
    let (senders, receivers) = word.split_once('-')?;
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (number(senders) && number(receivers)).then(|| format!("{senders} to {receivers}"))
}

fn upper(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next();
    first
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect()
}

fn lower(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next();
    first
        .into_iter()
        .flat_map(char::to_lowercase)
        .chain(letters)
        .collect()
}

/// A name for files and anchors: `latency/10 %/64 B` is `latency-10-percent-64-b`.
pub(super) fn slug(name: &str) -> String {
    let name = name.replace('%', "percent").to_lowercase();
    let words = name.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_for_people() {
        let cases = [
            (
                "round-trip/spinning/64 B",
                "Round trip, both spinning, 64 B",
            ),
            ("latency/10 %/64 B", "Latency at 10 % of the peak, 64 B"),
            (
                "throughput/2-2/64 B/copy",
                "Throughput, 2 to 2, 64 B, copied",
            ),
            ("python/batches/tuple", "Python: batches, tuple"),
            ("growth/participants/4", "Throughput with 4 participants"),
            ("something-new/3", "Something-new, 3"),
            ("", ""),
        ];
        for (name, wanted) in cases {
            assert_eq!(title(name), wanted);
        }
    }

    #[test]
    fn slugs_are_plain() {
        assert_eq!(slug("latency/10 %/64 B"), "latency-10-percent-64-b");
        assert_eq!(slug("pause/p99.9"), "pause-p99.9");
    }
}
