//! Above the table: search, filters, what can be done with the chosen runs, and which columns there are.

use egui::{Align, Layout, TextEdit, Ui, vec2};

use crate::bench::Bench;
use crate::desks::{Column, Place};
use crate::dialogs::Ask;
use crate::library::Order;
use crate::text::t;
use crate::widgets::{IconButton, Push, icon_label, tag};
use crate::{icons, theme};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        search(ui, bench);
        let search = &mut bench.desks.runs.search;
        for (on, icon, word) in [
            (&mut search.running, icons::PLAY_CIRCLE, t!("runs.filter_running")),
            (&mut search.finished, icons::CHECK_CIRCLE, t!("runs.filter_finished")),
            (&mut search.starred, icons::STAR, t!("runs.filter_starred")),
        ] {
            if ui.add(Push::plain(word).icon(icon).small().selected(*on)).clicked() {
                *on = !*on;
            }
        }
        for (place, icon, word) in [
            (Place::Archive, icons::ARCHIVE, t!("runs.filter_archived")),
            (Place::Bin, icons::TRASH, t!("runs.filter_bin")),
        ] {
            let on = search.place == place;
            if ui.add(Push::plain(word).icon(icon).small().selected(on)).clicked() {
                search.place = if on { Place::Shelf } else { place };
                bench.desks.runs.confirming = false;
            }
        }
        tools(ui, bench);
    });
    if bench.desks.runs.search.place == Place::Bin {
        bin(ui, bench);
    }
}

fn search(ui: &mut Ui, bench: &mut Bench) {
    let desk = &mut bench.desks.runs;
    let p = theme::palette(ui);
    let width = (ui.available_width() * 0.22).clamp(160.0, 236.0);
    ui.allocate_ui_with_layout(vec2(width, 28.0), Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 4.0;
        icon_label(ui, icons::MAGNIFYING_GLASS, 16.0, p.ink_soft);
        let room = width - 20.0 - if desk.search.words.is_empty() { 0.0 } else { 28.0 };
        let edit = TextEdit::singleline(&mut desk.search.words)
            .id(egui::Id::unique("runs-search"))
            .hint_text(t!("runs.search_hint"))
            .desired_width(room - 8.0)
            .min_size(vec2(0.0, 28.0));
        let response = ui.add(edit).accessible_name(t!("runs_command.search"));
        let response = response.on_hover_text(t!("runs.search_help"));
        if std::mem::take(&mut desk.wants_search) {
            response.request_focus();
        }
        if !desk.search.words.is_empty()
            && ui.add(IconButton::new(icons::X, t!("runs.clear_search")).size(24.0)).clicked()
        {
            desk.search.words.clear();
        }
    });
}

/// Columns, CSV, folders, another look.
fn tools(ui: &mut Ui, bench: &mut Bench) {
    let columns = ui.add(IconButton::new(icons::COLUMNS, t!("runs.columns")));
    egui::Popup::menu(&columns).close_behavior(egui::PopupCloseBehavior::CloseOnClickOutside).show(|ui| {
        ui.spacing_mut().item_spacing.y = 2.0;
        for column in Column::ALL.into_iter().filter(|column| *column != Column::Name) {
            let mut shown = !bench.desks.runs.hidden.contains(&column);
            if ui.checkbox(&mut shown, column.label()).changed() {
                if shown {
                    bench.desks.runs.hidden.remove(&column);
                } else {
                    bench.desks.runs.hidden.insert(column);
                }
            }
        }
    });
    if ui.add(IconButton::new(icons::COPY, t!("runs_command.copy_csv"))).clicked() {
        let text = super::csv(bench);
        ui.ctx().copy_text(text);
        bench.notes.push(t!("note.copied"));
    }
    if ui.add(IconButton::new(icons::FOLDER_OPEN, t!("runs_command.add_folder"))).clicked() {
        bench.dialogs.ask(Ask::RunFolder);
    }
    if ui.add(IconButton::new(icons::ARROWS_CLOCKWISE, t!("runs_command.refresh"))).clicked() {
        bench.library.order(Order::Refresh);
    }
    let (shown, all) = (bench.desks.runs.listing.order.len(), bench.shelf.runs.len());
    let count = if shown == all { t!("runs.count", n = all) } else { t!("runs.count_of", n = shown, all = all) };
    ui.add(egui::Label::new(theme::soft(ui, count)).extend());
}

/// What can be done with everything that is chosen.
pub(super) fn chosen(ui: &mut Ui, bench: &mut Bench) {
    if bench.desks.runs.chosen.is_empty() {
        return;
    }
    let p = theme::palette(ui);
    let in_bin = bench.desks.runs.search.place == Place::Bin;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        tag(ui, &t!("runs.chosen", n = bench.desks.runs.chosen.len()), p.varnish, p.varnish_soft);
        let mut pressed =
            |icon: char, word: String, name: String| ui.add(Push::plain(word).icon(icon).small().name(name)).clicked();
        let of = |word: &str| t!("runs.of_chosen", word = word);
        let mut button = |icon: char, word: String| {
            let name = of(&word);
            pressed(icon, word, name)
        };
        let meant = bench.meant_runs();
        if in_bin {
            if button(icons::ARROW_U_UP_LEFT, t!("runs.restore")) {
                bench.restore_runs(meant);
            }
        } else {
            if button(icons::CHART_SCATTER, t!("runs.do_compare")) {
                bench.compare_runs(meant.clone());
            }
            if button(icons::EXAM, t!("runs.do_evaluate")) {
                bench.evaluate_runs(meant.clone());
            }
            if button(icons::STAR, t!("runs.do_star")) {
                bench.star_runs(meant.clone());
            }
            if button(icons::ARCHIVE, t!("runs.do_archive")) {
                bench.archive_runs(meant.clone());
            }
            if button(icons::TRASH, t!("runs.do_delete")) {
                bench.delete_runs(meant);
            }
        }
        if button(icons::X, t!("runs.choose_none")) {
            bench.desks.runs.chosen.clear();
        }
    });
}

/// The bin says what it is, and is emptied on a second word only.
fn bin(ui: &mut Ui, bench: &mut Bench) {
    let n = bench.runs_in_bin().len();
    ui.horizontal_wrapped(|ui| {
        if n == 0 {
            return;
        }
        if bench.desks.runs.confirming {
            ui.label(t!("runs.bin_sure", n = n));
            if ui.add(Push::danger(t!("runs.bin_yes", n = n)).icon(icons::TRASH).small()).clicked() {
                bench.empty_bin();
            }
            if ui.add(Push::plain(t!("runs.bin_no")).small()).clicked() {
                bench.desks.runs.confirming = false;
            }
        } else {
            ui.label(theme::soft(ui, t!("runs.bin_about")));
            if ui.add(Push::danger(t!("runs.bin_empty")).icon(icons::TRASH).small()).clicked() {
                bench.desks.runs.confirming = true;
            }
        }
    });
}
