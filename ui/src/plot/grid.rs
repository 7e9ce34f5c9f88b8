//! Small plots side by side that share the axis, the zoom and the line under the pointer.

use std::ops::RangeInclusive;
use std::sync::Arc;

use egui::mutex::Mutex;
use egui::{Align, Color32, Id, Label, Layout, Sense, Stroke, Ui, Vec2, WidgetInfo, pos2, vec2};
use egui_plot::{Line, LineStyle, MarkerShape, Plot, PlotPoint, PlotTransform, Points};

use super::legend::{ENTRY, entries, entry};
use super::lines::Ready;
use super::{Chart, Look, Series, action, axis};
use crate::text::t;
use crate::widgets::elided;
use crate::{format, icons, theme};

const GAP: f32 = 12.0;
/// A plot is not narrower than this.
const NARROW: f32 = 280.0;
const HEIGHT: f32 = 132.0;
const HEADER: f32 = 22.0;
/// More curves than these are drawn without the pale raw ones and a little coarser.
const CROWD: usize = 8;
/// Lines that the pointer shows at most.
const TOLD: usize = 12;

/// What happened at a place of the axis: layers that joined, a checkpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// In steps.
    pub step: f64,
    pub tokens: f64,
    pub secs: f64,
    pub words: String,
}

#[derive(Default)]
struct Grid {
    /// The stretch of the axis that is shown; None: all of it.
    zoom: Option<(f64, f64)>,
    /// Where the pointer was in the last frame, in units of the axis.
    hover: Option<f64>,
    /// Where a drag began.
    drag: Option<f64>,
    ready: Ready,
    along: super::Along,
}

fn kept(ui: &Ui, id: &str) -> Arc<Mutex<Grid>> {
    ui.data_mut(|d| d.get_temp_mut_or_default::<Arc<Mutex<Grid>>>(Id::unique(("charts", id))).clone())
}

/// All of the axis again.
pub fn reset_zoom(ctx: &egui::Context, id: &str) {
    let grid = ctx.data(|d| d.get_temp::<Arc<Mutex<Grid>>>(Id::unique(("charts", id))));
    if let Some(grid) = grid {
        grid.lock().zoom = None;
    }
}

/// Whether only a stretch of the axis is shown.
pub fn zoomed(ctx: &egui::Context, id: &str) -> bool {
    let grid = ctx.data(|d| d.get_temp::<Arc<Mutex<Grid>>>(Id::unique(("charts", id))));
    grid.is_some_and(|grid| grid.lock().zoom.is_some())
}

/// Charts in a grid; `id` names it.
pub fn grid(ui: &mut Ui, id: &str, charts: &[Chart], look: &Look) {
    grid_with(ui, id, charts, look, &[]);
}

/// [`grid`] with marks at the foot of every plot.
pub fn grid_with(ui: &mut Ui, id: &str, charts: &[Chart], look: &Look, marks: &[Mark]) {
    let shared = kept(ui, id);
    let mut grid = shared.lock();
    if grid.along != look.along {
        (grid.zoom, grid.hover, grid.drag, grid.along) = (None, None, None, look.along);
    }
    let whole = extent(charts, look);
    let seen = grid.zoom.unwrap_or(whole);
    let width = ui.available_width();
    let columns = (((width + GAP) / (NARROW + GAP)).floor() as usize).clamp(1, charts.len().clamp(1, 4));
    let cell_width = ((width - GAP * (columns as f32 - 1.0)) / columns as f32).floor();
    let mut hover = None;
    ui.spacing_mut().item_spacing = vec2(GAP, GAP);
    for row in charts.chunks(columns) {
        let named = row.iter().map(|chart| entries(chart)).max().unwrap_or(0);
        let height = HEADER + HEIGHT + named as f32 * ENTRY + 24.0;
        ui.horizontal_top(|ui| {
            for chart in row {
                let size = vec2(cell_width, height);
                // What is scrolled out of sight costs nothing.
                let rect = egui::Rect::from_min_size(ui.cursor().min, size);
                if !ui.is_rect_visible(rect) {
                    ui.allocate_exact_size(size, Sense::hover());
                    continue;
                }
                ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
                    let cell = Cell { id, chart, look, marks, whole, seen, size };
                    hover = cell.ui(ui, &mut grid).or(hover);
                });
            }
        });
    }
    grid.ready.sweep();
    if hover != grid.hover {
        grid.hover = hover;
        ui.ctx().request_repaint();
    }
}

