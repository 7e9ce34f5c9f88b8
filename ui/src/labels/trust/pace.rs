//! How long decisions take, and which were hardly read.

use std::collections::BTreeMap;

use super::Decision;

/// Less than this on more than [`HASTY_CHARACTERS`] of answers: hardly read.
pub const HASTY_SECS: f64 = 1.0;
pub const HASTY_CHARACTERS: usize = 200;
/// What took longer was a pause, and counts as this much.
const LONGEST_SECS: f64 = 600.0;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Pace {
    /// Empty: everybody.
    pub person: String,
    /// Verdicts that stand, those from files too.
    pub decisions: usize,
    /// Those that took time here; the numbers below are of them.
    pub timed: usize,
    pub median_secs: f64,
    /// Pauses cut at ten minutes.
    pub total_secs: f64,
    pub hasty: usize,
}

impl Pace {
    /// Decisions an hour of labelling.
    pub fn per_hour(&self) -> f64 {
        if self.total_secs > 0.0 { self.timed as f64 * 3600.0 / self.total_secs } else { 0.0 }
    }
}

/// Of everybody, and of each person by name.
pub(super) fn paces(decisions: &[&Decision]) -> (Pace, Vec<Pace>) {
    let mut of_people: BTreeMap<&str, Vec<&Decision>> = BTreeMap::new();
    for decision in decisions {
        of_people.entry(&decision.judged.annotator).or_default().push(decision);
    }
    (pace("", decisions), of_people.into_iter().map(|(person, said)| pace(person, &said)).collect())
}

fn pace(person: &str, decisions: &[&Decision]) -> Pace {
    let timed = || decisions.iter().filter(|decision| decision.judged.seconds > 0.0);
    let mut seconds: Vec<f64> = timed().map(|decision| decision.judged.seconds).collect();
    seconds.sort_by(f64::total_cmp);
    let middle = seconds.len() / 2;
    let median_secs = match seconds.len() {
        0 => 0.0,
        n if n.is_multiple_of(2) => f64::midpoint(seconds[middle - 1], seconds[middle]),
        _ => seconds[middle],
    };
    Pace {
        person: person.to_owned(),
        decisions: decisions.len(),
        timed: seconds.len(),
        median_secs,
        total_secs: seconds.iter().map(|seconds| seconds.min(LONGEST_SECS)).sum(),
        hasty: timed().filter(|decision| hasty(decision)).count(),
    }
}

fn hasty(decision: &Decision) -> bool {
    // The texts are counted only where it was quick.
    decision.judged.seconds < HASTY_SECS
        && decision.judged.answers.iter().map(|answer| answer.text.chars().count()).sum::<usize>() > HASTY_CHARACTERS
}
