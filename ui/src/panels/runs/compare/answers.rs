//! The same prompts, answered by several runs.

use egui::Ui;
use luthier_engine::eval::EvalReport;

use crate::bench::Bench;
use crate::desks::newest;
use crate::text::t;
use crate::widgets::{Card, Notice, Push, board, diff_legend, diff_text, dropdown, word_diff};
use crate::{icons, theme};

/// (prompt, answer) of a run: those of its end, and of evaluations with prompts.
fn answers_of(bench: &Bench, id: &str) -> Vec<(String, String)> {
    let last = bench.run_of(id).and_then(|run| run.answers.last());
    let mut all: Vec<(String, String)> = last
        .map(|(_, answers)| answers.iter().map(|one| (one.prompt.clone(), one.answer.clone())).collect())
        .unwrap_or_default();
    for stored in bench.shelf.evaluations.iter().filter(|stored| stored.run.as_deref() == Some(id)) {
        if let EvalReport::Prompts(report) = newest(stored) {
            for reply in &report.answers {
                if !all.iter().any(|(prompt, _)| *prompt == reply.prompt) {
                    all.push((reply.prompt.clone(), reply.answer.clone()));
                }
            }
        }
    }
    all
}

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench, waiting: bool) {
    let runs: Vec<(String, Vec<(String, String)>)> = bench
        .seen_ids()
        .into_iter()
        .map(|id| (answers_of(bench, &id), id))
        .map(|(answers, id)| (id, answers))
        .collect();
    let mut prompts: Vec<&String> = Vec::new();
    for (prompt, _) in runs.iter().flat_map(|(_, answers)| answers) {
        if !prompts.contains(&prompt) {
            prompts.push(prompt);
        }
    }
    // Prompts that more runs have answered come first.
    let count = |prompt: &String| runs.iter().filter(|(_, all)| all.iter().any(|(known, _)| known == prompt)).count();
    prompts.sort_by_key(|prompt| std::cmp::Reverse(count(prompt)));
    if prompts.is_empty() {
        if waiting {
            ui.label(theme::soft(ui, t!("compare.reading")));
            return;
        }
        Notice::info(t!("compare.no_answers")).show_with(ui, |ui| {
            if ui.add(Push::plain(t!("compare.evaluate")).icon(icons::EXAM).small()).clicked() {
                let ids = bench.compared_ids();
                bench.evaluate_runs(ids);
            }
        });
        return;
    }
    let mut at = bench.desks.compare.prompt.min(prompts.len() - 1);
    Card::new(t!("compare.answers_title")).icon(icons::COLUMNS).about(t!("compare.answers_about")).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            let short = |text: &str| text.chars().take(80).collect::<String>().replace('\n', " ");
            let options: Vec<(usize, String)> =
                prompts.iter().enumerate().map(|(n, prompt)| (n, format!("{}. {}", n + 1, short(prompt)))).collect();
            let width = (ui.available_width() - 150.0).clamp(160.0, 420.0);
            ui.name_inputs(t!("compare.answers_title"), |ui| dropdown(ui, "compare-prompt", width, &mut at, &options));
            diff_legend(ui);
        });
        ui.add(egui::Label::new(prompts[at].as_str()).wrap().selectable(true));
    });
    let prompt = prompts[at];
    let answer =
        |all: &[(String, String)]| all.iter().find(|(known, _)| known == prompt).map(|(_, answer)| answer.clone());
    let said: Vec<(&String, Option<String>)> = runs.iter().map(|(id, all)| (id, answer(all))).collect();
    let first = said.iter().find_map(|(id, answer)| Some(((*id).clone(), answer.clone()?)));
    let columns = ((ui.available_width() / 300.0) as usize).clamp(1, said.len().max(1));
    for row in said.chunks(columns) {
        crate::widgets::columns(ui, columns, |ui, n| {
            let Some((id, answer)) = row.get(n) else { return };
            board(ui, |ui| {
                super::run_label(ui, bench, id, ui.available_width());
                match (answer, &first) {
                    (None, _) => drop(ui.label(theme::soft(ui, t!("compare.not_answered")))),
                    (Some(answer), Some((base, text))) if base != *id => {
                        let text: String = text.clone();
                        diff_text(ui, &word_diff(&text, answer));
                    }
                    (Some(answer), _) => {
                        ui.label(theme::soft(ui, t!("compare.compared_with_this")));
                        ui.add(egui::Label::new(answer.as_str()).wrap().selectable(true));
                    }
                }
            });
        });
    }
    bench.desks.compare.prompt = at;
}
