//! Numbers as people read them: with units and sensible digits, in the spoken language.

use std::path::PathBuf;
use std::sync::OnceLock;

use crate::text::{Language, spoken, t};

/// Bytes with a decimal unit: 1.8 GB.
pub fn bytes(n: u64) -> String {
    let mut value = n as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if value < 999.5 {
            return match unit {
                "B" | "kB" => format!("{value:.0} {unit}"),
                _ if value < 99.95 => format!("{value:.1} {unit}"),
                _ => format!("{value:.0} {unit}"),
            };
        }
        value /= 1000.0;
    }
    format!("{value:.1} TB")
}

/// A size and its peak in the unit of the peak: 1.2 (1.6) GB.
pub fn byte_pair(now: u64, most: u64) -> String {
    let (unit, size) = if most >= 999_500_000 { ("GB", 1e9) } else { ("MB", 1e6) };
    let digits = if most as f64 / size < 99.95 { 1 } else { 0 };
    format!("{:.digits$} ({:.digits$}) {unit}", now as f64 / size, most as f64 / size)
}

/// A whole number with its thousands apart: 100,000.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A large number in short: 134.5 M, or in Chinese 1.35 亿.
pub fn short_count(n: u64) -> String {
    let scales: &[(f64, &str)] = match spoken() {
        Language::English => &[(1e12, " T"), (1e9, " B"), (1e6, " M"), (1e3, " k")],
        Language::Chinese => &[(1e8, " 亿"), (1e4, " 万")],
    };
    let value = n as f64;
    match scales.iter().find(|(scale, _)| value >= *scale) {
        Some((scale, unit)) => format!("{}{unit}", significant(value / scale, 4)),
        None => n.to_string(),
    }
}

/// A learning rate in short: 2e-5, 4.87e-5, 0.01.
pub fn rate(value: f64) -> String {
    small_or_plain(value, 3)
}

/// A setting's number with all the digits that a person would write: 0.9995, 4.871e-5.
pub fn setting(value: f64) -> String {
    small_or_plain(value, 7)
}

/// Below a thousandth with an exponent, else as it stands.
fn small_or_plain(value: f64, digits: usize) -> String {
    if value == 0.0 || !value.is_finite() || value.abs() >= 1e-3 {
        return significant(value, digits as i32);
    }
    let text = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    format!("{mantissa}e{exponent}")
}

/// A number with `digits` significant digits, without trailing zeros after the point.
pub fn significant(value: f64, digits: i32) -> String {
    if value == 0.0 || !value.is_finite() {
        return format!("{value}");
    }
    let places = (digits - 1 - value.abs().log10().floor() as i32).clamp(0, 12) as usize;
    let text = format!("{value:.places$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// A loss or a gradient norm: four digits that do not jump about.
pub fn loss(value: f64) -> String {
    match value.abs() {
        v if !v.is_finite() => "NaN".into(),
        v if v < 10.0 => format!("{value:.4}"),
        v if v < 100.0 => format!("{value:.3}"),
        v if v < 10_000.0 => format!("{value:.1}"),
        _ => format!("{value:.2e}"),
    }
}

/// Whole numbers with their runs drawn together: 3, 7–9, 12.
pub fn numbers(list: &[usize]) -> String {
    let mut sorted = list.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let runs = sorted.chunk_by(|a, b| a + 1 == *b);
    let shown = runs.map(|run| match run {
        [first, .., last] if run.len() > 2 => format!("{first}–{last}"),
        run => run.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// A span of time: 45 s, 3 min 20 s, 1 h 05 min.
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "–".into();
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, secs) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) if seconds < 10.0 => t!("unit.seconds", s = format!("{seconds:.1}")),
        (0, 0) => t!("unit.seconds", s = secs),
        (0, _) => t!("unit.minutes", m = minutes, s = format!("{secs:02}")),
        _ => t!("unit.hours", h = hours, m = format!("{minutes:02}")),
    }
}

/// A moment as people say it: how long ago, and after a week the day (UTC).
pub fn date_time(unix_secs: u64) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.as_secs());
    // Pictures that are kept must not grow older.
    ago(unix_secs, if cfg!(test) { 1_795_100_000 } else { now })
}

