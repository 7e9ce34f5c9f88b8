//! Settings: a name, a plain sentence, a "?" with more, the control at the right, and a way back to the default.

use std::collections::BTreeSet;

use egui::accesskit::Role;
use egui::{
    Align, Align2, ComboBox, DragValue, FontId, Id, Label, Layout, Response, Sense, TextEdit, Ui, WidgetInfo,
    emath::Numeric, pos2, vec2,
};

use super::button::IconButton;
use super::chip::elided;
use crate::icons;
use crate::text::{say, t, try_say};
use crate::theme::{self, CONTROL};

/// Width of the controls at the right of a form.
const CONTROL_WIDTH: f32 = 260.0;
const NUMBER_WIDTH: f32 = 96.0;

fn all_drawn() -> Id {
    Id::unique("settings drawn")
}

/// Notes that the setting `name` is in reach in this frame; each [`Setting`] that is shown does so.
pub fn drawn(ui: &Ui, name: &str) {
    ui.data_mut(|d| d.get_temp_mut_or_default::<BTreeSet<String>>(all_drawn()).insert(name.to_owned()));
}

/// The settings noted since the last call.
pub fn take_drawn(ui: &Ui) -> BTreeSet<String> {
    ui.data_mut(|d| std::mem::take(d.get_temp_mut_or_default(all_drawn())))
}

fn guide_wanted() -> Id {
    Id::unique("guide page wanted")
}

/// Asks for a page of the guide; the workbench opens it when the panel is drawn.
pub fn ask_guide(ui: &Ui, page: &str) {
    ui.data_mut(|d| d.insert_temp(guide_wanted(), page.to_owned()));
}

/// The page asked for in this frame.
pub fn take_guide_wish(ui: &Ui) -> Option<String> {
    ui.data_mut(|d| d.remove_temp(guide_wanted()))
}

/// One row of a form. Its words are the texts `field.NAME.label`, `.about` and, behind the "?", `.help`.
#[must_use = "call .show()"]
pub struct Setting<'a> {
    name: &'a str,
    changed: bool,
    default: String,
    enabled: bool,
    width: f32,
    wide: bool,
    narrow: bool,
}

impl<'a> Setting<'a> {
    pub fn new(name: &'a str) -> Self {
        Self {
            name,
            changed: false,
            default: String::new(),
            enabled: true,
            width: CONTROL_WIDTH,
            wide: false,
            narrow: false,
        }
    }

    /// Whether the value differs from the default, and what that is.
    pub fn changed(mut self, changed: bool, default: impl Into<String>) -> Self {
        self.changed = changed;
        self.default = default.into();
        self
    }

    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// The control gets half of the row, for paths and lists.
    pub fn wide(mut self) -> Self {
        self.wide = true;
        self
    }

    /// In a narrow column: the control is as wide as a number, the sentence stands under both.
    pub fn narrow(mut self) -> Self {
        self.width = NUMBER_WIDTH;
        self.narrow = true;
        self
    }

    /// Lays out the row. True when the person asked for the default. Controls without a name get this field's label.
    pub fn show(self, ui: &mut Ui, control: impl FnOnce(&mut Ui)) -> bool {
        drawn(ui, self.name);
        let label = say(&format!("field.{}.label", self.name));
        let about = say(&format!("field.{}.about", self.name));
        let help = try_say(&format!("field.{}.help", self.name));
        let page = Some(crate::guide::page_of(self.name)).filter(|page| *page != "start");
        let p = theme::palette(ui);
        let mut back = false;
        ui.add_enabled_ui(self.enabled, |ui| {
            let full = ui.available_width();
            let right = if self.wide { (full * 0.5).max(self.width) } else { self.width };
            // Room for the way back to the default.
            let left = (full - right - 40.0).max(90.0);
            ui.horizontal_top(|ui| {
                ui.allocate_ui_with_layout(vec2(left, CONTROL), Layout::top_down(Align::Min), |ui| {
                    ui.set_width(left);
                    ui.spacing_mut().item_spacing.y = 2.0;
                    name_row(ui, &label, self.changed, help.as_deref(), page);
                    if !self.narrow {
                        ui.add(Label::new(theme::small(&about).color(p.ink_soft)).wrap());
                    }
                });
                let rest = vec2(ui.available_width(), CONTROL);
                ui.allocate_ui_with_layout(rest, Layout::right_to_left(Align::Center), |ui| {
                    ui.name_inputs(&label, control);
                    if self.changed {
                        let name = t!("field_row.back_to_default", label = label, default = self.default);
                        back = ui.add(IconButton::new(icons::ARROW_COUNTER_CLOCKWISE, name).size(24.0)).clicked();
                    }
                });
            });
            if self.narrow {
                ui.add(Label::new(theme::small(&about).color(p.ink_soft)).wrap());
            }
        });
        back
    }
}

