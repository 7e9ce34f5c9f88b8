//! One quiet line for the head of the bench: how the labels lean so far.

use std::time::Duration;

use egui::accesskit::Role;
use egui::text::{LayoutJob, TextFormat};
use egui::{FontId, Label, Ui, WidgetInfo};

use super::bias::{left_sentence, longer_sentence};
use super::words::percent;
use crate::bench::Bench;
use crate::desks::TELLING;
use crate::labels::trust::{Report, Share};
use crate::text::t;
use crate::{icons, theme};

/// "left 54 % · longer 61 % · same answer twice 88 %" of the queue on the bench, from [`TELLING`] decisions on. What
/// goes beyond chance carries a sign and a word.
pub fn bias_line(ui: &mut Ui, bench: &mut Bench) {
    let Some(queue) = bench.desks.label.open else { return };
    let now = ui.input(|i| i.time);
    if let Some(wait) = bench.watch_trust(queue, now) {
        ui.ctx().request_repaint_after(Duration::from_secs_f64(wait));
    }
    let Some(insight) = bench.insight(queue).filter(|insight| insight.report.decisions >= TELLING) else { return };
    let parts = parts(&insight.report);
    if parts.is_empty() {
        return;
    }
    let p = theme::palette(ui);
    let plain = |color| TextFormat { font_id: FontId::proportional(12.0), color, ..TextFormat::default() };
    let mut job = LayoutJob::default();
    let mut said = Vec::new();
    for (at, (text, warned)) in parts.iter().enumerate() {
        if at > 0 {
            job.append("  ·  ", 0.0, plain(p.ink_soft));
        }
        if *warned {
            let sign = TextFormat { font_id: icons::regular(13.0), color: p.warn, ..TextFormat::default() };
            job.append(&icons::WARNING.to_string(), 0.0, sign);
            let text = t!("review.beyond", what = text);
            job.append(&format!(" {text}"), 0.0, plain(p.warn));
            said.push(text);
        } else {
            job.append(text, 0.0, plain(p.ink_soft));
            said.push(text.clone());
        }
    }
    let hint = hint(&insight.report);
    let response = ui.add(Label::new(job).truncate().selectable(false));
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, said.join(", ")));
    response.on_hover_text(hint);
}

/// What is told, and whether it is beyond chance.
fn parts(report: &Report) -> Vec<(String, bool)> {
    let mut parts = Vec::new();
    let told = |share: &Share| share.of >= TELLING;
    if told(&report.left) {
        parts.push((t!("review.line_left", share = percent(report.left.share())), report.left.lean().is_some()));
    }
    if told(&report.longer) {
        parts.push((t!("review.line_longer", share = percent(report.longer.share())), report.longer.lean().is_some()));
    }
    if let Some(lengths) = report.lengths {
        let share = lengths.good as f64 / (lengths.good + lengths.bad) as f64;
        parts.push((t!("review.line_good", share = percent(share)), false));
    }
    if let Some(own) = &report.own_all {
        parts.push((t!("review.line_twice", share = percent(own.share())), false));
    }
    parts
}

fn hint(report: &Report) -> String {
    let mut lines = Vec::new();
    if report.left.of >= TELLING {
        lines.push(left_sentence(&report.left));
    }
    if report.longer.of >= TELLING {
        lines.push(longer_sentence(&report.longer));
    }
    if let Some(own) = &report.own_all {
        lines.push(t!("review.same_verdicts", items = own.items));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use luthier_engine::feedback::{Mode, Strength, Verdict};

    use super::*;
    use crate::labels::trust::report;
    use crate::testing::decisions::decision;

    #[test]
    fn the_line_warns_only_beyond_chance() {
        crate::text::speak(crate::text::Language::English);
        let told = |lefts: usize| {
            let better = |at: usize, left: bool| {
                let mut decision = decision(0, Mode::Pair, 0, "Ada", Verdict::Tie);
                (decision.item, decision.judged.shown) = (at as i64, vec![1, 0]);
                decision.judged.verdict = Verdict::Better { answer: usize::from(left), strength: Strength::Clearly };
                decision
            };
            let decisions: Vec<_> = (0..40).map(|at| better(at, at < lefts)).collect();
            parts(&report(Mode::Pair, &decisions))[0].clone()
        };
        assert_eq!(told(22), ("left 55 %".into(), false));
        assert_eq!(told(27), ("left 68 %".into(), true));
        assert_eq!(told(12), ("left 30 %".into(), true));
    }

    #[test]
    fn a_few_decisions_tell_nothing() {
        let few: Vec<_> = (0..19).map(|at| decision(at, Mode::Pair, 0, "Ada", Verdict::Tie)).collect();
        assert_eq!(parts(&report(Mode::Pair, &few)), []);
    }
}
