//! What labels are worth: numbers, nothing yet, a disagreement.

use luthier_engine::feedback::Mode;

use super::Scene;
use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::testing::Engine;
use crate::testing::decisions::{decision, decisions, tell, trust_bench};
use crate::testing::labels::labelling_bench;
use crate::text::Language;

pub(super) fn scenes(language: Language) -> Vec<Scene> {
    vec![
        ("label_trust", Box::new(move || trust_bench(language, Mode::Pair))),
        ("label_trust_single", Box::new(move || trust_bench(language, Mode::Single))),
        ("label_trust_rank", Box::new(move || trust_bench(language, Mode::Rank))),
        ("label_trust_empty", Box::new(move || empty(language))),
        ("label_trust_once", Box::new(move || once(language))),
        ("label_review_item", Box::new(move || item(language, Mode::Pair))),
        ("label_review_rank", Box::new(move || item(language, Mode::Rank))),
    ]
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
    let mut all = decisions(mode);
    let verdict = all[0].judged.verdict.clone();
    let mut noted = decision(20, mode, 3, "小陈", verdict);
    noted.judged.tags = vec!["wrong".into(), "too long".into()];
    noted.judged.note = "The second half repeats the first.".into();
    all.push(noted);
    b.desks.label.cards[0].labelled += 1;
    b.watch_trust(1, 10.0);
    tell(&mut b, &e, all);
    b.open_dispute(21);
    (b, e)
}
