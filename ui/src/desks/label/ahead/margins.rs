//! How sure the current model is of an item's answers, for the order in which they are labelled.

use std::sync::Arc;

use luthier_engine::feedback::Mode;
use luthier_engine::protocol::{Command, Problem, RequestId, ScoreBatch};

use super::{Step, of_a_prompt};
use crate::bench::Bench;
use crate::labels::{Author, Item, ItemId, Order, QueueId};

/// Tokens of a prompt with its answer that are scored; what is longer is cut.
const CUTOFF: usize = 2048;
/// The margin of an item that cannot be scored: after all others.
const LAST: f32 = f32::MAX;

/// A batch that is with the engine.
#[derive(Debug)]
pub(super) struct Scoring {
    pub request: RequestId,
    pub queue: QueueId,
    items: Vec<ItemId>,
}

#[derive(Debug, Default)]
pub(super) struct Margins {
    /// One item at a time, after a batch that failed.
    careful: bool,
    /// Scores of single answers so far, for their median, by queue.
    seen: std::collections::BTreeMap<QueueId, Vec<f32>>,
}

/// How far apart the model holds the answers of an item. Of a pair |s1 - s2|; of more the smallest gap between
/// neighbours in order; of one answer |s - m|, m the median of the scores so far: an answer near it is the hardest to
/// call good or bad. Earlier margins keep the median that they were computed with.
fn margin(mode: Mode, scores: &[f32], median: f32) -> f32 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f32::total_cmp);
    match (mode, sorted.as_slice()) {
        (_, []) => LAST,
        (Mode::Single, [score, ..]) | (_, [score]) => (score - median).abs(),
        _ => sorted.windows(2).map(|pair| pair[1] - pair[0]).fold(LAST, f32::min),
    }
}

fn median(scores: &[f32]) -> f32 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f32::total_cmp);
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

impl Bench {
    /// Who is asked how sure it is: of the queue's authors the last one with an adapter, which was trained on what came
    /// before; else the first; where a file's answers are labelled, the model that is loaded.
    fn current_model(&self, queue: QueueId) -> Option<(std::path::PathBuf, Option<std::path::PathBuf>)> {
        let authors = &self.desks.label.card(queue)?.settings.authors;
        let of = |author: &Author| (author.model.clone(), author.adapter.clone());
        let trained = authors.iter().rfind(|author| author.adapter.is_some());
        let loaded = || self.state.model.ready().map(|model| (model.path.clone(), None));
        trained.or(authors.first()).filter(|author| !author.model.as_os_str().is_empty()).map(of).or_else(loaded)
    }

    pub(super) fn score_unsure(&mut self, queue: QueueId, mut items: Vec<Arc<Item>>) {
        let model = self.current_model(queue);
        let device = self.desks.label.card(queue).map(|card| card.settings.device.clone()).unwrap_or_default();
        let desk = &mut self.desks.label.ahead;
        if desk.margins.careful {
            items.truncate(1);
        }
        let Some((model, adapter)) = model.filter(|_| !items.is_empty()) else {
            desk.sure.insert(queue);
            return;
        };
        let row = |item: &Arc<Item>| {
            (item.prompt.clone(), item.answers.iter().map(|answer| answer.text.clone()).collect::<Vec<_>>())
        };
        let rows = items.iter().map(row).collect();
        let request = self.request();
        let items = items.iter().map(|item| item.id).collect();
        self.desks.label.ahead.step = Step::Scoring(Scoring { request, queue, items });
        let batch = ScoreBatch { model, adapter, device, rows, cutoff_len: CUTOFF };
        self.wire.send(Command::ScoreAnswers { request, batch: Box::new(batch) });
    }

    pub(super) fn keep_scored(&mut self, scores: &[Vec<f32>]) {
        let desk = &mut self.desks.label.ahead;
        let Step::Scoring(Scoring { queue, items, .. }) = std::mem::take(&mut desk.step) else { return };
        desk.margins.careful = false;
        let mode = self.desks.label.card(queue).map_or(Mode::Pair, |card| card.settings.mode);
        let seen = self.desks.label.ahead.margins.seen.entry(queue).or_default();
        if mode == Mode::Single {
            seen.extend(scores.iter().flatten());
        }
        let middle = median(seen);
        let margins = items.into_iter().zip(scores).map(|(item, scores)| (item, margin(mode, scores, middle)));
        let margins = margins.collect();
        self.labels.order(Order::KeepMargins { queue, margins });
    }

    pub(super) fn scoring_failed(&mut self, scoring: Scoring, problem: &Problem) {
        let desk = &mut self.desks.label.ahead;
        match scoring.items.len() {
            _ if !of_a_prompt(problem) => drop(desk.failed.insert(scoring.queue, problem.clone())),
            0 | 1 => {
                desk.margins.careful = false;
                let margins = scoring.items.into_iter().map(|item| (item, LAST)).collect();
                self.labels.order(Order::KeepMargins { queue: scoring.queue, margins });
            }
            _ => desk.margins.careful = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_says_how_far_apart_answers_are() {
        assert_eq!(margin(Mode::Pair, &[0.5, -1.0], 9.0), 1.5);
        assert_eq!(margin(Mode::Rank, &[3.0, 0.0, 1.0, 1.25], 9.0), 0.25);
        assert_eq!(margin(Mode::Single, &[0.5], 2.0), 1.5);
        assert_eq!(margin(Mode::Pair, &[], 0.0), LAST);
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0]), median(&[])), (2.0, 2.5, 0.0));
    }
}
