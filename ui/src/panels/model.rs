//! The Model panel: which model to start from, what it is, and on which device to compute.

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, FontId, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use luthier_engine::protocol::{DeviceInfo, DeviceKind, ModelSummary, Problem, Verdict};

use super::start::recent_buttons;
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::state::Slot;
use crate::text::{t, try_say};
use crate::widgets::{
    Card, Fact, IconButton, Notice, Push, column, elided, empty_state, facts, field_and_buttons, path_entry,
    problem_box, progress_bar, tag,
};
use crate::{format, icons, theme};

#[derive(Default)]
pub struct ModelPanel {
    typed: String,
}

impl ModelPanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        column(ui, "model", |ui| {
            self.choose(ui, bench);
            match bench.state.model.clone() {
                Slot::Empty => {
                    if empty_state(
                        ui,
                        icons::CUBE,
                        &t!("model.empty"),
                        &t!("model.empty_about"),
                        Some((icons::PLAY, &t!("command.try_sample"))),
                    ) {
                        bench.try_sample();
                    }
                }
                Slot::Reading { path, .. } => {
                    Card::new(t!("model.reading")).show(ui, |ui| {
                        ui.label(format::path(&path));
                        progress_bar(ui, &t!("model.reading"), None);
                    });
                }
                Slot::Failed { problem, .. } => model_problem(ui, &problem),
                Slot::Ready(summary) => summary_card(ui, &summary),
            }
            devices(ui, bench);
        });
    }

    fn choose(&mut self, ui: &mut Ui, bench: &mut Bench) {
        Card::new(t!("model.choose")).about(t!("model.choose_about")).icon(icons::CUBE).show(ui, |ui| {
            let mut typed = None;
            field_and_buttons(
                ui,
                "model path",
                |ui, width| typed = path_entry(ui, &t!("model.path"), &t!("model.path_hint"), &mut self.typed, width),
                |ui| {
                    if ui.add(Push::plain(t!("command.choose_model_folder")).icon(icons::FOLDER_OPEN)).clicked() {
                        bench.dialogs.ask(Ask::ModelFolder);
                    }
                    if ui.add(Push::plain(t!("command.choose_model_file")).icon(icons::FILE)).clicked() {
                        bench.dialogs.ask(Ask::ModelFile);
                    }
                },
            );
            if let Some(path) = typed {
                bench.open_model(path);
            }
            if let Some(path) = recent_buttons(ui, &bench.settings.recent_models) {
                bench.open_model(path);
            }
        });
    }
}

fn model_problem(ui: &mut Ui, problem: &Problem) {
    problem_box(ui, &t!("model.cannot_use"), &problem.message, try_say(&format!("remedy.{}", problem.code)).as_deref());
}

fn summary_card(ui: &mut Ui, m: &ModelSummary) {
    let tags = |ui: &mut Ui| {
        let p = theme::palette(ui);
        tag(ui, &m.format, p.ink_soft, p.raised);
        tag(ui, &m.family, p.string, p.string_soft);
    };
    Card::of(&m.name).about(format::path(&m.path)).icon(icons::CUBE).show_with(ui, tags, |ui| {
        let p = theme::palette(ui);
        let template = if m.has_chat_template { (t!("word.yes"), p.good) } else { (t!("word.no"), p.warn) };
        facts(
            ui,
            150.0,
            vec![
                Fact::new(t!("model.parameters"), format::short_count(m.parameters)).hint(format::count(m.parameters)),
                Fact::new(t!("model.layers"), m.layers.to_string()),
                Fact::new(t!("model.width"), m.hidden_size.to_string())
                    .hint(t!("model.width_hint", ffn = m.intermediate_size)),
                Fact::new(t!("model.heads"), heads(m)).hint(t!("model.heads_hint")),
                Fact::new(t!("model.vocabulary"), format::count(m.vocab_size as u64)),
                Fact::new(t!("model.context"), format::count(m.max_position_embeddings as u64))
                    .hint(t!("model.context_hint")),
                Fact::new(t!("model.stored_as"), &m.dtype),
                Fact::new(t!("model.size"), format::bytes(m.file_bytes)),
                Fact::new(t!("model.chat_template"), template.0)
                    .colour(template.1)
                    .hint(t!("model.chat_template_hint")),
                Fact::new(t!("model.tied"), if m.tied_head { t!("word.yes") } else { t!("word.no") })
                    .hint(t!("model.tied_hint")),
            ],
        );
        for warning in &m.warnings {
            Notice::warn(warning).show(ui);
        }
        if !m.has_chat_template {
            Notice::info(t!("model.no_template")).show(ui);
        }
    });
}

