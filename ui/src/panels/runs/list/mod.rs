//! Every run there ever was: a table with search and filters, and beside it what one run was.

mod curve;
mod detail;
mod table;
mod toolbar;

use egui::{Frame, Key, Margin, Modifiers, ScrollArea, Ui};

use crate::bench::Bench;
use crate::desks::{Column, Undo, data_of, method_of, model_of, status_word};
use crate::export::csv::quoted;
use crate::library::{RunCard, RunStatus};
use crate::text::{t, try_say};
use crate::widgets::{Push, column, empty_state, problem_box};
use crate::{format, icons, theme};

/// Width of the pane beside the table.
const PANE: f32 = 344.0;
/// Narrower than this, the pane stands below the table.
const WIDE: f32 = 900.0;
/// How long what was deleted can be taken back by the button; Ctrl+Z does it later too.
const TOLD_SECS: f64 = 10.0;

#[derive(Default)]
pub struct RunList {
    detail: detail::Detail,
    /// What can be taken back is shown until then.
    told: Option<(Undo, f64)>,
}

impl RunList {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        if bench.shelf.runs.is_empty() {
            nothing_yet(ui, bench);
            return;
        }
        bench.sync_listing();
        keys(ui, bench);
        let wide = ui.available_width() >= WIDE;
        if wide && bench.focused_card().is_some() {
            egui::Panel::right("runs-detail")
                .exact_size(PANE)
                .resizable(false)
                .show_separator_line(false)
                .frame(Frame::NONE)
                .show(ui, |ui| {
                    ScrollArea::vertical().id_salt("runs-detail").auto_shrink([false, false]).show(ui, |ui| {
                        ui.add_space(8.0);
                        ui.set_width(PANE - 24.0);
                        self.detail.ui(ui, bench);
                        ui.add_space(24.0);
                    });
                });
        }
        let margin = Margin { left: 24, right: if wide { 16 } else { 24 }, top: 8, bottom: 12 };
        Frame::NONE.inner_margin(margin).show(ui, |ui| {
            if wide {
                list(ui, bench, None);
            } else {
                ScrollArea::vertical().id_salt("runs-page").auto_shrink([false, false]).show(ui, |ui| {
                    list(ui, bench, Some(220.0));
                    if bench.focused_card().is_some() {
                        ui.add_space(12.0);
                        self.detail.ui(ui, bench);
                    }
                });
            }
        });
        self.take_back(ui, bench);
    }

    /// At the lower edge, for a while: what has just left the list, and the way back.
    fn take_back(&mut self, ui: &Ui, bench: &mut Bench) {
        let now = ui.input(|i| i.time);
        match &bench.desks.runs.told {
            None => self.told = None,
            Some(undo) if self.told.as_ref().is_none_or(|(told, _)| told != undo) => {
                self.told = Some((undo.clone(), now + TOLD_SECS));
            }
            Some(_) => {}
        }
        let Some((undo, until)) = &self.told else { return };
        if now > *until {
            bench.desks.runs.told = None;
            return;
        }
        ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64((until - now).max(0.05)));
        let text = match undo {
            Undo::Deleted(ids) => t!("runs.deleted", n = ids.len()),
            Undo::Archived { ids, archived: true } => t!("runs.archived_n", n = ids.len()),
            Undo::Archived { ids, archived: false } => t!("runs.unarchived_n", n = ids.len()),
        };
        let mut back = false;
        egui::Area::new(egui::Id::unique("runs-undo"))
            .order(egui::Order::Foreground)
            .anchor(egui::Align2::CENTER_BOTTOM, egui::vec2(0.0, -88.0))
            .show(ui.ctx(), |ui| {
                crate::widgets::frame(ui).show(ui, |ui| {
                    ui.horizontal(|ui| {
                        ui.label(text);
                        let undo = Push::plain(t!("runs.undo")).icon(icons::ARROW_U_UP_LEFT).small();
                        back = ui.add(undo).clicked();
                    });
                });
            });
        if back {
            bench.undo_runs();
        }
    }
}

