//! Can these labels be trusted? Agreement (percent and Cohen's kappa) and biases, pure functions of decisions.
//!
//! Everything but the disagreements leaves skips out, and the last words of the review list: those were not judged
//! blind. Verdicts that came in a file (they took no time) count for agreement, not for bias and pace.

use std::collections::HashMap;

use luthier_engine::feedback::{Mode, Verdict};

use super::{Decision, ItemId};

mod agreement;
mod bias;
mod disputes;
mod interval;
mod kappa;
mod pace;

pub use agreement::Agreement;
pub use bias::{FirstShown, Lean, Lengths, Share};
pub use disputes::Dispute;
pub use interval::wilson;
pub use kappa::{Kappa, Reading};
pub use pace::{HASTY_CHARACTERS, HASTY_SECS, Pace};

/// What the decisions of a queue say about themselves.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    pub mode: Mode,
    /// Verdicts that stand.
    pub decisions: usize,
    /// Items that they are about.
    pub items: usize,
    /// Items with more than one of them.
    pub twice: usize,
    /// Of each person with themself, and of all of them together.
    pub own: Vec<Agreement>,
    pub own_all: Option<Agreement>,
    /// Of each two people, and of all of them together.
    pub between: Vec<Agreement>,
    pub between_all: Option<Agreement>,
    /// How often the left of two answers was better.
    pub left: Share,
    /// How often the longer of two answers was better.
    pub longer: Share,
    /// Of rankings.
    pub first_shown: Option<FirstShown>,
    /// Of single answers.
    pub lengths: Option<Lengths>,
    /// Of everybody, and of each.
    pub pace: Pace,
    pub paces: Vec<Pace>,
    pub verdicts: Vec<(Said, usize)>,
    /// In the order in which their items were first judged.
    pub disputes: Vec<Dispute>,
}

impl Report {
    pub fn unsettled(&self) -> usize {
        self.disputes.iter().filter(|dispute| dispute.last_word.is_none()).count()
    }
}

/// Kinds of verdicts, as they are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    Clearly,
    Slightly,
    Tie,
    BothGood,
    BothBad,
    Edited,
    Written,
    Good,
    Bad,
    Ranked,
    Skipped,
}

impl Said {
    const ALL: [Self; 11] = [
        Self::Clearly,
        Self::Slightly,
        Self::Tie,
        Self::BothGood,
        Self::BothBad,
        Self::Edited,
        Self::Written,
        Self::Good,
        Self::Bad,
        Self::Ranked,
        Self::Skipped,
    ];

    pub fn of(verdict: &Verdict) -> Self {
        use luthier_engine::feedback::Strength;
        match verdict {
            Verdict::Better { strength: Strength::Clearly, .. } => Self::Clearly,
            Verdict::Better { strength: Strength::Slightly, .. } => Self::Slightly,
            Verdict::Tie => Self::Tie,
            Verdict::BothGood => Self::BothGood,
            Verdict::BothBad => Self::BothBad,
            Verdict::Edited { .. } => Self::Edited,
            Verdict::Written { .. } => Self::Written,
            Verdict::Good => Self::Good,
            Verdict::Bad => Self::Bad,
            Verdict::Ranked { .. } => Self::Ranked,
            Verdict::Skipped => Self::Skipped,
        }
    }
}

/// The decisions of one item, by their index.
pub(super) struct Sheet {
    item: ItemId,
    /// One for each person and pass: the latest. Skips and last words left out. In the order in which they were made.
    said: Vec<usize>,
    last_word: Option<usize>,
}

/// A report on `decisions` of a queue of this mode, given in the order in which they were made.
pub fn report(mode: Mode, decisions: &[Decision]) -> Report {
    let sheets = sheets(decisions);
    let kept: Vec<&Decision> = sheets.iter().flat_map(|sheet| &sheet.said).map(|at| &decisions[*at]).collect();
    let judged_here: Vec<&Decision> = kept.iter().copied().filter(|decision| decision.judged.seconds > 0.0).collect();
    let agreements = agreement::all(&sheets, decisions);
    let (pace, paces) = pace::paces(&kept);
    let skipped = decisions.iter().filter(|d| d.judged.verdict == Verdict::Skipped && !d.last_word).count();
    let count = |said| match said {
        Said::Skipped => skipped,
        said => kept.iter().filter(|decision| Said::of(&decision.judged.verdict) == said).count(),
    };
    let verdicts = Said::ALL.into_iter().map(|said| (said, count(said))).filter(|(_, n)| *n > 0).collect();
    Report {
        mode,
        decisions: kept.len(),
        items: sheets.iter().filter(|sheet| !sheet.said.is_empty()).count(),
        twice: sheets.iter().filter(|sheet| sheet.said.len() > 1).count(),
        own: agreements.own,
        own_all: agreements.own_all,
        between: agreements.between,
        between_all: agreements.between_all,
        left: bias::left(&judged_here),
        longer: bias::longer(&judged_here),
        first_shown: bias::first_shown(&judged_here),
        lengths: bias::lengths(&judged_here),
        pace,
        paces,
        verdicts,
        disputes: disputes::disputes(&sheets, decisions),
    }
}

fn sheets(decisions: &[Decision]) -> Vec<Sheet> {
    let mut places: HashMap<ItemId, usize> = HashMap::new();
    let mut sheets: Vec<Sheet> = Vec::new();
    for (at, decision) in decisions.iter().enumerate() {
        let place = *places.entry(decision.item).or_insert_with(|| {
            sheets.push(Sheet { item: decision.item, said: Vec::new(), last_word: None });
            sheets.len() - 1
        });
        let sheet = &mut sheets[place];
        if decision.last_word {
            sheet.last_word = Some(at);
        } else {
            // Judged anew by the same person: what was said before no longer stands.
            sheet.said.retain(|earlier| {
                let earlier = &decisions[*earlier];
                (earlier.pass, &earlier.judged.annotator) != (decision.pass, &decision.judged.annotator)
            });
            if decision.judged.verdict != Verdict::Skipped {
                sheet.said.push(at);
            }
        }
    }
    sheets
}

#[cfg(test)]
mod tests;
