//! Who answers: a model for each answer, with its temperature and seed, and what all of them share.

use egui::{Label, Ui, vec2};
use luthier_engine::feedback::Mode;

use crate::bench::Bench;
use crate::desks::{Examinee, RANKED, Subject, Voice};
use crate::text::t;
use crate::theme;
use crate::widgets::{Card, IconButton, Push, Setting, dropdown, hairline, number};
use crate::{format, icons};

const LETTER: f32 = 18.0;
/// Temperature and seed with their words and the gaps between.
const DRAWS: f32 = 320.0;
/// From here on they stand behind the model.
const ONE_LINE: f32 = 620.0;

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let all = bench.examinees();
    let mode = bench.desks.label.making.draft.mode;
    Card::new(t!("making.who")).about(t!("making.who_about")).icon(icons::CUBE).show(ui, |ui| {
        if all.is_empty() {
            ui.add(Label::new(theme::soft(ui, t!("making.no_models"))).wrap());
            return;
        }
        if mode == Mode::Pair {
            presets(ui, bench, &all);
        }
        let mut gone = None;
        let draft = &mut bench.desks.label.making.draft;
        let least = if mode == Mode::Rank { *RANKED.start() } else { draft.voices.len() };
        let removable = draft.voices.len() > least;
        for (at, voice) in draft.voices.iter_mut().enumerate() {
            if voice_row(ui, at, voice, &all, removable) {
                gone = Some(at);
            }
        }
        if let Some(at) = gone {
            draft.voices.remove(at);
        }
        if mode == Mode::Rank && draft.voices.len() < *RANKED.end() {
            let add = Push::quiet(t!("making.add_answer")).icon(icons::PLUS).small();
            if ui.add(add).clicked() {
                draft.add_voice();
            }
        }
        hairline(ui);
        shared(ui, bench);
    });
}

/// The usual pairs by one click.
fn presets(ui: &mut Ui, bench: &mut Bench, all: &[Examinee]) {
    let base = all.iter().find(|examinee| examinee.trained.is_none());
    let mut runs = all.iter().filter(|examinee| examinee.trained.is_some());
    let (newest, before) = (runs.next(), runs.next());
    let voice =
        |who: &Examinee, temperature: f32, seed: u64| Voice { subject: Some(who.subject.clone()), temperature, seed };
    let mut offered = Vec::new();
    if let Some(one) = base.or(newest) {
        offered.push((t!("making.two_samplings"), vec![voice(one, 0.7, 1), voice(one, 1.0, 2)]));
    }
    if let (Some(base), Some(run)) = (base, newest) {
        offered.push((t!("making.base_and_run"), vec![voice(base, 0.8, 1), voice(run, 0.8, 2)]));
    }
    if let (Some(new), Some(old)) = (newest, before) {
        offered.push((t!("making.two_runs"), vec![voice(old, 0.8, 1), voice(new, 0.8, 2)]));
    }
    let draft = &mut bench.desks.label.making.draft;
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for (word, voices) in offered {
            let on = draft.voices == voices;
            if ui.add(Push::plain(word).small().selected(on)).clicked() {
                draft.voices = voices;
            }
        }
    });
}

/// True: it is to go. Model, temperature and seed stand in one line where there is room, else in two.
fn voice_row(ui: &mut Ui, at: usize, voice: &mut Voice, all: &[Examinee], removable: bool) -> bool {
    let letter = char::from(b'A' + at as u8);
    let options: Vec<(Option<Subject>, String)> =
        all.iter().map(|examinee| (Some(examinee.subject.clone()), described(examinee))).collect();
    let one_line = ui.available_width() >= ONE_LINE;
    let mut gone = false;
    ui.push_id(at, |ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 4.0);
        ui.horizontal(|ui| {
            ui.add_sized(vec2(LETTER, theme::CONTROL), Label::new(theme::strong(letter)).selectable(false));
            let beside = if one_line { DRAWS } else { 0.0 } + if removable { 34.0 } else { 0.0 };
            let width = (ui.available_width() - beside).clamp(100.0, 420.0);
            ui.name_inputs(&t!("making.model_of", answer = letter), |ui| {
                dropdown(ui, "model", width, &mut voice.subject, &options);
            });
            if one_line {
                draws(ui, letter, voice);
            }
            if removable {
                gone = ui.add(IconButton::new(icons::X, t!("making.remove_answer", answer = letter))).clicked();
            }
        });
        if !one_line {
            ui.horizontal(|ui| {
                ui.add_space(LETTER + 6.0);
                draws(ui, letter, voice);
            });
        }
    });
    gone
}

/// How freely it draws.
fn draws(ui: &mut Ui, letter: char, voice: &mut Voice) {
    ui.add(Label::new(theme::soft(ui, t!("making.temperature"))).selectable(false));
    let name = t!("making.temperature_of", answer = letter);
    number(ui, &mut voice.temperature, 0.0..=2.0, 0.01).accessible_name(name);
    ui.add(Label::new(theme::soft(ui, t!("making.seed"))).selectable(false));
    let name = t!("making.seed_of", answer = letter);
    number(ui, &mut voice.seed, 0..=u64::from(u32::MAX), 0.1).accessible_name(name);
}

fn described(examinee: &Examinee) -> String {
    match &examinee.trained {
        Some(_) => t!("making.a_run", name = examinee.name),
        None => t!("making.a_base", name = examinee.name),
    }
}

fn shared(ui: &mut Ui, bench: &mut Bench) {
    let draft = &mut bench.desks.label.making.draft;
    let usual = crate::desks::QueueDraft::default().sampling;
    let length = &mut draft.sampling.max_new_tokens;
    if Setting::new("max_new_tokens").changed(*length != usual.max_new_tokens, usual.max_new_tokens.to_string()).show(
        ui,
        |ui| {
            number(ui, length, 1..=32_768, 1.0);
        },
    ) {
        *length = usual.max_new_tokens;
    }
    let top_p = &mut draft.sampling.top_p;
    let written = format::setting(f64::from(usual.top_p));
    if Setting::new("top_p").changed(*top_p != usual.top_p, written).show(ui, |ui| {
        number(ui, top_p, 0.01..=1.0, 0.01);
    }) {
        *top_p = usual.top_p;
    }
}
