//! What is to be learned from, read from a summary of the data or from the prepared rows.

use super::Workload;
use crate::data::{DataSummary, Example, IGNORED, TokenStats};
use crate::recipe::Recipe;

impl Workload {
    /// From what is known of a data file that was read with the model's tokenizer; None where lengths are unknown or no
    /// row can be used. Other datasets of the recipe are taken to be like this one.
    pub fn of_summary(recipe: &Recipe, summary: &DataSummary) -> Option<Self> {
        let tokens = summary.tokens.as_ref()?;
        let pair = summary.rejected_tokens.as_ref();
        let usable = summary.rows.saturating_sub(summary.problem_count);
        let usable = usable.min(recipe.max_samples.unwrap_or(usize::MAX));
        if usable == 0 {
            return None;
        }
        let own_eval = recipe.eval_dataset.is_empty();
        let aside = match recipe.val_size {
            size if size >= 1.0 => size as usize,
            share => (share.max(0.0) * usable as f64).ceil() as usize,
        };
        let eval_rows = if own_eval { aside.min(usable - 1) } else { 0 };
        let mut rows = usable - eval_rows;
        if !recipe.replay_dataset.is_empty() && recipe.replay_ratio < 1.0 {
            rows += (rows as f64 * recipe.replay_ratio / (1.0 - recipe.replay_ratio)).round() as usize;
        }
        let sum = |of: &dyn Fn(&TokenStats) -> f32| of(tokens) + pair.map_or(0.0, of);
        let cutoff = recipe.cutoff_len;
        let mean_tokens = sum(&|stats| mean_after_cut(stats, cutoff));
        let learned = sum(&|stats| mean_after_cut(stats, cutoff) * stats.learned_share);
        Some(Self {
            rows,
            eval_rows,
            mean_tokens,
            longest_tokens: tokens.max.min(cutoff) + pair.map_or(0, |pair| pair.max.min(cutoff)),
            learned_share: if mean_tokens > 0.0 { learned / mean_tokens } else { 0.0 },
        })
    }

    /// Of rows as they will be trained on; a pair counts with both its answers.
    pub fn of_prepared(rows: &[Example], eval_rows: usize) -> Self {
        let tokens: usize = rows.iter().map(Example::tokens).sum();
        let scored = |labels: &[i32]| labels.iter().skip(1).filter(|label| **label != IGNORED).count();
        let learned: usize = rows.iter().flat_map(Example::sequences).map(|row| scored(&row.labels)).sum();
        Self {
            rows: rows.len(),
            eval_rows,
            mean_tokens: tokens as f32 / rows.len().max(1) as f32,
            longest_tokens: rows.iter().map(Example::tokens).max().unwrap_or(0),
            learned_share: learned as f32 / tokens.max(1) as f32,
        }
    }
}

/// Mean length of rows cut to `cutoff` tokens; the histogram tells how much the cut takes.
fn mean_after_cut(stats: &TokenStats, cutoff: usize) -> f32 {
    if stats.max <= cutoff {
        return stats.mean;
    }
    let middle = |bucket: usize| (bucket as f32 + 0.5) * stats.bucket_tokens as f32;
    let sum = |most: f32| -> f32 {
        stats.histogram.iter().enumerate().map(|(i, count)| *count as f32 * middle(i).min(most)).sum()
    };
    let whole = sum(f32::INFINITY);
    if whole > 0.0 { stats.mean * sum(cutoff as f32) / whole } else { stats.mean.min(cutoff as f32) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataKind, Encoded, Format, Mapping};

    fn stats(max: usize) -> TokenStats {
        let histogram = (0..20).map(|i| if i < 10 { 10 } else { 0 }).collect();
        TokenStats {
            sampled: 100,
            min: 5,
            mean: max as f32 / 4.0,
            p50: max / 4,
            p95: max / 2,
            max,
            bucket_tokens: max / 20,
            histogram,
            cut_share: 0.0,
            lost_share: 0.0,
            learned_share: 0.5,
        }
    }

    fn summary(pair: bool) -> DataSummary {
        DataSummary {
            path: "rows.jsonl".into(),
            bytes: 1,
            kind: DataKind::Sft,
            format: Format::Alpaca,
            confidence: 1.0,
            mapping: Mapping::new(Format::Alpaca),
            columns: vec![],
            rows: 101,
            problems: vec![],
            problem_count: 1,
            tokens: Some(stats(400)),
            rejected_tokens: pair.then(|| stats(200)),
            balance: None,
            quality: None,
            preview: vec![],
            warnings: vec![],
            elapsed_secs: 0.0,
        }
    }

    #[test]
    fn rows_set_aside_cut_off_and_mixed_in_are_counted() {
        let recipe = Recipe { val_size: 0.1, cutoff_len: 100, ..Recipe::default() };
        let found = Workload::of_summary(&recipe, &summary(false)).expect("lengths are known");
        assert_eq!((found.rows, found.eval_rows, found.longest_tokens), (90, 10, 100));
        assert!(found.mean_tokens < 80.0 && found.mean_tokens > 60.0, "{}", found.mean_tokens);
        let recipe = Recipe { replay_dataset: vec!["general".into()], replay_ratio: 0.5, ..Recipe::default() };
        assert_eq!(Workload::of_summary(&recipe, &summary(false)).expect("lengths are known").rows, 200);
        let recipe = Recipe { max_samples: Some(7), ..Recipe::default() };
        assert_eq!(Workload::of_summary(&recipe, &summary(false)).expect("lengths are known").rows, 7);
    }

    #[test]
    fn a_pair_is_both_its_answers() {
        let found = Workload::of_summary(&Recipe::default(), &summary(true)).expect("lengths are known");
        assert_eq!((found.mean_tokens, found.longest_tokens, found.learned_share), (150.0, 600, 0.5));
        let side = |learned: usize| Encoded {
            row: 1,
            input_ids: vec![1; 10],
            labels: (0..10).map(|i| if i >= 10 - learned { 1 } else { IGNORED }).collect(),
        };
        let train = vec![Example::Pair { chosen: side(4), rejected: side(6) }];
        let found = Workload::of_prepared(&train, 0);
        assert_eq!((found.rows, found.mean_tokens, found.longest_tokens, found.learned_share), (1, 20.0, 20, 0.5));
    }
}
