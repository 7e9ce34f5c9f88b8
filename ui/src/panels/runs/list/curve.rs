//! A run's loss in small, as it is told beside the list.

use egui::accesskit::Role;
use egui::{Align2, CornerRadius, FontId, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use crate::state::Run;
use crate::text::t;
use crate::{format, theme};

/// Points of the drawn line; more than the pane has pixels would be lost.
const POINTS: usize = 160;
const HEIGHT: f32 = 96.0;

/// The points of the drawing, worked out once for as many steps as there are.
#[derive(Default)]
pub struct Curve {
    of: (String, usize, usize),
    /// (step, mean loss of the steps around it)
    line: Vec<(f32, f32)>,
    evals: Vec<(f32, f32)>,
}

impl Curve {
    fn update(&mut self, run: &Run) {
        let of = (run.id.clone(), run.steps.len(), run.evals.len());
        if self.of == of {
            return;
        }
        let finite = run.steps.iter().filter(|step| step.loss.is_finite());
        let steps: Vec<(f32, f32)> = finite.map(|step| (step.step as f32, step.loss)).collect();
        let each = steps.len().div_ceil(POINTS).max(1);
        let mean = |part: &[(f32, f32)]| {
            let n = part.len() as f32;
            (part.iter().map(|p| p.0).sum::<f32>() / n, part.iter().map(|p| p.1).sum::<f32>() / n)
        };
        self.line = steps.chunks(each).map(mean).collect();
        self.evals =
            run.evals.iter().filter(|e| e.loss.is_finite()).map(|eval| (eval.step as f32, eval.loss)).collect();
        self.of = of;
    }

    pub fn ui(&mut self, ui: &mut Ui, run: &Run, colour: usize) {
        self.update(run);
        let p = theme::palette(ui);
        let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), HEIGHT), Sense::hover());
        let (Some(first), Some(last)) = (self.line.first(), self.line.last()) else {
            response.widget_info(|| WidgetInfo::labeled(Role::Image, true, t!("runs.no_steps")));
            ui.painter().text(
                rect.center(),
                Align2::CENTER_CENTER,
                t!("runs.no_steps"),
                FontId::proportional(12.0),
                p.ink_soft,
            );
            return;
        };
        let told = t!(
            "runs.curve",
            from = format::loss(f64::from(first.1)),
            to = format::loss(f64::from(last.1)),
            steps = format::count(run.steps.len() as u64)
        );
        response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &told));
        ui.painter().rect(
            rect,
            CornerRadius::same(theme::RADIUS),
            p.inset,
            Stroke::new(1.0, p.edge),
            egui::StrokeKind::Inside,
        );
        let all = || self.line.iter().chain(&self.evals);
        let low = all().map(|p| p.1).fold(f32::INFINITY, f32::min);
        let high = all().map(|p| p.1).fold(f32::NEG_INFINITY, f32::max);
        let (from, to) = (first.0, all().map(|p| p.0).fold(first.0 + 1.0, f32::max));
        // The two numbers stand at the right.
        let inner = rect.shrink2(vec2(10.0, 12.0)).with_max_x(rect.right() - 58.0);
        let spread = (high - low).max(1e-6);
        let at = |(step, loss): (f32, f32)| {
            pos2(
                inner.left() + (step - from) / (to - from) * inner.width(),
                inner.bottom() - (loss - low) / spread * inner.height(),
            )
        };
        let ink = theme::series(ui, colour);
        let font = FontId::proportional(11.0);
        for (loss, y) in [(high, inner.top()), (low, inner.bottom())] {
            ui.painter().hline(inner.x_range(), y, Stroke::new(1.0, p.edge));
            let text = format::loss(f64::from(loss));
            ui.painter().text(pos2(rect.right() - 8.0, y), Align2::RIGHT_CENTER, text, font.clone(), p.ink_soft);
        }
        ui.painter().line(self.line.iter().copied().map(at).collect(), Stroke::new(1.8, ink));
        // Evaluations are dots with a dark rim, so that they are told from the line without colour.
        for eval in &self.evals {
            ui.painter().circle(at(*eval), 3.0, p.board, Stroke::new(1.5, ink));
        }
        response.on_hover_text(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use luthier_engine::recipe::Recipe;

    #[test]
    fn a_long_run_is_drawn_with_few_points_and_a_lost_one_with_none() {
        let mut run = Run::new("one".into(), Recipe::default());
        run.steps = (1..=50_000).map(crate::testing::step).collect();
        let mut curve = Curve::default();
        curve.update(&run);
        assert!(curve.line.len() <= POINTS && curve.line.len() > POINTS / 2, "{}", curve.line.len());
        assert!(curve.line[0].1 > curve.line[curve.line.len() - 1].1);
        for step in &mut run.steps {
            step.loss = f32::NAN;
        }
        run.id = "two".into();
        curve.update(&run);
        assert!(curve.line.is_empty());
    }
}
