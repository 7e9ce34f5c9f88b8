//! The top bar: model, data, method and device strung on one line, and the button for the next sensible step.

use egui::{Stroke, Ui};

use crate::bench::Bench;
use crate::command::{UiCommand, primary};
use crate::panels::Panel;
use crate::panels::method;
use crate::state::{Missing, Slot};
use crate::text::t;
use crate::widgets::{Chip, Mark, Push};
use crate::{format, icons, theme};

pub fn top_bar(ui: &mut Ui, bench: &Bench, commands: &mut Vec<UiCommand>) {
    let p = theme::palette(ui);
    let rect = ui.max_rect();
    ui.painter().hline(rect.x_range(), rect.bottom() - 0.5, Stroke::new(1.0, p.edge));
    ui.horizontal_centered(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        ui.add_space(16.0);
        let gap = 14.0;
        // In a narrow window the last ones are left out; their panels are on the rail.
        let room = ui.available_width() - 16.0 - 190.0;
        let shown = ((room / (110.0 + gap)).floor() as usize).clamp(1, 4);
        let width = (room / shown as f32 - gap).clamp(110.0, 230.0).floor();
        let middle = ui.max_rect().center().y;
        for (i, (panel, chip)) in chips(bench, width).into_iter().take(shown).enumerate() {
            if ui.add(chip).clicked() {
                commands.push(UiCommand::Go(panel));
            }
            // The string that joins the stations.
            let x = ui.cursor().left();
            if i + 1 < shown {
                ui.painter().hline(x..=x + gap, middle, Stroke::new(1.0, p.edge_strong));
            }
            ui.add_space(gap);
        }
        ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
            ui.add_space(16.0);
            next_step(ui, bench, commands);
        });
    });
}

fn next_step(ui: &mut Ui, bench: &Bench, commands: &mut Vec<UiCommand>) {
    let next = primary(bench);
    let button = Push::primary(&next.word).icon(next.command.icon()).large();
    let mut response = ui.add_enabled(next.reasons.is_empty(), button);
    response = response.on_hover_text(t!("topbar.ctrl_enter", keys = ui.ctx().format_shortcut(&enter())));
    if !next.reasons.is_empty() {
        let list = next.reasons.iter().map(|reason| format!("• {reason}")).collect::<Vec<_>>().join("\n");
        response = response.on_disabled_hover_text(format!("{}\n{list}", t!("method.missing")));
    }
    if response.clicked() {
        commands.push(next.command);
    }
}

fn enter() -> egui::KeyboardShortcut {
    egui::KeyboardShortcut::new(egui::Modifiers::COMMAND, egui::Key::Enter)
}

fn chips(bench: &Bench, width: f32) -> [(Panel, Chip); 4] {
    let state = &bench.state;
    let chip = |icon, title: String, value: String, mark, panel| Chip {
        icon,
        title,
        value,
        mark,
        width,
        here: bench.panel == panel,
    };
    let (model, model_mark) = match &state.model {
        Slot::Empty => (t!("chip.no_model"), Mark::Missing),
        Slot::Reading { .. } => (t!("chip.reading"), Mark::Busy),
        Slot::Ready(summary) => (summary.name.clone(), Mark::Ready),
        Slot::Failed { path, .. } => (format::short_path(path), Mark::Wrong),
    };
    let (data, data_mark) = match &state.data {
        data if data.reading.is_some() => (t!("chip.reading"), Mark::Busy),
        data if data.problem.is_some() => (t!("chip.problem"), Mark::Wrong),
        data => match (&data.source, &data.summary) {
            (Some(source), Some(summary)) => {
                let rows = t!(
                    "chip.rows",
                    name = format::short_path(&source.path),
                    rows = format::count(crate::state::usable_rows(summary) as u64)
                );
                (rows, if crate::state::usable_rows(summary) > 0 { Mark::Ready } else { Mark::Wrong })
            }
            _ => (t!("chip.no_data"), Mark::Missing),
        },
    };
    let settings_wrong = state.missing().iter().any(|m| matches!(m, Missing::Setting(_)));
    let device = match (&state.devices, state.device()) {
        (None, _) => (t!("chip.probing"), Mark::Busy),
        (Some(_), Some(device)) => (device.name.clone(), Mark::Ready),
        (Some(_), None) => (state.recipe.device.clone(), Mark::Wrong),
    };
    [
        (Panel::Model, chip(icons::CUBE, t!("panel.model"), model, model_mark, Panel::Model)),
        (Panel::Data, chip(icons::DATABASE, t!("panel.data"), data, data_mark, Panel::Data)),
        (
            Panel::Method,
            chip(
                icons::SLIDERS_HORIZONTAL,
                t!("panel.method"),
                method::short_name(&state.recipe),
                if settings_wrong { Mark::Wrong } else { Mark::Ready },
                Panel::Method,
            ),
        ),
        // Devices are chosen in the Model panel; only the model's own chip says that one is there.
        (Panel::Model, Chip { here: false, ..chip(icons::CPU, t!("chip.device"), device.0, device.1, Panel::Model) }),
    ]
}
