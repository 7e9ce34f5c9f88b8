//! The two choices of the panel: what is learned, and which weights move.

use egui::{Label, Ui, vec2};
use luthier_engine::data::DataKind;
use luthier_engine::recipe::{FinetuningType, Stage};

use super::formulas;
use crate::bench::Bench;
use crate::panels::data::kind_name;
use crate::text::{say, t};
use crate::widgets::{ChoiceCard, choice_cards};
use crate::{icons, theme};

/// In the order of a beginner's way: from plain answers to reinforcement.
const STAGES: [(Stage, char); 6] = [
    (Stage::Sft, icons::CHATS_CIRCLE),
    (Stage::Pt, icons::FILE_TEXT),
    (Stage::Dpo, icons::LIST_CHECKS),
    (Stage::Kto, icons::CHECK_CIRCLE),
    (Stage::Rm, icons::RULER),
    (Stage::Ppo, icons::TARGET),
];

const WEIGHTS: [(FinetuningType, char); 4] = [
    (FinetuningType::Lora, icons::PAPERCLIP),
    (FinetuningType::Oft, icons::ARROWS_CLOCKWISE),
    (FinetuningType::Freeze, icons::SNOWFLAKE),
    (FinetuningType::Full, icons::STACK),
];

pub(super) fn what_is_learned(ui: &mut Ui, bench: &mut Bench) {
    section(ui, &t!("method.what"), &t!("method.what_about"));
    let kind = bench.state.data.usable().then(|| bench.state.data.summary.as_ref().map(|s| s.kind)).flatten();
    let recipe = &mut bench.state.recipe;
    let cards = STAGES.map(|(stage, icon)| ChoiceCard {
        value: stage,
        icon,
        name: say(&format!("stage.{stage}")),
        about: say(&format!("stage_about.{stage}")),
        cost: String::new(),
        refused: kind.and_then(|kind| refused(stage, kind)),
        formula: Some(formulas::of_stage(recipe, stage)),
    });
    choice_cards(ui, &mut recipe.stage, 3, &cards);
    if !matches!(recipe.stage, Stage::Dpo) {
        formulas::of_stage(recipe, recipe.stage).show(ui);
    }
}

/// Why rows of this kind cannot serve a stage.
fn refused(stage: Stage, kind: DataKind) -> Option<String> {
    (!kind.stages().contains(&stage))
        .then(|| t!("method.refused", needs = say(&format!("needs.{stage}")), kind = kind_name(kind)))
}

pub(super) fn which_weights(ui: &mut Ui, bench: &mut Bench) {
    section(ui, &t!("method.which"), &t!("method.which_about"));
    let recipe = &mut bench.state.recipe;
    let cards = WEIGHTS.map(|(kind, icon)| ChoiceCard {
        value: kind,
        icon,
        name: say(&format!("weights.{kind}")),
        about: say(&format!("weights_about.{kind}")),
        cost: say(&format!("weights_cost.{kind}")),
        refused: None,
        formula: Some(formulas::of_update(recipe, kind)),
    });
    if choice_cards(ui, &mut recipe.finetuning_type, 4, &cards)
        && !matches!(recipe.finetuning_type, FinetuningType::Lora | FinetuningType::Oft)
    {
        // Packed weights cannot move, and nothing would show that they are asked for.
        recipe.quantization_bit = None;
    }
}

fn section(ui: &mut Ui, title: &str, about: &str) {
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 2.0);
        ui.add(Label::new(theme::heading(title)).selectable(false));
        ui.add(Label::new(theme::soft(ui, about)).wrap());
    });
}
