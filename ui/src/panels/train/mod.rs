//! The Train panel: a run as it happens. Curves, numbers, the log, and the hand on the brake.

mod alerts;
mod answers;
mod curves;
mod ended;
mod margins;
mod opened;
mod predicted;
mod queue;
mod rollouts;
mod settings;

use egui::{Label, Ui};
use luthier_engine::protocol::{Outcome, Phase};
use luthier_engine::recipe::Recipe;

use super::Panel;
use crate::bench::Bench;
use crate::desks::{TrainPage, differing};
use crate::frame::log_lines;
use crate::state::{Course, Run};
use crate::text::t;
use crate::widgets::{Card, Fact, IconButton, Push, board, column, empty_state, facts, progress_bar, segmented, tag};
use crate::{format, icons, theme};

#[derive(Default)]
pub struct TrainPanel {
    alerts: alerts::AlertList,
    curves: curves::CurvesView,
    margins: margins::MarginsView,
    apart: Apart,
    rollouts: rollouts::RolloutList,
    answers: answers::AnswersView,
}

impl TrainPanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let mut page = bench.train_page();
        let mut looked = None;
        let mut action = None;
        let ours = bench.desks.runs.opened.is_none();
        if !ours && bench.run_in_view().is_none() {
            if let Some(act) = opened::reading(ui, bench) {
                act.take(bench);
            }
            return;
        }
        column(ui, "train", |ui| {
            let Some(run) = bench.run_in_view() else {
                action = nothing_yet(ui, bench);
                action = queue::ui(ui, bench).map(Action::Queue).or(action.take());
                return;
            };
            action = opened::banner(ui, bench).map(Action::Opened);
            action = head(ui, run, ours).or(action.take());
            if let Course::Finished(outcome) = &run.course {
                let ways = ended::Ways { go_on: bench.can_go_on(), label_new: bench.can_label_new(&run.id) };
                action = ended::ui(ui, run, outcome, ways).or(action.take());
            }
            action = queue::ui(ui, bench).map(Action::Queue).or(action.take());
            self.alerts.ui(ui, run);
            numbers(ui, run);
            let apart = self.apart.count(&run.recipe, &bench.state.recipe);
            let queued = |ui: &mut Ui| queue::first(ui, bench);
            action = pages(ui, run, apart, &mut page, queued).map(Action::Queue).or(action.take());
            match page {
                TrainPage::Curves => {
                    looked = Some(self.curves.ui(ui, bench, run));
                    predicted::ui(ui, run);
                }
                TrainPage::Margins => self.margins.ui(ui, run, &bench.train_look()),
                TrainPage::Rollouts => self.rollouts.ui(ui, run),
                TrainPage::Answers => self.answers.ui(ui, run),
                TrainPage::Settings => {
                    settings::ui(ui, bench, run);
                    if ours {
                        log(ui, bench);
                    }
                }
            }
        });
        bench.desks.train.page = page;
        if let Some(looked) = looked {
            looked.take(bench);
        }
        match action {
            Some(Action::Start) => bench.start_training(),
            Some(Action::Sample) => bench.try_sample(),
            Some(Action::Pause) => bench.pause(),
            Some(Action::Resume) => bench.resume(),
            Some(Action::Stop) => bench.stop(),
            Some(Action::Save) => bench.save_now(),
            Some(Action::GoOn) => bench.go_on(),
            Some(Action::Judge) => bench.judge_by_result(),
            Some(Action::Compare) => bench.compare_runs(bench.id_in_view()),
            Some(Action::Evaluate) => bench.evaluate_runs(bench.id_in_view()),
            Some(Action::Again) => bench.again_in_view(),
            Some(Action::LabelNew) => bench.label_new_in_view(),
            Some(Action::Queue(act)) => act.take(bench),
            Some(Action::Opened(act)) => act.take(bench),
            Some(Action::Go(Panel::Try)) if !ours => {
                let id = bench.desks.runs.opened.clone().unwrap_or_default();
                bench.try_run(&id);
            }
            Some(Action::Go(panel)) => bench.panel = panel,
            Some(Action::Copy(text)) => {
                ui.ctx().copy_text(text);
                bench.notes.push(t!("note.copied"));
            }
            None => {}
        }
    }
}

enum Action {
    Start,
    Sample,
    Pause,
    Resume,
    Stop,
    Save,
    GoOn,
    /// PPO next, by the reward model that the run has made.
    Judge,
    /// Lay the run over others.
    Compare,
    Evaluate,
    /// The form takes the run's settings.
    Again,
    /// The next round: the new model against the old one.
    LabelNew,
    Go(Panel),
    Queue(queue::Act),
    Opened(opened::Act),
    Copy(String),
}

