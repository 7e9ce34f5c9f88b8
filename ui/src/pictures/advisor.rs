//! The advisor: with nothing, with a proposal, after a change, with too little memory; and all methods compared.

use luthier_engine::advice::{Goal, Station};

use super::{Scene, full};
use crate::bench::Bench;
use crate::desks::MethodPage;
use crate::testing::{Engine, bench};
use crate::text::Language;

pub(super) fn scenes(language: Language) -> Vec<Scene> {
    vec![
        ("advisor", Box::new(move || page(language, MethodPage::Advisor))),
        ("advisor_changed", Box::new(move || changed(language))),
        ("advisor_tiny", Box::new(move || tiny(language))),
        (
            "advisor_empty",
            Box::new(move || {
                let (mut b, e) = bench(language);
                b.open_method(MethodPage::Advisor);
                (b, e)
            }),
        ),
        ("methods", Box::new(move || page(language, MethodPage::Compare))),
    ]
}

fn page(language: Language, page: MethodPage) -> (Bench, Engine) {
    let (mut b, e) = full(language);
    b.open_method(page);
    (b, e)
}

fn changed(language: Language) -> (Bench, Engine) {
    let (mut b, e) = page(language, MethodPage::Advisor);
    b.open_data("/data/likes.jsonl".into());
    e.answer_all();
    b.poll();
    b.desks.advisor.station = Some(Station::Align);
    b.take_proposal();
    b.state.recipe.lora_rank = 64;
    b.state.recipe.per_device_train_batch_size = 16;
    b.notes.clear();
    (b, e)
}

fn tiny(language: Language) -> (Bench, Engine) {
    let (mut b, e) = page(language, MethodPage::Advisor);
    b.desks.advisor.goal = Goal::Complex;
    b.desks.advisor.memory_gb = Some(0.5);
    (b, e)
}
