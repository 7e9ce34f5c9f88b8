//! A recipe as a form: each setting knows its default, shows when it differs, and can go back.

use std::path::{Path, PathBuf};

use egui::emath::Numeric;
use egui::{Label, Ui, vec2};
use luthier_engine::recipe::Recipe;

use crate::dialogs::{Ask, Dialogs};
use crate::text::{say, t};
use crate::widgets::{IconButton, Push, Setting, drawn, dropdown, hairline, number, segmented, tag, toggle, words};
use crate::{format, icons, theme};

pub struct Form<'a> {
    pub recipe: &'a mut Recipe,
    default: Recipe,
    first: bool,
}

type Field<T> = fn(&mut Recipe) -> &mut T;

impl<'a> Form<'a> {
    pub fn new(recipe: &'a mut Recipe) -> Self {
        Self { recipe, default: Recipe::default(), first: true }
    }

    /// Lines between the rows, none before the first.
    fn line(&mut self, ui: &mut Ui) {
        if !std::mem::replace(&mut self.first, false) {
            hairline(ui);
        }
    }

    pub fn number<N: Numeric + PartialEq>(
        &mut self,
        ui: &mut Ui,
        name: &str,
        field: Field<N>,
        range: std::ops::RangeInclusive<N>,
        speed: f64,
    ) {
        self.line(ui);
        let default = *field(&mut self.default);
        let value = field(self.recipe);
        let shown = if N::INTEGRAL { format!("{}", default.to_f64()) } else { format::setting(default.to_f64()) };
        let back = Setting::new(name).changed(*value != default, shown).show(ui, |ui| {
            number(ui, value, range, speed);
        });
        if back {
            *value = default;
        }
    }

    /// A number, or none: then `automatic` says what happens. `start` is the number it begins with.
    pub fn optional<N: Numeric + PartialEq>(
        &mut self,
        ui: &mut Ui,
        name: &str,
        field: Field<Option<N>>,
        range: std::ops::RangeInclusive<N>,
        start: N,
        automatic: &str,
    ) {
        self.line(ui);
        let default = *field(&mut self.default);
        let value = field(self.recipe);
        let back = Setting::new(name).changed(*value != default, automatic).show(ui, |ui| {
            let mut own = value.is_some();
            let label = say(&format!("field.{name}.label"));
            if toggle(ui, &mut own).accessible_name(t!("method.own_value", label = label)).changed() {
                *value = own.then_some(start);
            }
            match value {
                Some(value) => {
                    number(ui, value, range, 0.2);
                }
                None => {
                    ui.label(theme::soft(ui, automatic));
                }
            }
        });
        if back {
            *value = default;
        }
    }

    pub fn on_off(&mut self, ui: &mut Ui, name: &str, field: Field<bool>) {
        self.line(ui);
        let default = *field(&mut self.default);
        let value = field(self.recipe);
        let shown = if default { t!("word.yes") } else { t!("word.no") };
        let back = Setting::new(name).changed(*value != default, shown).show(ui, |ui| {
            toggle(ui, value);
        });
        if back {
            *value = default;
        }
    }

