//! Who labels in this window: a name on a button, and under it everybody else, a new name, another spelling.

use egui::accesskit::Role;
use egui::{Align, Id, Key, Label, Layout, Popup, PopupCloseBehavior, ScrollArea, TextEdit, Ui, WidgetInfo, vec2};

use crate::bench::Bench;
use crate::icons;
use crate::text::t;
use crate::theme::{self, CONTROL};
use crate::widgets::{IconButton, Push, hairline};

/// Characters of a name on the button; the list has all of them.
const SHOWN: usize = 18;

/// What is being written in the list.
#[derive(Debug, Clone, Default)]
struct Writing {
    new: String,
    /// (as it is in the list, as it is written now)
    renamed: Option<(String, String)>,
}

enum Wish {
    Take(String),
    Rename(String, String),
    Forget(String),
}

/// Shows who labels; a press opens the list. Choosing somebody opens the queue on the bench anew for them.
pub fn annotator_chooser(ui: &mut Ui, bench: &mut Bench) {
    let now = bench.settings.annotator.clone();
    let (shown, said) = match now.as_str() {
        "" => (t!("review.who"), t!("review.who")),
        name => (short(name), t!("review.labels_here", name = name)),
    };
    let button = ui.add(Push::plain(shown).icon(icons::USER_CIRCLE).name(said).small());
    let id = button.id.with("writing");
    let popup = Popup::menu(&button).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let wish = popup.show(|ui| list(ui, id, bench)).and_then(|shown| shown.inner);
    let Some(wish) = wish else { return };
    ui.data_mut(|d| d.remove_temp::<Writing>(id));
    match wish {
        Wish::Take(name) => {
            bench.label_as(&name);
            Popup::close_all(ui.ctx());
        }
        Wish::Rename(old, new) => bench.rename_annotator(&old, &new),
        Wish::Forget(name) => bench.forget_annotator(&name),
    }
}

fn short(name: &str) -> String {
    if name.chars().count() <= SHOWN { name.to_owned() } else { name.chars().take(SHOWN - 1).chain(['…']).collect() }
}

fn list(ui: &mut Ui, id: Id, bench: &Bench) -> Option<Wish> {
    let mut writing = ui.data(|d| d.get_temp::<Writing>(id)).unwrap_or_default();
    let mut wish = None;
    ui.set_width(264.0);
    ui.spacing_mut().item_spacing.y = 4.0;
    let mut names = bench.settings.annotators.clone();
    let now = &bench.settings.annotator;
    if !now.is_empty() && !names.contains(now) {
        names.push(now.clone());
    }
    if !names.is_empty() {
        ui.add(Label::new(theme::soft(ui, t!("review.who"))).selectable(false));
        ScrollArea::vertical().max_height(160.0).show(ui, |ui| {
            for name in &names {
                wish = one(ui, name, name == now, &mut writing).or(wish.take());
            }
        });
        hairline(ui);
    }
    let written = field(ui, &mut writing.new, &t!("review.new_name"), &t!("review.add"), icons::PLUS);
    if written && !writing.new.trim().is_empty() {
        wish = Some(Wish::Take(writing.new.clone()));
    }
    ui.add(Label::new(theme::soft(ui, t!("review.names_about"))).wrap());
    ui.data_mut(|d| d.insert_temp(id, writing));
    wish
}

fn one(ui: &mut Ui, name: &str, now: bool, writing: &mut Writing) -> Option<Wish> {
    if let Some((_, text)) = writing.renamed.as_mut().filter(|(old, _)| old == name) {
        let done = field(ui, text, &t!("review.rename", name = name), &t!("review.keep_name"), icons::CHECK);
        return done.then(|| Wish::Rename(name.to_owned(), text.clone()));
    }
    let mut wish = None;
    ui.allocate_ui_with_layout(vec2(ui.available_width(), 28.0), Layout::right_to_left(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 2.0;
        if !now && ui.add(IconButton::new(icons::X, t!("review.forget", name = name)).size(24.0)).clicked() {
            wish = Some(Wish::Forget(name.to_owned()));
        }
        let pencil = IconButton::new(icons::PENCIL_SIMPLE, t!("review.rename", name = name)).size(24.0);
        if ui.add(pencil).clicked() {
            writing.renamed = Some((name.to_owned(), name.to_owned()));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let word = egui::Button::selectable(now, theme::name(name, 14.0)).truncate();
            let button = ui.add_sized(vec2(ui.available_width(), 26.0), word);
            button.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, now, name));
            if button.clicked() {
                wish = Some(Wish::Take(name.to_owned()));
            }
        });
    });
    wish
}

/// A name that is written, and the button that takes it. True when it is to be taken.
fn field(ui: &mut Ui, text: &mut String, name: &str, button: &str, icon: char) -> bool {
    let mut done = false;
    ui.horizontal(|ui| {
        let width = ui.available_width() - 36.0;
        let edit = TextEdit::singleline(text).desired_width(width).hint_text(name).char_limit(60);
        let edit = ui.add(edit.min_size(vec2(0.0, CONTROL))).accessible_name(name);
        let entered = edit.lost_focus() && ui.input(|i| i.key_pressed(Key::Enter));
        let pressed = ui.add_enabled(!text.trim().is_empty(), IconButton::new(icon, button)).clicked();
        done = entered || pressed;
    });
    done
}