/// Toolbar, what is chosen, and the table; of this height where the page scrolls.
fn list(ui: &mut Ui, bench: &mut Bench, height: Option<f32>) {
    ui.spacing_mut().item_spacing.y = 8.0;
    trouble(ui, bench);
    toolbar::ui(ui, bench);
    toolbar::chosen(ui, bench);
    if bench.desks.runs.listing.order.is_empty() {
        nothing_found(ui, bench);
    } else {
        table::ui(ui, bench, height);
    }
}

fn nothing_yet(ui: &mut Ui, bench: &mut Bench) {
    let ready = bench.state.missing().is_empty();
    let word = if ready { t!("command.start_training") } else { t!("command.try_sample") };
    column(ui, "runs-empty", |ui| {
        trouble(ui, bench);
        if empty_state(ui, icons::CHART_SCATTER, &t!("runs.empty"), &t!("runs.empty_about"), Some((icons::PLAY, &word)))
        {
            if ready {
                bench.start_training();
            } else {
                bench.try_sample();
            }
        }
        ui.vertical_centered(|ui| {
            if ui.add(Push::quiet(t!("runs_command.add_folder")).icon(icons::FOLDER_OPEN)).clicked() {
                bench.dialogs.ask(crate::dialogs::Ask::RunFolder);
            }
        });
    });
}

fn nothing_found(ui: &mut Ui, bench: &mut Bench) {
    let search = &mut bench.desks.runs.search;
    let text = match search.place {
        _ if !search.is_plain() => t!("runs.none_found"),
        crate::desks::Place::Shelf => t!("runs.none_on_shelf"),
        crate::desks::Place::Archive => t!("runs.none_in_archive"),
        crate::desks::Place::Bin => t!("runs.none_in_bin"),
    };
    ui.vertical_centered(|ui| {
        ui.add_space(32.0);
        ui.label(theme::soft(ui, text));
        if !search.is_plain() && ui.add(Push::plain(t!("runs.clear_search")).icon(icons::X).small()).clicked() {
            *search = crate::desks::Search { place: search.place, ..Default::default() };
        }
        ui.add_space(32.0);
    });
}

/// Why the library does not work as it should, until it is put away.
fn trouble(ui: &mut Ui, bench: &mut Bench) {
    let Some(problem) = &bench.desks.runs.problem else { return };
    let heading = try_say(&format!("problem.{}", problem.code)).unwrap_or_else(|| crate::text::say("problem.library"));
    let remedy = try_say(&format!("remedy.{}", problem.code));
    problem_box(ui, &heading, &problem.message, remedy.as_deref());
    if ui.add(Push::quiet(t!("runs.put_away")).icon(icons::X).small()).clicked() {
        bench.desks.runs.problem = None;
    }
}

/// Moving in the list by keyboard, while no control has it.
fn keys(ui: &Ui, bench: &mut Bench) {
    if egui::Popup::is_any_open(ui.ctx()) || ui.ctx().text_edit_focused() {
        return;
    }
    if ui.input_mut(|i| i.consume_key(Modifiers::COMMAND, Key::Z)) {
        bench.undo_runs();
    }
    if ui.input_mut(|i| i.consume_key(Modifiers::COMMAND, Key::A)) {
        bench.choose_all();
    }
    if ui.memory(|memory| memory.focused().is_some()) {
        return;
    }
    for (key, by) in [(Key::ArrowDown, 1), (Key::ArrowUp, -1), (Key::PageDown, 10), (Key::PageUp, -10)] {
        if ui.input_mut(|i| i.consume_key(Modifiers::SHIFT, key)) {
            bench.step_focus(by, true);
        } else if ui.input_mut(|i| i.consume_key(Modifiers::NONE, key)) {
            bench.step_focus(by, false);
        }
    }
    for (key, by) in [(Key::Home, isize::MIN), (Key::End, isize::MAX)] {
        if ui.input_mut(|i| i.consume_key(Modifiers::NONE, key)) {
            bench.step_focus(by, false);
        }
    }
    let Some(focus) = bench.desks.runs.focus.clone() else { return };
    if ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Space)) {
        bench.toggle_chosen(&focus);
    }
    if ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Enter)) {
        bench.open_run(&focus);
    }
    if ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        bench.desks.runs.chosen.clear();
    }
}