/// The name, a dot when the value is not the default, and the "?" that leads to a page of the guide. The name is painted: the control carries it for
/// screen readers, and each name is said once.
fn name_row(ui: &mut Ui, label: &str, changed: bool, help: Option<&str>, page: Option<&str>) {
    let p = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        let beside = if changed { 14.0 } else { 0.0 } + if help.or(page).is_some() { 24.0 } else { 0.0 };
        let galley = elided(ui, label, FontId::proportional(14.0), p.ink, ui.available_width() - beside);
        let (rect, _) = ui.allocate_exact_size(vec2(galley.size().x, 20.0), Sense::hover());
        ui.painter().galley(pos2(rect.left(), rect.center().y - galley.size().y / 2.0), galley, p.ink);
        if changed {
            let (dot, _) = ui.allocate_exact_size(vec2(8.0, 20.0), Sense::hover());
            ui.painter().circle_filled(dot.center(), 3.0, p.varnish);
        }
        if help.or(page).is_some() {
            question_mark(ui, label, help, page);
        }
    });
}

/// A small "?" that explains and opens the guide; reachable by keyboard, its words shown on focus as on hover.
fn question_mark(ui: &mut Ui, label: &str, help: Option<&str>, page: Option<&str>) {
    let more = page.map(|_| t!("guide.open_page"));
    let words: Vec<&str> = help.into_iter().chain(more.as_deref()).collect();
    let help = words.join("\n");
    let p = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(vec2(18.0, 18.0), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, t!("field_row.help", label = label)));
    let ink = if response.hovered() { p.string } else { p.ink_soft };
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, icons::QUESTION, icons::regular(15.0), ink);
    if response.has_focus() {
        response.show_tooltip_text(&help);
    }
    let response = response.on_hover_cursor(egui::CursorIcon::Help).on_hover_text(&help);
    if let Some(page) = page.filter(|_| response.clicked()) {
        ask_guide(ui, page);
    }
}

/// A number that can be typed ("2e-5" too) or dragged.
pub fn number<N: Numeric>(ui: &mut Ui, value: &mut N, range: std::ops::RangeInclusive<N>, speed: f64) -> Response {
    ui.scope(|ui| {
        let p = theme::palette(ui);
        let widgets = &mut ui.visuals_mut().widgets;
        widgets.inactive.weak_bg_fill = p.inset;
        widgets.hovered.weak_bg_fill = p.inset;
        let drag = DragValue::new(value)
            .range(range)
            .speed(speed)
            .min_size(vec2(NUMBER_WIDTH, CONTROL))
            .update_while_editing(false)
            // A recipe file may say otherwise; the form must not change it unasked.
            .clamp_existing_to_range(false)
            .custom_parser(|text| text.trim().replace(',', "").parse().ok());
        let drag = if N::INTEGRAL { drag } else { drag.custom_formatter(|v, _| crate::format::setting(v)) };
        ui.add(drag)
    })
    .inner
}

