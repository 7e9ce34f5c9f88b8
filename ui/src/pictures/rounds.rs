//! Scenes of the rounds: the chain, nothing yet, what is to be learned, the round to come.

use luthier_engine::feedback::{Mode, Verdict};

use super::Scene;
use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::panels::Panel;
use crate::testing::Engine;
use crate::testing::labels::queue_card;
use crate::testing::rounds::{RUN, better, chain_bench, decisions, first_round, rounds_bench, tell_decisions};
use crate::text::Language;

pub(super) fn scenes(language: Language) -> Vec<Scene> {
    vec![
        ("label_rounds", Box::new(move || chain_bench(language))),
        ("label_rounds_open", Box::new(move || open(language))),
        ("label_rounds_empty", Box::new(move || empty(language))),
        ("label_train_on", Box::new(move || train_on(language))),
        ("label_train_on_marks", Box::new(move || marks(language))),
        ("label_next_round", Box::new(move || next(language))),
    ]
}

fn empty(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = super::full(language);
    bench.desks.label.page = LabelPage::Rounds;
    bench.panel = Panel::Label;
    (bench, engine)
}

/// One round that is trained on by nothing yet, and another chain beside it.
fn open(language: Language) -> (Bench, Engine) {
    let mut other = queue_card(Mode::Single);
    (other.id, other.name, other.labelled) = (7, "短回答".into(), 0);
    let (mut bench, engine) = rounds_bench(language, vec![other, first_round(Mode::Pair)]);
    bench.desks.label.rounds.chain = Some(1);
    tell_decisions(&mut bench, &engine, 1, decisions(&[(60, better(0)), (36, Verdict::Tie)]));
    (bench, engine)
}

fn train_on(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = rounds_bench(language, vec![first_round(Mode::Pair)]);
    bench.train_on(1);
    let told = [(40, better(0)), (30, better(1)), (12, Verdict::Tie), (8, Verdict::BothBad), (6, Verdict::BothGood)];
    tell_decisions(&mut bench, &engine, 1, decisions(&told));
    (bench, engine)
}

fn marks(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = rounds_bench(language, vec![first_round(Mode::Single)]);
    bench.train_on(1);
    tell_decisions(&mut bench, &engine, 1, decisions(&[(86, Verdict::Bad), (10, Verdict::Good)]));
    (bench, engine)
}

fn next(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = chain_bench(language);
    bench.label_new_model(RUN);
    (bench, engine)
}
