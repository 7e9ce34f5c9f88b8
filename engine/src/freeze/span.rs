//! The words of `freeze_layers`: `0-5`, `11`, `first:6`, `last:2`, `half`.

use std::collections::BTreeSet;
use std::ops::Range;

use crate::error::RecipeProblem;
use crate::{Error, Result};

/// Neighbouring layers, as a person names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// From the first to the second, both included.
    Between(usize, usize),
    First(usize),
    Last(usize),
    /// The first half, rounded down.
    Half,
}

impl Span {
    /// Reads the words between the commas of `text`.
    ///
    /// # Errors
    /// The reason, for people, why a word names no layers.
    pub fn read_all(text: &str) -> Result<Vec<Self>, String> {
        text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(Self::read).collect()
    }

    fn read(word: &str) -> Result<Self, String> {
        let unknown = || format!("'{word}' names no layers");
        let number = |text: &str| text.trim().parse::<usize>().map_err(|_| unknown());
        let some = |text: &str| match number(text)? {
            0 => Err(format!("'{word}' is no layer at all")),
            count => Ok(count),
        };
        if word == "half" {
            return Ok(Self::Half);
        }
        if let Some(count) = word.strip_prefix("first:") {
            return some(count).map(Self::First);
        }
        if let Some(count) = word.strip_prefix("last:") {
            return some(count).map(Self::Last);
        }
        let (from, to) = word.split_once('-').unwrap_or((word, word));
        let (from, to) = (number(from)?, number(to)?);
        if from > to {
            return Err(format!("'{word}' runs backwards"));
        }
        Ok(Self::Between(from, to))
    }

    /// The layers meant in a model of `layers`.
    ///
    /// # Errors
    /// The reason, where the model has fewer.
    pub fn range(self, layers: usize) -> Result<Range<usize>, String> {
        let has = match layers {
            1 => "this model has 1 layer, number 0".to_owned(),
            _ => format!("this model has {layers} layers, numbers 0 to {}", layers.saturating_sub(1)),
        };
        match self {
            Self::Between(_, to) if to >= layers => Err(format!("layer {to} does not exist: {has}")),
            Self::First(count) | Self::Last(count) if count > layers => Err(format!("{count} layers are named: {has}")),
            Self::Between(from, to) => Ok(from..to + 1),
            Self::First(count) => Ok(0..count),
            Self::Last(count) => Ok(layers - count..layers),
            Self::Half => Ok(0..layers / 2),
        }
    }
}

pub(super) fn problem(reason: String) -> RecipeProblem {
    let remedy = "write numbers from 0 and ranges such as 0-5,11, or first:N, last:N or half";
    RecipeProblem { field: "freeze_layers".into(), reason, remedy: remedy.into() }
}

/// The layers that `freeze_layers` names, with every mistake at once.
pub(super) fn frozen_layers(words: &[String], layers: usize) -> Result<BTreeSet<usize>> {
    let (mut frozen, mut problems) = (BTreeSet::new(), Vec::new());
    for word in words {
        match Span::read_all(word) {
            Err(reason) => problems.push(problem(reason)),
            Ok(spans) => {
                for span in spans {
                    match span.range(layers) {
                        Ok(range) => frozen.extend(range),
                        Err(reason) => problems.push(problem(reason)),
                    }
                }
            }
        }
    }
    if problems.is_empty() { Ok(frozen) } else { Err(Error::BadRecipe(problems)) }
}