/// Whether a run was broken off where its last checkpoint lets it go on, and nothing else goes on now.
pub fn can_go_on(bench: &Bench, card: &RunCard) -> bool {
    let early = matches!(card.status, RunStatus::Stopped | RunStatus::Failed | RunStatus::Broken);
    let saved = || bench.run_of(&card.id).is_some_and(|run| !run.checkpoints.is_empty());
    early && !bench.state.running() && saved()
}

/// One cell of the list as text.
fn cell_text(card: &RunCard, column: Column) -> String {
    let loss = |value: Option<f32>| value.map_or_else(String::new, |value| format::loss(f64::from(value)));
    match column {
        Column::Name => card.name.clone(),
        Column::Status => status_word(card.status),
        Column::Method => method_of(card),
        Column::Model => model_of(card),
        Column::Data => data_of(card),
        Column::Steps if card.total_steps == 0 => format::count(card.steps as u64),
        Column::Steps => {
            format!("{} / {}", format::count(card.steps as u64), format::count(card.total_steps as u64))
        }
        Column::Loss => loss(card.last_loss),
        Column::BestEval => loss(card.best_eval_loss),
        Column::Forgetting => crate::desks::rise(card).map_or_else(String::new, percent),
        Column::Time => format::duration(card.elapsed_secs),
        Column::Date => format::date_time(card.started_unix_secs),
        Column::Tags => card.tags.join(", "),
    }
}

/// With a sign, as a rise or a fall: +3.2 %.
fn percent(share: f32) -> String {
    let value = f64::from(share) * 100.0;
    let sign = if value < 0.0 { "−" } else { "+" };
    format!("{sign}{} %", format::significant(value.abs(), 2))
}

/// What the list shows, as CSV with every column and the folder.
pub fn csv(bench: &mut Bench) -> String {
    bench.sync_listing();
    let number = |value: Option<f32>| value.map_or_else(String::new, |value| value.to_string());
    let mut text = String::from(
        "id,name,status,stage,finetuning_type,model,dataset,steps,total_steps,last_loss,best_eval_loss,\
         base_perplexity,perplexity,elapsed_secs,started_unix_secs,peak_memory_bytes,tags,note,sweep,folder\n",
    );
    for card in bench.desks.runs.listing.order.iter().filter_map(|at| bench.shelf.runs.get(*at)) {
        let sweep = card.sweep.as_ref().map_or_else(String::new, |(name, values)| format!("{name}: {values}"));
        let cells = [
            card.id.clone(),
            card.name.clone(),
            format!("{:?}", card.status).to_lowercase(),
            card.recipe.stage.to_string(),
            card.recipe.finetuning_type.to_string(),
            card.recipe.model_name_or_path.display().to_string(),
            card.recipe.dataset.join(" "),
            card.steps.to_string(),
            card.total_steps.to_string(),
            number(card.last_loss),
            number(card.best_eval_loss),
            number(card.forgetting.map(|(base, _)| base)),
            number(card.forgetting.map(|(_, now)| now)),
            format!("{:.1}", card.elapsed_secs),
            card.started_unix_secs.to_string(),
            card.peak_memory_bytes.to_string(),
            card.tags.join(" "),
            card.note.clone(),
            sweep,
            card.folder.display().to_string(),
        ];
        text.push_str(&cells.map(|cell| quoted(&cell)).join(","));
        text.push('\n');
    }
    text
}
