//! Verdicts in words.

use luthier_engine::feedback::{Strength, Verdict};

use super::text::letter;
use crate::text::t;

/// What was decided, by the letters under which the answers were `shown`.
pub fn verdict(verdict: &Verdict, shown: &[usize]) -> String {
    let named = |place: &usize| {
        shown.iter().position(|at| at == place).map_or_else(|| "?".to_owned(), |side| letter(side).to_string())
    };
    match verdict {
        Verdict::Better { answer, strength: Strength::Clearly } => t!("labelling.was_clearly", side = named(answer)),
        Verdict::Better { answer, strength: Strength::Slightly } => t!("labelling.was_slightly", side = named(answer)),
        Verdict::Tie => t!("labelling.was_tie"),
        Verdict::BothGood => t!("labelling.was_both_good"),
        Verdict::BothBad => t!("labelling.was_both_bad"),
        Verdict::Edited { answer, .. } => t!("labelling.was_edited", side = named(answer)),
        Verdict::Written { .. } => t!("labelling.was_written"),
        Verdict::Good => t!("labelling.was_good"),
        Verdict::Bad => t!("labelling.was_bad"),
        Verdict::Skipped => t!("labelling.was_skipped"),
        Verdict::Ranked { places } => {
            let mut order: Vec<usize> = (0..places.len()).collect();
            order.sort_by_key(|answer| places[*answer]);
            let groups = order.chunk_by(|a, b| places[*a] == places[*b]);
            let said = groups.map(|group| group.iter().map(&named).collect::<Vec<_>>().join(" = "));
            t!("labelling.was_ranked", order = said.collect::<Vec<_>>().join(" > "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_named_by_the_side_they_were_on() {
        let better = Verdict::Better { answer: 0, strength: Strength::Clearly };
        assert!(verdict(&better, &[1, 0]).starts_with("B "));
        assert!(verdict(&better, &[0, 1]).starts_with("A "));
        let ranked = Verdict::Ranked { places: vec![1, 0, 1] };
        assert!(verdict(&ranked, &[2, 1, 0]).ends_with("B > C = A"), "{}", verdict(&ranked, &[2, 1, 0]));
    }
}
