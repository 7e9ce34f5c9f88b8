//! What the run's numbers warn of, and what the engine itself has said: how bad, since when, what to do.

use egui::{Align, Label, Layout, Ui};

use crate::state::{Alert, Matter, Run, Severity, alerts_of};
use crate::text::t;
use crate::widgets::{Card, Push, ask_guide, hairline, icon_label, tag};
use crate::{format, icons, theme};

/// Different warnings of the engine shown; the log has all of them.
const SHOWN: usize = 4;
/// Words of the engine's own warning that says what [`Matter::StuckPreference`] says.
const SAME_AS_STUCK: &str = "does not learn to tell the answers apart";

/// What the alerts were made of: id, steps, evaluations, measurements, checkpoints, whether it goes on.
type MadeFor = (String, usize, usize, usize, usize, bool);

/// The alerts of the run that is shown, told again only when something has been added.
#[derive(Default)]
pub struct AlertList {
    made_for: MadeFor,
    alerts: Vec<Alert>,
}

impl AlertList {
    pub fn ui(&mut self, ui: &mut Ui, run: &Run) {
        let Run { id, steps, evals, forgetting, checkpoints, .. } = run;
        let now = (id.clone(), steps.len(), evals.len(), forgetting.len(), checkpoints.len(), run.is_going());
        if self.made_for != now {
            (self.alerts, self.made_for) = (alerts_of(run), now);
        }
        let stuck = self.alerts.iter().any(|alert| matches!(alert.matter, Matter::StuckPreference { .. }));
        let mut warnings = counted(&run.warnings);
        warnings.retain(|(message, _)| !(stuck && message.contains(SAME_AS_STUCK)));
        if self.alerts.is_empty() && warnings.is_empty() {
            return;
        }
        let left_out = warnings.len().saturating_sub(SHOWN);
        Card::new(t!("alert.title")).icon(icons::BELL).show(ui, |ui| {
            for (i, alert) in self.alerts.iter().enumerate() {
                if i > 0 {
                    hairline(ui);
                }
                ui.push_id(i, |ui| of_numbers(ui, alert));
            }
            for (i, (message, times)) in warnings.iter().skip(left_out).enumerate() {
                if i > 0 || !self.alerts.is_empty() {
                    hairline(ui);
                }
                let text = match times {
                    1 => (*message).to_owned(),
                    n => t!("train.warned_times", message = message, n = n),
                };
                row(ui, Severity::Warning, None, &text, |_| {});
            }
            if left_out > 0 {
                ui.label(theme::soft(ui, t!("train.more_warnings", n = left_out)));
            }
        });
    }
}

fn of_numbers(ui: &mut Ui, alert: &Alert) {
    let (what, remedy) = words(alert);
    row(ui, alert.severity, Some(alert), &what, |ui| {
        ui.add(Label::new(theme::soft(ui, remedy)).wrap());
    });
}

/// A line that tells severity by sign, word and colour, and since when; the sentence; what to do.
fn row(ui: &mut Ui, severity: Severity, alert: Option<&Alert>, what: &str, below: impl FnOnce(&mut Ui)) {
    let p = theme::palette(ui);
    let (icon, word, ink, ground) = match severity {
        Severity::Error => (icons::WARNING_OCTAGON, t!("alert.error"), p.bad, p.bad_soft),
        Severity::Warning => (icons::WARNING, t!("alert.warning"), p.warn, p.warn_soft),
        Severity::Info => (icons::INFO, t!("alert.info"), p.string, p.string_soft),
    };
    ui.horizontal_top(|ui| {
        icon_label(ui, icon, 20.0, ink);
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = 4.0;
            let line = egui::vec2(ui.available_width(), 26.0);
            ui.allocate_ui_with_layout(line, Layout::left_to_right(Align::Center), |ui| {
                tag(ui, &word, ink, ground);
                let Some(alert) = alert else { return };
                ui.label(theme::soft(ui, t!("alert.step", step = alert.step.max(1))));
                ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                    let read = Push::quiet(t!("alert.read")).icon(icons::BOOK_OPEN).small();
                    if ui.add(read.name(t!("alert.read_about", what = what))).clicked() {
                        ask_guide(ui, alert.page());
                    }
                });
            });
            ui.add(Label::new(theme::strong(what)).wrap());
            below(ui);
        });
    });
}

/// What is the matter, and what to do.
fn words(alert: &Alert) -> (String, String) {
    let percent = |share: f32| format::significant(f64::from(share) * 100.0, 2);
    let loss = |value: f32| format::loss(f64::from(value));
    match alert.matter {
        Matter::NotANumber => (t!("alert.nan"), t!("alert.nan_do")),
        Matter::LossRising { from, to } => {
            (t!("alert.rising", from = loss(from), to = loss(to)), t!("alert.rising_do"))
        }
        Matter::NormExploding { times } => {
            (t!("alert.norm", times = format::significant(f64::from(times), 2)), t!("alert.norm_do"))
        }
        Matter::StuckPreference { steps } => (t!("alert.stuck", n = steps), t!("alert.stuck_do")),
        Matter::Overfitting { best_step, risen } => {
            (t!("alert.overfit", risen = percent(risen), best = best_step), t!("alert.overfit_do", best = best_step))
        }
        Matter::Forgetting { risen, limit: None } => {
            (t!("alert.forget", risen = percent(risen)), t!("alert.forget_do"))
        }
        Matter::Forgetting { risen, limit: Some(limit) } => {
            (t!("alert.forget_limit", risen = percent(risen), limit = percent(limit)), t!("alert.forget_do"))
        }
        Matter::NoRate { left } => (t!("alert.no_rate", left = left), t!("alert.no_rate_do")),
        Matter::MoreMemory { bytes, expected } => (
            t!("alert.memory", bytes = format::bytes(bytes), expected = format::bytes(expected)),
            t!("alert.memory_do"),
        ),
        Matter::Slower { before, now } => (
            t!("alert.slower", before = format::per_second(before), now = format::per_second(now)),
            t!("alert.slower_do"),
        ),
        Matter::NoCheckpoint { secs } => (t!("alert.unsaved", time = format::duration(secs)), t!("alert.unsaved_do")),
    }
}

/// Each warning once, with how often it came, in the order of their last time.
fn counted(warnings: &[String]) -> Vec<(&str, usize)> {
    let mut order: Vec<(&str, usize)> = Vec::new();
    for warning in warnings {
        let before = order.iter().position(|(message, _)| message == warning).map(|at| order.remove(at).1);
        order.push((warning, before.unwrap_or(0) + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_that_comes_again_is_counted_and_moves_to_the_end() {
        let warnings = ["a", "b", "a", "c", "b"].map(str::to_owned);
        assert_eq!(counted(&warnings), [("a", 2), ("c", 1), ("b", 2)]);
    }

    #[test]
    fn every_page_that_an_alert_names_is_in_the_guide() {
        let matters = [
            Matter::NotANumber,
            Matter::StuckPreference { steps: 30 },
            Matter::Overfitting { best_step: 1, risen: 0.1 },
            Matter::Forgetting { risen: 0.2, limit: None },
            Matter::NoRate { left: 3 },
            Matter::MoreMemory { bytes: 2, expected: 1 },
            Matter::NoCheckpoint { secs: 3600.0 },
        ];
        for matter in matters {
            let alert = Alert { severity: Severity::Info, step: 1, matter };
            assert!(crate::guide::page(alert.page()).is_some(), "{}", alert.page());
            let (what, remedy) = words(&alert);
            assert!(!what.is_empty() && !remedy.is_empty() && !what.contains('%') || what.contains(" %"), "{what}");
        }
    }
}
