//! The answers that PPO has sampled, the newest ones of them.

use std::collections::VecDeque;

use luthier_engine::protocol::Rollout;

/// Answers kept; older ones are in the run's own events.jsonl.
const KEPT: usize = 512;

#[derive(Debug, Clone, PartialEq)]
pub struct Sampled {
    /// The first step that learns from it, from 1.
    pub step: usize,
    /// Its place among the answers of that step, from 0.
    pub place: usize,
    pub rollout: Rollout,
}

/// Oldest first; within a step in the order of the engine.
#[derive(Debug, Clone, Default)]
pub struct Rollouts {
    kept: VecDeque<Sampled>,
    /// Grows with every batch, so that a view knows when to look again.
    pub batches: usize,
}

impl Rollouts {
    /// Takes in the answers of a step; those of the same or of later steps were sampled before a resumption and go.
    pub(super) fn add(&mut self, step: usize, rollouts: Vec<Rollout>) {
        while self.kept.back().is_some_and(|last| last.step >= step) {
            self.kept.pop_back();
        }
        self.kept.extend(rollouts.into_iter().enumerate().map(|(place, rollout)| Sampled { step, place, rollout }));
        let surplus = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..surplus);
        self.batches += 1;
    }

    /// The newest step first, each step in its own order.
    pub fn newest_first(&self) -> impl Iterator<Item = &Sampled> {
        let mut end = self.kept.len();
        std::iter::from_fn(move || {
            let step = self.kept.get(end.checked_sub(1)?)?.step;
            let start = self.kept.iter().take(end).rposition(|s| s.step != step).map_or(0, |before| before + 1);
            let group = start..end;
            end = start;
            Some(group)
        })
        .flatten()
        .filter_map(|at| self.kept.get(at))
    }

    /// Step, mean score and mean KL of the newest answers.
    pub fn newest(&self) -> Option<(usize, f32, f32)> {
        let step = self.kept.back()?.step;
        let (score, kl) = means(self.kept.iter().rev().take_while(|s| s.step == step).map(|s| &s.rollout));
        Some((step, score, kl))
    }
}

/// Mean score and mean KL; NaN of none.
pub fn means<'a>(rollouts: impl Iterator<Item = &'a Rollout>) -> (f32, f32) {
    let (mut n, mut score, mut kl) = (0.0, 0.0, 0.0);
    for rollout in rollouts {
        n += 1.0;
        score += rollout.score;
        kl += rollout.kl;
    }
    (score / n, kl / n)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(count: usize, score: f32) -> Vec<Rollout> {
        (0..count).map(|i| Rollout { prompt: format!("p{i}"), answer: "a".into(), score, kl: i as f32 }).collect()
    }

    #[test]
    fn the_newest_stay_and_come_first() {
        let mut rollouts = Rollouts::default();
        assert!(rollouts.newest().is_none());
        for step in 1..=300 {
            rollouts.add(step, answers(4, step as f32));
        }
        let order: Vec<(usize, usize)> = rollouts.newest_first().take(5).map(|s| (s.step, s.place)).collect();
        assert_eq!(order, [(300, 0), (300, 1), (300, 2), (300, 3), (299, 0)]);
        assert_eq!(rollouts.newest_first().count(), KEPT);
        assert_eq!(rollouts.newest(), Some((300, 300.0, 1.5)));
    }

    #[test]
    fn steps_taken_again_replace_their_answers() {
        let mut rollouts = Rollouts::default();
        for step in 1..=3 {
            rollouts.add(step, answers(2, 0.0));
        }
        rollouts.add(2, answers(1, 7.0));
        let order: Vec<(usize, f32)> = rollouts.newest_first().map(|s| (s.step, s.rollout.score)).collect();
        assert_eq!(order, [(2, 7.0), (1, 0.0), (1, 0.0)]);
    }
}