/// Which page of the run is in front, and whether the form has other settings by now.
fn pages<T>(
    ui: &mut Ui,
    run: &Run,
    apart: usize,
    page: &mut TrainPage,
    right: impl FnOnce(&mut Ui) -> Option<T>,
) -> Option<T> {
    let name = |page: &TrainPage| match page {
        TrainPage::Curves => t!("train.page_curves"),
        TrainPage::Margins => t!("train.page_margins"),
        TrainPage::Rollouts => t!("train.page_rollouts"),
        TrainPage::Answers => t!("train.page_answers"),
        TrainPage::Settings => t!("train.page_settings"),
    };
    let options: Vec<(TrainPage, String)> = TrainPage::of(run).into_iter().map(|page| (page, name(&page))).collect();
    let mut pressed = None;
    ui.horizontal_wrapped(|ui| {
        segmented(ui, page, &options);
        if run.is_going() && apart > 0 {
            let p = theme::palette(ui);
            tag(ui, &t!("train.form_is_next", n = apart), p.string, p.string_soft);
        }
        pressed = right(ui);
    });
    pressed
}

/// In how many settings the form differs from the run; counted again only when one of them has changed, for it writes
/// both recipes out.
#[derive(Default)]
struct Apart {
    made_for: Option<(Recipe, Recipe)>,
    count: usize,
}

impl Apart {
    fn count(&mut self, run: &Recipe, form: &Recipe) -> usize {
        if self.made_for.as_ref().is_none_or(|(known, other)| known != run || other != form) {
            // What the window fills in at the start.
            let filled = ["model_name_or_path", "dataset", "dataset_dir"];
            self.count = differing(run, form).iter().filter(|apart| !filled.contains(&apart.key)).count();
            self.made_for = Some((run.clone(), form.clone()));
        }
        self.count
    }
}

fn nothing_yet(ui: &mut Ui, bench: &Bench) -> Option<Action> {
    let ready = bench.state.missing().is_empty();
    let word = if ready { t!("command.start_training") } else { t!("command.try_sample") };
    let mut action = None;
    if empty_state(ui, icons::CHART_LINE_DOWN, &t!("train.empty"), &t!("train.empty_about"), Some((icons::PLAY, &word)))
    {
        action = Some(if ready { Action::Start } else { Action::Sample });
    }
    ui.vertical_centered(|ui| {
        if ui.add(Push::quiet(t!("train.to_method")).icon(icons::SLIDERS_HORIZONTAL)).clicked() {
            action = Some(Action::Go(Panel::Method));
        }
    });
    action
}

/// What the run is doing, in a word or two.
fn doing(run: &Run) -> String {
    if run.stopping {
        return t!("train.stopping");
    }
    match (&run.course, &run.busy) {
        (Course::Paused, _) => t!("train.paused"),
        (Course::Finished(Outcome::Completed { .. }), _) => t!("train.completed"),
        (Course::Finished(Outcome::Stopped { .. }), _) => t!("train.stopped"),
        (Course::Finished(Outcome::Failed { .. }), _) => t!("train.failed"),
        (_, Some((Phase::LoadingModel, _))) => t!("train.loading_model"),
        (_, Some((Phase::PreparingData, _))) => t!("train.preparing_data"),
        (_, Some((Phase::WarmingUp, _))) => t!("train.warming_up"),
        (_, Some((Phase::Evaluating, _))) => t!("train.evaluating"),
        (_, Some((Phase::Saving, _))) => t!("train.saving"),
        (_, Some((Phase::Reference, _))) => t!("train.reference"),
        (_, Some((Phase::Sampling, _))) => t!("train.sampling"),
        (_, Some((Phase::Forgetting, _))) => t!("train.forgetting"),
        (_, Some((Phase::Answering, _))) => t!("train.answering"),
        (Course::Starting, None) => t!("train.starting"),
        (Course::Stepping, None) if run.steps.is_empty() => t!("train.first_step"),
        (Course::Stepping, None) => t!("train.running"),
    }
}

fn head(ui: &mut Ui, run: &Run, ours: bool) -> Option<Action> {
    let mut action = None;
    board(ui, |ui| {
        ui.horizontal(|ui| {
            let p = theme::palette(ui);
            let (ink, ground) = match &run.course {
                Course::Finished(Outcome::Failed { .. }) => (p.bad, p.bad_soft),
                Course::Finished(_) => (p.good, p.good_soft),
                Course::Paused => (p.warn, p.warn_soft),
                _ => (p.varnish, p.varnish_soft),
            };
            let room = if run.is_going() { 420.0 } else { 140.0 };
            ui.scope(|ui| {
                ui.set_max_width((ui.available_width() - room).max(120.0));
                ui.add(Label::new(theme::name(&run.id, 18.0)).truncate());
            });
            tag(ui, &doing(run), ink, ground);
            if ours && run.is_going() {
                ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| action = controls(ui, run));
            }
        });
        if let Some(facts) = &run.facts {
            ui.add(Label::new(theme::soft(ui, facts_line(facts))).wrap());
        }
        let fraction = match (&run.course, &run.busy) {
            (Course::Starting, Some((_, fraction))) => *fraction,
            (Course::Starting, None) => None,
            _ => Some(run.fraction()),
        };
        progress_bar(ui, &t!("train.progress"), fraction);
    });
    action
}

