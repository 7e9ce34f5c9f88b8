//! Datasets joined, rows set aside for evaluation, general rows mixed in against forgetting.

use super::batch::SplitMix;
use super::example::Example;
use crate::error::{Error, Result};
use crate::recipe::{MixStrategy, Recipe};

/// Random streams of the seed; epochs count up from 0.
const SPLIT_STREAM: u64 = u64::MAX;
const MIX_STREAM: u64 = u64::MAX - 1;
const REPLAY_STREAM: u64 = u64::MAX - 3;

/// Several datasets as one. Interleaving takes one row of each in turn, or of one drawn by `interleave_probs`, until the
/// first is used up (`interleave_under`) or until all are, those that end early beginning again (`interleave_over`).
pub(super) fn mix(mut datasets: Vec<Vec<Example>>, recipe: &Recipe) -> Result<Vec<Example>> {
    if datasets.len() == 1 {
        return Ok(datasets.remove(0));
    }
    let over = match recipe.mix_strategy {
        MixStrategy::Concat => return Ok(datasets.concat()),
        MixStrategy::InterleaveUnder => false,
        MixStrategy::InterleaveOver => true,
    };
    let chances = &recipe.interleave_probs;
    let sum: f64 = chances.iter().sum();
    let usable = chances.len() == datasets.len() && chances.iter().all(|chance| *chance > 0.0) && sum.is_finite();
    if !chances.is_empty() && !usable {
        let reason = format!("{} datasets need as many chances, each above 0", datasets.len());
        return Err(Error::recipe("interleave_probs", reason, "write one for each dataset, or none"));
    }
    if let Some(problem) = recipe.bad_chance() {
        return Err(Error::BadRecipe(vec![problem]));
    }
    let mut random = SplitMix::new(recipe.seed, MIX_STREAM);
    let mut draw = |turn: usize| -> usize {
        if chances.is_empty() {
            return turn % datasets.len();
        }
        let mut point = random.unit() * sum;
        let beyond = |chance: &f64| {
            point -= chance;
            point < 0.0
        };
        chances.iter().position(beyond).unwrap_or(chances.len() - 1)
    };
    let mut next = vec![0usize; datasets.len()];
    let mut mixed = Vec::new();
    for turn in 0.. {
        let rounds_done = next.iter().zip(&datasets).filter(|(next, rows)| **next >= rows.len()).count();
        // In turns, a round is finished even if the first dataset ended within it.
        let between_rounds = !chances.is_empty() || turn % datasets.len() == 0;
        if between_rounds && (rounds_done == datasets.len() || (rounds_done > 0 && !over)) {
            break;
        }
        let chosen = draw(turn);
        let rows = &datasets[chosen];
        mixed.push(rows[next[chosen] % rows.len()].clone());
        next[chosen] += 1;
    }
    Ok(mixed)
}

/// How many rows of each dataset go into the mix, from how many can be learned of each. Exact where the datasets take
/// turns or follow one another; what is to be expected where chance draws them.
pub fn rows_per_pass(rows: &[usize], strategy: MixStrategy, chances: &[f64]) -> Vec<usize> {
    let over = match strategy {
        _ if rows.len() < 2 => return rows.to_vec(),
        MixStrategy::Concat => return rows.to_vec(),
        MixStrategy::InterleaveUnder => false,
        MixStrategy::InterleaveOver => true,
    };
    let sum: f64 = chances.iter().sum();
    let drawn = chances.len() == rows.len() && chances.iter().all(|chance| *chance > 0.0) && sum.is_finite();
    let share = |index: usize| if drawn { chances[index] / sum } else { 1.0 / rows.len() as f64 };
    let lasts = rows.iter().enumerate().map(|(index, rows)| *rows as f64 / share(index));
    let total = if over { lasts.fold(0.0, f64::max) } else { lasts.fold(f64::INFINITY, f64::min) };
    (0..rows.len()).map(|index| (total * share(index)).round() as usize).collect()
}

/// Sets rows aside for evaluation: `val_size` of them (1 or more), or that share of them (below 1, rounded up). Which
/// ones depends on `seed`; both parts keep the order of the file.
pub(super) fn split(rows: Vec<Example>, val_size: f64, seed: u64) -> Result<(Vec<Example>, Vec<Example>)> {
    let count = aside_count(rows.len(), val_size);
    if count == 0 {
        return Ok((rows, Vec::new()));
    }
    if count >= rows.len() {
        let reason = format!("it would take {count} rows for evaluation, and there are {}", rows.len());
        return Err(Error::recipe("val_size", reason, "lower it, or name an eval_dataset"));
    }
    let mut is_eval = vec![false; rows.len()];
    rows_aside(rows.len(), val_size, seed).into_iter().for_each(|index| is_eval[index] = true);
    let (eval, train): (Vec<_>, Vec<_>) = rows.into_iter().zip(is_eval).partition(|(_, is_eval)| *is_eval);
    let bare = |rows: Vec<(Example, bool)>| rows.into_iter().map(|(row, _)| row).collect();
    Ok((bare(train), bare(eval)))
}

fn aside_count(rows: usize, val_size: f64) -> usize {
    if val_size >= 1.0 { val_size.floor() as usize } else { (val_size.max(0.0) * rows as f64).ceil() as usize }
}

/// Which of `rows` usable rows (from 0, in the order of the mix) a run sets aside for evaluation; in no order. Empty
/// where that would be all of them.
pub fn rows_aside(rows: usize, val_size: f64, seed: u64) -> Vec<usize> {
    let count = aside_count(rows, val_size);
    if count == 0 || count >= rows {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..rows).collect();
    SplitMix::new(seed, SPLIT_STREAM).shuffle(&mut order);
    order.truncate(count);
    order
}

/// General rows that `own` rows need so that a share of `ratio` (below 1) of all rows is general.
pub fn replay_count(own: usize, ratio: f64) -> usize {
    (own as f64 * ratio / (1.0 - ratio)).round() as usize
}

/// `count` rows of `general` among the `own` ones, each once before any comes again. Where rows are shuffled, they stand
/// at places drawn by the seed, else as evenly as can be; the own rows keep their order.
pub(super) fn replay(own: Vec<Example>, mut general: Vec<Example>, count: usize, recipe: &Recipe) -> Vec<Example> {
    if general.is_empty() || count == 0 {
        return own;
    }
    let mut random = SplitMix::new(recipe.seed, REPLAY_STREAM);
    random.shuffle(&mut general);
    let total = own.len() + count;
    let is_general: Vec<bool> = if recipe.disable_shuffling {
        // The k-th general row comes where the share of those before it falls behind.
        (0..total).map(|place| (place + 1) * count / total > place * count / total).collect()
    } else {
        let mut places: Vec<bool> = (0..total).map(|place| place < count).collect();
        random.shuffle(&mut places);
        places
    };
    let (mut own, mut general) = (own.into_iter(), general.iter().cycle().cloned());
    is_general.into_iter().filter_map(|is_general| if is_general { general.next() } else { own.next() }).collect()
}
