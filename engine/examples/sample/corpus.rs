//! Makes the training rows: draws passes over the sources and fills conversations of about equal length, so that a
//! batch holds hardly any padding.

use std::collections::HashSet;

use luthier_engine::{Error, Result};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use tokenizers::Tokenizer;

use crate::draw::{Exchange, pass};
use crate::sources::{Lang, Sources};

/// `passes` draws over every block, in order of drawing. Questions in `held_out` (see [`key`]) are left out.
pub fn exchanges(sources: &Sources, passes: usize, seed: u64, held_out: &HashSet<String>) -> Vec<Vec<Exchange>> {
    let mut rng = StdRng::seed_from_u64(seed);
    let known = |exchange: &Exchange| exchange.iter().any(|turn| held_out.contains(&key(&turn.question)));
    (0..passes)
        .map(|_| {
            let mut drawn = pass(sources, &mut rng);
            drawn.retain(|exchange| !known(exchange));
            drawn.shuffle(&mut rng);
            drawn
        })
        .collect()
}

/// A question without marks, spaces and capitals: what makes two questions the same.
pub fn key(question: &str) -> String {
    question.chars().filter(|c| c.is_alphanumeric() || "+-*=".contains(*c)).flat_map(char::to_lowercase).collect()
}

/// One row in the OpenAI form, {"messages": [...]}, of at most `limit` tokens unless a single exchange is longer.
/// One row in ten has a system message, one exchange in twelve the other language.
pub fn conversations(
    passes: Vec<Vec<Exchange>>,
    tokenizer: &Tokenizer,
    limit: usize,
    seed: u64,
) -> Result<Vec<serde_json::Value>> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut rows = Vec::new();
    for drawn in passes {
        let mut open = [Open::default(), Open::default()];
        for exchange in drawn {
            let own = usize::from(exchange.first().is_some_and(|turn| turn.lang == Lang::Zh));
            let at = if rng.random_ratio(1, 12) { 1 - own } else { own };
            let mut tokens = 0;
            for turn in &exchange {
                tokens += TURN_FRAME + count(tokenizer, &turn.question)? + count(tokenizer, &turn.answer)?;
            }
            if open[at].tokens + tokens > limit {
                rows.extend(std::mem::take(&mut open[at]).row());
            }
            if open[at].messages.is_empty() && rng.random_ratio(1, 10) {
                let system = ["You are a helpful assistant.", "你是一个乐于助人的助手。"][own];
                open[at].add("system", system);
                open[at].tokens += TURN_FRAME / 2 + count(tokenizer, system)?;
            }
            open[at].tokens += tokens;
            for turn in &exchange {
                open[at].add("user", &turn.question);
                open[at].add("assistant", &turn.answer);
            }
        }
        rows.extend(open.into_iter().filter_map(Open::row));
    }
    Ok(rows)
}

/// `<|im_start|>`, the role, newline, `<|im_end|>`, newline: twice.
const TURN_FRAME: usize = 10;

#[derive(Default)]
struct Open {
    messages: Vec<serde_json::Value>,
    tokens: usize,
}

impl Open {
    fn add(&mut self, role: &str, content: &str) {
        self.messages.push(serde_json::json!({"role": role, "content": content}));
    }

    fn row(self) -> Option<serde_json::Value> {
        (!self.messages.is_empty()).then(|| serde_json::json!({"messages": self.messages}))
    }
}

fn count(tokenizer: &Tokenizer, text: &str) -> Result<usize> {
    Ok(tokenizer.encode(text, false).map_err(|e| Error::Internal(format!("the tokenizer: {e}")))?.len())
}
