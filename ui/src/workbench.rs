//! The whole window's content: frame, panels, dialogs and keys. It knows no eframe, so a test can hold it.

use egui::{CentralPanel, Frame, Id, Ui};

use crate::bench::Bench;
use crate::command::{AdvisorCommand, Around, UiCommand, primary};
use crate::frame::{
    CloseDialog, Closing, Palette, focus_ring, log_drawer, rail, status_line, take_dropped_files, top_bar,
};
use crate::panels::Panels;
use crate::store::{Look, Settings};
use crate::text::speak;
use crate::theme;
use crate::widgets::{Toasts, take_guide_wish};

pub struct Workbench {
    pub bench: Bench,
    panels: Panels,
    palette: Palette,
    close: CloseDialog,
    toasts: Toasts,
    log_open: bool,
    /// As they were last put to use; what differs is put to use and kept.
    settings_in_use: Option<Settings>,
}

impl Workbench {
    pub fn new(bench: Bench) -> Self {
        Self {
            bench,
            panels: Panels::default(),
            palette: Palette::default(),
            close: CloseDialog::default(),
            toasts: Toasts::default(),
            log_open: false,
            settings_in_use: None,
        }
    }

    /// The person wants the window closed. True: let it close; else a dialog asks first.
    pub fn may_close(&mut self) -> bool {
        self.close.may_close(&self.bench)
    }

    /// Draws everything. Returns the settings when they have changed and should be kept.
    pub fn ui(&mut self, ui: &mut Ui) -> Option<Settings> {
        self.bench.poll();
        let mut changed = self.use_settings(ui.ctx());
        let mut commands = Vec::new();
        self.keys(ui, &mut commands);

        let p = theme::palette(ui);
        let plain = |fill| Frame::new().fill(fill);
        let wide = ui.available_width() >= 1100.0;
        egui::Panel::left(Id::unique("rail"))
            .exact_size(if wide { 80.0 } else { 56.0 })
            .resizable(false)
            .show_separator_line(false)
            .frame(plain(p.rail))
            .show(ui, |ui| rail(ui, &mut self.bench, wide));
        egui::Panel::bottom(Id::unique("status"))
            .exact_size(28.0)
            .resizable(false)
            .show_separator_line(false)
            .frame(plain(p.rail).inner_margin(egui::Margin::symmetric(16, 0)))
            .show(ui, |ui| status_line(ui, &self.bench, &mut self.log_open));
        egui::Panel::top(Id::unique("top"))
            .exact_size(60.0)
            .resizable(false)
            .show_separator_line(false)
            .frame(plain(p.bench))
            .show(ui, |ui| top_bar(ui, &self.bench, &mut commands));
        if self.log_open {
            egui::Panel::bottom(Id::unique("log"))
                .default_size(200.0)
                .size_range(96.0..=480.0)
                .resizable(true)
                .frame(plain(p.board))
                .show(ui, |ui| log_drawer(ui, &self.bench.state.log, &mut self.log_open));
        }
        CentralPanel::no_frame().frame(plain(p.bench)).show(ui, |ui| {
            self.panels.ui(ui, &mut self.bench);
        });
        if let Some((chart, action)) = crate::plot::take_action(ui.ctx()) {
            self.bench.export_chart(chart, action);
        }
        if let Some(page) = take_guide_wish(ui) {
            self.bench.open_guide(&page);
        }

        self.overlays(ui, &mut commands);
        for command in commands {
            let mut around =
                Around { ctx: ui.ctx(), log_open: &mut self.log_open, palette_open: &mut self.palette.open };
            command.run(&mut self.bench, &mut around);
        }
        // Where a value is still being dragged, wait for the end.
        if !ui.input(|i| i.pointer.any_down()) {
            self.bench.sync_data();
        }
        changed |= self.use_settings(ui.ctx());
        changed.then(|| self.bench.settings.clone())
    }

    fn overlays(&mut self, ui: &mut Ui, commands: &mut Vec<UiCommand>) {
        take_dropped_files(ui, &mut self.bench);
        commands.extend(self.palette.ui(ui, &self.bench));
        match self.close.ui(ui, &mut self.bench) {
            Some(Closing::Now) => ui.ctx().send_viewport_cmd(egui::ViewportCommand::Close),
            Some(Closing::Kept) | None => {}
        }
        for note in self.bench.notes.drain(..) {
            self.toasts.push(note);
        }
        self.toasts.ui(ui);
        focus_ring(ui);
    }

    fn keys(&self, ui: &Ui, commands: &mut Vec<UiCommand>) {
        if self.close.is_open() {
            return;
        }
        // A letter is a command only where it is not being written, and not under a list that is open.
        let typing = ui.ctx().text_edit_focused() || self.palette.open || egui::Popup::is_any_open(ui.ctx());
        if !typing && self.bench.at_the_bench() {
            // A key that is held down decides once.
            ui.input_mut(|i| i.events.retain(|e| !matches!(e, egui::Event::Key { repeat: true, .. })));
        }
        // With the keyboard on a control, Enter and the arrows are that control's.
        let held = ui.memory(|memory| memory.focused().is_some());
        for command in UiCommand::all() {
            let Some(keys) = command.shortcut() else { continue };
            if held && command.is_for_control() {
                continue;
            }
            // With Shift alone a key writes a letter as well.
            let chord = keys.modifiers.command || keys.modifiers.ctrl || keys.modifiers.alt;
            let bare = !chord && !matches!(keys.logical_key, egui::Key::F1);
            if (bare && typing) || !command.available(&self.bench) {
                continue;
            }
            if ui.input_mut(|i| i.consume_shortcut(&keys)) {
                commands.push(command);
            }
        }
        let free = !self.palette.open && !egui::Popup::is_any_open(ui.ctx());
        if self.log_open && free && ui.input_mut(|i| i.consume_key(egui::Modifiers::NONE, egui::Key::Escape)) {
            commands.push(UiCommand::ShowLog);
        }
        let enter = egui::KeyboardShortcut::new(egui::Modifiers::COMMAND, egui::Key::Enter);
        if !self.palette.open && ui.input_mut(|i| i.consume_shortcut(&enter)) {
            let primary = primary(&self.bench);
            if primary.reasons.is_empty() {
                commands.push(primary.command);
            } else {
                // It cannot be done yet; the Method panel's settings list why.
                commands.push(AdvisorCommand::Settings.into());
            }
        }
    }

    /// Puts theme, language and size into use. True when something differs from what is kept.
    fn use_settings(&mut self, ctx: &egui::Context) -> bool {
        let settings = &self.bench.settings;
        if self.settings_in_use.as_ref() == Some(settings) {
            return false;
        }
        speak(settings.language);
        ctx.set_theme(match settings.look {
            Look::System => egui::ThemePreference::System,
            Look::Light => egui::ThemePreference::Light,
            Look::Dark => egui::ThemePreference::Dark,
        });
        if (ctx.zoom_factor() - settings.zoom).abs() > 1e-3 {
            ctx.set_zoom_factor(settings.zoom);
        }
        let first = self.settings_in_use.is_none();
        self.settings_in_use = Some(settings.clone());
        !first
    }
}

#[cfg(test)]
mod tests;
