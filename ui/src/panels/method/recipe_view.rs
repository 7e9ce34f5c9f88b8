//! The recipe file behind the form: read it, copy it, save it, open another.

use egui::{Label, RichText, ScrollArea, Ui};

use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::text::{t, try_say};
use crate::widgets::{Card, Push, problem_box};
use crate::{icons, theme};

#[derive(Default)]
pub struct RecipeView {
    shown: bool,
}

impl RecipeView {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        Card::new(t!("recipe.title")).about(t!("recipe.about")).icon(icons::FILE_CODE).show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                if ui.add(Push::plain(t!("command.open_recipe")).icon(icons::FOLDER_OPEN).small()).clicked() {
                    bench.dialogs.ask(Ask::OpenRecipe);
                }
                if ui.add(Push::plain(t!("command.save_recipe")).icon(icons::FLOPPY_DISK).small()).clicked() {
                    bench.dialogs.ask(Ask::SaveRecipe);
                }
                if ui.add(Push::plain(t!("command.copy_recipe")).icon(icons::COPY).small()).clicked() {
                    ui.ctx().copy_text(bench.whole_recipe().to_yaml());
                    bench.notes.push(t!("note.recipe_copied"));
                }
                let (icon, word) = if self.shown {
                    (icons::CARET_UP, t!("recipe.hide"))
                } else {
                    (icons::CARET_DOWN, t!("recipe.show"))
                };
                if ui.add(Push::quiet(word).icon(icon).small()).clicked() {
                    self.shown = !self.shown;
                }
            });
            if let Some(problem) = &bench.recipe_problem {
                let remedy = try_say(&format!("remedy.{}", problem.code));
                problem_box(ui, &t!("start.recipe_problem"), &problem.message, remedy.as_deref());
            }
            if self.shown {
                yaml(ui, &bench.whole_recipe().to_yaml());
            }
        });
    }
}

fn yaml(ui: &mut Ui, text: &str) {
    let p = theme::palette(ui);
    egui::Frame::new().fill(p.inset).corner_radius(theme::RADIUS).inner_margin(10).show(ui, |ui| {
        ScrollArea::both().id_salt("yaml").max_height(420.0).auto_shrink([false, true]).show(ui, |ui| {
            ui.add(Label::new(RichText::new(text).monospace().size(12.0)).extend().selectable(true));
        });
    });
}
