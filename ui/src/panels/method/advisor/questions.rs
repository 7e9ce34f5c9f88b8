//! The four questions, answered as far as the bench knows: goal, data, device, model.

use egui::{Label, Ui};
use luthier_engine::advice::{DataClass, Goal, MemoryClass};

use crate::bench::Bench;
use crate::panels::data::kind_name;
use crate::state::usable_rows;
use crate::text::{say, t};
use crate::theme;
use crate::widgets::{Card, ChoiceCard, Fact, IconButton, Notice, choice_cards, facts, number};
use crate::{format, icons};

const GOALS: [(Goal, &str, char); 6] = [
    (Goal::Task, "task", icons::TARGET),
    (Goal::Style, "style", icons::PENCIL_SIMPLE),
    (Goal::Align, "align", icons::SCALES),
    (Goal::Knowledge, "knowledge", icons::BOOK_OPEN),
    (Goal::Keep, "keep", icons::BRAIN),
    (Goal::Complex, "complex", icons::STEPS),
];

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    Card::new(t!("advisor.goal")).about(t!("advisor.goal_about")).icon(icons::COMPASS).show(ui, |ui| goal(ui, bench));
    Card::new(t!("advisor.have")).about(t!("advisor.have_about")).icon(icons::LIST_CHECKS).show(ui, |ui| {
        data(ui, bench);
        device(ui, bench);
    });
}

fn goal(ui: &mut Ui, bench: &mut Bench) {
    let cards = GOALS.map(|(value, word, icon)| ChoiceCard {
        value,
        icon,
        name: say(&format!("goal.{word}")),
        about: String::new(),
        cost: say(&format!("goal_about.{word}")),
        refused: None,
        formula: None,
    });
    let per_row = if ui.available_width() >= 560.0 { 3 } else { 2 };
    let desk = &mut bench.desks.advisor;
    if choice_cards(ui, &mut desk.goal, per_row, &cards) {
        // A goal asks anew where on the path to begin.
        desk.station = None;
    }
}

fn data(ui: &mut Ui, bench: &Bench) {
    let Some(summary) = bench.state.data.summary.as_deref() else { return };
    let rows = usable_rows(summary);
    let class = match DataClass::of(rows) {
        DataClass::Small => t!("advisor.rows_small"),
        DataClass::Middle => t!("advisor.rows_middle"),
        DataClass::Large => t!("advisor.rows_large"),
    };
    let tokens = summary.tokens.as_ref().map_or_else(|| "–".into(), |tokens| format!("{:.0}", tokens.mean));
    let mut list = vec![
        Fact::new(t!("advisor.rows"), format::count(rows as u64)).hint(class.clone()),
        Fact::new(t!("advisor.kind"), kind_name(summary.kind)),
        Fact::new(t!("advisor.tokens"), tokens),
    ];
    if let Some(balance) = summary.balance {
        let pair = format!("{} : {}", format::count(balance.liked as u64), format::count(balance.disliked as u64));
        list.push(Fact::new(t!("advisor.balance"), pair));
    }
    if let Some(model) = bench.state.model.ready() {
        list.push(Fact::new(t!("advisor.parameters"), format::short_count(model.parameters)));
        list.push(Fact::new(t!("advisor.layers"), model.layers.to_string()));
    }
    facts(ui, 116.0, list);
    ui.add(Label::new(theme::soft(ui, class)).wrap());
}

/// The device's memory, or what the person wants to reckon with.
fn device(ui: &mut Ui, bench: &mut Bench) {
    let own = bench.machine().and_then(|machine| machine.memory_bytes);
    let name = bench.state.device().map_or_else(|| t!("advisor.no_device"), |device| device.name.clone());
    ui.add_space(2.0);
    ui.horizontal(|ui| {
        ui.add(Label::new(theme::strong(t!("advisor.memory"))));
        let desk = &mut bench.desks.advisor;
        let known = own.map_or(16.0, |bytes| (bytes as f64 / 1e8).round() / 10.0);
        let mut gb = desk.memory_gb.unwrap_or(known);
        let label = t!("advisor.memory_label");
        let response = number(ui, &mut gb, 0.5..=4096.0, 0.1);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::accesskit::Role::SpinButton, true, label.as_str()));
        if response.changed() {
            desk.memory_gb = Some(gb);
        }
        ui.label(theme::soft(ui, "GB"));
        if desk.memory_gb.is_some() {
            let back = IconButton::new(icons::ARROW_COUNTER_CLOCKWISE, t!("advisor.memory_back"));
            if ui.add(back).clicked() {
                desk.memory_gb = None;
            }
        }
    });
    let class = match MemoryClass::of(bench.advised_machine().memory_bytes) {
        MemoryClass::Tiny => t!("advisor.memory_tiny"),
        MemoryClass::Small => t!("advisor.memory_small"),
        MemoryClass::Middle => t!("advisor.memory_middle"),
        MemoryClass::Large => t!("advisor.memory_large"),
    };
    let said = bench.desks.advisor.memory_gb.is_some();
    let whose = if said { t!("advisor.memory_said") } else { t!("advisor.memory_of", name = name) };
    ui.add(Label::new(theme::soft(ui, format!("{whose} {class}"))).wrap());
    if own.is_none() && !said {
        Notice::info(t!("advisor.memory_unknown")).show(ui);
    }
}
