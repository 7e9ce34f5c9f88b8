//! Whether answers win for where they stand or how long they are.

use luthier_engine::feedback::{Judged, Verdict};

use super::interval::Z;
use super::{Decision, wilson};

/// How often something that should not matter was with the better answer, with Wilson's 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Share {
    pub wins: usize,
    pub of: usize,
    /// What the interval rests on: comparisons within one ranking tell no more than one.
    pub items: usize,
    pub low: f64,
    pub high: f64,
}

/// Which way it goes beyond what chance explains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lean {
    More,
    Less,
}

impl Share {
    pub(super) fn new(wins: usize, of: usize, items: usize) -> Self {
        let share = if of == 0 { 0.0 } else { wins as f64 / of as f64 };
        let (low, high) = wilson(share * items as f64, items as f64);
        Self { wins, of, items, low, high }
    }

    /// NaN where nothing was counted.
    pub fn share(&self) -> f64 {
        self.wins as f64 / self.of as f64
    }

    /// Where the 95 % interval leaves one half out.
    pub fn lean(&self) -> Option<Lean> {
        match () {
            () if self.of == 0 => None,
            () if self.low > 0.5 => Some(Lean::More),
            () if self.high < 0.5 => Some(Lean::Less),
            () => None,
        }
    }
}

/// Where the answer that was shown at the top was put, of rankings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FirstShown {
    /// 1 the best; of equal ones the middle.
    pub mean_place: f64,
    /// Where it would be if that did not matter.
    pub middle: f64,
    /// 95 % interval of the mean place (normal).
    pub low: f64,
    pub high: f64,
    pub rankings: usize,
}

impl FirstShown {
    /// More: nearer to the top than chance explains.
    pub fn lean(&self) -> Option<Lean> {
        match () {
            () if self.rankings < 2 => None,
            () if self.high < self.middle => Some(Lean::More),
            () if self.low > self.middle => Some(Lean::Less),
            () => None,
        }
    }
}

/// Characters of good and bad single answers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lengths {
    pub good: usize,
    pub bad: usize,
    pub mean_good: f64,
    pub mean_bad: f64,
    /// 95 % interval of the difference of the means, good less bad (Welch, normal).
    pub low: f64,
    pub high: f64,
}

impl Lengths {
    /// More: good answers are longer, beyond what chance explains.
    pub fn lean(&self) -> Option<Lean> {
        match () {
            () if self.low > 0.0 => Some(Lean::More),
            () if self.high < 0.0 => Some(Lean::Less),
            () => None,
        }
    }
}

/// The better and the worse one of a pair, by place.
fn won(judged: &Judged) -> Option<(usize, usize)> {
    match judged.verdict {
        Verdict::Better { answer, .. } if answer < 2 && judged.answers.len() == 2 => Some((answer, 1 - answer)),
        _ => None,
    }
}

pub(super) fn left(decisions: &[&Decision]) -> Share {
    let sides = decisions.iter().filter(|d| d.judged.shown.len() == 2);
    let left: Vec<bool> = sides.filter_map(|d| won(&d.judged).map(|(better, _)| d.judged.shown[0] == better)).collect();
    Share::new(left.iter().filter(|left| **left).count(), left.len(), left.len())
}

/// Of pairs, and of each pair of answers in a ranking.
pub(super) fn longer(decisions: &[&Decision]) -> Share {
    let (mut wins, mut of, mut items) = (0, 0, 0);
    for decision in decisions {
        let judged = &decision.judged;
        let decisive = matches!(judged.verdict, Verdict::Ranked { .. }) || won(judged).is_some();
        if !decisive {
            continue;
        }
        let lengths: Vec<usize> = judged.answers.iter().map(|answer| answer.text.chars().count()).collect();
        let before = of;
        let mut add = |better: usize, worse: usize| {
            if lengths[better] != lengths[worse] {
                wins += usize::from(lengths[better] > lengths[worse]);
                of += 1;
            }
        };
        match &judged.verdict {
            Verdict::Ranked { places } if places.len() == lengths.len() => {
                for i in 0..places.len() {
                    for j in (0..places.len()).filter(|j| places[i] < places[*j]) {
                        add(i, j);
                    }
                }
            }
            _ => {
                if let Some((better, worse)) = won(judged) {
                    add(better, worse);
                }
            }
        }
        items += usize::from(of > before);
    }
    Share::new(wins, of, items)
}

pub(super) fn first_shown(decisions: &[&Decision]) -> Option<FirstShown> {
    let (mut places_sum, mut middle_sum, mut off) = (0.0, 0.0, Vec::new());
    for decision in decisions {
        let Verdict::Ranked { places } = &decision.judged.verdict else { continue };
        let Some(mine) = decision.judged.shown.first().and_then(|first| places.get(*first)) else { continue };
        let better = places.iter().filter(|place| *place < mine).count() as f64;
        let equal = places.iter().filter(|place| *place == mine).count() as f64;
        let place = 1.0 + better + (equal - 1.0) / 2.0;
        let middle = (places.len() as f64 + 1.0) / 2.0;
        places_sum += place;
        middle_sum += middle;
        off.push(place - middle);
    }
    let n = off.len() as f64;
    if off.is_empty() {
        return None;
    }
    let (mean_place, middle) = (places_sum / n, middle_sum / n);
    let half = Z * error(&off);
    Some(FirstShown { mean_place, middle, low: mean_place - half, high: mean_place + half, rankings: off.len() })
}

pub(super) fn lengths(decisions: &[&Decision]) -> Option<Lengths> {
    let of = |verdict: &Verdict| -> Vec<f64> {
        let said = decisions.iter().filter(|decision| decision.judged.verdict == *verdict);
        said.filter_map(|decision| decision.judged.answers.first()).map(|a| a.text.chars().count() as f64).collect()
    };
    let (good, bad) = (of(&Verdict::Good), of(&Verdict::Bad));
    if good.len() < 2 || bad.len() < 2 {
        return None;
    }
    let (mean_good, mean_bad) = (mean(&good), mean(&bad));
    let half = Z * (error(&good).powi(2) + error(&bad).powi(2)).sqrt();
    let difference = mean_good - mean_bad;
    let (low, high) = (difference - half, difference + half);
    Some(Lengths { good: good.len(), bad: bad.len(), mean_good, mean_bad, low, high })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The standard error of the mean.
fn error(values: &[f64]) -> f64 {
    let (n, mean) = (values.len() as f64, mean(values));
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    if n < 2.0 { 0.0 } else { (squares / (n - 1.0) / n).sqrt() }
}
