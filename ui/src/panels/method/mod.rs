//! The Method panel: what of the model is trained and how, and the button that starts it, with what is still missing.

mod form;
mod groups;
mod recipe_view;

use std::sync::Arc;

use egui::accesskit::Role;
use egui::{
    Align2, Color32, CornerRadius, FontId, Frame, Galley, Label, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};
use luthier_engine::recipe::{FinetuningType, Recipe};

use super::data::kind_name;
use crate::bench::Bench;
use crate::state::Missing;
use crate::text::{t, try_say};
use crate::widgets::{Card, Fact, Push, column, columns, facts, icon_label, tag};
use crate::{format, icons, theme};

/// Width of the column at the right, which stays while the settings scroll.
const SIDE: f32 = 332.0;

#[derive(Default)]
pub struct MethodPanel {
    recipe_view: recipe_view::RecipeView,
}

impl MethodPanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        egui::Panel::right("method-side")
            .exact_size(SIDE)
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::NONE)
            .show(ui, |ui| {
                ScrollArea::vertical().id_salt("method-side").auto_shrink([false, false]).show(ui, |ui| {
                    ui.add_space(16.0);
                    ui.set_width(SIDE - 24.0);
                    ui.spacing_mut().item_spacing.y = 12.0;
                    start_card(ui, bench);
                    self.recipe_view.ui(ui, bench);
                    ui.add_space(24.0);
                });
            });
        column(ui, "method", |ui| {
            methods(ui, bench);
            changed_line(ui, bench);
            groups::ui(ui, bench);
        });
    }
}

/// The method in two words, for the top bar.
pub fn short_name(recipe: &Recipe) -> String {
    match recipe.finetuning_type {
        FinetuningType::Lora => t!("method.short_lora", rank = recipe.lora_rank),
        FinetuningType::Freeze => t!("method.short_freeze", n = recipe.freeze_trainable_layers.abs()),
        FinetuningType::Full => t!("method.short_full"),
        FinetuningType::Oft => t!("method.short_oft"),
    }
}

/// Why Start is disabled, in a sentence.
pub fn reason(missing: &Missing) -> String {
    match missing {
        Missing::Model => t!("missing.model"),
        Missing::ModelBeingRead => t!("missing.model_being_read"),
        Missing::Data => t!("missing.data"),
        Missing::DataBeingRead => t!("missing.data_being_read"),
        Missing::DataUnusable => t!("missing.data_unusable"),
        Missing::DataKind(kind) => t!("missing.data_kind", kind = kind_name(*kind)),
        Missing::RunGoingOn => t!("missing.run_going_on"),
        Missing::Setting(problem) => {
            let label = try_say(&format!("field.{}.label", problem.field)).unwrap_or_else(|| problem.field.clone());
            match problem.remedy.as_str() {
                "" => t!("missing.setting", label = label, reason = problem.reason),
                remedy => t!("missing.setting_remedy", label = label, reason = problem.reason, remedy = remedy),
            }
        }
    }
}

fn methods(ui: &mut Ui, bench: &mut Bench) {
    let cards = [
        (FinetuningType::Lora, icons::PAPERCLIP, t!("method.lora"), t!("method.lora_about"), t!("method.lora_cost")),
        (
            FinetuningType::Freeze,
            icons::SNOWFLAKE,
            t!("method.freeze"),
            t!("method.freeze_card"),
            t!("method.freeze_cost"),
        ),
        (FinetuningType::Full, icons::STACK, t!("method.full"), t!("method.full_about"), t!("method.full_cost")),
    ];
    // All as high as the longest needs.
    let width = (ui.available_width() - 2.0 * ui.spacing().item_spacing.x) / 3.0 - 28.0;
    let lines = |text: &str, size: f32| {
        ui.painter().layout(text.to_owned(), FontId::proportional(size), Color32::PLACEHOLDER, width)
    };
    let texts: Vec<_> = cards.iter().map(|(_, _, _, about, cost)| (lines(about, 13.0), lines(cost, 12.0))).collect();
    let height = texts.iter().map(|(about, cost)| about.size().y + cost.size().y).fold(0.0, f32::max) + 62.0;
    columns(ui, cards.len(), |ui, i| {
        let (kind, icon, name, ..) = &cards[i];
        let on = bench.state.recipe.finetuning_type == *kind;
        if method_card(ui, *icon, name, texts[i].clone(), height, on) {
            bench.state.recipe.finetuning_type = *kind;
        }
    });
}