fn heads(m: &ModelSummary) -> String {
    if m.heads == m.kv_heads { m.heads.to_string() } else { format!("{} / {}", m.heads, m.kv_heads) }
}

fn devices(ui: &mut Ui, bench: &mut Bench) {
    let mut again = false;
    let Some(list) = bench.state.devices.clone() else {
        Card::new(t!("device.title")).icon(icons::CPU).show(ui, |ui| {
            ui.label(t!("device.probing"));
            progress_bar(ui, &t!("device.probing"), None);
        });
        return;
    };
    let retry =
        |ui: &mut Ui| again = ui.add(IconButton::new(icons::ARROWS_CLOCKWISE, t!("command.probe_devices"))).clicked();
    Card::new(t!("device.title")).about(t!("device.about")).icon(icons::CPU).show_with(ui, retry, |ui| {
        let chosen = bench.state.recipe.device.clone();
        let auto = bench.state.device().filter(|_| chosen == "auto").map(|d| d.name.clone());
        let auto_about = auto.map_or_else(|| t!("device.auto_about"), |name| t!("device.auto_now", name = name));
        if choice(ui, icons::SPARKLE, &t!("device.auto"), &auto_about, None, chosen == "auto", true) {
            bench.state.recipe.device = "auto".into();
        }
        for device in &list {
            let usable = matches!(device.verdict, Verdict::Trusted { .. });
            if choice(
                ui,
                icon_of(device),
                &device.name,
                &verdict(device),
                device.memory_bytes,
                chosen == device.id,
                usable,
            ) {
                bench.state.recipe.device.clone_from(&device.id);
            }
        }
        if !list
            .iter()
            .any(|d| d.kind != DeviceKind::Cpu && !d.software && matches!(d.verdict, Verdict::Trusted { .. }))
        {
            Notice::info(t!("device.no_gpu")).show(ui);
        }
    });
    if again {
        bench.probe_devices();
    }
}

fn icon_of(device: &DeviceInfo) -> char {
    if device.kind == DeviceKind::Cpu { icons::CPU } else { icons::GRAPHICS_CARD }
}

fn verdict(device: &DeviceInfo) -> String {
    match &device.verdict {
        Verdict::Trusted { .. } if device.kind == DeviceKind::Cpu => t!("device.cpu_trusted"),
        Verdict::Trusted { largest_difference } if device.software => {
            t!("device.software_trusted", difference = format::rate(f64::from(*largest_difference)))
        }
        Verdict::Trusted { largest_difference } => {
            t!("device.trusted", difference = format::rate(f64::from(*largest_difference)))
        }
        Verdict::Refused { reason } => t!("device.refused", reason = reason),
    }
}

/// One line of the device list, as a radio button. True when it was chosen.
fn choice(ui: &mut Ui, icon: char, name: &str, about: &str, memory: Option<u64>, on: bool, usable: bool) -> bool {
    let sense = if usable { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 48.0), sense);
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, usable, on, name));
    let p = theme::palette(ui);
    let border = match () {
        () if on => p.varnish,
        () if response.hovered() && usable => p.edge_strong,
        () => p.edge,
    };
    let ground = if on { p.varnish_soft } else { p.inset };
    ui.painter().rect(rect, CornerRadius::same(theme::RADIUS), ground, Stroke::new(1.0, border), StrokeKind::Inside);
    let ink = if usable { p.ink } else { p.ink_soft };
    let icon_ink = if on { p.varnish } else { p.ink_soft };
    ui.painter().text(
        pos2(rect.left() + 24.0, rect.center().y),
        Align2::CENTER_CENTER,
        icon,
        icons::regular(22.0),
        icon_ink,
    );
    let left = rect.left() + 46.0;
    let room = rect.right() - left - 100.0;
    let name = elided(ui, name, FontId::proportional(14.0), ink, room);
    ui.painter().galley(pos2(left, rect.top() + 6.0), name, ink);
    let line = elided(ui, about, FontId::proportional(12.0), p.ink_soft, room);
    ui.painter().galley(pos2(left, rect.top() + 26.0), line, p.ink_soft);
    if let Some(memory) = memory {
        let at = pos2(rect.right() - 14.0, rect.center().y);
        ui.painter().text(at, Align2::RIGHT_CENTER, format::bytes(memory), FontId::proportional(13.0), p.ink_soft);
    }
    response.on_hover_text(about).clicked() && !on
}
