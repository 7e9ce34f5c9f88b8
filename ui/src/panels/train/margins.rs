//! What a preference method opens: rewards of better and worse answers with the room between them, and how often the
//! better one leads.

use std::sync::Arc;

use egui::{Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::plot::{Chart, Curve, Look, Mean, RunCurves, charts_of_run, grid};
use crate::state::Run;
use crate::text::t;
use crate::widgets::{Card, Fact, facts};
use crate::{format, icons, theme};

const HEIGHT: f32 = 190.0;
/// Room for the numbers at the left.
const LEFT: f32 = 52.0;

#[derive(Default)]
pub struct MarginsView {
    curves: RunCurves,
}

impl MarginsView {
    pub fn ui(&mut self, ui: &mut Ui, run: &Run, look: &Look) {
        self.curves.follow(run);
        let (Some(better), Some(worse)) =
            (self.curves.all.get("rewards/chosen"), self.curves.all.get("rewards/rejected"))
        else {
            return;
        };
        Card::new(t!("margins.title")).about(t!("margins.about")).icon(icons::SCALES).show(ui, |ui| {
            numbers(ui, run);
            band(ui, better, worse, look.smoothing);
        });
        let wanted = ["rewards/margins", "rewards/accuracies", "logps/chosen"];
        let charts: Vec<Chart> =
            charts_of_run(&self.curves.all).into_iter().filter(|c| wanted.contains(&c.key.as_str())).collect();
        grid(ui, "margins", &charts, look);
    }
}

fn numbers(ui: &mut Ui, run: &Run) {
    let Some(last) = run.steps.last() else { return };
    let metric = |name: &str| last.metrics.get(name).map(|v| f64::from(*v));
    let p = theme::palette(ui);
    let written = |value: Option<f64>| value.map_or_else(|| "–".into(), |v| format::significant(v, 3));
    let leads =
        metric("rewards/accuracies").map_or_else(|| "–".into(), |v| format!("{} %", format::significant(v * 100.0, 3)));
    let evals = run.evals.last().and_then(|e| {
        let named = e.metrics.get("eval_rewards/margins").or_else(|| e.metrics.get("rewards/margins"));
        named.map(|v| format::significant(f64::from(*v), 3))
    });
    let mut list = vec![
        Fact::new(t!("metric.rewards_margins"), written(metric("rewards/margins"))).colour(p.varnish),
        Fact::new(t!("metric.rewards_accuracies"), leads),
        Fact::new(t!("metric.rewards_chosen"), written(metric("rewards/chosen"))),
        Fact::new(t!("metric.rewards_rejected"), written(metric("rewards/rejected"))),
    ];
    list.extend(evals.map(|value| Fact::new(t!("margins.on_eval"), value)));
    facts(ui, 140.0, list);
}

/// Exponential mean of a curve at most `columns` points long.
fn shown(curve: &Curve, smoothing: f32, columns: usize) -> Vec<(f64, f64)> {
    let weight = f64::from(smoothing);
    let mut mean = Mean::default();
    let stretch = curve.values.len().div_ceil(columns.max(2)).max(1);
    let mut points = Vec::new();
    for (i, (x, value)) in curve.steps.iter().zip(&curve.values).enumerate().filter(|(_, (_, v))| v.is_finite()) {
        let mean = mean.add(*value, weight);
        if i % stretch == 0 || i + 1 == curve.values.len() {
            points.push((*x, mean));
        }
    }
    points
}

/// The two rewards as lines, what lies between them filled.
fn band(ui: &mut Ui, better: &Arc<Curve>, worse: &Arc<Curve>, smoothing: f32) {
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Image, true, t!("margins.title")));
    let frame = egui::Rect::from_min_max(rect.min + vec2(LEFT, 8.0), rect.max - vec2(84.0, 20.0));
    let columns = (frame.width() / 2.0).max(8.0) as usize;
    let (above, below) = (shown(better, smoothing, columns), shown(worse, smoothing, columns));
    if above.is_empty() || above.len() != below.len() {
        return;
    }
    let all = || above.iter().chain(&below);
    let low = all().map(|p| p.1).fold(0.0_f64, f64::min);
    let high = all().map(|p| p.1).fold(0.0_f64, f64::max);
    let span = (high - low).max(1e-6);
    let (first, last) = (above[0].0, above[above.len() - 1].0);
    let at = |x: f64, y: f64| {
        let across = if last > first { ((x - first) / (last - first)) as f32 } else { 0.5 };
        pos2(frame.left() + across * frame.width(), frame.bottom() - ((y - low) / span) as f32 * frame.height())
    };
    let painter = ui.painter();
    for value in [low, 0.0, high] {
        let y = at(first, value).y;
        painter.hline(frame.x_range(), y, Stroke::new(1.0, p.edge));
        let word = format::significant(value, 3);
        painter.text(
            pos2(frame.left() - 6.0, y),
            egui::Align2::RIGHT_CENTER,
            word,
            egui::FontId::proportional(12.0),
            p.ink_soft,
        );
    }
    let (good, bad) = (theme::series(ui, 2), theme::series(ui, 5));
    let mut mesh = egui::Mesh::default();
    for (a, b) in above.windows(2).zip(below.windows(2)) {
        // Green where the better answer leads, vermilion where it does not.
        let ink = if a[0].1 >= b[0].1 { good } else { bad }.gamma_multiply(0.18);
        let base = mesh.vertices.len() as u32;
        for (x, y) in [a[0], a[1], b[1], b[0]] {
            mesh.colored_vertex(at(x, y), ink);
        }
        mesh.add_triangle(base, base + 1, base + 2);
        mesh.add_triangle(base, base + 2, base + 3);
    }
    painter.add(egui::Shape::mesh(mesh));
    for (points, ink, word) in
        [(&above, good, t!("metric.rewards_chosen")), (&below, bad, t!("metric.rewards_rejected"))]
    {
        let line: Vec<egui::Pos2> = points.iter().map(|(x, y)| at(*x, *y)).collect();
        let end = line.last().copied().unwrap_or(frame.right_center());
        painter.add(egui::Shape::line(line, Stroke::new(2.0, ink)));
        painter.text(end + vec2(6.0, 0.0), egui::Align2::LEFT_CENTER, word, egui::FontId::proportional(12.0), ink);
    }
    for (x, align) in [(first, egui::Align2::LEFT_TOP), (last, egui::Align2::RIGHT_TOP)] {
        let word = t!("plot.step", step = x as u64);
        painter.text(
            pos2(at(x, low).x, frame.bottom() + 4.0),
            align,
            word,
            egui::FontId::proportional(12.0),
            p.ink_soft,
        );
    }
}
