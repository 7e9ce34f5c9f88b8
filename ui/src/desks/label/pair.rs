//! Pairs on the bench: the better side, an answer rewritten, an answer of one's own.

use std::collections::BTreeMap;

use luthier_engine::feedback::{Mode, Strength, Verdict};

use crate::bench::Bench;
use crate::labels::ItemId;
use crate::text::t;

/// An answer being written by the person.
#[derive(Debug, Clone, PartialEq)]
pub struct Writing {
    /// The place of the answer that is rewritten; none: an answer of their own.
    pub answer: Option<usize>,
    pub text: String,
    /// Why it cannot be kept as it is.
    pub refused: String,
}

#[derive(Debug, Default)]
pub struct PairDesk {
    /// What a plain key counts as.
    pub strength: Strength,
    /// Words that only one of the answers has are marked.
    pub differences: bool,
    /// "Edit which?" has been asked and waits for a side.
    pub asking: bool,
    pub writing: Option<Writing>,
    /// Texts that were begun and not decided with, by item and place.
    drafts: BTreeMap<(ItemId, Option<usize>), String>,
    /// The item about whose draft the person has been warned: the next key decides without it.
    warned: Option<ItemId>,
}

impl PairDesk {
    /// Another item is in front. `left`: the one before, where it went without a decision; its text is kept.
    pub(super) fn turn(&mut self, left: Option<ItemId>) {
        self.leave_text_of(left);
        self.asking = false;
        self.warned = None;
    }

    fn leave_text_of(&mut self, item: Option<ItemId>) {
        let (Some(writing), Some(item)) = (self.writing.take(), item) else { return };
        self.drafts.insert((item, writing.answer), writing.text);
    }

    pub fn turn_strength(&mut self) {
        self.strength = match self.strength {
            Strength::Slightly => Strength::Clearly,
            Strength::Clearly => Strength::Slightly,
        };
    }

    /// A text begun on this item that is in no decision.
    pub fn has_draft(&self, item: ItemId) -> bool {
        self.drafts.keys().any(|(of, _)| *of == item)
    }
}

impl Bench {
    /// The answer on `side` (0: left or top) is better.
    pub fn choose_side(&mut self, side: usize, strength: Strength) {
        if self.desks.label.pair.asking {
            return self.edit_side(side);
        }
        let Some(answer) = self.item_in_front().and_then(|item| item.shown.get(side).copied()) else { return };
        self.decide_pair(Verdict::Better { answer, strength });
    }

    /// Decides on a pair. Where a text was begun on it, the first time warns that it will not count.
    pub fn decide_pair(&mut self, verdict: Verdict) {
        let Some(id) = self.item_in_front().map(|item| item.id) else { return };
        let pair = &mut self.desks.label.pair;
        pair.asking = false;
        if pair.has_draft(id) && pair.warned != Some(id) {
            pair.warned = Some(id);
            self.notes.push(t!("labelling.draft_warning"));
            return;
        }
        if self.decide(verdict) {
            self.desks.label.pair.drafts.retain(|(of, _), _| *of != id);
        }
    }

    /// Asks which of the two is to be edited.
    pub fn ask_which_to_edit(&mut self) {
        self.desks.label.pair.asking = !self.desks.label.pair.asking;
    }

    /// Opens the answer on `side` to be made better.
    pub fn edit_side(&mut self, side: usize) {
        let Some(item) = self.item_in_front() else { return };
        let Some((place, answer)) = item.shown.get(side).and_then(|place| Some((*place, item.answers.get(*place)?)))
        else {
            return;
        };
        let (id, text) = (item.id, answer.text.clone());
        self.write(id, Some(place), text);
    }

    /// Opens an empty field for an answer of the person's own.
    pub fn write_own(&mut self) {
        let Some(id) = self.item_in_front().map(|item| item.id) else { return };
        self.write(id, None, String::new());
    }

    fn write(&mut self, item: ItemId, answer: Option<usize>, text: String) {
        // What this person had made of it before it was called back.
        let before = self.item_in_front().and_then(|item| match &item.earlier {
            Some(Verdict::Edited { answer: of, text }) if Some(*of) == answer => Some(text.clone()),
            Some(Verdict::Written { text }) if answer.is_none() => Some(text.clone()),
            _ => None,
        });
        let text = before.unwrap_or(text);
        let pair = &mut self.desks.label.pair;
        pair.asking = false;
        let text = pair.drafts.get(&(item, answer)).cloned().unwrap_or(text);
        pair.writing = Some(Writing { answer, text, refused: String::new() });
    }

    /// Decides with the text as it is written.
    pub fn keep_text(&mut self) {
        let Some(item) = self.item_in_front().cloned() else { return };
        if self.desks.label.deciding {
            return;
        }
        let Some(writing) = &mut self.desks.label.pair.writing else { return };
        let unchanged = writing.answer.and_then(|place| item.answers.get(place)).map(|answer| &answer.text);
        if writing.text.trim().is_empty() {
            writing.refused = t!("labelling.text_empty");
        } else if unchanged.is_some_and(|text| *text == writing.text) {
            writing.refused = t!("labelling.text_unchanged");
        } else {
            let text = writing.text.clone();
            let verdict = match writing.answer {
                Some(answer) => Verdict::Edited { answer, text },
                None => Verdict::Written { text },
            };
            if self.decide(verdict) {
                self.desks.label.pair.drafts.retain(|(of, _), _| *of != item.id);
            }
        }
    }

    /// Goes back to the pair without a decision. A text that was begun is kept for when they come back.
    pub fn leave_text(&mut self) {
        let Some(item) = self.item_in_front().cloned() else { return };
        let pair = &mut self.desks.label.pair;
        let Some(writing) = &pair.writing else { return };
        let before = writing.answer.and_then(|place| item.answers.get(place)).map_or("", |answer| &answer.text);
        if writing.text == before {
            pair.drafts.remove(&(item.id, writing.answer));
            pair.writing = None;
        } else {
            let key = if writing.answer.is_some() { "E" } else { "W" };
            pair.leave_text_of(Some(item.id));
            self.notes.push(t!("labelling.draft_kept", key = key));
        }
    }

    /// Throws away what was written.
    pub fn discard_text(&mut self) {
        let Some(id) = self.item_in_front().map(|item| item.id) else { return };
        let pair = &mut self.desks.label.pair;
        if let Some(writing) = pair.writing.take() {
            pair.drafts.remove(&(id, writing.answer));
        }
    }

    /// A pair is in front and a key can decide on it.
    pub fn can_judge_pair(&self) -> bool {
        self.can_judge(Mode::Pair)
    }
}
