//! What a stage learns of a row: text or an answer, a pair, a marked answer, a question.

use super::encode::{Coded, Encoded, Encoder};
use super::example::Example;
use super::mapping::{DataKind, Mapping};
use super::read::Row;
use super::sample::{Dialogue, Sample};
use crate::error::{Error, Result};
use crate::recipe::Stage;

/// What became of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outcome {
    /// Usually one; kto makes two of a pair.
    Made { examples: Vec<Example>, notes: Notes },
    /// Right as it is, and of no use within `cutoff_len`.
    Lost(Loss),
    /// What is wrong with it, for the person.
    Bad(String),
}

/// Why nothing of a sound row can be learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Loss {
    /// No token of the answer lies within `cutoff_len`; of a pair, of either answer.
    NoAnswer,
    /// Both answers of a pair are the same as far as `cutoff_len` reaches.
    SameWithinCutoff,
    /// rm never cuts: a score belongs to a whole answer.
    TooLong,
    /// ppo needs room for an answer.
    NoRoom,
}

/// What the person should know of a row that is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Notes {
    pub is_cut: bool,
    /// See [`Coded::last_turn_only`].
    pub last_turn_only: bool,
    pub unclosed: bool,
    pub tools_unseen: bool,
    /// A conversation for a model without a chat template.
    pub plain_chat: bool,
}

impl Notes {
    fn of(coded: &Coded, dialogue: Option<&Dialogue>, encoder: &Encoder<'_>) -> Self {
        let is_cut = coded.full_len > coded.input_ids.len();
        Self {
            is_cut,
            last_turn_only: coded.last_turn_only,
            unclosed: coded.unclosed && !is_cut,
            tools_unseen: coded.tools_unseen,
            plain_chat: matches!(dialogue, Some(Dialogue::Chat { .. })) && !encoder.has_template(),
        }
    }

    fn or(self, other: Self) -> Self {
        Self {
            is_cut: self.is_cut || other.is_cut,
            last_turn_only: self.last_turn_only || other.last_turn_only,
            unclosed: self.unclosed || other.unclosed,
            tools_unseen: self.tools_unseen || other.tools_unseen,
            plain_chat: self.plain_chat || other.plain_chat,
        }
    }
}

/// How rows are read for a stage.
pub(super) struct StageReader<'a> {
    pub stage: Stage,
    pub mapping: &'a Mapping,
    pub encoder: &'a Encoder<'a>,
    pub cutoff_len: usize,
}

impl StageReader<'_> {
    /// `number`: the row's in its file, from 1.
    pub(super) fn read(&self, row: &Row, number: usize) -> Outcome {
        let sample = match self.stage {
            Stage::Ppo => Sample::question(&row.fields, self.mapping),
            _ => Sample::read(&row.fields, self.mapping),
        };
        sample.and_then(|sample| self.make(&sample, number)).unwrap_or_else(Outcome::Bad)
    }

    fn make(&self, sample: &Sample, number: usize) -> Result<Outcome, String> {
        match sample {
            Sample::Prompt(dialogue) => self.prompt(dialogue, number),
            Sample::Preference { chosen, rejected } => self.pair(chosen, rejected, number),
            Sample::Kto { answer, liked } => {
                let (row, notes) = self.answer(answer, number)?;
                Ok(answered(row, notes, |answer| Example::Marked { answer, liked: *liked }))
            }
            Sample::Sft(dialogue) => {
                let (row, notes) = self.answer(dialogue, number)?;
                Ok(answered(row, notes, Example::Answer))
            }
            Sample::Text(_) => {
                let coded = self.encoder.encode(sample)?;
                let notes = Notes::of(&coded, None, self.encoder);
                Ok(answered(encoded(coded, number), notes, Example::Answer))
            }
        }
    }

    fn answer(&self, dialogue: &Dialogue, number: usize) -> Result<(Encoded, Notes), String> {
        let coded = self.encoder.encode_dialogue(dialogue)?;
        let notes = Notes::of(&coded, Some(dialogue), self.encoder);
        Ok((encoded(coded, number), notes))
    }

    fn pair(&self, chosen: &Dialogue, rejected: &Dialogue, number: usize) -> Result<Outcome, String> {
        let (chosen, chosen_notes) = self.answer(chosen, number)?;
        let (rejected, rejected_notes) = self.answer(rejected, number)?;
        let notes = chosen_notes.or(rejected_notes);
        if self.stage == Stage::Rm && notes.is_cut {
            return Ok(Outcome::Lost(Loss::TooLong));
        }
        // The same ids on both sides teach nothing; in a mean over tokens, no token at all would be 0 / 0.
        if chosen.learned_tokens() == 0 || rejected.learned_tokens() == 0 {
            return Ok(Outcome::Lost(Loss::NoAnswer));
        }
        if chosen.input_ids == rejected.input_ids {
            return match notes.is_cut {
                true => Ok(Outcome::Lost(Loss::SameWithinCutoff)),
                false => Err("the chosen and the rejected answer are the same tokens".into()),
            };
        }
        let examples = match self.stage {
            Stage::Kto => vec![
                Example::Marked { answer: chosen, liked: true },
                Example::Marked { answer: rejected, liked: false },
            ],
            _ => vec![Example::Pair { chosen, rejected }],
        };
        Ok(Outcome::Made { examples, notes })
    }

    fn prompt(&self, dialogue: &Dialogue, number: usize) -> Result<Outcome, String> {
        let ids = self.encoder.prompt(dialogue)?;
        if ids.len() >= self.cutoff_len {
            return Ok(Outcome::Lost(Loss::NoRoom));
        }
        let coded = Coded::unlabelled(ids);
        let notes = Notes::of(&coded, Some(dialogue), self.encoder);
        Ok(Outcome::Made { examples: vec![Example::Prompt(encoded(coded, number))], notes })
    }
}

fn answered(row: Encoded, notes: Notes, make: impl Fn(Encoded) -> Example) -> Outcome {
    match row.learned_tokens() {
        0 => Outcome::Lost(Loss::NoAnswer),
        _ => Outcome::Made { examples: vec![make(row)], notes },
    }
}

fn encoded(coded: Coded, row: usize) -> Encoded {
    Encoded { row, input_ids: coded.input_ids, labels: coded.labels }
}

/// # Errors
/// `BadData`: the file holds rows of a kind that `stage` cannot learn, with what would fit.
pub(super) fn check_kind(kind: DataKind, stage: Stage, table: &super::read::Table) -> Result<()> {
    if kind.stages().contains(&stage) {
        return Ok(());
    }
    let needed = match stage {
        Stage::Sft => DataKind::Sft.about(),
        Stage::Pt => DataKind::Text.about(),
        Stage::Rm | Stage::Dpo => DataKind::Preference.about(),
        Stage::Kto => DataKind::Kto.about(),
        Stage::Ppo => "questions",
    };
    let fitting = kind.stages()[0].as_str();
    let reason = format!(
        "it holds {}, which stage {} cannot learn: choose a file of {needed}, or write stage: {fitting}",
        kind.about(),
        stage.as_str()
    );
    Err(Error::data(&table.path, "the whole file", reason))
}
