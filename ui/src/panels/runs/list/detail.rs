//! What one run was: its curve, its numbers, the person's own words about it, and what can be done with it.

use egui::{Label, RichText, TextEdit, Ui, vec2};

use super::curve::Curve;
use super::table::status_sign;
use crate::bench::Bench;
use crate::desks::{Column, Place, model_of};
use crate::library::{Order, RunCard, RunStatus};
use crate::text::t;
use crate::widgets::{Fact, IconButton, Push, board, facts, hairline, icon_label, tag};
use crate::{format, icons, theme};

/// Words are kept when nothing was typed for as long.
const PAUSE_SECS: f64 = 0.8;

/// What the person is writing about a run.
#[derive(Default)]
struct Draft {
    id: String,
    name: String,
    tags: String,
    note: String,
    /// When to keep it; None: nothing has changed.
    due: Option<f64>,
}

impl Draft {
    fn of(card: &RunCard) -> Self {
        Self {
            id: card.id.clone(),
            name: card.name.clone(),
            tags: card.tags.join(", "),
            note: card.note.clone(),
            due: None,
        }
    }

    fn tags(&self) -> Vec<String> {
        let mut tags: Vec<String> = Vec::new();
        for tag in self.tags.split([',', '，']).map(str::trim).filter(|tag| !tag.is_empty()) {
            if !tags.iter().any(|other| other == tag) {
                tags.push(tag.to_owned());
            }
        }
        tags
    }

    /// Hands what differs to the library.
    fn keep(&mut self, bench: &Bench) {
        self.due = None;
        let Some(card) = bench.shelf.card(&self.id) else { return };
        let name = self.name.trim();
        if !name.is_empty() && name != card.name {
            bench.library.order(Order::Rename { id: self.id.clone(), name: name.to_owned() });
        }
        if self.note != card.note {
            bench.library.order(Order::SetNote { id: self.id.clone(), note: self.note.clone() });
        }
        let tags = self.tags();
        if tags != card.tags {
            bench.library.order(Order::SetTags { id: self.id.clone(), tags });
        }
    }
}

