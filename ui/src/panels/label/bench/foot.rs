//! The foot of the bench: what every way of judging shares, and what was decided last.

use egui::{Align, Key, Label, Layout, ScrollArea, TextEdit, Ui, vec2};

use super::words;
use crate::bench::Bench;
use crate::text::t;
use crate::widgets::{Keyed, Push, icon_label, keycap};
use crate::{icons, theme};

#[derive(Default)]
pub struct Foot {
    /// The field of the note has the keyboard already.
    note_open: bool,
}

impl Foot {
    /// `choices` are those of the way of judging: the big ones, and small ones among the common.
    pub fn ui(
        &mut self,
        ui: &mut Ui,
        bench: &mut Bench,
        low: bool,
        big: impl FnOnce(&mut Ui, &mut Bench, bool),
        small: impl FnOnce(&mut Ui, &mut Bench),
    ) {
        ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
        if bench.settings.annotator.is_empty() {
            return introduce(ui, bench);
        }
        if bench.desks.label.now.note.is_some() {
            self.note(ui, bench);
        } else {
            self.note_open = false;
        }
        let free = bench.can_handle();
        if low {
            ScrollArea::horizontal().id_salt("label-foot").show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.add_enabled_ui(free, |ui| big(ui, bench, true));
                    common(ui, bench);
                    ui.add_enabled_ui(free, |ui| small(ui, bench));
                });
            });
            return;
        }
        ui.add_enabled_ui(free, |ui| big(ui, bench, false));
        ui.horizontal_wrapped(|ui| {
            common(ui, bench);
            ui.add_enabled_ui(free, |ui| small(ui, bench));
        });
        last(ui, bench);
    }

    fn note(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let Some(note) = &mut bench.desks.label.now.note else { return };
        let mut end = None;
        ui.horizontal(|ui| {
            icon_label(ui, icons::NOTE_PENCIL, 18.0, theme::palette(ui).ink_soft);
            let width = (ui.available_width() - 190.0).max(120.0);
            let edit = TextEdit::singleline(note).desired_width(width).hint_text(t!("labelling.note_hint"));
            let edit = ui.add(edit.min_size(vec2(0.0, theme::CONTROL))).accessible_name(t!("labelling.note_field"));
            if !std::mem::replace(&mut self.note_open, true) {
                edit.request_focus();
            }
            if edit.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter)) {
                end = Some(true);
            }
            if ui.add(Push::plain(t!("labelling.note_keep"))).clicked() {
                end = Some(true);
            }
            if ui.add(Push::quiet(t!("labelling.note_leave"))).clicked() {
                end = Some(false);
            }
        });
        if let Some(keep) = end {
            bench.end_note(keep);
        }
    }
}

fn common(ui: &mut Ui, bench: &mut Bench) {
    let free = bench.can_handle();
    let item = bench.item_in_front();
    let (flagged, noted) = item.map_or((false, false), |item| (item.flagged, !item.note.is_empty()));
    let there = item.is_some();
    let button = |ui: &mut Ui, on: bool, push: Keyed<'_>| ui.add_enabled(on, push.small().quiet()).clicked();
    if there && button(ui, free, Keyed::new(t!("labelling.skip"), &["S"])) {
        bench.skip_item();
    }
    if there && button(ui, free, Keyed::new(t!("labelling.flag"), &["F"]).selected(flagged)) {
        bench.flag_item();
    }
    if there && button(ui, free, Keyed::new(t!("labelling.note"), &["N"]).selected(noted)) {
        bench.write_note();
    }
    if button(ui, bench.can_undo(), Keyed::new(t!("labelling.undo"), &["U"])) {
        bench.undo_decision();
    }
    super::keys::openers(ui, bench);
}

/// The last decision, or what was decided before on the item that was called back.
fn last(ui: &mut Ui, bench: &Bench) {
    let desk = &bench.desks.label;
    let item = bench.item_in_front();
    let earlier = item.and_then(|item| item.earlier.as_ref().map(|verdict| (verdict, &item.shown)));
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 20.0), Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let quiet = |ui: &mut Ui, text: String| {
            ui.add(Label::new(theme::soft(ui, text)).selectable(false).truncate());
        };
        if desk.pair.asking {
            quiet(ui, t!("labelling.edit_which"));
        } else if desk.deciding {
            quiet(ui, t!("labelling.being_kept"));
        } else if let Some((verdict, shown)) = earlier {
            quiet(ui, t!("labelling.earlier", what = words::verdict(verdict, shown)));
        } else if let Some(decided) = &desk.now.last {
            icon_label(ui, icons::CHECK, 14.0, theme::palette(ui).good);
            quiet(ui, words::verdict(&decided.verdict, &decided.shown));
            keycap(ui, "U");
            quiet(ui, t!("labelling.takes_it_back"));
        }
        if desk.pair.differences {
            ui.add_space(8.0);
            quiet(ui, t!("labelling.differences_about"));
        }
        if let Some(note) = item.map(|item| &item.note).filter(|note| !note.is_empty()) {
            icon_label(ui, icons::NOTE_PENCIL, 14.0, theme::palette(ui).ink_soft);
            quiet(ui, note.clone());
        }
    });
}

/// Asks once who labels, before the first decision.
fn introduce(ui: &mut Ui, bench: &mut Bench) {
    let mut chosen = None;
    ui.add(Label::new(theme::strong(t!("label.no_annotator"))).selectable(false));
    ui.add(Label::new(theme::soft(ui, t!("labelling.no_annotator_about"))).wrap());
    ui.horizontal_wrapped(|ui| {
        let name = &mut bench.desks.label.now.name;
        let edit = TextEdit::singleline(name).desired_width(220.0).hint_text(t!("labelling.name_hint"));
        let edit = ui.add(edit.min_size(vec2(0.0, theme::CONTROL))).accessible_name(t!("labelling.name_field"));
        // Nothing else can be done here before.
        if ui.memory(|memory| memory.focused().is_none()) && !edit.lost_focus() {
            edit.request_focus();
        }
        let entered = edit.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let begin = Push::primary(t!("labelling.begin")).icon(icons::ARROW_RIGHT);
        let pressed = ui.add_enabled(!name.trim().is_empty(), begin).clicked();
        if entered || pressed {
            chosen = Some(name.clone());
        }
        for known in &bench.settings.annotators {
            if ui.add(Push::plain(known).icon(icons::USER_CIRCLE)).clicked() {
                chosen = Some(known.clone());
            }
        }
    });
    if let Some(name) = chosen {
        bench.desks.label.now.name.clear();
        bench.label_as(&name);
    }
}
