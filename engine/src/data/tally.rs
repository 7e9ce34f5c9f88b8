//! What was left out of a dataset, and what the person should know of the rest.

use super::example::Example;
use super::read::Table;
use super::stage::{Loss, Notes, Outcome};
use crate::error::{Error, Result};
use crate::recipe::{Recipe, Stage};

/// Rows that a warning names.
const NAMED: usize = 5;

/// Rows of one dataset that can be learned.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub examples: Vec<Example>,
    pub dropped: usize,
    pub warnings: Vec<String>,
}

/// Sorts the rows of `table` by what became of them; an outcome stands beside the row's index.
///
/// # Errors
/// `BadData` naming the rows that cannot be used (unless `skip_bad_rows`), or when nothing is left.
pub(super) fn tally(table: &Table, outcomes: Vec<(usize, Outcome)>, recipe: &Recipe, stage: Stage) -> Result<Kept> {
    let cutoff = recipe.cutoff_len;
    let total = outcomes.len();
    let mut kept = Kept::default();
    let (mut bad, mut no_answer, mut same, mut too_long, mut no_room) =
        (Named::default(), Named::default(), Named::default(), Named::default(), Named::default());
    let (mut cut, mut last_only, mut unclosed, mut unseen, mut plain_chats) = (0, 0, 0, 0, 0);
    for (index, outcome) in outcomes {
        let place = || table.place(index);
        match outcome {
            Outcome::Bad(reason) => bad.add(|| format!("{}: {reason}", place())),
            Outcome::Lost(Loss::NoAnswer) => no_answer.add(place),
            Outcome::Lost(Loss::SameWithinCutoff) => same.add(place),
            Outcome::Lost(Loss::TooLong) => too_long.add(place),
            Outcome::Lost(Loss::NoRoom) => no_room.add(place),
            Outcome::Made { examples, notes } => {
                let Notes { is_cut, last_turn_only, unclosed: open, tools_unseen, plain_chat } = notes;
                cut += usize::from(is_cut);
                last_only += usize::from(last_turn_only);
                unclosed += usize::from(open);
                unseen += usize::from(tools_unseen);
                plain_chats += usize::from(plain_chat);
                kept.examples.extend(examples);
            }
        }
    }
    if bad.count > 0 && !recipe.skip_bad_rows && bad.count < total {
        let reason = format!(
            "{} of {} cannot be used: {}; mend them, or write skip_bad_rows: true to leave them out",
            bad.count,
            rows(total),
            bad.list()
        );
        return Err(Error::data(&table.path, "rows", reason));
    }
    kept.dropped = bad.count + no_answer.count + same.count + too_long.count + no_room.count;
    let mut warn = |count: usize, text: String| {
        if count > 0 {
            kept.warnings.push(format!("{}: {text}", table.path.display()));
        }
    };
    warn(bad.count, format!("{} left out: {}", rows(bad.count), bad.list()));
    let mut lost = |lost: &Named, why: String| {
        warn(lost.count, format!("{} left out: {why} ({})", rows(lost.count), lost.list()));
    };
    lost(&no_answer, format!("no token of the answer lies within cutoff_len {cutoff}"));
    lost(&same, format!("the chosen and the rejected answer are the same within cutoff_len {cutoff}"));
    lost(&too_long, format!("longer than cutoff_len {cutoff}, and a reward model never learns from part of an answer"));
    lost(&no_room, format!("the question alone fills cutoff_len {cutoff}"));
    warn(cut, format!("{} longer than cutoff_len {cutoff} and cut off there", rows(cut)));
    let rewritten = "the chat template writes earlier turns differently once more follow";
    warn(last_only, format!("of {} only the last answer is learned: {rewritten}", rows(last_only)));
    let stop = "the chat template ends an answer with no special token, so the model does not learn where to stop";
    warn(unclosed, format!("{stop} ({})", rows(unclosed)));
    warn(unseen, format!("the chat template does not show the tools of {}", rows(unseen)));
    let layout = "the model has no chat template; conversations are laid out as ### Instruction: and ### Response:";
    warn(plain_chats, layout.to_owned());
    if kept.examples.is_empty() {
        let reason = match (bad.first(), stage) {
            (Some(first), _) => format!("no row can be used; {first}"),
            (None, Stage::Ppo) => format!("no row can be used: every question alone fills cutoff_len {cutoff}"),
            (None, Stage::Rm) => format!("no row can be used: all are longer than cutoff_len {cutoff}"),
            (None, _) if same.count > 0 => {
                format!("no row can be used: no pair differs within cutoff_len {cutoff} ({})", same.list())
            }
            (None, _) => format!("no row can be used: no answer begins within cutoff_len {cutoff}"),
        };
        return Err(Error::data(&table.path, "the whole file", reason));
    }
    Ok(kept)
}

/// What is said of KTO rows that are all liked or all disliked; how many there are of each otherwise is no news.
pub(super) fn one_sided(examples: &[Example]) -> Option<String> {
    let liked = examples.iter().filter(|row| matches!(row, Example::Marked { liked: true, .. })).count();
    let disliked = examples.iter().filter(|row| matches!(row, Example::Marked { liked: false, .. })).count();
    one_sided_count(liked, disliked)
}

pub(super) fn one_sided_count(liked: usize, disliked: usize) -> Option<String> {
    let (all, none) = match (liked, disliked) {
        (0, 0) => return None,
        (_, 0) => ("liked", "disliked"),
        (0, _) => ("disliked", "liked"),
        _ => return None,
    };
    let of_each = format!("{liked} liked, {disliked} disliked");
    Some(format!(
        "every row is {all} ({of_each}): kto learns from both kinds; is the column of labels right, or do the {none} answers lie in another file?"
    ))
}

pub(super) fn rows(count: usize) -> String {
    if count == 1 { "1 row".into() } else { format!("{count} rows") }
}

/// Places of some of the rows that share a fate.
#[derive(Default)]
struct Named {
    count: usize,
    places: Vec<String>,
}

impl Named {
    fn add(&mut self, place: impl FnOnce() -> String) {
        self.count += 1;
        if self.places.len() < NAMED {
            self.places.push(place());
        }
    }

    fn first(&self) -> Option<&String> {
        self.places.first()
    }

    fn list(&self) -> String {
        let more = if self.count > self.places.len() { "; ..." } else { "" };
        format!("{}{more}", self.places.join("; "))
    }
}
