//! Pages of a run in Train: margins, settings, sampled answers by score, curves on a logarithmic axis.

use luthier_engine::recipe::Stage;

use super::{Scene, full, method_run, run};
use crate::desks::TrainPage;
use crate::text::Language;

pub(super) fn scenes(language: Language) -> Vec<Scene> {
    vec![
        (
            "train_margins",
            Box::new(move || {
                let (mut b, e) = method_run(language, "pairs", |_| {});
                b.desks.train.page = TrainPage::Margins;
                (b, e)
            }),
        ),
        (
            "train_settings",
            Box::new(move || {
                let (mut b, e) = full(language);
                run(&mut b, &e, 90, None);
                (b.state.recipe.lora_rank, b.state.recipe.learning_rate) = (64, 2e-5);
                b.desks.train.page = TrainPage::Settings;
                (b, e)
            }),
        ),
        (
            "train_rollouts",
            Box::new(move || {
                let (mut b, e) = method_run(language, "alpaca", |r| r.stage = Stage::Ppo);
                b.desks.train.page = TrainPage::Rollouts;
                (b, e)
            }),
        ),
        (
            "train_log",
            Box::new(move || {
                let (mut b, e) = full(language);
                run(&mut b, &e, 90, None);
                (b.desks.train.logarithmic, b.desks.train.clipped) = (true, true);
                (b, e)
            }),
        ),
    ]
}
