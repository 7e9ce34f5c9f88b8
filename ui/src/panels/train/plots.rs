//! The curves: loss raw and smoothed with the evaluations on it; below, learning rate, gradient norm and speed over the
//! same steps. Drag to zoom, double-click to see all again.

use egui::{Color32, Id, PointerButton, Slider, Ui, Vec2b, vec2};
use egui_plot::{Line, LineStyle, MarkerShape, Plot, PlotPoint, Points, uniform_grid_spacer};
use luthier_engine::protocol::StepReport;

use crate::state::Run;
use crate::text::t;
use crate::widgets::{Card, columns};
use crate::{format, icons, theme};

/// Points of a curve that are drawn at most; of more, the highest and the lowest of each stretch.
const DRAWN: usize = 2400;
/// Height that a number at the side of a plot has to itself, at least.
const LABEL_EVERY: f32 = 34.0;

/// The points of the run that is shown, made again only when something has been added.
#[derive(Default)]
pub struct Curves {
    made_for: (String, usize, usize, f32),
    raw: Vec<PlotPoint>,
    smooth: Vec<PlotPoint>,
    evals: Vec<PlotPoint>,
    rate: Vec<PlotPoint>,
    norm: Vec<PlotPoint>,
    speed: Vec<PlotPoint>,
}

impl Curves {
    pub fn ui(&mut self, ui: &mut Ui, run: &Run, smoothing: &mut f32) {
        self.make(run, *smoothing);
        let slider = |ui: &mut Ui| {
            ui.spacing_mut().slider_width = 120.0;
            ui.add(Slider::new(smoothing, 0.0..=0.99).fixed_decimals(2)).accessible_name(t!("plot.smoothing"));
            ui.label(theme::soft(ui, t!("plot.smoothing")));
        };
        Card::new(t!("plot.loss")).icon(icons::CHART_LINE_DOWN).show_with(ui, slider, |ui| self.loss(ui, run));
    }

    /// Learning rate, gradient norm and speed, below what the method measures; [`Curves::ui`] comes before.
    pub fn small(&self, ui: &mut Ui) {
        let small = [
            (t!("plot.rate"), "rate", &self.rate, 6, format::rate as fn(f64) -> String),
            (t!("plot.norm"), "norm", &self.norm, 2, format::loss as fn(f64) -> String),
            (t!("plot.speed"), "speed", &self.speed, 1, format::per_second as fn(f64) -> String),
        ];
        columns(ui, small.len(), |ui, i| {
            let (title, id, points, colour, say) = &small[i];
            Card::new(title).show(ui, |ui| {
                let colour = theme::series(ui, *colour);
                plot(ui, id, 120.0, *say).show(ui, |plot| {
                    plot.line(Line::new(title.clone(), points.as_slice()).color(colour).width(1.5));
                });
            });
        });
    }

    fn make(&mut self, run: &Run, smoothing: f32) {
        let now = (run.id.clone(), run.steps.len(), run.evals.len(), smoothing);
        if self.made_for == now {
            return;
        }
        let points = |get: &dyn Fn(&StepReport) -> f64| -> Vec<PlotPoint> {
            let all = run.steps.iter().map(|s| PlotPoint::new(s.step as f64, get(s)));
            thinned(all.filter(|point| point.y.is_finite()).collect())
        };
        self.raw = points(&|s| f64::from(s.loss));
        self.rate = points(&|s| s.learning_rate);
        self.norm = points(&|s| f64::from(s.grad_norm));
        self.speed = points(&|s| s.tokens_per_sec);
        self.smooth = thinned(smoothed(&run.steps, f64::from(smoothing)));
        self.evals = run.evals.iter().map(|e| PlotPoint::new(e.step as f64, f64::from(e.loss))).collect();
        self.made_for = now;
    }

    /// Every series of the loss at a step, for the pointer.
    fn all_at(&self, run: &Run, x: f64) -> String {
        let near = |points: &[PlotPoint]| points.iter().find(|p| (p.x - x).abs() < 0.5).map(|p| format::loss(p.y));
        let mut lines = vec![t!("plot.step", step = x.round() as u64)];
        for (name, points) in
            [(t!("plot.raw"), &self.raw), (t!("plot.smooth"), &self.smooth), (t!("plot.eval"), &self.evals)]
        {
            lines.extend(near(points).map(|value| format!("{name}: {value}")));
        }
        let joined = run.joined.iter().filter(|(step, _)| (*step as f64 - x).abs() < 0.5);
        lines.extend(joined.map(|(_, layers)| t!("plot.joined", layers = format::numbers(layers))));
        lines.join("\n")
    }