fn facts_line(facts: &luthier_engine::protocol::RunFacts) -> String {
    let share = facts.trainable_parameters as f64 / facts.parameters.max(1) as f64 * 100.0;
    t!(
        "train.facts",
        device = facts.device,
        rows = format::count(facts.train_rows as u64),
        trainable = format::short_count(facts.trainable_parameters),
        share = format::significant(share, 2)
    )
}

/// From the right: stop, save, pause or resume.
fn controls(ui: &mut Ui, run: &Run) -> Option<Action> {
    let mut action = None;
    let stepping = matches!(run.course, Course::Stepping | Course::Paused);
    ui.add_enabled_ui(!run.stopping, |ui| {
        if ui.add(Push::danger(t!("command.stop")).icon(icons::STOP)).on_hover_text(t!("train.stop_hint")).clicked() {
            action = Some(Action::Stop);
        }
        let save =
            Push::plain(if run.saving { t!("train.saving") } else { t!("command.save_now") }).icon(icons::FLOPPY_DISK);
        if ui.add_enabled(stepping && !run.saving, save).on_hover_text(t!("train.save_hint")).clicked() {
            action = Some(Action::Save);
        }
        if run.course == Course::Paused {
            if ui.add(Push::plain(t!("command.resume")).icon(icons::PLAY)).clicked() {
                action = Some(Action::Resume);
            }
        } else if ui.add_enabled(stepping, Push::plain(t!("command.pause")).icon(icons::PAUSE)).clicked() {
            action = Some(Action::Pause);
        }
    });
    action
}

fn numbers(ui: &mut Ui, run: &Run) {
    let last = run.last();
    let dash = || "–".to_owned();
    let of = |get: &dyn Fn(&luthier_engine::protocol::StepReport) -> String| last.map_or_else(dash, get);
    let p = theme::palette(ui);
    let best = run.evals.iter().map(|e| e.loss).min_by(f32::total_cmp);
    let memory = of(&|s| format::byte_pair(s.memory_bytes, s.peak_memory_bytes));
    let mut list = vec![
        Fact::new(t!("train.step"), of(&|s| t!("train.step_of", step = s.step, total = run.total_steps()))),
        Fact::new(t!("train.epoch"), of(&|s| format!("{:.2}", s.epoch))),
        Fact::new(t!("train.loss"), of(&|s| format::loss(f64::from(s.loss)))).colour(p.varnish),
        Fact::new(t!("train.tokens_per_sec"), of(&|s| format::per_second(s.tokens_per_sec))),
        Fact::new(t!("train.memory"), memory).hint(t!("train.memory_hint")),
        Fact::new(t!("train.elapsed"), of(&|s| format::duration(s.elapsed_secs))),
        Fact::new(t!("train.left"), if run.is_going() { of(&|s| format::duration(s.remaining_secs)) } else { dash() }),
    ];
    // What the method is after stands before the loss's own best.
    let metric = |name: &str| last.and_then(|s| s.metrics.get(name).copied());
    let after = [
        ("objective/kl", t!("train.kl")),
        ("objective/scores", t!("train.score")),
        ("rewards/margins", t!("metric.rewards_margins")),
        ("rewards/accuracies", t!("metric.rewards_accuracies")),
    ];
    for (value, label) in after.into_iter().filter_map(|(name, label)| Some((metric(name)?, label))) {
        list.insert(3, Fact::new(label, format::loss(f64::from(value))));
    }
    if let Some(best) = best {
        list.insert(3, Fact::new(t!("train.best_eval"), format::loss(f64::from(best))).colour(p.string));
    }
    if let Some(accuracy) = last.and_then(|s| s.token_accuracy) {
        let text = format!("{} %", format::significant(f64::from(accuracy) * 100.0, 3));
        list.push(Fact::new(t!("train.accuracy"), text).hint(t!("train.accuracy_hint")));
    }
    board(ui, |ui| facts(ui, 128.0, list));
}

fn log(ui: &mut Ui, bench: &Bench) {
    let log = &bench.state.log;
    let copy = |ui: &mut Ui| {
        if ui.add(IconButton::new(icons::COPY, t!("log.copy"))).clicked() {
            ui.ctx().copy_text(log.as_text());
        }
    };
    Card::new(t!("log.title")).icon(icons::SCROLL).show_with(ui, copy, |ui| log_lines(ui, log, "train", 160.0));
}
