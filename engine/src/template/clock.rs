//! `strftime_now(format)` of transformers' templates. The time is UTC: the local zone is not known without a crate for it.

use std::time::{SystemTime, UNIX_EPOCH};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

pub(super) fn strftime_now(format: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    strftime(format, now.as_secs(), now.subsec_micros())
}

/// Python's strftime for `unix_secs`, in the C locale. A directive it does not know stays as it is written.
fn strftime(format: &str, unix_secs: u64, micros: u32) -> String {
    let days = unix_secs / 86_400;
    let (hour, minute, second) = (unix_secs / 3600 % 24, unix_secs / 60 % 60, unix_secs % 60);
    let (year, month, day) = civil_from_days(days as i64);
    let day_of_year = days as i64 - days_from_new_year_1970(year) + 1;
    let weekday = ((days + 4) % 7) as usize;
    let (month_name, day_name) = (MONTHS[month as usize - 1], DAYS[weekday]);
    let hour12 = if hour % 12 == 0 { 12 } else { hour % 12 };
    let nested = |format: &str| strftime(format, unix_secs, micros);

    let mut text = String::new();
    let mut letters = format.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            text.push(letter);
            continue;
        }
        let directive = letters.next();
        // "%-d" is a day without the leading zero.
        let (plain, directive) = if directive == Some('-') { (true, letters.next()) } else { (false, directive) };
        let padded = |number: u64, width: usize| {
            if plain { number.to_string() } else { format!("{number:0width$}") }
        };
        text.push_str(&match directive {
            Some('Y') => year.to_string(),
            Some('y') => padded(year.rem_euclid(100) as u64, 2),
            Some('m') => padded(month as u64, 2),
            Some('d') => padded(day as u64, 2),
            Some('e') => {
                if plain {
                    day.to_string()
                } else {
                    format!("{day:2}")
                }
            }
            Some('H') => padded(hour, 2),
            Some('I') => padded(hour12, 2),
            Some('M') => padded(minute, 2),
            Some('S') => padded(second, 2),
            Some('f') => format!("{micros:06}"),
            Some('j') => padded(day_of_year as u64, 3),
            Some('p') => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            Some('B') => month_name.to_owned(),
            Some('b' | 'h') => month_name[..3].to_owned(),
            Some('A') => day_name.to_owned(),
            Some('a') => day_name[..3].to_owned(),
            Some('w') => weekday.to_string(),
            Some('u') => (if weekday == 0 { 7 } else { weekday }).to_string(),
            Some('F') => nested("%Y-%m-%d"),
            Some('T' | 'X') => nested("%H:%M:%S"),
            Some('R') => nested("%H:%M"),
            Some('D' | 'x') => nested("%m/%d/%y"),
            Some('c') => nested("%a %b %e %H:%M:%S %Y"),
            Some('s') => unix_secs.to_string(),
            // Python's datetime.now() carries no zone.
            Some('z' | 'Z') => String::new(),
            Some('n') => "\n".to_owned(),
            Some('t') => "\t".to_owned(),
            Some('%') => "%".to_owned(),
            Some(other) => format!("%{}{other}", if plain { "-" } else { "" }),
            None => "%".to_owned(),
        });
    }
    text
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant's civil_from_days).
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

fn days_from_new_year_1970(year: i64) -> i64 {
    let before = year - 1;
    365 * (year - 1970) + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 477
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_pythons_strftime() {
        // datetime.fromtimestamp(t, timezone.utc).strftime(...)
        let cases = [
            (0, "1970-01-01 00:00:00 Thursday 001 12 AM"),
            (951_782_399, "2000-02-28 23:59:59 Monday 059 11 PM"),
            (951_782_400, "2000-02-29 00:00:00 Tuesday 060 12 AM"),
            (1_735_646_400, "2024-12-31 12:00:00 Tuesday 366 12 PM"),
            (4_102_444_800, "2100-01-01 00:00:00 Friday 001 12 AM"),
        ];
        for (secs, expected) in cases {
            assert_eq!(strftime("%Y-%m-%d %H:%M:%S %A %j %I %p", secs, 0), expected);
        }
        assert_eq!(strftime("%d %b %Y|%-d %B %y|%%%Q", 1_722_470_400, 0), "01 Aug 2024|1 August 24|%%Q");
    }
}