fn ago(unix_secs: u64, now: u64) -> String {
    match now.saturating_sub(unix_secs) {
        _ if unix_secs == 0 => "–".into(),
        secs if secs < 60 => t!("unit.just_now"),
        secs if secs < 3600 => t!("unit.minutes_ago", n = secs / 60),
        secs if secs < 86_400 => t!("unit.hours_ago", n = secs / 3600),
        secs if secs < 7 * 86_400 => t!("unit.days_ago", n = secs / 86_400),
        _ => {
            let (year, month, day) = crate::bench::civil(unix_secs / 86_400);
            format!("{year}-{month:02}-{day:02}")
        }
    }
}

/// Tokens a second and the like: 8.4, 312, 12,345.
pub fn per_second(value: f64) -> String {
    match value {
        v if !v.is_finite() => "–".into(),
        v if v < 100.0 => format!("{v:.1}"),
        v => count(v.round() as u64),
    }
}

/// A path from its end: as much as says where it is, the home folder as ~.
pub fn path(path: &std::path::Path) -> String {
    let text = path.display().to_string();
    static HOME: OnceLock<Option<PathBuf>> = OnceLock::new();
    let home = HOME.get_or_init(|| directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()));
    match home.as_ref().and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) if !rest.as_os_str().is_empty() => format!("~{}{}", std::path::MAIN_SEPARATOR, rest.display()),
        _ => text,
    }
}

/// A file or folder by its last part, and by the one before where the last says nothing: sample/model.
pub fn short_path(path: &std::path::Path) -> String {
    let part = |p: &std::path::Path| p.file_name().map(|n| n.to_string_lossy().into_owned());
    let Some(name) = part(path) else { return path.display().to_string() };
    match path.parent().and_then(part) {
        Some(parent) if ["model", "models", "checkpoint", "output", "data"].contains(&name.as_str()) => {
            format!("{parent}/{name}")
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::speak;

    #[test]
    fn numbers_read_well_in_both_languages() {
        assert_eq!(
            (bytes(512), bytes(1_800_000_000), bytes(7_812_345)),
            ("512 B".into(), "1.8 GB".into(), "7.8 MB".into())
        );
        assert_eq!((count(7), count(1234), count(100_000)), ("7".into(), "1,234".into(), "100,000".into()));
        assert_eq!((rate(2e-5), rate(4.871e-5), rate(0.01)), ("2e-5".into(), "4.87e-5".into(), "0.01".into()));
        assert_eq!(
            (setting(0.9995), setting(4.871e-5), setting(f64::from(0.95_f32))),
            ("0.9995".into(), "4.871e-5".into(), "0.95".into())
        );
        assert_eq!((setting(0.0), setting(3.75), setting(4096.0)), ("0".into(), "3.75".into(), "4096".into()));
        assert_eq!((loss(2.31415), loss(f64::NAN)), ("2.3142".into(), "NaN".into()));
        assert_eq!(short_path("/a/sample/model".as_ref()), "sample/model");
        assert_eq!(short_path("/a/SmolLM2".as_ref()), "SmolLM2");
        assert_eq!((numbers(&[12, 7, 9, 8, 3]), numbers(&[4, 5])), ("3, 7–9, 12".into(), "4, 5".into()));
        assert_eq!(byte_pair(1_240_000_000, 1_610_000_000), "1.2 (1.6) GB");
        assert_eq!(short_count(134_515_008), "134.5 M");
        assert_eq!(
            (duration(3.25), duration(200.0), duration(3900.0)),
            ("3.2 s".into(), "3 min 20 s".into(), "1 h 05 min".into())
        );
        let now = 1_795_000_000;
        assert_eq!((ago(now - 7, now), ago(now - 7300, now)), ("just now".into(), "2 h ago".into()));
        assert_eq!((ago(now - 90_000, now), ago(now - 700_000, now)), ("1 d ago".into(), "2026-11-10".into()));
        speak(Language::Chinese);
        assert_eq!(short_count(134_515_008), "1.345 亿");
        assert_eq!(duration(200.0), "3 分 20 秒");
        speak(Language::English);
    }
}