#[derive(Default)]
pub struct Detail {
    draft: Draft,
    curve: Curve,
    /// Keys that differ from the defaults with their values, of this run and revision.
    differing: (String, u64, Vec<(&'static str, String)>),
}

impl Detail {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let Some(card) = bench.focused_card().cloned() else { return };
        self.follow(ui, bench, &card);
        bench.want_events(&card.id);
        board(ui, |ui| {
            self.head(ui, bench, &card);
            buttons(ui, bench, &card);
            match bench.run_of(&card.id) {
                Some(run) => self.curve.ui(ui, run, card.colour),
                None if card.status == RunStatus::Missing => {
                    ui.add(Label::new(theme::soft(ui, t!("runs.missing_about"))).wrap());
                }
                None => {
                    ui.add(Label::new(theme::soft(ui, bench.reading_word())).wrap());
                }
            }
            numbers(ui, &card);
            self.words(ui, &card);
            hairline(ui);
            self.recipe(ui, bench, &card);
            hairline(ui);
            folder(ui, bench, &card);
        });
    }

    /// The draft belongs to the run in sight; what was written about another is kept first.
    fn follow(&mut self, ui: &Ui, bench: &Bench, card: &RunCard) {
        let now = ui.input(|i| i.time);
        match self.draft.due {
            Some(due) if self.draft.id != card.id || now >= due => self.draft.keep(bench),
            Some(due) => {
                let left = std::time::Duration::from_secs_f64((due - now).max(0.01));
                ui.ctx().request_repaint_after(left);
            }
            None => {}
        }
        // While it is being typed in, the library's word may be older than the field's.
        let editing = self.draft.id == card.id && (self.draft.due.is_some() || ui.ctx().text_edit_focused());
        if !editing {
            self.draft = Draft::of(card);
        }
    }

    fn head(&mut self, ui: &mut Ui, bench: &mut Bench, card: &RunCard) {
        let p = theme::palette(ui);
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            let (dot, _) = ui.allocate_exact_size(vec2(12.0, 12.0), egui::Sense::hover());
            ui.painter().rect_filled(dot, 3.0, theme::series(ui, card.colour));
            let room = ui.available_width() - 64.0;
            let name = TextEdit::singleline(&mut self.draft.name)
                .id(egui::Id::unique(("runs-name", &card.id)))
                .font(theme::strong_font(15.0))
                .align(egui::Align2::LEFT_CENTER)
                .min_size(vec2(0.0, 28.0))
                .desired_width(room - 8.0)
                .frame(egui::Frame::NONE);
            let response = ui.add(name).accessible_name(t!("runs.name"));
            let response = response.on_hover_text(t!("runs.rename_hint"));
            if response.changed() {
                self.draft.due = Some(ui.input(|i| i.time) + PAUSE_SECS);
            }
            if response.lost_focus() {
                self.draft.keep(bench);
            }
            let word =
                if card.starred { t!("runs.unstar", name = card.name) } else { t!("runs.star", name = card.name) };
            let mut star = IconButton::new(icons::STAR, word);
            if card.starred {
                star = star.colour(p.varnish);
            }
            if ui.add(star).clicked() {
                bench.star_runs(vec![card.id.clone()]);
            }
            if ui.add(IconButton::new(icons::X, t!("runs.close_detail"))).clicked() {
                bench.desks.runs.focus = None;
            }
        });
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 4.0);
            let (icon, ink) = status_sign(card.status, p);
            icon_label(ui, icon, 16.0, ink);
            ui.label(super::cell_text(card, Column::Status));
            tag(ui, &super::cell_text(card, Column::Method), p.ink_soft, p.raised);
            for word in &card.tags {
                tag(ui, word, p.string, p.string_soft);
            }
            if card.archived {
                tag(ui, &t!("runs.filter_archived"), p.ink_soft, p.raised);
            }
        });
    }

    /// Tags and the note.
    fn words(&mut self, ui: &mut Ui, card: &RunCard) {
        let tags = TextEdit::singleline(&mut self.draft.tags)
            .id(egui::Id::unique(("runs-tags", &card.id)))
            .hint_text(t!("runs.tags_hint"))
            .desired_width(ui.available_width() - 8.0);
        let tags = ui.add(tags).accessible_name(t!("runs.tags"));
        let note = TextEdit::multiline(&mut self.draft.note)
            .id(egui::Id::unique(("runs-note", &card.id)))
            .hint_text(t!("runs.note_hint"))
            .desired_rows(2)
            .desired_width(ui.available_width() - 8.0);
        let note = ui.add(note).accessible_name(t!("runs.note"));
        if tags.changed() || note.changed() {
            self.draft.due = Some(ui.input(|i| i.time) + PAUSE_SECS);
        }
        if tags.lost_focus() || note.lost_focus() {
            // Kept at the next look, before anything else is put in the field.
            self.draft.due = self.draft.due.map(|_| 0.0);
            ui.ctx().request_repaint();
        }
    }

    fn recipe(&mut self, ui: &mut Ui, bench: &Bench, card: &RunCard) {
        let revision = bench.shelf.revision;
        if self.differing.0 != card.id || self.differing.1 != revision {
            let told_above = ["model_name_or_path", "dataset", "dataset_dir", "output_dir", "stage", "finetuning_type"];
            let keys = card.recipe.changed_from_default().into_iter().filter(|key| !told_above.contains(key));
            // Once for all keys: writing a recipe out takes a while.
            let yaml = card.recipe.to_yaml();
            let value = |key: &str| yaml.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            let values = keys.map(|key| (key, value(key).unwrap_or_default().to_owned())).collect();
            self.differing = (card.id.clone(), revision, values);
        }
        let p = theme::palette(ui);
        ui.horizontal(|ui| {
            ui.label(theme::strong(t!("runs.recipe")));
            ui.label(theme::soft(ui, t!("runs.recipe_about")));
        });
        ui.spacing_mut().item_spacing.y = 2.0;
        if self.differing.2.is_empty() {
            ui.label(theme::soft(ui, t!("runs.recipe_default")));
        }
        for (key, value) in &self.differing.2 {
            let text = format!("{key}: {value}");
            ui.add(Label::new(RichText::new(text).monospace().size(12.0).color(p.ink)).wrap().selectable(true));
        }
    }
}

