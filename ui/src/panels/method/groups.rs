//! The settings of a run in groups; only those that matter to the chosen training and weights are shown.

use egui::Ui;
use luthier_engine::recipe::{FinetuningType, Stage};

use super::{adapter, forgetting, freezing, keeping, misfits, ppo, preference, prompts, training};
use crate::bench::Bench;
use crate::widgets::take_drawn;

pub fn ui(ui: &mut Ui, bench: &mut Bench) {
    // What other panels have drawn is not in reach here.
    take_drawn(ui);
    match bench.state.recipe.stage {
        Stage::Dpo => preference::pairs(ui, bench),
        Stage::Kto => preference::likes(ui, bench),
        Stage::Rm => preference::reward_model(ui, bench),
        Stage::Ppo => {
            ppo::reward(ui, bench);
            ppo::sampling(ui, bench);
            ppo::updates(ui, bench);
        }
        Stage::Pt | Stage::Sft => {}
    }
    match bench.state.recipe.finetuning_type {
        FinetuningType::Lora => {
            adapter::lora(ui, bench);
            adapter::four_bits(ui, bench);
        }
        FinetuningType::Oft => {
            adapter::oft(ui, bench);
            adapter::four_bits(ui, bench);
        }
        FinetuningType::Freeze => freezing::trainable(ui, bench),
        FinetuningType::Full => {}
    }
    training::training(ui, bench);
    training::evaluation(ui, bench);
    freezing::frozen(ui, bench);
    freezing::gradual(ui, bench);
    forgetting::ui(ui, bench);
    prompts::ui(ui, bench);
    keeping::keeping(ui, bench);
    let drawn = take_drawn(ui);
    misfits::ui(ui, bench, &drawn);
}
