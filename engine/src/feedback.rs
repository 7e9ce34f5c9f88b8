//! What people think of answers, and what can be learned from it: verdicts become pairs (DPO, ORPO, SimPO, reward models)
//! and marks (KTO); files of the field are read and written.

use serde::{Deserialize, Serialize};

use crate::protocol::ChatMessage;

mod argilla;
mod chats;
mod formats;
mod label_studio;
mod marks;
mod pairs;
mod read;
mod settle;
mod split;
mod wording;
mod write;

#[cfg(test)]
mod trips;

pub use crate::advice::kto_weights;
pub use crate::data::Balance;
pub use formats::{FileFormat, Holds};
pub use marks::{Mark, Marked, balance, marks};
pub use pairs::{Pair, PairRules, PairSource, Paired, Ranking, Ties, pairs};
pub use read::{Imported, Item, import};
pub use settle::{Said, Settled, settle, turned};
pub use split::{Asked, prompt_key, split};
pub use write::{Exporting, Records, records};

/// How a person judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// The better one of two answers.
    #[default]
    Pair,
    /// One answer, good or bad.
    Single,
    /// Three to six answers in their order.
    Rank,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strength {
    Slightly,
    #[default]
    Clearly,
}

/// What a person decided. Answers are named by their place in [`Judged::answers`], never by the side they were shown on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Verdict {
    /// Of a pair.
    Better {
        answer: usize,
        strength: Strength,
    },
    Tie,
    BothGood,
    BothBad,
    /// The answer as the person rewrote it is better than it was.
    Edited {
        answer: usize,
        text: String,
    },
    /// The person's own answer is better than each that was shown.
    Written {
        text: String,
    },
    /// Of a single answer.
    Good,
    Bad,
    /// The place of each answer, 0 for the best; the same place: a tie.
    Ranked {
        places: Vec<usize>,
    },
    Skipped,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub text: String,
    /// Who wrote it: a model's or run's name, or a file's.
    pub author: String,
}

/// One decision with the exact texts that it was about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judged {
    /// All turns up to the question.
    pub prompt: Vec<ChatMessage>,
    pub answers: Vec<Answer>,
    pub verdict: Verdict,
    /// The answers from left to right (or from the top), as they were shown.
    pub shown: Vec<usize>,
    /// What is wrong with it, in the person's words.
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub note: String,
    #[serde(default)]
    pub annotator: String,
    #[serde(default)]
    pub seconds: f64,
    #[serde(default)]
    pub judged_unix_ms: u64,
}

impl Judged {
    /// Whether the verdict is a file's that names nobody: it stands for who judged and for who answered.
    pub fn is_of_file(&self) -> bool {
        !self.answers.is_empty() && self.answers.iter().all(|answer| answer.author == self.annotator)
    }
}

/// Verdicts of which nothing could be made, and why. Counts are of pairs or marks that would have been.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LeftOut {
    pub ties: usize,
    pub both_good: usize,
    pub both_bad: usize,
    pub skipped: usize,
    /// Both texts are the same but for white space.
    pub same_text: usize,
    /// An answer is empty: no trainer learns from it.
    pub empty: usize,
    /// The same prompt and texts a second time.
    pub twice: usize,
    /// The same answer to the same prompt, once liked and once not.
    pub contradicting: usize,
    /// Marks of prompts that have no answer of the other kind.
    pub unpaired: usize,
    /// Items on which people, or one person twice, disagree with nobody's last word.
    pub disagreed: usize,
    /// Conversations that the format has no way to write.
    pub unwritable: usize,
}

impl LeftOut {
    pub fn total(&self) -> usize {
        self.reasons().iter().map(|(_, count)| count).sum()
    }

    /// Every reason by its name, also those that count nothing.
    pub fn reasons(&self) -> [(&'static str, usize); 11] {
        [
            ("ties", self.ties),
            ("both_good", self.both_good),
            ("both_bad", self.both_bad),
            ("skipped", self.skipped),
            ("same_text", self.same_text),
            ("empty", self.empty),
            ("twice", self.twice),
            ("contradicting", self.contradicting),
            ("unpaired", self.unpaired),
            ("disagreed", self.disagreed),
            ("unwritable", self.unwritable),
        ]
    }
}

/// Whether two texts say the same, white space aside.
fn same_words(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

/// A text without regard to white space: two that are equal say the same.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ada's verdict on answers by m0, m1 and so on.
    pub(super) fn judged(answers: &[&str], verdict: Verdict) -> Judged {
        on("Which part of a violin sounds first?", answers, verdict)
    }

    pub(super) fn on(question: &str, answers: &[&str], verdict: Verdict) -> Judged {
        let answer = |(index, text): (usize, &&str)| Answer { text: (*text).into(), author: format!("m{index}") };
        Judged {
            prompt: vec![ChatMessage { role: "user".into(), content: question.into() }],
            answers: answers.iter().enumerate().map(answer).collect(),
            verdict,
            shown: (0..answers.len()).collect(),
            tags: Vec::new(),
            note: String::new(),
            annotator: "Ada".into(),
            seconds: 3.0,
            judged_unix_ms: 1_795_000_000_000,
        }
    }
}
