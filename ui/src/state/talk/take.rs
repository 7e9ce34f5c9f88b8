//! One answer, as often as it was given: every version stays.

use std::sync::Arc;

use luthier_engine::protocol::{FinishReason, Problem, Sampling, TokenChance};
use serde::{Deserialize, Serialize};

/// How an answer came to its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ending {
    pub new_tokens: usize,
    pub elapsed_secs: f64,
    pub reason: FinishReason,
}

/// A piece of an answer's text and the tokens that it is made of: mostly one, several where a character takes several,
/// none where their chances were not asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span {
    /// In bytes of the text.
    pub bytes: usize,
    pub tokens: Vec<TokenChance>,
}

impl Span {
    /// How likely all of it was.
    pub fn chance(&self) -> Option<f32> {
        (!self.tokens.is_empty()).then(|| self.tokens.iter().map(|token| token.chance).product())
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Take {
    pub text: String,
    pub ending: Option<Ending>,
    pub problem: Option<Problem>,
    /// The person's own words.
    pub edited: bool,
    /// What it was sampled with.
    pub sampling: Option<Sampling>,
    /// Empty, or as long as the text.
    #[serde(with = "shared", skip_serializing_if = "no_spans")]
    pub spans: Arc<Vec<Span>>,
}

fn no_spans(spans: &Arc<Vec<Span>>) -> bool {
    spans.is_empty()
}

/// Shared, so that handing a conversation to the library copies no token.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::Span;

    pub fn serialize<S: Serializer>(spans: &Arc<Vec<Span>>, to: S) -> Result<S::Ok, S::Error> {
        spans.as_slice().serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Arc<Vec<Span>>, D::Error> {
        Vec::deserialize(from).map(Arc::new)
    }
}

impl Take {
    pub(super) fn push(&mut self, text: &str, tokens: Vec<TokenChance>) {
        if !tokens.is_empty() || !self.spans.is_empty() {
            let spans = Arc::make_mut(&mut self.spans);
            let known: usize = spans.iter().map(|span| span.bytes).sum();
            if known < self.text.len() {
                spans.push(Span { bytes: self.text.len() - known, tokens: Vec::new() });
            }
            match spans.last_mut() {
                Some(last) if text.is_empty() => last.tokens.extend(tokens),
                _ => spans.push(Span { bytes: text.len(), tokens }),
            }
        }
        self.text.push_str(text);
    }

    /// Makes ready to be gone on with: what the chat template would take off at the end is taken off here as well.
    pub(super) fn reopen(&mut self) {
        self.text.truncate(self.text.trim_end().len());
        let spans = Arc::make_mut(&mut self.spans);
        let mut known = 0;
        spans.retain_mut(|span| {
            span.bytes = span.bytes.min(self.text.len() - known);
            known += span.bytes;
            span.bytes > 0
        });
        self.ending = None;
        self.problem = None;
    }

    /// Nothing was said, and nobody has tried to.
    pub fn is_blank(&self) -> bool {
        self.text.is_empty() && self.ending.is_none() && self.problem.is_none()
    }

    /// It broke off, and can be gone on with.
    pub fn is_cut(&self) -> bool {
        !self.text.trim().is_empty()
            && !self.edited
            && self.ending.as_ref().is_some_and(|ending| ending.reason != FinishReason::EndOfText)
    }
}

/// The versions of one column's answer to one question.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Takes {
    pub all: Vec<Take>,
    pub shown: usize,
}

impl Takes {
    pub fn shown(&self) -> Option<&Take> {
        self.all.get(self.shown)
    }

    pub(super) fn shown_mut(&mut self) -> Option<&mut Take> {
        self.all.get_mut(self.shown)
    }

    /// What the model is told it has said: nothing, where the answer failed.
    pub fn said(&self) -> &str {
        self.shown().map_or("", |take| take.text.trim())
    }

    /// A new version, shown from now on. One that never came to anything makes room for it.
    pub(super) fn add(&mut self, take: Take) {
        self.all.retain(|take| !take.is_blank());
        self.all.push(take);
        self.shown = self.all.len() - 1;
    }

    /// Takes a version back that never began.
    pub(super) fn forget_blank(&mut self) {
        if self.all.len() > 1 && self.shown().is_some_and(Take::is_blank) {
            self.all.remove(self.shown);
            self.shown = self.all.len() - 1;
        }
    }
}
