//! What labels are worth: numbers, nothing yet, a disagreement.

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use luthier_engine::feedback::{Mode, Verdict};

use super::Scene;
use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::testing::Engine;
use crate::testing::decisions::{decision, decisions, tell, trust_bench};
use crate::testing::labels::labelling_bench;
use crate::text::{Language, t};
use crate::workbench::Workbench;

pub(super) fn scenes(language: Language) -> Vec<Scene> {
    vec![
        ("label_trust", Box::new(move || trust_bench(language, Mode::Pair))),
        ("label_trust_single", Box::new(move || trust_bench(language, Mode::Single))),
        ("label_trust_rank", Box::new(move || trust_bench(language, Mode::Rank))),
        ("label_trust_empty", Box::new(move || empty(language))),
        ("label_trust_once", Box::new(move || once(language))),
        ("label_annotator", Box::new(move || item(language, Mode::Pair))),
        ("label_bias_line", Box::new(move || at_the_bench(language))),
        ("label_review_item", Box::new(move || item(language, Mode::Pair))),
        ("label_review_rank", Box::new(move || item(language, Mode::Rank))),
    ]
}

/// The list under the name of who labels.
pub(super) fn open_annotators(w: &Harness<'static, Workbench>) {
    w.get_by_label(&t!("review.labels_here", name = "Ada")).click();
}

/// How the labels lean, in the head of the bench: the left answer wins too often.
fn at_the_bench(language: Language) -> (Bench, Engine) {
    let (mut b, e) = labelling_bench(language, Mode::Pair, 30);
    let mut all = decisions(Mode::Pair);
    for decision in &mut all {
        let judged = &mut decision.judged;
        if let Verdict::Better { answer, .. } = judged.verdict
            && decision.item % 5 > 0
        {
            judged.shown = vec![answer, 1 - answer];
        }
    }
    tell(&mut b, &e, all);
    (b, e)
}

fn empty(language: Language) -> (Bench, Engine) {
    let (mut b, e) = labelling_bench(language, Mode::Pair, 0);
    b.desks.label.page = LabelPage::Review;
    tell(&mut b, &e, Vec::new());
    (b, e)
}

/// Nothing has been judged twice, and nothing will be.
fn once(language: Language) -> (Bench, Engine) {
    let (mut b, e) = labelling_bench(language, Mode::Pair, 30);
    b.desks.label.page = LabelPage::Review;
    b.desks.label.cards[0].settings.again_share = 0.0;
    tell(&mut b, &e, decisions(Mode::Pair).into_iter().filter(|decision| decision.pass == 0).collect());
    (b, e)
}

fn item(language: Language, mode: Mode) -> (Bench, Engine) {
    let (mut b, e) = trust_bench(language, mode);
    // The first that is not settled.
    b.step_dispute(1);
    let mut all = decisions(mode);
    let at = b.desks.label.review.item.map_or(0, |item| item as usize - 1);
    let verdict = all.iter().find(|decision| decision.item as usize == at + 1).map(|d| d.judged.verdict.clone());
    let mut noted = decision(at, mode, 3, "小陈", verdict.unwrap_or(Verdict::Skipped));
    noted.judged.tags = vec!["wrong".into(), "too long".into()];
    noted.judged.note = "The second half repeats the first.".into();
    all.push(noted);
    b.desks.label.cards[0].labelled += 1;
    b.watch_trust(1, 10.0);
    tell(&mut b, &e, all);
    (b, e)
}
