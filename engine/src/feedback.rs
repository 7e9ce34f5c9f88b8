//! What people think of answers, and what can be learned from it: verdicts become pairs (DPO, ORPO, SimPO, reward models)
//! and marks (KTO); files of the field are read and written.

use serde::{Deserialize, Serialize};

use crate::protocol::ChatMessage;

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