fn buttons(ui: &mut Ui, bench: &mut Bench, card: &RunCard) {
    let id = card.id.clone();
    let there = card.status != RunStatus::Missing;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        if bench.desks.runs.search.place == Place::Bin {
            if ui.add(Push::plain(t!("runs.restore")).icon(icons::ARROW_U_UP_LEFT).small()).clicked() {
                bench.restore_runs(vec![id]);
            }
            return;
        }
        let mut button = |shown: bool, icon: char, word: String, hint: String| {
            shown && ui.add(Push::plain(word).icon(icon).small()).on_hover_text(hint).clicked()
        };
        if button(there, icons::CHART_LINE, t!("runs.do_open"), t!("runs.open_hint")) {
            bench.open_run(&id);
        }
        if button(super::can_go_on(bench, card), icons::PLAY, t!("runs.do_go_on"), t!("runs.go_on_hint")) {
            bench.go_on_with(&id);
        }
        if button(true, icons::COPY_SIMPLE, t!("runs.do_again"), t!("runs.again_hint")) {
            bench.again(&id);
        }
        if button(there, icons::CHART_SCATTER, t!("runs.do_compare_one"), t!("runs.compare_hint")) {
            bench.compare_runs(vec![id.clone()]);
        }
        if button(bench.can_try(&id), icons::CHATS_CIRCLE, t!("runs.do_try"), t!("runs.try_hint")) {
            bench.try_run(&id);
        }
        if button(there && card.result.is_some(), icons::EXAM, t!("runs.do_evaluate_one"), t!("runs.evaluate_hint")) {
            bench.evaluate_runs(vec![id.clone()]);
        }
        if button(there, icons::STACK, t!("runs.do_layers"), t!("runs.layers_hint")) {
            bench.show_layers_of(&id);
        }
        if there {
            crate::panels::runs::compare::run_export(ui, bench, &id);
        }
        let word = if card.archived { t!("runs.do_unarchive") } else { t!("runs.do_archive_one") };
        if ui.add(IconButton::new(icons::ARCHIVE, word)).clicked() {
            bench.archive_runs(vec![id.clone()]);
        }
        if ui.add(IconButton::new(icons::TRASH, t!("runs.do_delete_one"))).clicked() {
            bench.delete_runs(vec![id]);
        }
    });
}

fn numbers(ui: &mut Ui, card: &RunCard) {
    let p = theme::palette(ui);
    let dash = |text: String| if text.is_empty() { "–".to_owned() } else { text };
    let cell = |column| dash(super::cell_text(card, column));
    let mut list = vec![
        Fact::new(Column::Loss.label(), cell(Column::Loss)).colour(p.varnish),
        Fact::new(Column::BestEval.label(), cell(Column::BestEval)),
        Fact::new(Column::Steps.label(), cell(Column::Steps)),
        Fact::new(Column::Time.label(), cell(Column::Time)),
        Fact::new(Column::Date.label(), cell(Column::Date)),
        Fact::new(t!("runs.peak_memory"), format::bytes(card.peak_memory_bytes)),
        Fact::new(Column::Model.label(), model_of(card)).hint(card.recipe.model_name_or_path.display().to_string()),
        Fact::new(Column::Data.label(), cell(Column::Data)).hint(card.recipe.dataset.join("\n")),
    ];
    if card.parameters > 0 {
        let share = card.trainable_parameters as f64 / card.parameters as f64 * 100.0;
        let text = format!("{} ({} %)", format::short_count(card.trainable_parameters), format::significant(share, 2));
        list.push(Fact::new(t!("runs.trained"), text));
    }
    if let Some((base, now)) = card.forgetting {
        let text = format!("{} → {}", format::significant(f64::from(base), 3), format::significant(f64::from(now), 3));
        list.push(Fact::new(Column::Forgetting.label(), text).hint(t!("runs.forgetting_hint")));
    }
    facts(ui, 140.0, list);
    if let Some((name, values)) = &card.sweep {
        ui.add(Label::new(theme::soft(ui, t!("runs.sweep_of", name = name, values = values))).wrap());
    }
}

fn folder(ui: &mut Ui, bench: &mut Bench, card: &RunCard) {
    ui.horizontal_top(|ui| {
        let path = RichText::new(format::path(&card.folder)).monospace().size(12.0);
        ui.scope(|ui| {
            ui.set_max_width(ui.available_width() - 34.0);
            ui.add(Label::new(path).wrap().selectable(true));
        });
        if ui.add(IconButton::new(icons::COPY, t!("runs.copy_path"))).clicked() {
            ui.ctx().copy_text(card.folder.display().to_string());
            bench.notes.push(t!("note.copied"));
        }
    });
}
