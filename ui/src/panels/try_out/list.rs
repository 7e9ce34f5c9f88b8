//! The conversations that were kept: found again, renamed, copied, deleted.

use egui::accesskit::Role;
use egui::{
    Align, CornerRadius, FontId, Key, Layout, Margin, ScrollArea, Sense, Stroke, StrokeKind, TextEdit, Ui, WidgetInfo,
    pos2, vec2,
};

use crate::bench::Bench;
use crate::state::TalkId;
use crate::text::t;
use crate::widgets::{IconButton, Push, elided, icon_label};
use crate::{format, icons, theme};

/// What was found, as long as neither the words nor the conversations change.
#[derive(Default)]
pub(super) struct ListView {
    found: Vec<TalkId>,
    of: Option<(String, u64)>,
}

impl ListView {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let margin = Margin { left: 20, right: 0, top: 16, bottom: 8 };
        egui::Frame::new().inner_margin(margin).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 6.0;
            let width = ui.available_width();
            if ui.add(Push::plain(t!("conversation.new")).icon(icons::NOTE_PENCIL).width(width)).clicked() {
                bench.new_talk();
            }
            search(ui, bench);
            self.look(bench);
            ScrollArea::vertical().id_salt("talks").auto_shrink([false, false]).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                if self.found.is_empty() {
                    ui.label(theme::soft(ui, t!("conversation.none_found")));
                }
                for id in &self.found {
                    row(ui, bench, *id);
                }
            });
        });
    }

    fn look(&mut self, bench: &Bench) {
        let talk = &bench.state.talk;
        let now = (bench.desks.talk.sought.trim().to_lowercase(), talk.revision);
        if self.of.as_ref() == Some(&now) {
            return;
        }
        let found = talk.conversations.iter().filter(|talk| now.0.is_empty() || talk.holds(&now.0));
        self.found = found.map(|talk| talk.id).collect();
        self.of = Some(now);
    }
}

fn search(ui: &mut Ui, bench: &mut Bench) {
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        icon_label(ui, icons::MAGNIFYING_GLASS, 16.0, p.ink_soft);
        let sought = &mut bench.desks.talk.sought;
        let room = ui.available_width() - if sought.is_empty() { 0.0 } else { 30.0 };
        let edit = TextEdit::singleline(sought)
            .id(egui::Id::unique("talk-search"))
            .hint_text(t!("conversation.search_hint"))
            .desired_width(room - 8.0)
            .min_size(vec2(0.0, 28.0));
        ui.add(edit).accessible_name(t!("conversation.search"));
        if !sought.is_empty() && ui.add(IconButton::new(icons::X, t!("conversation.search_clear"))).clicked() {
            sought.clear();
        }
    });
}

fn row(ui: &mut Ui, bench: &mut Bench, id: TalkId) {
    let front = bench.state.talk.front().id == id;
    if front && bench.desks.talk.renaming.is_some() {
        renaming(ui, bench);
        return;
    }
    let Some(talk) = bench.state.talk.conversations.iter().find(|talk| talk.id == id) else { return };
    let title = bench.talk_title(talk);
    let about = match talk.turns.len() {
        0 => t!("conversation.nothing_said"),
        n => t!("conversation.about", n = n, when = format::date_time(talk.changed_unix_secs)),
    };
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 44.0), Sense::click());
    response.widget_info(|| WidgetInfo::selected(Role::ListBoxOption, true, front, &title));
    if ui.is_rect_visible(rect) {
        let radius = CornerRadius::same(theme::RADIUS);
        if front {
            ui.painter().rect(rect, radius, p.varnish_soft, Stroke::new(1.0, p.varnish), StrokeKind::Inside);
        } else if response.hovered() {
            ui.painter().rect_filled(rect, radius, p.raised);
        }
        let (left, room) = (rect.left() + 10.0, rect.width() - 20.0);
        let name = elided(ui, &title, FontId::proportional(13.0), p.ink, room);
        ui.painter().galley(pos2(left, rect.top() + 5.0), name, p.ink);
        let about = elided(ui, &about, FontId::proportional(11.0), p.ink_soft, room);
        ui.painter().galley(pos2(left, rect.top() + 24.0), about, p.ink_soft);
    }
    if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() && !front {
        bench.open_talk(id);
    }
    if front {
        actions(ui, bench);
    }
}

fn actions(ui: &mut Ui, bench: &mut Bench) {
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        if ui.add(IconButton::new(icons::TRASH, t!("conversation.delete"))).clicked() {
            bench.delete_talk();
        }
        if ui.add(IconButton::new(icons::COPY, t!("conversation.duplicate"))).clicked() {
            bench.duplicate_talk();
        }
        if ui.add(IconButton::new(icons::PENCIL_SIMPLE, t!("conversation.rename"))).clicked() {
            bench.desks.talk.renaming = Some(bench.state.talk.front().title());
        }
    });
}

/// Enter takes the new name, Escape leaves the old one.
fn renaming(ui: &mut Ui, bench: &mut Bench) {
    let Some(name) = &mut bench.desks.talk.renaming else { return };
    let id = egui::Id::unique("talk-name");
    let edit = TextEdit::singleline(name).id(id).desired_width(f32::INFINITY).min_size(vec2(0.0, 32.0));
    let field = ui.add(edit).accessible_name(t!("conversation.name"));
    let began = !ui.data(|d| d.get_temp::<bool>(id)).unwrap_or_default();
    if began {
        field.request_focus();
        ui.data_mut(|d| d.insert_temp(id, true));
        return;
    }
    if field.lost_focus() {
        ui.data_mut(|d| d.remove::<bool>(id));
        let name = bench.desks.talk.renaming.take().unwrap_or_default();
        if !ui.input(|i| i.key_pressed(Key::Escape)) {
            bench.rename_talk(&name);
        }
    }
}
