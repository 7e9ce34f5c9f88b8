//! Where the prompts of a new queue come from, and the first of them to look at.

use egui::{Label, ScrollArea, TextEdit, Ui};

use crate::bench::Bench;
use crate::desks::PromptsFrom;
use crate::text::t;
use crate::theme;
use crate::widgets::{
    Card, IconButton, Setting, field_and_buttons, hairline, number, path_entry, problem_box, segmented, toggle,
};
use crate::{format, icons};

/// Prompts shown to see whether the right column was taken.
const SHOWN: usize = 4;

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    Card::new(t!("making.prompts")).icon(icons::CHAT_CENTERED_TEXT).show(ui, |ui| {
        let before = bench.desks.label.making.draft.from;
        from(ui, bench);
        let now = bench.desks.label.making.draft.from;
        let about = match now {
            PromptsFrom::File => t!("making.from_file_about"),
            PromptsFrom::Loaded => t!("making.from_loaded_about"),
            PromptsFrom::Typed => t!("making.from_typed_about"),
            PromptsFrom::Answered => t!("making.from_answered_about"),
        };
        ui.add(Label::new(theme::soft(ui, about)).wrap());
        match now {
            PromptsFrom::File | PromptsFrom::Answered => file(ui, bench),
            PromptsFrom::Typed => typed(ui, bench),
            PromptsFrom::Loaded => {
                if let Some(path) = bench.loaded_prompts() {
                    ui.add(Label::new(theme::name(&format::short_path(&path), 14.0)).truncate());
                }
            }
        }
        if before != now {
            bench.read_prompts();
        }
        if now != PromptsFrom::Answered {
            read(ui, bench);
            hairline(ui);
            how_many(ui, bench);
        }
    });
}

fn from(ui: &mut Ui, bench: &mut Bench) {
    let mut options = vec![(PromptsFrom::File, t!("making.from_file"))];
    if bench.loaded_prompts().is_some() {
        options.push((PromptsFrom::Loaded, t!("making.from_loaded")));
    }
    options.push((PromptsFrom::Typed, t!("making.from_typed")));
    options.push((PromptsFrom::Answered, t!("making.from_answered")));
    let chosen = &mut bench.desks.label.making.draft.from;
    // Four words in a narrow window are two rows.
    let per_row = if ui.available_width() < 420.0 { 2 } else { options.len() };
    for row in options.chunks(per_row) {
        segmented(ui, chosen, row);
    }
}

fn file(ui: &mut Ui, bench: &mut Bench) {
    let (mut asked, mut entered) = (false, false);
    let draft = &mut bench.desks.label.making.draft;
    field_and_buttons(
        ui,
        "prompts file",
        |ui, width| {
            if let Some(path) = path_entry(ui, &t!("making.file"), &t!("making.file_hint"), &mut draft.file, width) {
                draft.file = path.display().to_string();
                entered = true;
            }
        },
        |ui| {
            asked = ui.add(IconButton::new(icons::FILE, t!("making.choose_file")).size(30.0)).clicked();
        },
    );
    if entered {
        bench.read_prompts_again();
    }
    if asked {
        bench.ask_prompts_file();
    }
}

fn typed(ui: &mut Ui, bench: &mut Bench) {
    let text = &mut bench.desks.label.making.draft.typed;
    ScrollArea::vertical().id_salt("typed prompts").max_height(180.0).show(ui, |ui| {
        let edit =
            TextEdit::multiline(text).desired_width(f32::INFINITY).desired_rows(5).hint_text(t!("making.typed_hint"));
        ui.add(edit).accessible_name(t!("making.typed_prompts"));
    });
}

/// How many there are, the first ones, and what was left out.
fn read(ui: &mut Ui, bench: &mut Bench) {
    if bench.desks.label.making.is_reading() {
        ui.label(theme::soft(ui, t!("making.reading")));
        return;
    }
    let path = bench.prompts_file();
    let found = path.as_deref().and_then(|path| bench.desks.label.making.read_of(path));
    if let Some(Err(problem)) = found.map(|found| &found.read) {
        problem_box(ui, &t!("making.unreadable"), &problem.message, None);
        return;
    }
    let Some(plan) = bench.queue_plan().filter(|plan| plan.prompts > 0 || plan.left_out > 0) else { return };
    let mut words = vec![t!("making.count", n = format::count(plan.prompts as u64))];
    if plan.twins > 0 {
        words.push(t!("making.twins", n = format::count(plan.twins as u64)));
    }
    if plan.left_out > 0 {
        words.push(t!("making.left_out", n = format::count(plan.left_out as u64), reason = plan.reason));
    }
    ui.add(Label::new(theme::small(words.join(" "))).wrap());
    if let Some(Ok(prompts)) = found.map(|found| &found.read) {
        for (row, prompt) in prompts.rows.iter().take(SHOWN) {
            let text = prompt.last().map(|message| message.content.as_str()).unwrap_or_default();
            // A prompt of a hundred kilobytes is not laid out for one line of it.
            let line: String = text.chars().take(160).map(|c| if c.is_control() { ' ' } else { c }).collect();
            ui.add(Label::new(theme::soft(ui, format!("{row}  {line}"))).truncate());
        }
    }
}

fn how_many(ui: &mut Ui, bench: &mut Bench) {
    let draft = &mut bench.desks.label.making.draft;
    let usual = crate::desks::QueueDraft::default().most;
    let back = Setting::new("queue_most").changed(draft.most != usual, "500").show(ui, |ui| {
        let mut limited = draft.most.is_some();
        if toggle(ui, &mut limited).accessible_name(t!("making.limited")).changed() {
            draft.most = limited.then_some(usual).flatten();
        }
        match &mut draft.most {
            Some(most) => drop(number(ui, most, 1..=1_000_000, 1.0)),
            None => drop(ui.label(theme::soft(ui, t!("making.all_prompts")))),
        }
    });
    if back {
        draft.most = usual;
    }
    let back = Setting::new("queue_twins").changed(draft.keep_twins, t!("word.no")).show(ui, |ui| {
        toggle(ui, &mut draft.keep_twins);
    });
    if back {
        draft.keep_twins = false;
    }
}
