//! The time as part of a name.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, as 20261124-023105 (UTC), for folder names.
pub(super) fn stamp() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    // Pictures of the window are compared, so tests of this crate have one moment only.
    let secs = if cfg!(test) { 1_795_000_000 } else { now };
    let (year, month, day) = civil(secs / 86_400);
    let (h, m, s) = (secs / 3600 % 24, secs / 60 % 60, secs % 60);
    format!("{year}{month:02}{day:02}-{h:02}{m:02}{s:02}")
}

/// Days since 1970-01-01 as a date; after Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
pub(crate) fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}
