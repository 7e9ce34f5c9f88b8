//! What to measure on: the kind, the file or the prompts, and rarely changed settings folded away.

use egui::{Label, TextEdit, Ui, vec2};

use crate::bench::Bench;
use crate::desks::{Draft, ExamKind};
use crate::text::t;
use crate::theme::{self, CONTROL};
use crate::widgets::{
    Card, IconButton, Push, Setting, field_and_buttons, hairline, number, path_entry, prompt_lines, segmented, tag,
    toggle,
};
use crate::{format, icons};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    Card::new(t!("evaluate.what")).icon(icons::EXAM).show(ui, |ui| {
        remembered(ui, bench);
        let draft = &mut bench.desks.evaluate.draft;
        let options = ExamKind::ALL.map(|kind| (kind, kind_name(kind)));
        if segmented(ui, &mut draft.kind, &options) {
            draft.set_aside = None;
        }
        ui.add(Label::new(theme::soft(ui, kind_about(draft.kind))).wrap());
        match bench.desks.evaluate.draft.kind {
            ExamKind::Prompts => {
                prompt_lines(ui, "exam prompts", &mut bench.desks.evaluate.draft.prompts);
                from_run(ui, bench);
            }
            _ => source(ui, bench),
        }
        let draft = &mut bench.desks.evaluate.draft;
        name(ui, draft);
        more(ui, draft);
    });
}

pub(super) fn kind_name(kind: ExamKind) -> String {
    match kind {
        ExamKind::Perplexity => t!("evaluate.perplexity"),
        ExamKind::Choice => t!("evaluate.multiple_choice"),
        ExamKind::Generation => t!("evaluate.generation"),
        ExamKind::Prompts => t!("evaluate.prompts"),
    }
}

fn kind_about(kind: ExamKind) -> String {
    match kind {
        ExamKind::Perplexity => t!("evaluate.perplexity_about"),
        ExamKind::Choice => t!("evaluate.multiple_choice_about"),
        ExamKind::Generation => t!("evaluate.generation_about"),
        ExamKind::Prompts => t!("evaluate.prompts_about"),
    }
}

/// Sets that were measured on before.
fn remembered(ui: &mut Ui, bench: &mut Bench) {
    if bench.settings.exam_sets.is_empty() {
        return;
    }
    let (mut used, mut forgotten) = (None, None);
    let drafted = bench.desks.evaluate.draft.set().map(|set| set.name);
    ui.label(theme::soft(ui, t!("evaluate.remembered")));
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(2.0, 4.0);
        for (at, set) in bench.settings.exam_sets.iter().enumerate() {
            let on = drafted.as_ref() == Some(&set.name);
            let name = t!("evaluate.use_set", name = set.name);
            let shown: String = match set.name.char_indices().nth(28) {
                Some((end, _)) => format!("{}…", &set.name[..end]),
                None => set.name.clone(),
            };
            if ui.add(Push::plain(shown).icon(kind_icon(set.kind())).small().selected(on).name(name)).clicked() {
                used = Some(at);
            }
            let forget = IconButton::new(icons::X, t!("evaluate.forget_set", name = set.name)).size(20.0);
            if ui.add(forget).clicked() {
                forgotten = Some(at);
            }
            ui.add_space(6.0);
        }
    });
    if let Some(at) = used {
        bench.use_set(at);
    }
    if let Some(at) = forgotten {
        bench.forget_set(at);
    }
    hairline(ui);
}

pub(super) fn kind_icon(kind: ExamKind) -> char {
    match kind {
        ExamKind::Perplexity => icons::WAVE_SINE,
        ExamKind::Choice => icons::LIST_CHECKS,
        ExamKind::Generation => icons::SCALES,
        ExamKind::Prompts => icons::CHATS_CIRCLE,
    }
}

/// The file, or the rows that a run sets aside.
fn source(ui: &mut Ui, bench: &mut Bench) {
    let choice = bench.desks.evaluate.draft.kind == ExamKind::Choice;
    let aside = bench.desks.evaluate.draft.set_aside.as_ref().map(|recipe| {
        let file = recipe.eval_dataset.first().or(recipe.dataset.first()).cloned().unwrap_or_default();
        format::short_path(file.as_ref())
    });
    if let Some(file) = aside {
        ui.horizontal(|ui| {
            let p = theme::palette(ui);
            tag(ui, &t!("evaluate.set_aside"), p.string, p.string_soft);
            ui.add(Label::new(theme::soft(ui, t!("evaluate.set_aside_of", file = file))).truncate());
            if ui.add(IconButton::new(icons::X, t!("evaluate.file_instead"))).clicked() {
                bench.desks.evaluate.draft.set_aside = None;
            }
        });
        return;
    }
    let (mut file_asked, mut folder_asked) = (false, false);
    let draft = &mut bench.desks.evaluate.draft;
    field_and_buttons(
        ui,
        "exam file",
        |ui, width| {
            let hint = if choice { t!("evaluate.questions_hint") } else { t!("evaluate.file_hint") };
            let entered = path_entry(ui, &t!("evaluate.file"), &hint, &mut draft.file, width);
            if let Some(path) = entered {
                draft.file = path.display().to_string();
            }
        },
        |ui| {
            file_asked = ui.add(IconButton::new(icons::FILE, t!("evaluate.choose_file")).size(30.0)).clicked();
            if choice {
                let folder = IconButton::new(icons::FOLDER_OPEN, t!("evaluate.choose_folder")).size(30.0);
                folder_asked = ui.add(folder).clicked();
            }
        },
    );
    if file_asked || folder_asked {
        bench.ask_exam_file(folder_asked);
    }
    if bench.desks.evaluate.draft.kind == ExamKind::Perplexity && bench.recipe_with_rows_set_aside().is_some() {
        let aside = Push::quiet(t!("evaluate.on_set_aside")).icon(icons::TARGET).small();
        if ui.add(aside).clicked() {
            bench.draft_set_aside();
        }
    }
}