fn method_card(ui: &mut Ui, icon: char, name: &str, texts: (Arc<Galley>, Arc<Galley>), height: f32, on: bool) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, on, name));
    let p = theme::palette(ui);
    let border = match (on, response.hovered()) {
        (true, _) => Stroke::new(1.5, p.varnish),
        (false, true) => Stroke::new(1.0, p.edge_strong),
        (false, false) => Stroke::new(1.0, p.edge),
    };
    let ground = if on { p.varnish_soft } else { p.board };
    ui.painter().rect(rect, CornerRadius::same(theme::RADIUS), ground, border, StrokeKind::Inside);
    let inner = rect.shrink2(vec2(14.0, 12.0));
    let line = inner.top() + 12.0;
    let ink = if on { p.varnish } else { p.ink_soft };
    ui.painter().text(pos2(inner.left() + 10.0, line), Align2::CENTER_CENTER, icon, icons::regular(22.0), ink);
    ui.painter().text(pos2(inner.left() + 30.0, line), Align2::LEFT_CENTER, name, theme::strong_font(16.0), p.ink);
    if on {
        ui.painter().text(
            pos2(inner.right() - 8.0, line),
            Align2::CENTER_CENTER,
            icons::CHECK_CIRCLE,
            icons::filled(18.0),
            p.varnish,
        );
    }
    let (about, cost) = texts;
    let under = inner.top() + 32.0 + about.size().y + 6.0;
    ui.painter().galley(pos2(inner.left(), inner.top() + 32.0), about, p.ink);
    ui.painter().galley(pos2(inner.left(), under), cost, p.ink_soft);
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() && !on
}

/// Settings of the run itself, which the method cards, the model and the data do not choose.
fn changed(recipe: &Recipe) -> usize {
    let chosen_elsewhere = ["model_name_or_path", "dataset", "finetuning_type", "stage"];
    recipe.changed_from_default().iter().filter(|key| !chosen_elsewhere.contains(key)).count()
}

fn changed_line(ui: &mut Ui, bench: &mut Bench) {
    let n = changed(&bench.state.recipe);
    ui.allocate_ui_with_layout(
        vec2(ui.available_width(), 28.0),
        egui::Layout::left_to_right(egui::Align::Center),
        |ui| {
            let p = theme::palette(ui);
            if n == 0 {
                ui.label(theme::soft(ui, t!("method.all_default")));
                return;
            }
            tag(ui, &t!("method.changed", n = n), p.varnish, p.varnish_soft);
            if ui.add(Push::quiet(t!("method.reset_all")).icon(icons::ARROW_COUNTER_CLOCKWISE).small()).clicked() {
                let kept = &bench.state.recipe;
                bench.state.recipe = Recipe {
                    model_name_or_path: kept.model_name_or_path.clone(),
                    dataset: kept.dataset.clone(),
                    finetuning_type: kept.finetuning_type,
                    ..Recipe::default()
                };
                bench.notes.push(t!("note.reset"));
            }
        },
    );
}

fn start_card(ui: &mut Ui, bench: &mut Bench) {
    let missing = bench.state.missing();
    let title = if missing.is_empty() { t!("method.ready") } else { t!("method.missing") };
    Card::new(title).icon(if missing.is_empty() { icons::CHECK_CIRCLE } else { icons::LIST_CHECKS }).show(ui, |ui| {
        let p = theme::palette(ui);
        for missing in &missing {
            ui.horizontal_top(|ui| {
                icon_label(ui, icons::WARNING_CIRCLE, 16.0, p.warn);
                ui.add(Label::new(reason(missing)).wrap());
            });
        }
        if missing.is_empty() {
            plan(ui, bench);
        }
        ui.add_space(4.0);
        let button = Push::primary(t!("command.start_training")).icon(icons::PLAY).large().width(ui.available_width());
        if ui.add_enabled(missing.is_empty(), button).clicked() {
            bench.start_training();
        }
    });
}

/// What pressing Start will do.
fn plan(ui: &mut Ui, bench: &Bench) {
    let recipe = &bench.state.recipe;
    let rows = bench.state.data.summary.as_deref().map_or(0, crate::state::usable_rows);
    let per_step = recipe.rows_per_step().max(1);
    let steps = if recipe.max_steps > 0 {
        recipe.max_steps as u64
    } else {
        (rows.div_ceil(per_step) as f64 * recipe.num_train_epochs).ceil() as u64
    };
    facts(
        ui,
        130.0,
        vec![
            Fact::new(t!("plan.rows"), format::count(rows as u64)),
            Fact::new(t!("plan.per_step"), format::count(per_step as u64)).hint(t!("plan.per_step_hint")),
            Fact::new(t!("plan.steps"), format!("≈ {}", format::count(steps))),
            Fact::new(t!("plan.rate"), format::rate(recipe.learning_rate)),
        ],
    );
    for warning in recipe.setting_warnings() {
        ui.label(theme::soft(ui, warning));
    }
}