/// On or off.
pub fn toggle(ui: &mut Ui, on: &mut bool) -> Response {
    let (rect, mut response) = ui.allocate_exact_size(vec2(44.0, 24.0), Sense::click());
    if response.clicked() {
        *on = !*on;
        response.mark_changed();
    }
    let now = *on;
    response.widget_info(|| WidgetInfo { selected: Some(now), ..WidgetInfo::new(Role::CheckBox) });
    let p = theme::palette(ui);
    let how_on = ui.ctx().animate_bool_responsive(response.id, now);
    let (ground, border) = if now { (p.varnish, p.varnish) } else { (p.inset, p.edge_strong) };
    let radius = egui::CornerRadius::same(12);
    ui.painter().rect(rect, radius, ground, egui::Stroke::new(1.0, border), egui::StrokeKind::Inside);
    let x = egui::lerp((rect.left() + 12.0)..=(rect.right() - 12.0), how_on);
    ui.painter().circle_filled(pos2(x, rect.center().y), 8.0, if now { p.on_varnish } else { p.ink_soft });
    response.on_hover_cursor(egui::CursorIcon::PointingHand)
}

/// A choice among many. True when it changed.
pub fn dropdown<T: PartialEq + Clone>(
    ui: &mut Ui,
    id: &str,
    width: f32,
    chosen: &mut T,
    options: &[(T, String)],
) -> bool {
    let shown = options.iter().find(|(v, _)| v == chosen).map(|(_, label)| label.clone()).unwrap_or_default();
    let mut changed = false;
    ComboBox::from_id_salt(id)
        .width(width)
        .truncate()
        .selected_text(shown)
        .icon(|ui, rect, visuals, _open| {
            ui.painter().text(
                rect.center(),
                Align2::CENTER_CENTER,
                icons::CARET_DOWN,
                icons::regular(14.0),
                visuals.fg_stroke.color,
            );
        })
        .show_ui(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            for (value, label) in options {
                if ui.selectable_label(value == chosen, label).clicked() && value != chosen {
                    *chosen = value.clone();
                    changed = true;
                }
            }
        });
    changed
}

/// A list of words, written with commas between them. True when it changed.
pub fn words(ui: &mut Ui, id: &str, width: f32, list: &mut Vec<String>) -> bool {
    let id = ui.make_persistent_id(id);
    let joined = list.join(", ");
    // While it is being typed in, the text stands as typed; the list follows.
    let mut text = ui.data(|d| d.get_temp::<String>(id)).filter(|_| ui.memory(|m| m.has_focus(id))).unwrap_or(joined);
    let response = ui.add(TextEdit::singleline(&mut text).id(id).desired_width(width).font(egui::TextStyle::Monospace));
    let changed = response.changed();
    if changed {
        *list = text.split(',').map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect();
    }
    ui.data_mut(|d| d.insert_temp(id, text));
    changed
}

/// A field and, at its right, the buttons beside it: the field takes the room that they leave.
pub fn field_and_buttons(ui: &mut Ui, id: &str, field: impl FnOnce(&mut Ui, f32), buttons: impl FnOnce(&mut Ui)) {
    let id = ui.make_persistent_id(id);
    let needed = ui.data(|d| d.get_temp::<f32>(id)).unwrap_or(400.0);
    ui.horizontal(|ui| {
        let gap = ui.spacing().item_spacing.x;
        let width = (ui.available_width() - needed - gap).max(120.0);
        field(ui, width);
        let start = ui.cursor().left();
        buttons(ui);
        let now = ui.cursor().left() - gap - start;
        if (now - needed).abs() > 0.5 {
            ui.data_mut(|d| d.insert_temp(id, now));
            ui.ctx().request_repaint();
        }
    });
}

/// A path that can be typed; the path when the person pressed Enter.
pub fn path_entry(ui: &mut Ui, name: &str, hint: &str, text: &mut String, width: f32) -> Option<std::path::PathBuf> {
    let edit =
        TextEdit::singleline(text).desired_width(width).hint_text(hint.to_owned()).font(egui::TextStyle::Monospace);
    let response = ui.add(edit.min_size(vec2(0.0, CONTROL))).accessible_name(name);
    let entered = response.lost_focus() && ui.input(|i| i.key_pressed(egui::Key::Enter));
    let typed = text.trim().trim_matches('"');
    (entered && !typed.is_empty()).then(|| expand_home(typed))
}

fn expand_home(text: &str) -> std::path::PathBuf {
    match (text.strip_prefix("~/"), directories::BaseDirs::new()) {
        (Some(rest), Some(dirs)) => dirs.home_dir().join(rest),
        _ => text.into(),
    }
}
