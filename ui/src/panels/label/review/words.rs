//! Verdicts, names and shares as they are read here.

use luthier_engine::feedback::{Strength, Verdict};

use crate::desks::Disputed;
use crate::labels::Decision;
use crate::labels::trust::Said;
use crate::text::t;

pub fn percent(share: f64) -> String {
    if share.is_finite() { format!("{:.0} %", share * 100.0) } else { "–".into() }
}

/// "66–97 %"
pub fn percents(low: f64, high: f64) -> String {
    format!("{:.0}–{:.0} %", low * 100.0, high * 100.0)
}

/// With two digits, and a minus that is as wide as a plus.
pub fn decimal(value: f64) -> String {
    format!("{value:.2}").replace('-', "−")
}

pub fn person(name: &str) -> String {
    if name.is_empty() { t!("review.nobody") } else { name.to_owned() }
}

/// The letter of the answer that stands `side`th from the left.
pub fn letter(side: usize) -> char {
    char::from(b'A' + (side % 26) as u8)
}

fn letter_of(place: usize, sides: &[usize]) -> char {
    letter(sides.iter().position(|side| *side == place).unwrap_or(place))
}

/// "B > A = C"
pub fn order(places: &[usize], sides: &[usize]) -> String {
    let mut letters: Vec<(usize, char)> =
        places.iter().enumerate().map(|(answer, place)| (*place, letter_of(answer, sides))).collect();
    letters.sort_unstable();
    let mut text = String::new();
    for (at, (place, letter)) in letters.iter().enumerate() {
        if at > 0 {
            text += if letters[at - 1].0 == *place { " = " } else { " > " };
        }
        text.push(*letter);
    }
    text
}

/// Answers are named by the letters that they have on the screen.
pub fn verdict(verdict: &Verdict, sides: &[usize]) -> String {
    match verdict {
        Verdict::Better { answer, strength: Strength::Clearly } => {
            t!("review.said_clearly", answer = letter_of(*answer, sides))
        }
        Verdict::Better { answer, strength: Strength::Slightly } => {
            t!("review.said_slightly", answer = letter_of(*answer, sides))
        }
        Verdict::Edited { answer, .. } => t!("review.said_edited", answer = letter_of(*answer, sides)),
        Verdict::Ranked { places } => order(places, sides),
        other => kind(Said::of(other)),
    }
}

pub fn kind(said: Said) -> String {
    match said {
        Said::Clearly => t!("review.kind_clearly"),
        Said::Slightly => t!("review.kind_slightly"),
        Said::Tie => t!("review.kind_tie"),
        Said::BothGood => t!("review.kind_both_good"),
        Said::BothBad => t!("review.kind_both_bad"),
        Said::Edited => t!("review.kind_edited"),
        Said::Written => t!("review.kind_written"),
        Said::Good => t!("review.kind_good"),
        Said::Bad => t!("review.kind_bad"),
        Said::Ranked => t!("review.kind_ranked"),
        Said::Skipped => t!("review.kind_skipped"),
    }
}

/// Who said what, in one line.
pub fn statements(disputed: &Disputed) -> String {
    let sides = disputed.sides();
    let said = |decision: &Decision| {
        t!(
            "review.said",
            person = person(&decision.judged.annotator),
            verdict = verdict(&decision.judged.verdict, &sides)
        )
    };
    disputed.said().map(said).collect::<Vec<_>>().join("  ·  ")
}

/// The beginning of the question, in one line.
pub fn question(disputed: &Disputed) -> String {
    let prompt = &disputed.judged().prompt;
    let last = prompt.iter().rfind(|message| message.role == "user").or(prompt.last());
    let text = last.map(|message| message.content.as_str()).unwrap_or_default();
    text.chars().take(300).map(|c| if c.is_whitespace() || c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_told_by_the_letters_on_the_screen() {
        // Answer 2 is the best, 0 and 3 are equal; on the screen 3 stands first.
        assert_eq!(order(&[1, 2, 0, 1], &[3, 2, 1, 0]), "B > A = D > C");
        assert_eq!(order(&[0, 0], &[1, 0]), "A = B");
        assert_eq!(decimal(-0.529), "−0.53");
        assert_eq!(
            (percent(0.5449), percents(0.401, 0.672), percent(f64::NAN)),
            ("54 %".into(), "40–67 %".into(), "–".into())
        );
    }
}