    fn loss(&self, ui: &mut Ui, run: &Run) {
        let p = theme::palette(ui);
        let (train, eval) = (theme::series(ui, 0), theme::series(ui, 1));
        let shown = plot(ui, "loss", 240.0, format::loss).label_formatter(|at| {
            let egui_plot::HoverPosition::NearDataPoint { position, .. } = at else { return None };
            Some(self.all_at(run, position.x))
        });
        let shown = shown.show(ui, |plot| {
            plot.line(Line::new(t!("plot.raw"), self.raw.as_slice()).color(train.gamma_multiply(0.4)).width(1.0));
            plot.line(Line::new(t!("plot.smooth"), self.smooth.as_slice()).color(train).width(2.0));
            // A line needs two points; the first step should be seen all the same.
            if self.raw.len() < 3 {
                plot.points(Points::new(t!("plot.raw"), self.raw.as_slice()).color(train).radius(3.0));
            }
            if !self.evals.is_empty() {
                plot.line(
                    Line::new(t!("plot.eval"), self.evals.as_slice())
                        .color(eval)
                        .width(1.5)
                        .style(LineStyle::dashed_loose()),
                );
                plot.points(
                    Points::new(t!("plot.eval"), self.evals.as_slice())
                        .color(eval)
                        .radius(4.0)
                        .shape(MarkerShape::Diamond),
                );
            }
        });
        mark_joined(ui, run, &shown);
        shown.response.context_menu(|ui| {
            if ui.button(t!("plot.copy")).clicked() {
                ui.ctx().copy_text(csv(run));
                ui.close();
            }
        });
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 16.0;
            legend(ui, &t!("plot.raw"), train.gamma_multiply(0.5), false);
            legend(ui, &t!("plot.smooth"), train, false);
            if !run.joined.is_empty() {
                joined_legend(ui);
            }
            if !run.evals.is_empty() {
                legend(ui, &t!("plot.eval"), eval, true);
            }
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                ui.label(theme::small(t!("plot.how")).color(p.ink_soft));
            });
        });
    }
}

/// A small triangle on the axis where layers joined the training.
fn mark_joined(ui: &Ui, run: &Run, shown: &egui_plot::PlotResponse<()>) {
    let frame = *shown.transform.frame();
    let ink = theme::palette(ui).string;
    for (step, _) in &run.joined {
        let x = shown.transform.position_from_point(&PlotPoint::new(*step as f64, 0.0)).x;
        if frame.x_range().contains(x) {
            ui.painter().add(triangle(egui::pos2(x, frame.bottom()), ink));
        }
    }
}

/// With its tip 8 points above `foot`.
fn triangle(foot: egui::Pos2, ink: Color32) -> egui::Shape {
    let corners = vec![foot + vec2(0.0, -8.0), foot + vec2(5.0, 0.0), foot + vec2(-5.0, 0.0)];
    egui::Shape::convex_polygon(corners, ink, egui::Stroke::NONE)
}

fn joined_legend(ui: &mut Ui) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), egui::Sense::hover());
        ui.painter().add(triangle(rect.center_bottom() + vec2(0.0, -2.0), theme::palette(ui).string));
        ui.label(theme::soft(ui, t!("plot.layers_join")));
    });
}

/// The run's numbers as a table, one line a step, evaluations beside the step they followed.
fn csv(run: &Run) -> String {
    let names: std::collections::BTreeSet<&str> =
        run.steps.iter().flat_map(|s| s.metrics.keys().map(String::as_str)).collect();
    let mut text = String::from("step,epoch,loss,eval_loss,learning_rate,grad_norm,tokens_per_sec");
    names.iter().for_each(|name| text.push_str(&format!(",{name}")));
    text.push('\n');
    for s in &run.steps {
        let eval = run.evals.iter().find(|e| e.step == s.step).map(|e| e.loss.to_string()).unwrap_or_default();
        let (rate, norm, speed) = (s.learning_rate, s.grad_norm, s.tokens_per_sec);
        text.push_str(&format!("{},{},{},{eval},{rate},{norm},{speed}", s.step, s.epoch, s.loss));
        for name in &names {
            text.push(',');
            text.push_str(&s.metrics.get(*name).map(f32::to_string).unwrap_or_default());
        }
        text.push('\n');
    }
    text
}

pub(super) fn legend(ui: &mut Ui, name: &str, colour: Color32, dashed: bool) {
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let (rect, _) = ui.allocate_exact_size(vec2(18.0, 12.0), egui::Sense::hover());
        let stroke = egui::Stroke::new(2.0, colour);
        if dashed {
            let ends = [rect.left_center(), rect.right_center()];
            ui.painter().extend(egui::Shape::dashed_line(&ends, stroke, 5.0, 3.0));
        } else {
            ui.painter().line_segment([rect.left_center(), rect.right_center()], stroke);
        }
        ui.label(theme::soft(ui, name));
    });
}

