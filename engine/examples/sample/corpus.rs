//! Makes the training rows: draws passes over the sources and fills conversations of about equal length, so that a
//! batch holds hardly any padding.

use std::collections::HashSet;

use luthier_engine::{Error, Result};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use tokenizers::Tokenizer;

use crate::draw::{Exchange, Turn, pass};
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
/// One row in ten has a plain system message, one in twelve a system message with a role, in which all its answers
/// are given; elsewhere one exchange in twelve has the other language.
pub fn conversations(
    sources: &Sources,
    passes: Vec<Vec<Exchange>>,
    tokenizer: &Tokenizer,
    limit: usize,
    seed: u64,
) -> Result<Vec<Value>> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut rows = Vec::new();
    for drawn in passes {
        let mut open = [Open::default(), Open::default()];
        for exchange in drawn {
            let Some(lang) = exchange.first().map(|turn| turn.lang) else { continue };
            let own = usize::from(lang == Lang::Zh);
            let strange = rng.random_ratio(1, 12) && open[1 - own].role.is_none() && !open[1 - own].messages.is_empty();
            let row = &mut open[if strange { 1 - own } else { own }];
            let mut messages = row.messages_for(&exchange);
            let mut tokens = count(tokenizer, &messages)?;
            if row.tokens + tokens > limit && !row.messages.is_empty() {
                rows.extend(std::mem::take(row).row());
                if let Some(system) = row.begin(sources, lang, &mut rng) {
                    row.tokens = count(tokenizer, std::slice::from_ref(&system))?;
                    row.messages.push(system);
                }
                messages = row.messages_for(&exchange);
                tokens = count(tokenizer, &messages)?;
            }
            row.tokens += tokens;
            row.messages.extend(messages);
        }
        rows.extend(open.into_iter().filter_map(Open::row));
    }
    Ok(rows)
}

/// `<|im_start|>`, the role, newline, `<|im_end|>`, newline.
const FRAME_TOKENS: usize = 5;

/// A row being filled.
#[derive(Default)]
struct Open {
    messages: Vec<Value>,
    tokens: usize,
    /// How all answers of this row are given.
    role: Option<String>,
}

impl Open {
    /// Draws whether the row has a system message, and which.
    fn begin(&mut self, sources: &Sources, lang: Lang, rng: &mut StdRng) -> Option<Value> {
        let luck: f64 = rng.random();
        if luck < 1.0 / 12.0 {
            let (role, frame) = *sources.roles(lang).choose(rng)?;
            self.role = Some(frame.to_owned());
            let texts = sources.manners.get(&(lang, "system as".to_owned()))?;
            return Some(message("system", &texts.choose(rng)?.replace("{role}", role)));
        }
        let plain =
            if lang == Lang::En { "You are a helpful assistant." } else { "你是一个乐于助人的助手。" };
        (luck > 0.9).then(|| message("system", plain))
    }

    fn messages_for(&self, exchange: &Exchange) -> Vec<Value> {
        let answer = |turn: &Turn| match &self.role {
            Some(frame) if !turn.styled => frame.replace("{}", &turn.answer),
            _ => turn.answer.clone(),
        };
        exchange
            .iter()
            .flat_map(|turn| [message("user", &turn.question), message("assistant", &answer(turn))])
            .collect()
    }

    fn row(self) -> Option<Value> {
        (!self.messages.is_empty()).then(|| json!({"messages": self.messages}))
    }
}

fn message(role: &str, content: &str) -> Value {
    json!({"role": role, "content": content})
}

fn count(tokenizer: &Tokenizer, messages: &[Value]) -> Result<usize> {
    let mut tokens = 0;
    for message in messages {
        let text = message["content"].as_str().unwrap_or_default();
        let encoded = tokenizer.encode(text, false).map_err(|e| Error::Internal(format!("the tokenizer: {e}")))?;
        tokens += FRAME_TOKENS + encoded.len();
    }
    Ok(tokens)
}