/// The prompts that the recipe has already.
fn from_run(ui: &mut Ui, bench: &mut Bench) {
    let of_run = &bench.state.recipe.sample_prompts;
    let draft = &mut bench.desks.evaluate.draft;
    if draft.prompts.is_empty()
        && !of_run.is_empty()
        && ui.add(Push::quiet(t!("evaluate.prompts_of_run")).icon(icons::COPY).small()).clicked()
    {
        draft.prompts.clone_from(of_run);
    }
}

fn name(ui: &mut Ui, draft: &mut Draft) {
    hairline(ui);
    let own = draft.own_name();
    let changed = !draft.name.trim().is_empty();
    let back = Setting::new("exam_name").changed(changed, &own).show(ui, |ui| {
        let edit = TextEdit::singleline(&mut draft.name).desired_width(180.0).hint_text(own.clone());
        ui.add(edit.min_size(vec2(0.0, CONTROL)));
    });
    if back {
        draft.name.clear();
    }
}

fn more(ui: &mut Ui, draft: &mut Draft) {
    let id = ui.make_persistent_id("exam settings");
    let mut open = ui.data(|d| d.get_temp::<bool>(id)).unwrap_or(false);
    let (icon, word) = match open {
        true => (icons::CARET_UP, t!("method.less")),
        false => (icons::CARET_DOWN, t!("method.more")),
    };
    let name = t!("method.word_of", word = word, card = t!("evaluate.what"));
    if ui.add(Push::quiet(word).icon(icon).small().name(name)).clicked() {
        open = !open;
    }
    ui.data_mut(|d| d.insert_temp(id, open));
    if !open {
        return;
    }
    let default = Draft::default();
    most(ui, draft, &default);
    match draft.kind {
        ExamKind::Perplexity => {}
        ExamKind::Choice => {
            let back = Setting::new("exam_shots").changed(draft.choice.shots != 0, "0").show(ui, |ui| {
                number(ui, &mut draft.choice.shots, 0..=25, 0.05);
            });
            if back {
                draft.choice.shots = 0;
            }
            on_off(ui, "exam_chat", &mut draft.choice.chat);
            on_off(ui, "exam_by_text", &mut draft.choice.by_text);
        }
        ExamKind::Generation | ExamKind::Prompts => {
            let (length, usual) = (&mut draft.sampling.max_new_tokens, default.sampling.max_new_tokens);
            if Setting::new("max_new_tokens").changed(*length != usual, usual.to_string()).show(ui, |ui| {
                number(ui, length, 1..=32_768, 1.0);
            }) {
                *length = usual;
            }
            let heat = &mut draft.sampling.temperature;
            if Setting::new("exam_temperature").changed(*heat != 0.0, "0").show(ui, |ui| {
                number(ui, heat, 0.0..=2.0, 0.01);
            }) {
                *heat = 0.0;
            }
        }
    }
}

fn most(ui: &mut Ui, draft: &mut Draft, default: &Draft) {
    let usual = default.max_samples.map(|most| most.to_string()).unwrap_or_default();
    let changed = draft.max_samples != default.max_samples;
    let back = Setting::new("exam_max_samples").changed(changed, usual).show(ui, |ui| {
        let mut limited = draft.max_samples.is_some();
        if toggle(ui, &mut limited).accessible_name(t!("evaluate.limited")).changed() {
            draft.max_samples = limited.then_some(default.max_samples).flatten();
        }
        match &mut draft.max_samples {
            Some(most) => {
                number(ui, most, 1..=1_000_000, 1.0);
            }
            None => {
                ui.label(theme::soft(ui, t!("evaluate.all_rows")));
            }
        }
    });
    if back {
        draft.max_samples = default.max_samples;
    }
}

fn on_off(ui: &mut Ui, name: &str, value: &mut bool) {
    let back = Setting::new(name).changed(*value, t!("word.no")).show(ui, |ui| {
        toggle(ui, value);
    });
    if back {
        *value = false;
    }
}
