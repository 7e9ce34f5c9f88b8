//! Gained on the task against lost in general.

use super::results::{Measure, Results};

/// Where a run lies. Shares: 0.1 is ten per cent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    pub gained: f64,
    pub lost: f64,
}

/// More than this share of a rise is called forgetting: below, chance on a small set does as much.
pub const FORGOT: f64 = 0.02;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quadrant {
    GainedKept,
    GainedForgot,
    NothingKept,
    NothingForgot,
}

impl Place {
    pub fn quadrant(self) -> Quadrant {
        match (self.gained > 0.0, self.lost > FORGOT) {
            (true, false) => Quadrant::GainedKept,
            (true, true) => Quadrant::GainedForgot,
            (false, false) => Quadrant::NothingKept,
            (false, true) => Quadrant::NothingForgot,
        }
    }
}

/// How much better a measure became, as a share of what it was; for a worse one below zero.
fn better(results: &Results, id: &str, measure: &Measure) -> Option<f64> {
    let cell = results.value(id, measure)?;
    let before = cell.before.filter(|before| *before != 0.0)?;
    let change = (cell.value - before) / before.abs();
    Some(change * f64::from(measure.direction())).filter(|share| share.is_finite())
}

/// Of the evaluation losses that the run itself measured: fall from the first to the best.
pub fn gained_in_training(losses: impl Iterator<Item = f32>) -> Option<f64> {
    let losses: Vec<f64> = losses.map(f64::from).filter(|loss| loss.is_finite()).collect();
    let first = losses.first().filter(|_| losses.len() > 1)?;
    let lowest = losses.iter().copied().min_by(f64::total_cmp)?;
    Some((first - lowest) / first)
}

/// None where one of the two was not measured. `task` None: what the run measured while training, given as `in_training`.
pub fn place(
    results: &Results,
    id: &str,
    task: Option<&Measure>,
    general: Option<&Measure>,
    in_training: Option<f64>,
) -> (Option<f64>, Option<f64>) {
    let gained = match task {
        Some(measure) => better(results, id, measure),
        None => in_training,
    };
    let lost = match general {
        Some(measure) => better(results, id, measure).map(|share| -share),
        None => results.value(id, &Measure::Forgetting).map(|cell| cell.value),
    };
    (gained, lost)
}

#[cfg(test)]
mod tests {
    use super::super::results::Cell;
    use super::*;

    #[test]
    fn shares_follow_the_direction_of_the_measure() {
        let set = |metric: &str| Measure::Set { set: "s".into(), metric: metric.into() };
        let (loss, accuracy) = (set("loss"), set("accuracy"));
        let cell = |before, value| Some(Cell { value, before: Some(before) });
        let results = Results {
            measures: vec![loss.clone(), accuracy.clone(), Measure::Forgetting],
            rows: vec![("r".into(), vec![cell(2.0, 1.5), cell(0.5, 0.4), Some(Cell { value: 0.1, before: None })])],
            best: vec![],
        };
        let (gained, lost) = place(&results, "r", Some(&loss), Some(&accuracy), None);
        assert!((gained.unwrap() - 0.25).abs() < 1e-9 && (lost.unwrap() - 0.2).abs() < 1e-9);
        assert_eq!(place(&results, "r", None, None, Some(0.3)), (Some(0.3), Some(0.1)));
        assert_eq!(place(&results, "r", None, None, None).0, None);
        assert_eq!(Place { gained: 0.3, lost: 0.1 }.quadrant(), Quadrant::GainedForgot);
        assert_eq!(Place { gained: 0.3, lost: -0.1 }.quadrant(), Quadrant::GainedKept);
        assert!((gained_in_training([2.0, 1.0, 1.5].into_iter()).unwrap() - 0.5).abs() < 1e-9);
        assert_eq!(gained_in_training([2.0].into_iter()), None);
    }
}