    /// A choice among `all`; the words are the texts `choice.WORD`.
    pub fn choice<T: PartialEq + Copy + std::fmt::Display + 'static>(
        &mut self,
        ui: &mut Ui,
        name: &str,
        field: Field<T>,
        all: &[T],
    ) {
        self.line(ui);
        let default = *field(&mut self.default);
        let value = field(self.recipe);
        let word = |v: &T| say(&format!("choice.{v}"));
        let options: Vec<(T, String)> = all.iter().map(|v| (*v, word(v))).collect();
        let back = Setting::new(name).changed(*value != default, word(&default)).show(ui, |ui| {
            if options.len() <= 3 {
                segmented(ui, value, &options);
            } else {
                dropdown(ui, name, 200.0, value, &options);
            }
        });
        if back {
            *value = default;
        }
    }

    pub fn words(&mut self, ui: &mut Ui, name: &str, field: Field<Vec<String>>) {
        self.line(ui);
        let default = field(&mut self.default).clone();
        let value = field(self.recipe);
        let shown = if default.is_empty() { t!("word.none") } else { default.join(", ") };
        let back = Setting::new(name).changed(*value != default, shown).show(ui, |ui| {
            words(ui, name, 236.0, value);
        });
        if back {
            *value = default;
        }
    }

    /// A folder or a file, or none: then `automatic` says what happens.
    pub fn path(
        &mut self,
        ui: &mut Ui,
        name: &str,
        field: Field<Option<PathBuf>>,
        automatic: &str,
        (dialogs, ask): (&Dialogs, Ask),
    ) {
        self.line(ui);
        let value = field(self.recipe);
        let back = Setting::new(name).wide().changed(value.is_some(), automatic).show(ui, |ui| {
            place(ui, name, value.as_deref(), automatic, dialogs, ask);
        });
        if back {
            *value = None;
        }
    }

    /// Data beside the run's own: a file, several by a recipe, or none.
    pub fn files(&mut self, ui: &mut Ui, name: &str, field: Field<Vec<String>>, (dialogs, ask): (&Dialogs, Ask)) {
        self.line(ui);
        let none = t!("word.none");
        let value = field(self.recipe);
        let back = Setting::new(name).wide().changed(!value.is_empty(), &none).show(ui, |ui| {
            if value.len() > 1 {
                ui.add(Label::new(theme::soft(ui, value.join(", "))).truncate());
            } else {
                place(ui, name, value.first().map(Path::new), &none, dialogs, ask);
            }
        });
        if back {
            value.clear();
        }
    }

    /// Some of `known`, ticked; what else a recipe names is shown too.
    pub fn chips(&mut self, ui: &mut Ui, name: &str, field: Field<Vec<String>>, known: &[String]) {
        self.line(ui);
        let default = field(&mut self.default).clone();
        let value = field(self.recipe);
        let shown = if default.is_empty() { t!("word.none") } else { default.join(", ") };
        if Setting::new(name).changed(*value != default, shown).show(ui, |_| {}) {
            *value = default;
        }
        tick(ui, known, field(self.recipe));
    }

    /// Rarely changed settings behind a button that says how many of them differ; `keys` are those that `body` draws now,
    /// the first of them always.
    pub fn more(&mut self, ui: &mut Ui, card: &str, keys: &[&str], body: impl FnOnce(&mut Ui, &mut Self)) {
        let id = ui.make_persistent_id(("more settings", keys.first()));
        // Folded away is in reach as well.
        keys.iter().for_each(|key| drawn(ui, key));
        let mut open = ui.data(|d| d.get_temp::<bool>(id)).unwrap_or(false);
        let changed = self.recipe.changed_from_default().iter().filter(|key| keys.contains(key)).count();
        ui.horizontal(|ui| {
            let (icon, word) =
                if open { (icons::CARET_UP, t!("method.less")) } else { (icons::CARET_DOWN, t!("method.more")) };
            let name = t!("method.word_of", word = word, card = card);
            if ui.add(Push::quiet(word).icon(icon).small().name(name)).clicked() {
                open = !open;
            }
            if changed > 0 {
                let p = theme::palette(ui);
                tag(ui, &t!("method.changed_inside", n = changed), p.varnish, p.varnish_soft);
            }
        });
        ui.data_mut(|d| d.insert_temp(id, open));
        if open {
            body(ui, self);
        }
    }

    /// A row with a control of its own. True when the person asked for the default.
    pub fn own(
        &mut self,
        ui: &mut Ui,
        name: &str,
        changed: bool,
        default: String,
        control: impl FnOnce(&mut Ui, &mut Recipe),
    ) -> bool {
        self.line(ui);
        let recipe = &mut *self.recipe;
        Setting::new(name).changed(changed, default).show(ui, |ui| control(ui, recipe))
    }
}

fn place(ui: &mut Ui, name: &str, value: Option<&Path>, automatic: &str, dialogs: &Dialogs, ask: Ask) {
    let button = t!("method.choose", label = say(&format!("field.{name}.label")));
    if ui.add(IconButton::new(icons::FOLDER_OPEN, button).size(30.0)).clicked() {
        dialogs.ask(ask);
    }
    let shown = value.map_or_else(|| automatic.to_owned(), format::path);
    ui.add(Label::new(theme::soft(ui, shown)).truncate());
}

/// Buttons that stay pressed, one for each of `known` and for what `list` holds besides.
pub fn tick(ui: &mut Ui, known: &[String], list: &mut Vec<String>) {
    let others: Vec<String> = list.iter().filter(|name| !known.contains(name)).cloned().collect();
    ui.horizontal_wrapped(|ui| {
        ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
        for name in known.iter().chain(&others) {
            let on = list.contains(name);
            if ui.add(Push::plain(name).small().selected(on).name(t!("method.target", name = name))).clicked() {
                if on {
                    list.retain(|n| n != name);
                } else {
                    list.push(name.clone());
                }
            }
        }
    });
}
