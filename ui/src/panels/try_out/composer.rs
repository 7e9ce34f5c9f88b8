//! The field that questions are written in.

use egui::{Align, Key, Layout, Margin, Modifiers, TextEdit, Ui};

use crate::bench::Bench;
use crate::text::t;
use crate::widgets::{Push, icon_label};
use crate::{icons, theme};

/// `low`: there is little height, and one line has to do.
pub(super) fn ui(ui: &mut Ui, bench: &mut Bench, arrived: bool, low: bool) {
    let busy = bench.state.talk.busy();
    let cannot = bench.cannot_ask();
    let p = theme::palette(ui);
    if let Some(reason) = cannot.as_ref().filter(|_| !busy) {
        ui.horizontal(|ui| {
            icon_label(ui, icons::INFO, 16.0, p.string);
            ui.label(theme::soft(ui, reason));
        });
    }
    ui.horizontal_top(|ui| {
        let width = ui.available_width() - 110.0;
        let enter = ui.memory(|m| m.has_focus(egui::Id::unique("draft")));
        let send = enter && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter));
        let draft = &mut bench.state.talk.front_mut().draft;
        let edit = TextEdit::multiline(draft)
            .id(egui::Id::unique("draft"))
            .desired_rows(if low { 1 } else { 2 })
            .desired_width(width)
            .hint_text(t!("try.hint"));
        let edit = edit
            .return_key(egui::KeyboardShortcut::new(Modifiers::SHIFT, Key::Enter))
            .margin(Margin::symmetric(12, if low { 8 } else { 10 }));
        // A long draft scrolls, and leaves the conversation in sight.
        let most = if low { 64.0 } else { 160.0 };
        let scroll = egui::ScrollArea::vertical().id_salt("draft-scroll").max_height(most).min_scrolled_height(24.0);
        let field = scroll.show(ui, |ui| ui.add(edit).accessible_name(t!("try.prompt"))).inner;
        if field.changed() {
            bench.desks.talk.unsettled = true;
        }
        if arrived {
            field.request_focus();
        }
        ui.with_layout(Layout::top_down(Align::Max), |ui| {
            if busy {
                let stop = Push::danger(t!("try.stop")).icon(icons::STOP).large().width(96.0);
                if ui.add(stop.name(t!("try.stop_answer"))).clicked() {
                    bench.stop_answer();
                }
            } else {
                let ready = cannot.is_none() && !bench.state.talk.front().draft.trim().is_empty();
                let button = Push::primary(t!("try.send")).icon(icons::PAPER_PLANE_RIGHT).large().width(96.0);
                if ui.add_enabled(ready, button).clicked() || (send && ready) {
                    bench.send_draft();
                }
            }
        });
    });
}
