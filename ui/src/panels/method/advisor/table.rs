//! All methods side by side, in this model's own numbers; a click takes one.

use std::cmp::Ordering;

use egui::accesskit::Role;
use egui::{
    Align2, CornerRadius, FontId, Label, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use luthier_engine::advice::{Compared, Method};

use super::effect;
use crate::bench::Bench;
use crate::text::{say, t};
use crate::widgets::{Card, Push, column, elided, hairline};
use crate::{format, icons, theme};

/// Narrower, the table scrolls sideways.
const NARROWEST: f32 = 780.0;
const LINE: f32 = 34.0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Name,
    Share,
    Memory,
    Time,
    Quality,
    Difficulty,
}

impl By {
    const ALL: [Self; 6] = [Self::Name, Self::Share, Self::Memory, Self::Time, Self::Quality, Self::Difficulty];

    fn word(self) -> String {
        match self {
            Self::Name => t!("methods.name"),
            Self::Share => t!("methods.share"),
            Self::Memory => t!("methods.memory"),
            Self::Time => t!("methods.time"),
            Self::Quality => t!("methods.quality"),
            Self::Difficulty => t!("methods.difficulty"),
        }
    }

    /// Of the table's width; the rest is the button's.
    const fn width(self) -> f32 {
        match self {
            Self::Name => 0.18,
            Self::Share => 0.13,
            Self::Memory => 0.21,
            Self::Time => 0.14,
            Self::Quality => 0.11,
            Self::Difficulty => 0.11,
        }
    }

    fn order(self, a: &Compared, b: &Compared) -> Ordering {
        let number = |of: &dyn Fn(&luthier_engine::estimate::Estimate) -> f64| {
            let value = |one: &Compared| one.estimate.as_ref().map_or(f64::INFINITY, of);
            value(a).total_cmp(&value(b))
        };
        match self {
            Self::Name => a.method.cmp(&b.method),
            Self::Share => number(&|e| e.trainable_parameters as f64),
            Self::Memory => number(&|e| e.peak_bytes() as f64),
            Self::Time => number(&|e| e.total_secs),
            Self::Quality => b.quality.cmp(&a.quality),
            Self::Difficulty => a.difficulty.cmp(&b.difficulty),
        }
    }
}

/// The page's own view: by which column, and which way round.
pub struct Comparison {
    by: By,
    back: bool,
}

impl Default for Comparison {
    fn default() -> Self {
        Self { by: By::Name, back: false }
    }
}

impl Comparison {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let all = bench.compared_methods();
        column(ui, "methods", |ui| {
            let Some(all) = all else { return super::missing(ui, bench) };
            let has = bench.advised_machine().memory_bytes;
            let rows = bench.state.recipe.rows_per_step();
            let about = t!("methods.about", rows = format::count(rows as u64));
            let mut taken = None;
            let can_undo = bench.can_undo_proposal();
            let mut undo = false;
            Card::new(t!("methods.title")).about(about).icon(icons::TABLE).show_with(
                ui,
                |ui| {
                    if can_undo {
                        undo = ui.add(Push::quiet(t!("advisor.undo")).icon(icons::ARROW_U_UP_LEFT)).clicked();
                    }
                },
                |ui| {
                    ScrollArea::horizontal().id_salt("methods-table").show(ui, |ui| {
                        ui.set_width(ui.available_width().max(NARROWEST));
                        self.head(ui);
                        let mut order: Vec<&Compared> = all.iter().collect();
                        order.sort_by(|a, b| self.by.order(a, b));
                        if self.back {
                            order.reverse();
                        }
                        for one in order {
                            hairline(ui);
                            if row(ui, one, bench, has) {
                                taken = Some(one.clone());
                            }
                        }
                    });
                },
            );
            ui.add(Label::new(theme::soft(ui, t!("methods.foot"))).wrap());
            if let Some(one) = taken {
                bench.take_method(&one);
            }
            if undo {
                bench.undo_proposal();
            }
        });
    }

    fn head(&mut self, ui: &mut Ui) {
        let width = ui.available_width();
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            for by in By::ALL {
                let (rect, response) = ui.allocate_exact_size(vec2((width * by.width()).floor(), 28.0), Sense::click());
                let word = by.word();
                let on = self.by == by;
                let spoken = t!("methods.sort_by", column = word);
                response.widget_info(|| WidgetInfo::selected(Role::Button, true, on, &spoken));
                let p = theme::palette(ui);
                let ink = if on || response.hovered() { p.ink } else { p.ink_soft };
                let text = elided(ui, &word, FontId::proportional(12.0), ink, rect.width() - 22.0);
                let at = pos2(rect.left(), rect.center().y - text.size().y / 2.0);
                let end = at.x + text.size().x;
                ui.painter().galley(at, text, ink);
                if on {
                    let icon = if self.back { icons::CARET_UP } else { icons::CARET_DOWN };
                    let at = pos2(end + 10.0, rect.center().y);
                    ui.painter().text(at, Align2::CENTER_CENTER, icon, icons::regular(12.0), p.varnish);
                }
                if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
                    (self.by, self.back) = if on { (by, !self.back) } else { (by, false) };
                }
            }
        });
    }
}

const fn icon(method: Method) -> char {
    match method {
        Method::Full => icons::STACK,
        Method::Freeze => icons::SNOWFLAKE,
        Method::Lora => icons::PAPERCLIP,
        Method::Qlora => icons::MEMORY,
        Method::Oft => icons::ARROWS_CLOCKWISE,
        Method::Dpo => icons::LIST_CHECKS,
        Method::Kto => icons::CHECK_CIRCLE,
        Method::Reward => icons::RULER,
        Method::Ppo => icons::TARGET,
    }
}

