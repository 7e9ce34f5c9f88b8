//! What learns beside the weights: LoRA and its variants, OFT, and the base they sit on in 4 bits.

use egui::Ui;
use luthier_engine::protocol::ModelSummary;
use luthier_engine::recipe::{QuantizationType, Recipe};

use super::form::{Form, tick};
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::text::t;
use crate::widgets::{Card, drawn, number, segmented, words};
use crate::{format, icons, theme};

const LORA_MORE: &[&str] = &[
    "lora_dropout",
    "loraplus_lr_ratio",
    "lora_rank_pattern",
    "lora_alpha_pattern",
    "additional_target",
    "adapter_name_or_path",
];

const OFT_MORE: &[&str] = &["oft_block_share", "oft_use_cayley_neumann", "module_dropout", "adapter_name_or_path"];

/// Merging is asked about only where there is an adapter to merge.
fn merging(recipe: &Recipe) -> &'static [&'static str] {
    if recipe.adapter_name_or_path.is_some() { &["create_new_adapter"] } else { &[] }
}

pub(super) fn lora(ui: &mut Ui, bench: &mut Bench) {
    let model = bench.state.model.ready().cloned();
    let Bench { state, dialogs, .. } = bench;
    let title = t!("method.adapter");
    Card::new(&title).about(t!("method.adapter_about")).icon(icons::PAPERCLIP).show(ui, |ui| {
        let twice = t!("method.alpha_auto", alpha = state.recipe.lora_rank * 2);
        let start = state.recipe.lora_rank as f64 * 2.0;
        let mut form = Form::new(&mut state.recipe);
        form.number(ui, "lora_rank", |r| &mut r.lora_rank, 1..=1024, 0.2);
        form.optional(ui, "lora_alpha", |r| &mut r.lora_alpha, 0.001..=4096.0, start, &twice);
        targets(ui, &mut form, "lora_target", |r| &mut r.lora_target, model.as_ref());
        form.on_off(ui, "use_rslora", |r| &mut r.use_rslora);
        form.on_off(ui, "use_dora", |r| &mut r.use_dora);
        form.on_off(ui, "pissa_init", |r| &mut r.pissa_init);
        let more = [LORA_MORE, merging(form.recipe)].concat();
        form.more(ui, &title, &more, |ui, form| {
            form.number(ui, "lora_dropout", |r| &mut r.lora_dropout, 0.0..=0.95, 0.005);
            let same = t!("method.same_rate");
            form.optional(ui, "loraplus_lr_ratio", |r| &mut r.loraplus_lr_ratio, 1.0..=1000.0, 16.0, &same);
            patterns(ui, form, "lora_rank_pattern", |r| &mut r.lora_rank_pattern);
            patterns(ui, form, "lora_alpha_pattern", |r| &mut r.lora_alpha_pattern);
            form.words(ui, "additional_target", |r| &mut r.additional_target);
            go_on_from(ui, form, dialogs);
        });
    });
}

pub(super) fn oft(ui: &mut Ui, bench: &mut Bench) {
    let model = bench.state.model.ready().cloned();
    let Bench { state, dialogs, .. } = bench;
    let title = t!("method.rotation");
    Card::new(&title).about(t!("method.rotation_about")).icon(icons::ARROWS_CLOCKWISE).show(ui, |ui| {
        let mut form = Form::new(&mut state.recipe);
        blocks(ui, &mut form);
        targets(ui, &mut form, "oft_target", |r| &mut r.oft_target, model.as_ref());
        // `blocks` stands for both.
        drawn(ui, "oft_rank");
        let more = [OFT_MORE, merging(form.recipe)].concat();
        form.more(ui, &title, &more, |ui, form| {
            form.on_off(ui, "oft_block_share", |r| &mut r.oft_block_share);
            form.on_off(ui, "oft_use_cayley_neumann", |r| &mut r.oft_use_cayley_neumann);
            form.number(ui, "module_dropout", |r| &mut r.module_dropout, 0.0..=0.95, 0.005);
            go_on_from(ui, form, dialogs);
        });
    });
}

/// The size of the blocks or their number: the one makes the other.
fn blocks(ui: &mut Ui, form: &mut Form<'_>) {
    let default = Recipe::default();
    let now = (form.recipe.oft_block_size, form.recipe.oft_rank);
    let shown = t!("method.block_size_of", n = default.oft_block_size);
    let back =
        form.own(ui, "oft_block_size", now != (default.oft_block_size, default.oft_rank), shown, |ui, recipe| {
            let mut by_size = recipe.oft_rank == 0;
            let value = if by_size { &mut recipe.oft_block_size } else { &mut recipe.oft_rank };
            number(ui, value, 1..=4096, 0.2);
            if segmented(ui, &mut by_size, &[(true, t!("method.block_size")), (false, t!("method.block_count"))]) {
                (recipe.oft_block_size, recipe.oft_rank) = if by_size { (default.oft_block_size, 0) } else { (0, 8) };
            }
        });
    if back {
        (form.recipe.oft_block_size, form.recipe.oft_rank) = (default.oft_block_size, default.oft_rank);
    }
}

