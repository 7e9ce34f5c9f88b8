//! What to learn from a queue of labels: pairs, single marks or a judge of answers.

use super::stage::kto_weights;
use super::{Reason, Rule};
use crate::data::Balance;
use crate::recipe::Stage;

/// What was said, one verdict an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Labels {
    /// Verdicts that say which answer is better.
    pub decided: usize,
    pub ties: usize,
    /// Verdicts on both answers at once, good or bad.
    pub both: usize,
    /// Rows of chosen and rejected answers that come of them.
    pub pairs: usize,
    /// Rows of single answers with a mark that come of them.
    pub marks: Balance,
}

/// What is proposed for labels, and why; what the marks weigh where they are what is learned from.
#[derive(Debug, Clone, PartialEq)]
pub struct Lesson {
    pub stage: Stage,
    pub reason: Reason,
    /// kto_chosen_weight and kto_rejected_weight; None where one kind of mark is missing.
    pub weights: Option<(f64, f64)>,
}

/// DPO for verdicts that compare; KTO where single answers were marked, or where most verdicts praise or reject both
/// answers, which pairs would lose.
pub fn lesson_of(labels: &Labels) -> Lesson {
    let weights = kto_weights(labels.marks);
    let counted = |rule: Rule| {
        Reason::from(rule)
            .count("pairs", labels.pairs)
            .count("good", labels.marks.liked)
            .count("bad", labels.marks.disliked)
            .count("both", labels.both)
    };
    let lopsided = weights.is_some_and(|(good, bad)| good.max(bad) >= LOPSIDED);
    let (stage, rule) = match labels {
        Labels { decided: 0, both: 0, .. } if lopsided => (Stage::Kto, Rule::LabelsUnbalanced),
        Labels { decided: 0, both: 0, .. } => (Stage::Kto, Rule::LabelsMarks),
        Labels { decided, both, .. } if both > decided => (Stage::Kto, Rule::LabelsBoth),
        _ => (Stage::Dpo, Rule::LabelsPairs),
    };
    Lesson { stage, reason: counted(rule), weights }
}

/// From this weight of the rarer kind on the marks are called unbalanced.
const LOPSIDED: f64 = 2.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(decided: usize, both: usize, liked: usize, disliked: usize) -> Labels {
        Labels { decided, both, pairs: decided, marks: Balance { liked, disliked }, ..Labels::default() }
    }

    #[test]
    fn comparisons_are_learned_as_pairs() {
        let lesson = lesson_of(&labels(60, 12, 70, 62));
        assert_eq!((lesson.stage, lesson.reason.rule), (Stage::Dpo, Rule::LabelsPairs));
    }

    #[test]
    fn verdicts_on_both_answers_are_learned_one_by_one() {
        let lesson = lesson_of(&labels(34, 47, 46, 116));
        assert_eq!((lesson.stage, lesson.reason.rule), (Stage::Kto, Rule::LabelsBoth));
        assert_eq!(lesson.weights, Some((2.53, 1.0)));
    }

    #[test]
    fn single_marks_nine_to_one_are_weighed() {
        let lesson = lesson_of(&labels(0, 0, 90, 10));
        assert_eq!((lesson.stage, lesson.reason.rule), (Stage::Kto, Rule::LabelsUnbalanced));
        let (good, bad) = lesson.weights.unwrap();
        assert!((1.0..=4.0 / 3.0).contains(&(90.0 * good / (10.0 * bad))), "{good} {bad}");
        assert_eq!(lesson_of(&labels(0, 0, 50, 45)).reason.rule, Rule::LabelsMarks);
        assert_eq!(lesson_of(&labels(0, 0, 50, 0)).weights, None);
    }
}
