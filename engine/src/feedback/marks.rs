//! Single answers that are liked or not: what KTO learns from.

use std::borrow::Borrow;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{Balance, Judged, LeftOut, Verdict, prompt_key, words};
use crate::protocol::ChatMessage;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub prompt: Vec<ChatMessage>,
    pub answer: String,
    pub liked: bool,
    /// Who wrote the answer: a model's name, or the annotator's.
    pub author: String,
    pub annotator: String,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Marked {
    pub marks: Vec<Mark>,
    pub left_out: LeftOut,
}

/// Single marks as they are, and those that follow from comparisons: the better answer of a pair is liked, the other
/// not; of a ranking the first place is liked, the last is not, and those between say nothing. Each answer to a prompt
/// counts once; one that is liked here and disliked there is left out.
pub fn marks<J: Borrow<Judged>>(judged: &[J]) -> Marked {
    let mut found: Vec<Mark> = Vec::new();
    let mut left_out = LeftOut::default();
    for judged in judged.iter().map(Borrow::borrow) {
        let mut push = |answer: &str, author: &str, liked| {
            found.push(Mark {
                prompt: judged.prompt.clone(),
                answer: answer.to_owned(),
                liked,
                author: author.to_owned(),
                annotator: judged.annotator.clone(),
            });
        };
        let own = judged.annotator.as_str();
        let answers = judged.answers.iter().enumerate();
        match &judged.verdict {
            Verdict::Better { answer: better, .. } => {
                answers.for_each(|(index, answer)| push(&answer.text, &answer.author, index == *better));
            }
            Verdict::BothGood | Verdict::Good => {
                answers.for_each(|(_, answer)| push(&answer.text, &answer.author, true))
            }
            Verdict::BothBad | Verdict::Bad => {
                answers.for_each(|(_, answer)| push(&answer.text, &answer.author, false))
            }
            Verdict::Edited { answer, text } => {
                push(text, own, true);
                if let Some(original) = judged.answers.get(*answer) {
                    push(&original.text, &original.author, false);
                }
            }
            Verdict::Written { text } => {
                push(text, own, true);
                answers.for_each(|(_, answer)| push(&answer.text, &answer.author, false));
            }
            Verdict::Ranked { places } => {
                let (Some(first), Some(last)) = (places.iter().min(), places.iter().max()) else { continue };
                if first == last {
                    left_out.ties += 1;
                    continue;
                }
                for (answer, place) in judged.answers.iter().zip(places) {
                    if place == first || place == last {
                        push(&answer.text, &answer.author, place == first);
                    }
                }
            }
            Verdict::Tie => left_out.ties += 1,
            Verdict::Skipped => left_out.skipped += 1,
        }
    }
    once(found, left_out)
}

fn once(found: Vec<Mark>, mut left_out: LeftOut) -> Marked {
    let key = |mark: &Mark| (prompt_key(&mark.prompt), words(&mark.answer));
    let mut said: HashMap<(String, String), (bool, bool)> = HashMap::new();
    for mark in &found {
        let said = said.entry(key(mark)).or_default();
        if mark.liked { said.0 = true } else { said.1 = true }
    }
    let mut marks = Vec::with_capacity(found.len());
    for mark in found {
        if mark.answer.trim().is_empty() {
            left_out.empty += 1;
            continue;
        }
        match said.get_mut(&key(&mark)) {
            Some((true, true)) => left_out.contradicting += 1,
            Some(kept @ ((true, false) | (false, true))) => {
                *kept = (false, false);
                marks.push(mark);
            }
            _ => left_out.twice += 1,
        }
    }
    Marked { marks, left_out }
}

/// How many are liked and how many are not; [`super::kto_weights`] evens them out.
pub fn balance(marks: &[Mark]) -> Balance {
    let liked = marks.iter().filter(|mark| mark.liked).count();
    Balance { liked, disliked: marks.len() - liked }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{judged, on};
    use super::super::{Strength, kto_weights};
    use super::*;

    fn told(marked: &Marked) -> Vec<(&str, bool)> {
        marked.marks.iter().map(|mark| (mark.answer.as_str(), mark.liked)).collect()
    }

    #[test]
    fn every_verdict_gives_its_marks() {
        let one = |verdict| marks(&[judged(&["a", "b", "c"], verdict)]);
        let better = Verdict::Better { answer: 1, strength: Strength::Clearly };
        assert_eq!(told(&one(better)), [("a", false), ("b", true), ("c", false)]);
        assert_eq!(told(&one(Verdict::BothGood)), [("a", true), ("b", true), ("c", true)]);
        assert_eq!(told(&one(Verdict::Bad)), [("a", false), ("b", false), ("c", false)]);
        assert_eq!(told(&one(Verdict::Edited { answer: 0, text: "a+".into() })), [("a+", true), ("a", false)]);
        let written = one(Verdict::Written { text: "mine".into() });
        assert_eq!((told(&written)[0], written.marks.len()), (("mine", true), 4));
        assert_eq!(told(&one(Verdict::Ranked { places: vec![1, 0, 2] })), [("b", true), ("c", false)]);
        assert_eq!(one(Verdict::Ranked { places: vec![1, 1, 1] }).left_out.ties, 1);
        assert_eq!((one(Verdict::Tie).left_out.ties, one(Verdict::Skipped).left_out.skipped), (1, 1));
    }

    #[test]
    fn an_answer_counts_once() {
        let rows = [
            on("q", &["a"], Verdict::Good),
            on("q", &["a "], Verdict::Good),
            on("other", &["a"], Verdict::Bad),
            on("q", &["b"], Verdict::Good),
            on("q", &["b"], Verdict::Bad),
            on("q", &[""], Verdict::Bad),
        ];
        let marked = marks(&rows);
        assert_eq!(told(&marked), [("a", true), ("a", false)]);
        assert_eq!(marked.left_out, LeftOut { twice: 1, contradicting: 2, empty: 1, ..LeftOut::default() });
        assert_eq!(balance(&marked.marks), Balance { liked: 1, disliked: 1 });
    }

    #[test]
    fn weights_even_the_kinds_out() {
        let (desirable, undesirable) = kto_weights(Balance { liked: 100, disliked: 20 }).unwrap();
        let ratio = 100.0 * desirable / (20.0 * undesirable);
        assert!((1.0..=4.0 / 3.0).contains(&ratio), "{ratio}");
    }
}