/// The form is of this method: the weights tell the first five apart, the stage the others.
fn in_form(one: &Compared, bench: &Bench) -> bool {
    let (form, its) = (&bench.state.recipe, &one.recipe);
    let same_weights = form.finetuning_type == its.finetuning_type && form.quantization_bit == its.quantization_bit;
    let by_stage = matches!(one.method, Method::Dpo | Method::Kto | Method::Reward | Method::Ppo);
    form.stage == its.stage && (by_stage || same_weights)
}

/// True when the method was taken.
fn row(ui: &mut Ui, one: &Compared, bench: &Bench, has: Option<u64>) -> bool {
    let width = ui.available_width();
    let name = say(&format!("method_name.{}", one.method.word()));
    let here = in_form(one, bench);
    let mut taken = false;
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 0.0;
        let left = ui.cursor().left();
        for by in By::ALL {
            let (rect, response) = ui.allocate_exact_size(vec2((width * by.width()).floor(), LINE), Sense::hover());
            let spoken = cell(ui, rect.with_max_x(rect.right() - 10.0), one, by, &name, has);
            let column = by.word();
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}, {column}: {spoken}")));
        }
        let rest = left + width - ui.cursor().left();
        let button = Push::plain(if here { t!("methods.here") } else { t!("methods.take") });
        let button = button.small().width(rest.max(60.0)).selected(here).name(t!("methods.take_it", name = name));
        let response = ui.add_enabled(one.serves && !here, button);
        taken = response.clicked();
        if !one.serves {
            response.on_disabled_hover_text(say(&format!("needs.{}", one.recipe.stage)));
        }
    });
    let mut why = format!(
        "{} {}",
        say(&format!("method_quality.{}", one.method.word())),
        say(&format!("method_difficulty.{}", one.method.word()))
    );
    if !one.serves {
        why = format!("{} {why}", t!("methods.other_data", needs = say(&format!("needs.{}", one.recipe.stage))));
    }
    ui.add(Label::new(theme::soft(ui, why)).wrap());
    taken
}

/// Draws a cell; what it says.
fn cell(ui: &Ui, rect: Rect, one: &Compared, by: By, name: &str, has: Option<u64>) -> String {
    let p = theme::palette(ui);
    let text = |text: &str, font: FontId, ink, left: f32| {
        let galley = elided(ui, text, font, ink, rect.right() - left);
        ui.painter().galley(pos2(left, rect.center().y - galley.size().y / 2.0), galley, ink);
    };
    let plain = FontId::proportional(13.0);
    let Some(estimate) = &one.estimate else {
        let word = if by == By::Name { name.to_owned() } else { "–".to_owned() };
        text(&word, plain, p.ink_soft, rect.left());
        return word;
    };
    match by {
        By::Name => {
            let at = pos2(rect.left() + 9.0, rect.center().y);
            ui.painter().text(at, Align2::CENTER_CENTER, icon(one.method), icons::regular(17.0), p.varnish);
            text(name, theme::strong_font(14.0), p.ink, rect.left() + 26.0);
            name.to_owned()
        }
        By::Share => {
            let word = effect::share(estimate);
            text(&word, plain, p.ink, rect.left());
            word
        }
        By::Memory => memory(ui, rect, estimate.peak_bytes(), has),
        By::Time => {
            let word = format!("≈ {}", format::duration(estimate.total_secs));
            text(&word, plain, p.ink, rect.left());
            word
        }
        By::Quality | By::Difficulty => {
            let (kind, grade) =
                if by == By::Quality { ("quality", one.quality) } else { ("difficulty", one.difficulty) };
            let word = say(&format!("grade.{kind}_{}", grade.word()));
            let steps = grade as usize + 1;
            for i in 0..4 {
                let size = vec2(5.0, 6.0 + 3.0 * i as f32);
                let bottom = rect.center().y + 8.0;
                let bar = Rect::from_min_size(pos2(rect.left() + 8.0 * i as f32, bottom - size.y), size);
                let fill = if i < steps { p.varnish } else { p.edge };
                ui.painter().rect_filled(bar, CornerRadius::same(1), fill);
            }
            text(&word, plain, p.ink, rect.left() + 40.0);
            word
        }
    }
}

/// The peak in words, and under it a bar of what the device has.
fn memory(ui: &Ui, rect: Rect, peak: u64, has: Option<u64>) -> String {
    let p = theme::palette(ui);
    let over = has.is_some_and(|has| peak > has);
    let word = if over { t!("methods.too_much", n = format::bytes(peak)) } else { format::bytes(peak) };
    let ink = if over { p.bad } else { p.ink };
    let galley = elided(ui, &word, FontId::proportional(13.0), ink, rect.width());
    let top = if has.is_some() { rect.top() + 3.0 } else { rect.center().y - galley.size().y / 2.0 };
    ui.painter().galley(pos2(rect.left(), top), galley, ink);
    if let Some(has) = has {
        let line = Rect::from_min_max(pos2(rect.left(), rect.bottom() - 10.0), pos2(rect.right(), rect.bottom() - 4.0));
        let radius = CornerRadius::same(3);
        ui.painter().rect(line, radius, p.inset, Stroke::new(1.0, p.edge), StrokeKind::Inside);
        let mut full = line.shrink(1.0);
        full.set_width((full.width() * (peak as f32 / has.max(1) as f32).min(1.0)).max(3.0));
        ui.painter().rect_filled(full, radius, if over { p.bad } else { p.varnish });
    }
    word
}