/// From the first to the last point of all curves.
fn extent(charts: &[Chart], look: &Look) -> (f64, f64) {
    let ends = charts.iter().flat_map(|chart| &chart.series).filter_map(|series| {
        let xs = series.curve.xs(look.along);
        Some((*xs.first()?, *xs.last()?))
    });
    let (from, to) = ends.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), (x, y)| (a.min(x), b.max(y)));
    match () {
        () if !from.is_finite() => (0.0, 1.0),
        () if to - from < 1e-9 => (from - 0.5, from + 0.5),
        () => (from - (to - from) * 0.01, to + (to - from) * 0.01),
    }
}

struct Cell<'a> {
    id: &'a str,
    chart: &'a Chart,
    look: &'a Look,
    marks: &'a [Mark],
    whole: (f64, f64),
    seen: (f64, f64),
    size: Vec2,
}

impl Cell<'_> {
    /// Draws it. Where the pointer is on the axis.
    fn ui(&self, ui: &mut Ui, grid: &mut Grid) -> Option<f64> {
        let p = theme::palette(ui);
        let frame = egui::Frame::new()
            .fill(p.board)
            .stroke(Stroke::new(1.0, p.edge))
            .corner_radius(theme::RADIUS)
            .inner_margin(egui::Margin::symmetric(10, 8));
        frame
            .show(ui, |ui| {
                ui.set_width(self.size.x - 22.0);
                ui.set_min_height(self.size.y - 18.0);
                ui.spacing_mut().item_spacing = vec2(6.0, 2.0);
                self.header(ui, grid);
                let hover = self.plot(ui, grid);
                if entries(self.chart) > 0 {
                    for series in &self.chart.series {
                        entry(ui, series, self.value(grid, series));
                    }
                }
                hover
            })
            .inner
    }

    /// Of a series: under the pointer, else its last.
    fn value(&self, grid: &mut Grid, series: &Series) -> Option<String> {
        let hover = grid.hover;
        let prepared = grid.ready.get(&series.curve, self.look);
        let x = hover.or(prepared.xs.last().copied())?;
        let (_, value) = prepared.at(x)?;
        value.is_finite().then(|| self.written(value))
    }

    fn written(&self, drawn: f64) -> String {
        axis::written(&self.chart.key, if self.look.logarithmic { 10_f64.powf(drawn) } else { drawn })
    }

    fn header(&self, ui: &mut Ui, grid: &mut Grid) {
        let p = theme::palette(ui);
        let size = vec2(ui.available_width(), HEADER);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            let title = Label::new(theme::strong(&self.chart.title).size(13.0)).truncate().selectable(false);
            let value = self.chart.series.first().filter(|_| self.chart.series.len() == 1);
            let value = value.and_then(|series| self.value(grid, series));
            let room = if value.is_some() { 92.0 } else { 0.0 };
            ui.scope(|ui| {
                ui.set_max_width((ui.available_width() - room).max(60.0));
                let title = ui.add(title);
                if let Some(hint) = super::metric_hint(&self.chart.key) {
                    title.on_hover_text(hint);
                }
            });
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if let Some(value) = value {
                    ui.label(theme::small(value).color(p.ink));
                }
                // TRL's name, for those who know it, where there is room.
                if self.chart.title != self.chart.key {
                    let name = egui::RichText::new(&self.chart.key).monospace().size(11.0).color(p.ink_soft);
                    ui.add(Label::new(name).truncate().selectable(false));
                }
            });
        });
    }

    fn plot(&self, ui: &mut Ui, grid: &mut Grid) -> Option<f64> {
        let p = theme::palette(ui);
        // Where many curves lie over one another, half the points look the same and cost half.
        let crowded = self.chart.series.len() > CROWD;
        let columns = (ui.available_width().max(32.0) as usize) / if crowded { 2 } else { 1 };
        let smoothing = self.look.smoothing > 0.0;
        let mut drawn = Vec::new();
        let inks: Vec<Color32> = self.chart.series.iter().map(|series| theme::series(ui, series.colour)).collect();
        let (mut broken, mut below_zero) = (Vec::new(), 0);
        for series in &self.chart.series {
            let prepared = grid.ready.get(&series.curve, self.look);
            let thin = |smoothed| prepared.thinned(smoothed, self.seen.0, self.seen.1, columns);
            let pale = (smoothing && !crowded && !series.dashed && prepared.xs.len() > 2).then(|| thin(false));
            drawn.push((series, pale, thin(!series.dashed)));
            broken.extend(prepared.broken.iter().copied().take(64));
            below_zero += prepared.below_zero;
        }
        let (range, outside) = self.y_range(&drawn);
        let logarithmic = self.look.logarithmic;
        let along = self.look.along;
        let plot = Plot::new((self.id, self.chart.key.as_str()))
            .height(HEIGHT)
            .show_background(false)
            .grid_color(p.edge)
            .cursor_color(Color32::TRANSPARENT)
            .show_x(false)
            .show_y(false)
            .allow_zoom(false)
            .allow_drag(false)
            .allow_scroll(false)
            .allow_boxed_zoom(false)
            .allow_axis_zoom_drag(false)
            .allow_double_click_reset(false)
            .set_margin_fraction(Vec2::ZERO)
            .y_axis_min_width(40.0)
            .sense(Sense::click_and_drag())
            .x_grid_spacer(axis::spaced(f64::from(self.size.x) / 64.0, along == super::Along::Step))
            .y_grid_spacer(axis::spaced(4.0, false))
            .x_axis_formatter(move |mark, _| axis::along_label(along, mark.value))
            .y_axis_formatter(move |mark, _| {
                axis::label(if logarithmic { 10_f64.powf(mark.value) } else { mark.value })
            })
            .label_formatter(|_| None);
        let seen = self.seen;
        // Numbers along the axes are smaller than text.
        ui.style_mut().text_styles.insert(egui::TextStyle::Body, egui::FontId::proportional(11.0));
        let shown = plot.show(ui, |plot| {
            plot.set_plot_bounds_x(RangeInclusive::new(seen.0, seen.1));
            plot.set_plot_bounds_y(range.clone());
            for ((series, pale, line), ink) in drawn.iter().zip(inks) {
                if let Some(pale) = pale {
                    segments(pale).for_each(|part| {
                        plot.line(Line::new("", part).color(ink.gamma_multiply(0.35)).width(1.0).allow_hover(false));
                    });
                }
                segments(line).for_each(|part| {
                    let line = Line::new(series.label.clone(), part).color(ink).width(1.6).allow_hover(false);
                    plot.line(if series.dashed { line.style(LineStyle::dashed_loose()) } else { line });
                });
                // A line needs two points; the first one should be seen all the same.
                if line.len() < 3 || (series.dashed && line.len() < 40) {
                    let shape = if series.dashed { MarkerShape::Diamond } else { MarkerShape::Circle };
                    let points: Vec<[f64; 2]> = line.iter().filter(|p| p[1].is_finite()).copied().collect();
                    plot.points(Points::new("", points).color(ink).radius(3.0).shape(shape).allow_hover(false));
                }
            }
        });
        let response = shown.response;
        response.widget_info(|| WidgetInfo::labeled(egui::accesskit::Role::Image, true, self.chart.title.clone()));
        self.zoom(&response, &shown.transform, grid);
        let hover = response.hover_pos().map(|at| shown.transform.value_from_position(at).x);
        self.paint_over(ui, &shown.transform, grid, &broken, outside, below_zero);
        if let Some(x) = hover.filter(|_| !self.chart.series.is_empty()) {
            self.tell(&response, grid, x);
        }
        response.context_menu(|ui| action::menu(ui, self.chart));
        hover
    }

    /// From the lowest to the highest that is seen; clipped: without the outermost two in a hundred, and whether
    /// something lies outside.
    fn y_range(&self, drawn: &[(&Series, Option<Vec<[f64; 2]>>, Vec<[f64; 2]>)]) -> (RangeInclusive<f64>, bool) {
        let points = drawn.iter().flat_map(|(_, pale, line)| pale.iter().flatten().chain(line));
        let inside = |p: &&[f64; 2]| p[1].is_finite() && p[0] >= self.seen.0 && p[0] <= self.seen.1;
        let values = points.filter(inside).map(|p| p[1]);
        let (low, high, outside) = if self.look.clipped {
            let mut values: Vec<f64> = values.collect();
            values.sort_by(f64::total_cmp);
            let (cut, last) = (values.len() / 50, values.len().saturating_sub(1));
            let (Some(low), Some(high)) = (values.get(cut), values.get(last - cut.min(last))) else {
                return (0.0..=1.0, false);
            };
            (*low, *high, values[0] < *low || values[last] > *high)
        } else {
            let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| (a.min(v), b.max(v)));
            (low, high, false)
        };
        if low > high {
            return (0.0..=1.0, false);
        }
        let pad = if high - low > 1e-12 { (high - low) * 0.08 } else { high.abs().max(1e-6) * 0.1 };
        (low - pad..=high + pad, outside)
    }

    /// Drag: that stretch; double click: all again.
    fn zoom(&self, response: &egui::Response, transform: &PlotTransform, grid: &mut Grid) {
        let x = |at: egui::Pos2| transform.value_from_position(at).x;
        let primary = egui::PointerButton::Primary;
        if response.double_clicked() {
            (grid.zoom, grid.drag) = (None, None);
        } else if response.drag_started_by(primary) {
            grid.drag = response.interact_pointer_pos().map(x);
        } else if response.drag_stopped_by(primary)
            && let (Some(from), Some(to)) = (grid.drag.take(), response.interact_pointer_pos().map(x))
        {
            let (from, to) = (from.min(to).max(self.whole.0), from.max(to).min(self.whole.1));
            if to - from > (self.seen.1 - self.seen.0) * 0.02 {
                grid.zoom = Some((from, to));
            }
        }
    }

    /// The line under the pointer, the stretch being dragged, marks, and signs of what is not drawn.
    fn paint_over(
        &self,
        ui: &Ui,
        transform: &PlotTransform,
        grid: &Grid,
        broken: &[f64],
        outside: bool,
        below_zero: usize,
    ) {
        let p = theme::palette(ui);
        let frame = *transform.frame();
        let painter = ui.painter().with_clip_rect(frame);
        let at = |x: f64| transform.position_from_point(&PlotPoint::new(x, 0.0)).x;
        if let Some(x) = grid.hover {
            painter.vline(at(x), frame.y_range(), Stroke::new(1.0, p.varnish));
        }
        if let (Some(from), Some(to)) = (grid.drag, grid.hover) {
            let stretch = egui::Rect::from_x_y_ranges(at(from.min(to))..=at(from.max(to)), frame.y_range());
            painter.rect_filled(stretch, 0.0, p.varnish.gamma_multiply(0.15));
        }
        for mark in self.marks {
            let x = at(match self.look.along {
                super::Along::Step => mark.step,
                super::Along::Tokens => mark.tokens,
                super::Along::Time => mark.secs,
            });
            let foot = pos2(x, frame.bottom());
            let corners = vec![foot + vec2(0.0, -8.0), foot + vec2(5.0, 0.0), foot + vec2(-5.0, 0.0)];
            painter.add(egui::Shape::convex_polygon(corners, p.string, Stroke::NONE));
        }
        for x in broken {
            let middle = pos2(at(*x), frame.top() + 7.0);
            painter.text(middle, egui::Align2::CENTER_CENTER, icons::X, icons::regular(11.0), p.bad);
        }
        let mut words = Vec::new();
        words.extend(outside.then(|| t!("charts.outside")));
        words.extend((below_zero > 0).then(|| t!("charts.below_zero", n = below_zero)));
        for (i, word) in words.iter().enumerate() {
            let galley = elided(ui, word, egui::FontId::proportional(11.0), p.warn, frame.width() - 8.0);
            let y = frame.top() + 2.0 + i as f32 * 14.0;
            painter.galley(pos2(frame.right() - galley.size().x - 4.0, y), galley, p.warn);
        }
    }

    /// Every series at the pointer.
    fn tell(&self, response: &egui::Response, grid: &mut Grid, x: f64) {
        let mut lines: Vec<(f64, usize, String)> = Vec::new();
        for series in &self.chart.series {
            let Some((_, value)) = grid.ready.get(&series.curve, self.look).at(x) else { continue };
            if value.is_finite() {
                let name = if series.label.is_empty() { &self.chart.title } else { &series.label };
                lines.push((value, series.colour, format!("{name}: {}", self.written(value))));
            }
        }
        lines.sort_by(|a, b| b.0.total_cmp(&a.0));
        let more = lines.len().saturating_sub(TOLD);
        let head = match self.look.along {
            super::Along::Step => t!("plot.step", step = x.round().max(0.0) as u64),
            super::Along::Tokens => t!("charts.tokens", n = format::count(x.max(0.0) as u64)),
            super::Along::Time => format::duration(x.max(0.0)),
        };
        let near = (self.seen.1 - self.seen.0) * 0.01;
        let marks = self.marks.iter().filter(|mark| (mark.step - x).abs() <= near.max(0.5));
        let marks: Vec<String> =
            marks.filter(|_| self.look.along == super::Along::Step).map(|m| m.words.clone()).collect();
        response.clone().on_hover_ui_at_pointer(|ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 2.0);
            let p = theme::palette(ui);
            ui.label(theme::small(head).color(p.ink_soft));
            for (_, colour, words) in lines.iter().take(TOLD) {
                ui.horizontal(|ui| {
                    ui.spacing_mut().interact_size.y = ENTRY;
                    let (rect, _) = ui.allocate_exact_size(vec2(12.0, 12.0), Sense::hover());
                    ui.painter().circle_filled(rect.center(), 4.0, theme::series(ui, *colour));
                    ui.label(theme::small(words).color(p.ink));
                });
            }
            if more > 0 {
                ui.label(theme::small(t!("charts.more", n = more)).color(p.ink_soft));
            }
            marks.iter().for_each(|words| drop(ui.label(theme::small(words).color(p.string))));
        });
    }
}

/// Stretches without a gap.
fn segments(points: &[[f64; 2]]) -> impl Iterator<Item = Vec<[f64; 2]>> + '_ {
    points.split(|p| !p[1].is_finite()).filter(|part| !part.is_empty()).map(<[[f64; 2]]>::to_vec)
}

#[cfg(test)]
mod tests;
