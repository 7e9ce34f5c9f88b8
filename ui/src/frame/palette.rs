//! The command palette: everything that can be done, found by typing a part of its name.

use egui::{Align2, Area, FontId, Id, Key, Modal, Order, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, pos2, vec2};

use crate::bench::Bench;
use crate::command::UiCommand;
use crate::text::t;
use crate::{icons, theme};

#[derive(Default)]
pub struct Palette {
    pub open: bool,
    sought: String,
    chosen: usize,
}

impl Palette {
    /// Draws it while it is open; the command that was chosen.
    pub fn ui(&mut self, ui: &Ui, bench: &Bench) -> Option<UiCommand> {
        if !self.open {
            self.sought.clear();
            self.chosen = 0;
            return None;
        }
        let found = matching(&self.sought, bench);
        let (up, down, enter) = ui.input_mut(|i| {
            let mut pressed = |key| i.consume_key(egui::Modifiers::NONE, key);
            (pressed(Key::ArrowUp), pressed(Key::ArrowDown), pressed(Key::Enter))
        });
        let last = found.len().saturating_sub(1);
        self.chosen = match () {
            () if up => self.chosen.saturating_sub(1),
            () if down => self.chosen + 1,
            () => self.chosen,
        }
        .min(last);
        let mut picked = found.get(self.chosen).copied().filter(|_| enter);

        let p = theme::palette(ui);
        let id = Id::unique("palette");
        let area = Area::new(id)
            .kind(egui::UiKind::Modal)
            .order(Order::Foreground)
            .anchor(Align2::CENTER_TOP, vec2(0.0, 88.0));
        let modal = Modal::new(id).area(area.sense(Sense::hover()).interactable(true)).backdrop_color(p.veil);
        let shown = modal.show(ui.ctx(), |ui| {
            ui.set_width(520.0);
            ui.spacing_mut().item_spacing.y = 2.0;
            let field =
                TextEdit::singleline(&mut self.sought).desired_width(f32::INFINITY).hint_text(t!("palette.hint"));
            let field = ui.add(field.min_size(vec2(0.0, 36.0)).font(FontId::proportional(16.0)));
            let field = field.accessible_name(t!("palette.name"));
            field.request_focus();
            if field.changed() {
                self.chosen = 0;
            }
            ui.add_space(6.0);
            ScrollArea::vertical().max_height(360.0).auto_shrink([false, true]).show(ui, |ui| {
                for (i, command) in found.iter().enumerate() {
                    let response = line(ui, *command, i == self.chosen);
                    if i == self.chosen && (up || down) {
                        response.scroll_to_me(None);
                    }
                    if response.clicked() {
                        picked = Some(*command);
                    }
                }
                if found.is_empty() {
                    ui.label(theme::soft(ui, t!("palette.nothing")));
                }
            });
        });
        if picked.is_some() || shown.should_close() {
            self.open = false;
        }
        picked
    }
}

/// Commands whose name holds every word that is sought, in any order, in upper or lower case.
fn matching(sought: &str, bench: &Bench) -> Vec<UiCommand> {
    let words: Vec<String> = sought.split_whitespace().map(str::to_lowercase).collect();
    let fits = |command: &UiCommand| {
        let label = command.label().to_lowercase();
        *command != UiCommand::OpenPalette && command.available(bench) && words.iter().all(|w| label.contains(w))
    };
    UiCommand::all().into_iter().filter(fits).collect()
}

fn line(ui: &mut Ui, command: UiCommand, chosen: bool) -> egui::Response {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::click());
    let label = command.label();
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::MenuItem, true, &label));
    if chosen || response.hovered() {
        let ground = if chosen { p.varnish_soft } else { p.raised };
        ui.painter().rect_filled(rect, egui::CornerRadius::same(theme::RADIUS), ground);
    }
    let middle = rect.center().y;
    let ink = if chosen { p.varnish } else { p.ink_soft };
    ui.painter().text(
        pos2(rect.left() + 18.0, middle),
        Align2::CENTER_CENTER,
        command.icon(),
        icons::regular(17.0),
        ink,
    );
    ui.painter().text(pos2(rect.left() + 38.0, middle), Align2::LEFT_CENTER, label, FontId::proportional(14.0), p.ink);
    if let Some(keys) = command.shortcut() {
        let keys = ui.ctx().format_shortcut(&keys);
        ui.painter().text(
            pos2(rect.right() - 10.0, middle),
            Align2::RIGHT_CENTER,
            keys,
            FontId::monospace(12.0),
            p.ink_soft,
        );
    }
    response
}