fn go_on_from(ui: &mut Ui, form: &mut Form<'_>, dialogs: &crate::dialogs::Dialogs) {
    let fresh = t!("method.fresh_adapter");
    form.path(ui, "adapter_name_or_path", |r| &mut r.adapter_name_or_path, &fresh, (dialogs, Ask::StartAdapter));
    if form.recipe.adapter_name_or_path.is_some() {
        form.on_off(ui, "create_new_adapter", |r| &mut r.create_new_adapter);
    }
}

/// All linear layers, or those that are ticked; without a model, their names.
fn targets(
    ui: &mut Ui,
    form: &mut Form<'_>,
    name: &str,
    field: fn(&mut Recipe) -> &mut Vec<String>,
    model: Option<&ModelSummary>,
) {
    let all_of_them = || vec!["all".to_owned()];
    let is_all = *field(form.recipe) == all_of_them();
    let back = form.own(ui, name, !is_all, t!("choice.all"), |ui, recipe| {
        let mut all = is_all;
        let options = [(true, t!("choice.all")), (false, t!("method.some"))];
        if segmented(ui, &mut all, &options) {
            let usual = ["q_proj", "v_proj"];
            let known = model.map(|m| m.linear_names.clone()).unwrap_or_else(|| usual.map(str::to_owned).to_vec());
            let some = known.into_iter().filter(|name| usual.contains(&name.as_str())).collect();
            *field(recipe) = if all { all_of_them() } else { some };
        }
    });
    if back {
        *field(form.recipe) = all_of_them();
    }
    if *field(form.recipe) == all_of_them() {
        return;
    }
    match model {
        Some(model) => tick(ui, &model.linear_names, field(form.recipe)),
        None => {
            words(ui, name, 360.0, field(form.recipe));
        }
    }
}

/// Other values for some layers, written as "q_proj: 16, up_proj: 4".
fn patterns<T: std::str::FromStr + std::fmt::Display + PartialEq + 'static>(
    ui: &mut Ui,
    form: &mut Form<'_>,
    name: &str,
    field: fn(&mut Recipe) -> &mut Vec<(String, T)>,
) {
    let own = !field(form.recipe).is_empty();
    let back = form.own(ui, name, own, t!("word.none"), |ui, recipe| {
        let map = field(recipe);
        let mut list: Vec<String> = map.iter().map(|(pattern, value)| format!("{pattern}: {value}")).collect();
        if words(ui, name, 236.0, &mut list) {
            let pair = |entry: &String| {
                let (pattern, value) = entry.rsplit_once(':')?;
                Some((pattern.trim().to_owned(), value.trim().parse().ok()?))
            };
            *map = list.iter().filter_map(pair).collect();
        }
    });
    if back {
        field(form.recipe).clear();
    }
}

pub(super) fn four_bits(ui: &mut Ui, bench: &mut Bench) {
    let saved = bench.state.model.ready().map(block_weights);
    let title = t!("method.four_bits");
    Card::new(&title).about(t!("method.four_bits_about")).icon(icons::MEMORY).show(ui, |ui| {
        let mut form = Form::new(&mut bench.state.recipe);
        let mut on = form.recipe.quantization_bit.is_some();
        let back = form.own(ui, "quantization_bit", on, t!("word.no"), |ui, recipe| {
            if crate::widgets::toggle(ui, &mut on).changed() {
                recipe.quantization_bit = on.then_some(4);
            }
        });
        if back {
            form.recipe.quantization_bit = None;
        }
        if form.recipe.quantization_bit.is_none() {
            return;
        }
        // 4 bits a weight and a scale for every 64 of them: 32 bits, or 8 and a share of a second scale (QLoRA, section 3).
        let bits = if form.recipe.double_quantization { 4.127 } else { 4.5 };
        if let Some(weights) = saved {
            let bytes = |bits: f64| format::bytes((weights as f64 * bits / 8.0) as u64);
            let text = t!("method.four_bits_saved", now = bytes(bits), before = bytes(32.0));
            ui.add(egui::Label::new(theme::soft(ui, text)).wrap());
        }
        // The engine packs NF4 only; a recipe that says otherwise can be set right here.
        if form.recipe.quantization_type != QuantizationType::Nf4 {
            form.choice(ui, "quantization_type", |r| &mut r.quantization_type, QuantizationType::ALL);
        }
        form.on_off(ui, "double_quantization", |r| &mut r.double_quantization);
    });
}

/// Weights inside the blocks: all but the embeddings and the head.
fn block_weights(model: &ModelSummary) -> u64 {
    let table = (model.vocab_size * model.hidden_size) as u64;
    model.parameters.saturating_sub(table * if model.tied_head { 1 } else { 2 })
}