/// A plot over the run's steps; all of them show the same stretch and the same cursor.
pub(super) fn plot(ui: &Ui, id: &str, height: f32, say: fn(f64) -> String) -> Plot<'static> {
    let p = theme::palette(ui);
    let group = Id::unique("run curves");
    Plot::new(id.to_owned())
        .height(height)
        .show_background(false)
        .grid_color(p.edge)
        .cursor_color(p.varnish)
        .allow_drag(false)
        .allow_scroll(false)
        .allow_zoom(false)
        .allow_axis_zoom_drag(false)
        .allow_boxed_zoom(true)
        .boxed_zoom_pointer_button(PointerButton::Primary)
        .set_margin_fraction(vec2(0.01, 0.06))
        .link_axis(group, Vec2b::new(true, false))
        .link_cursor(group, Vec2b::new(true, false))
        .y_axis_min_width(44.0)
        .y_grid_spacer(uniform_grid_spacer(move |seen| {
            let step = round_step((seen.bounds.1 - seen.bounds.0) / f64::from(height / LABEL_EVERY));
            [step, step * 10.0, step * 100.0]
        }))
        .x_axis_formatter(|mark, _| {
            if mark.value.fract() == 0.0 && mark.value >= 0.0 {
                format::count(mark.value as u64)
            } else {
                String::new()
            }
        })
        .y_axis_formatter(move |mark, _| axis_number(mark.value))
        .label_formatter(move |at| {
            let point = match at {
                egui_plot::HoverPosition::NearDataPoint { position, .. } => position,
                egui_plot::HoverPosition::Elsewhere { .. } => return None,
            };
            Some(t!("plot.at", step = point.x.round() as u64, value = say(point.y)))
        })
}

/// The smallest 1, 2 or 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= least * 0.999).unwrap_or(10.0 * power)
}

fn axis_number(value: f64) -> String {
    if value.abs() >= 1e4 {
        format::count(value.round().max(0.0) as u64)
    } else if value != 0.0 && value.abs() < 1e-2 {
        format::rate(value)
    } else {
        format::significant(value, 4)
    }
}

/// Exponential moving average, started without bias as TensorBoard does.
fn smoothed(steps: &[StepReport], weight: f64) -> Vec<PlotPoint> {
    let (mut mean, mut trust) = (0.0, 0.0);
    let finite = steps.iter().filter(|s| s.loss.is_finite());
    finite
        .map(|step| {
            mean = mean * weight + (1.0 - weight) * f64::from(step.loss);
            trust = trust * weight + (1.0 - weight);
            PlotPoint::new(step.step as f64, mean / trust)
        })
        .collect()
}

/// Keeps the extremes of each stretch, so that no spike is lost.
pub(super) fn thinned(points: Vec<PlotPoint>) -> Vec<PlotPoint> {
    if points.len() <= DRAWN {
        return points;
    }
    let stretch = points.len().div_ceil(DRAWN / 2);
    let mut kept = Vec::with_capacity(DRAWN + 2);
    for part in points.chunks(stretch) {
        let by_y = |a: &&PlotPoint, b: &&PlotPoint| a.y.total_cmp(&b.y);
        let (low, high) = (part.iter().min_by(by_y), part.iter().max_by(by_y));
        let mut pair: Vec<PlotPoint> = [low, high].into_iter().flatten().copied().collect();
        pair.sort_by(|a, b| a.x.total_cmp(&b.x));
        pair.dedup_by(|a, b| a.x == b.x);
        kept.extend(pair);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_the_axis_are_round() {
        let expected = [(0.03, 0.05), (0.2, 0.2), (0.21, 0.5), (7.0, 10.0), (1e-4, 1e-4), (f64::NAN, 1.0), (0.0, 1.0)];
        for (least, step) in expected {
            assert!((round_step(least) / step - 1.0).abs() < 1e-9, "{least}: {}", round_step(least));
        }
    }

    #[test]
    fn thinning_keeps_the_extremes_and_smoothing_starts_at_the_first_value() {
        let mut points: Vec<PlotPoint> = (0..100_000).map(|i| PlotPoint::new(f64::from(i), 1.0)).collect();
        points[31_337].y = 9.0;
        points[77_777].y = -3.0;
        let kept = thinned(points);
        assert!(kept.len() <= DRAWN + 2, "{}", kept.len());
        assert!(kept.iter().any(|p| p.y == 9.0) && kept.iter().any(|p| p.y == -3.0));
        assert!(kept.windows(2).all(|w| w[0].x < w[1].x));

        let step = |n: usize, loss: f32| StepReport { loss, ..crate::testing::step(n) };
        let curve = smoothed(&[step(1, 4.0), step(2, 2.0), step(3, f32::NAN), step(4, 2.0)], 0.5);
        assert_eq!(curve.len(), 3);
        assert!((curve[0].y - 4.0).abs() < 1e-9);
        assert!((curve[1].y - 8.0 / 3.0).abs() < 1e-9, "{}", curve[1].y);
    }
}
