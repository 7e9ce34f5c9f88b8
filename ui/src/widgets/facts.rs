//! Numbers with their captions, in columns: what a model is, where a run stands.

use egui::accesskit::Role;
use egui::{Align, Color32, Layout, Sense, Ui, WidgetInfo, pos2, vec2};

use super::chip::elided;
use crate::theme;

pub struct Fact {
    caption: String,
    value: String,
    colour: Option<Color32>,
    hint: String,
}

impl Fact {
    pub fn new(caption: impl Into<String>, value: impl Into<String>) -> Self {
        Self { caption: caption.into(), value: value.into(), colour: None, hint: String::new() }
    }

    pub fn colour(mut self, colour: Color32) -> Self {
        self.colour = Some(colour);
        self
    }

    /// What the pointer is told over it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

/// Lays the facts out in as many columns of about `width` points as fit. Read aloud as "caption: value".
pub fn facts(ui: &mut Ui, width: f32, list: Vec<Fact>) {
    let available = ui.available_width();
    let most = ((available / width).floor() as usize).clamp(1, list.len().max(1));
    // As even rows as possible: nine in two rows are five and four, not eight and one.
    let columns = list.len().div_ceil(list.len().div_ceil(most).max(1)).max(1);
    let cell = (available / columns as f32).floor();
    let mut list = list.into_iter().peekable();
    while list.peek().is_some() {
        ui.allocate_ui_with_layout(vec2(available, 40.0), Layout::left_to_right(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            for fact in list.by_ref().take(columns) {
                one(ui, fact, cell);
            }
        });
    }
}

fn one(ui: &mut Ui, fact: Fact, width: f32) {
    let (rect, response) = ui.allocate_exact_size(vec2(width, 40.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{}: {}", fact.caption, fact.value)));
    let p = theme::palette(ui);
    let caption = elided(ui, &fact.caption, egui::FontId::proportional(12.0), p.ink_soft, width - 8.0);
    ui.painter().galley(rect.min, caption, p.ink_soft);
    let ink = fact.colour.unwrap_or(p.ink);
    let value = elided(ui, &fact.value, theme::strong_font(15.0), ink, width - 8.0);
    ui.painter().galley(pos2(rect.left(), rect.top() + 17.0), value, ink);
    if !fact.hint.is_empty() {
        response.on_hover_text(fact.hint);
    }
}
