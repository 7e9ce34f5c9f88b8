//! Cards: the boards that hold a panel's content, and the column they lie in.

use egui::{Align, Frame, Layout, Margin, ScrollArea, Stroke, Ui, vec2};

use crate::theme::{self, COLUMN, GRID};

/// A bordered board with a title, something at the right of the title, and a body.
#[must_use = "call .show()"]
pub struct Card {
    title: String,
    /// The title is the person's own word, such as a file's name.
    own: bool,
    about: String,
    icon: Option<char>,
}

impl Card {
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), own: false, about: String::new(), icon: None }
    }

    /// With a title that is the person's own word: a name of a file or a run.
    pub fn of(name: impl Into<String>) -> Self {
        Self { own: true, ..Self::new(name) }
    }

    /// A sentence under the title.
    pub fn about(mut self, about: impl Into<String>) -> Self {
        self.about = about.into();
        self
    }

    pub fn icon(mut self, icon: char) -> Self {
        self.icon = Some(icon);
        self
    }

    pub fn show<R>(self, ui: &mut Ui, body: impl FnOnce(&mut Ui) -> R) -> R {
        self.show_with(ui, |_| {}, body)
    }

    /// `actions` are laid out from the right end of the title row.
    pub fn show_with<R>(self, ui: &mut Ui, actions: impl FnOnce(&mut Ui), body: impl FnOnce(&mut Ui) -> R) -> R {
        frame(ui)
            .show(ui, |ui| {
                ui.take_available_width();
                ui.spacing_mut().item_spacing = vec2(GRID, GRID);
                if !self.title.is_empty() {
                    let title =
                        if self.own { theme::name(&self.title, 15.0) } else { theme::strong(&self.title).size(15.0) };
                    ui.allocate_ui_with_layout(
                        vec2(ui.available_width(), 28.0),
                        Layout::left_to_right(Align::Center),
                        |ui| {
                            if let Some(icon) = self.icon {
                                icon_label(ui, icon, 18.0, theme::palette(ui).varnish);
                            }
                            ui.add(egui::Label::new(title).selectable(self.own).truncate());
                            ui.with_layout(Layout::right_to_left(Align::Center), actions);
                        },
                    );
                    if !self.about.is_empty() {
                        let about = theme::soft(ui, &self.about);
                        ui.add(egui::Label::new(about).wrap());
                    }
                    ui.add_space(4.0);
                }
                body(ui)
            })
            .inner
    }
}

/// The ground of a card without a title row.
pub fn frame(ui: &Ui) -> Frame {
    let p = theme::palette(ui);
    Frame::new()
        .fill(p.board)
        .stroke(Stroke::new(1.0, p.edge))
        .corner_radius(theme::RADIUS)
        .inner_margin(Margin::symmetric(16, 12))
}

/// An icon that stands in a line of text; it has no name, the words beside it have.
pub fn icon_label(ui: &mut Ui, icon: char, size: f32, colour: egui::Color32) {
    let (rect, _) = ui.allocate_exact_size(vec2(size, size), egui::Sense::hover());
    ui.painter().text(rect.center(), egui::Align2::CENTER_CENTER, icon, crate::icons::regular(size), colour);
}

pub fn hairline(ui: &mut Ui) {
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 1.0), egui::Sense::hover());
    ui.painter().hline(rect.x_range(), rect.center().y, Stroke::new(1.0, theme::palette(ui).edge));
}

/// A card without a title row.
pub fn board<R>(ui: &mut Ui, body: impl FnOnce(&mut Ui) -> R) -> R {
    frame(ui)
        .show(ui, |ui| {
            ui.take_available_width();
            ui.spacing_mut().item_spacing = vec2(GRID, GRID);
            body(ui)
        })
        .inner
}

/// Equal columns side by side. Unlike egui's own, their text is not stretched to the margin.
pub fn columns(ui: &mut Ui, count: usize, mut body: impl FnMut(&mut Ui, usize)) {
    ui.columns(count, |all| {
        for (i, ui) in all.iter_mut().enumerate() {
            ui.with_layout(Layout::top_down(Align::Min), |ui| body(ui, i));
        }
    });
}

/// The scrolling column of cards that a panel is: at most [`COLUMN`] wide, in the middle of a wide window.
pub fn column(ui: &mut Ui, id: &str, content: impl FnOnce(&mut Ui)) {
    ScrollArea::vertical().id_salt(id).auto_shrink([false, false]).show(ui, |ui| {
        let available = ui.available_width();
        let width = (available - 48.0).min(COLUMN);
        let left = ((available - width) / 2.0).max(0.0).round();
        ui.horizontal_top(|ui| {
            ui.add_space(left - ui.spacing().item_spacing.x);
            ui.vertical(|ui| {
                ui.set_width(width);
                ui.spacing_mut().item_spacing = vec2(GRID, 12.0);
                ui.add_space(16.0);
                content(ui);
                ui.add_space(24.0);
            });
        });
    });
}
