//! A recipe as a form: each setting knows its default, shows when it differs, and can go back.

use egui::Ui;
use egui::emath::Numeric;
use luthier_engine::recipe::Recipe;

use crate::format;
use crate::text::{say, t};
use crate::widgets::{Setting, dropdown, hairline, number, segmented, toggle, words};

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
                    ui.label(crate::theme::soft(ui, automatic));
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
