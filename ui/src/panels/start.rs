//! The first page: the way from a model to a tuned one, a sample that shows all of it with one click, and what was open lately.

use std::path::{Path, PathBuf};

use egui::accesskit::Role;
use egui::{Align2, FontId, Label, Rect, RichText, Sense, Stroke, Ui, WidgetInfo, pos2, vec2};

use super::Panel;
use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::state::Slot;
use crate::text::t;
use crate::widgets::{Card, Push, column, columns, elided, frame, icon_label, problem_box};
use crate::{assets, format, icons, theme};

pub fn ui(ui: &mut Ui, bench: &mut Bench) {
    column(ui, "start", |ui| {
        hero(ui, bench);
        if let Some(problem) = &bench.recipe_problem {
            problem_box(ui, &t!("start.recipe_problem"), &problem.message, None);
        }
        own_work(ui, bench);
        recent(ui, bench);
    });
}

fn hero(ui: &mut Ui, bench: &mut Bench) {
    frame(ui).inner_margin(egui::Margin::symmetric(28, 24)).show(ui, |ui| {
        ui.take_available_width();
        ui.horizontal_top(|ui| {
            let (rect, _) = ui.allocate_exact_size(vec2(84.0, 96.0), Sense::hover());
            ui.painter().text(
                rect.center(),
                Align2::CENTER_CENTER,
                icons::MARK,
                icons::filled(92.0),
                theme::palette(ui).varnish,
            );
            ui.vertical(|ui| {
                ui.add(Label::new(RichText::new(t!("start.title")).font(theme::strong_font(26.0))).selectable(false));
                let about = RichText::new(t!("start.about")).size(15.0).color(theme::palette(ui).ink_soft);
                ui.add(Label::new(about).wrap().selectable(false));
                ui.add_space(10.0);
                ui.horizontal_wrapped(|ui| {
                    let there = assets::find("sample/recipe.yaml").is_some() && !bench.state.running();
                    // Once there is work of one's own, its next step is the one that stands out.
                    let fresh = matches!(bench.state.model, Slot::Empty);
                    let kind = if fresh { Push::primary::<String> } else { Push::plain::<String> };
                    let button = kind(t!("command.try_sample")).icon(icons::PLAY).large();
                    let response = ui.add_enabled(there, button);
                    let why = if bench.state.running() { t!("talk.training") } else { t!("start.sample_missing") };
                    if response.on_disabled_hover_text(why).clicked() {
                        bench.try_sample();
                    }
                    ui.add_space(4.0);
                    ui.vertical(|ui| {
                        ui.set_max_width(460.0);
                        let about = theme::soft(ui, t!("start.sample_about"));
                        ui.add(Label::new(about).wrap().selectable(false));
                    });
                });
            });
        });
        ui.add_space(20.0);
        the_path(ui, bench);
    });
}

/// The way as a string with its pegs: what is done is varnished, the next one is ringed.
fn the_path(ui: &mut Ui, bench: &mut Bench) {
    let state = &bench.state;
    let done = [
        matches!(state.model, Slot::Ready(_)),
        state.data.usable(),
        state.missing().is_empty() || state.run.is_some(),
        state.run.as_ref().is_some_and(|run| run.result().is_some()),
        !state.talk.is_empty(),
    ];
    let stations = [Panel::Model, Panel::Data, Panel::Method, Panel::Train, Panel::Try];
    let next = done.iter().position(|d| !d);
    let (rect, _) = ui.allocate_exact_size(vec2(ui.available_width(), 84.0), Sense::hover());
    let p = theme::palette(ui);
    let cell = rect.width() / stations.len() as f32;
    let y = rect.top() + 24.0;
    let x_of = |i: usize| rect.left() + cell * (i as f32 + 0.5);
    for i in 0..stations.len() - 1 {
        let ink = if done[i] && done[i + 1] { p.varnish } else { p.edge_strong };
        ui.painter().hline(x_of(i)..=x_of(i + 1), y, Stroke::new(1.5, ink));
    }
    for (i, panel) in stations.into_iter().enumerate() {
        let centre = pos2(x_of(i), y);
        let spot = Rect::from_min_max(
            pos2(rect.left() + cell * i as f32, rect.top()),
            pos2(rect.left() + cell * (i + 1) as f32, rect.bottom()),
        );
        let response = ui.interact(spot.shrink2(vec2(8.0, 0.0)), ui.scope_id().with(("peg", i)), Sense::click());
        response
            .widget_info(|| WidgetInfo::labeled(Role::Link, true, t!("start.step", n = i + 1, name = panel.name())));
        let (ground, ring, ink) = match () {
            () if done[i] => (p.varnish, p.varnish, p.on_varnish),
            () if next == Some(i) => (p.board, p.varnish, p.varnish),
            () => (p.board, p.edge_strong, p.ink_soft),
        };
        let radius = if response.hovered() { 22.0 } else { 20.0 };
        ui.painter().circle(centre, radius, ground, Stroke::new(1.5, ring));
        ui.painter().text(centre, Align2::CENTER_CENTER, panel.icon(), icons::regular(20.0), ink);
        ui.painter().text(
            pos2(centre.x, y + 36.0),
            Align2::CENTER_CENTER,
            panel.name(),
            theme::strong_font(13.0),
            p.ink,
        );
        let about = [
            t!("start.about_model"),
            t!("start.about_data"),
            t!("start.about_method"),
            t!("start.about_train"),
            t!("start.about_try"),
        ];
        let line = elided(ui, &about[i], FontId::proportional(12.0), p.ink_soft, cell - 8.0);
        ui.painter().galley(pos2(centre.x - line.size().x / 2.0, y + 46.0), line, p.ink_soft);
        if response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked() {
            bench.panel = panel;
        }
    }
}

fn own_work(ui: &mut Ui, bench: &mut Bench) {
    Card::new(t!("start.own")).about(t!("start.own_about")).icon(icons::FOLDER_OPEN).show(ui, |ui| {
        ui.horizontal_wrapped(|ui| {
            for (icon, label, ask) in [
                (icons::FOLDER_OPEN, t!("command.choose_model_folder"), Ask::ModelFolder),
                (icons::FILE, t!("command.choose_model_file"), Ask::ModelFile),
                (icons::FILE_ARROW_DOWN, t!("command.import_data"), Ask::DataFile),
                (icons::FILE_CODE, t!("command.open_recipe"), Ask::OpenRecipe),
            ] {
                if ui.add(Push::plain(label).icon(icon)).clicked() {
                    bench.dialogs.ask(ask);
                }
            }
        });
    });
}

fn recent(ui: &mut Ui, bench: &mut Bench) {
    let settings = &bench.settings;
    let lists = [
        (t!("start.recent_models"), icons::CUBE, settings.recent_models.clone()),
        (t!("start.recent_data"), icons::DATABASE, settings.recent_data.clone()),
        (t!("start.recent_recipes"), icons::FILE_CODE, settings.recent_recipes.clone()),
    ];
    if lists.iter().all(|(_, _, list)| list.is_empty()) {
        return;
    }
    let mut opened = None;
    columns(ui, lists.len(), |ui, i| {
        let (title, icon, list) = &lists[i];
        Card::new(title).icon(*icon).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 2.0;
            if list.is_empty() {
                ui.add(Label::new(theme::soft(ui, t!("start.none_yet"))).selectable(false));
            }
            for path in list {
                if recent_line(ui, *icon, path) {
                    opened = Some(path.clone());
                }
            }
        });
    });
    if let Some(path) = opened {
        bench.open_any(path);
    }
}

/// A path as its last part and, softer, where that lies.
fn recent_line(ui: &mut Ui, icon: char, path: &Path) -> bool {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 42.0), Sense::click());
    let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    response.widget_info(|| WidgetInfo::labeled(Role::Button, true, t!("start.open", name = name)));
    let p = theme::palette(ui);
    if response.hovered() {
        ui.painter().rect_filled(rect, egui::CornerRadius::same(theme::RADIUS), p.raised);
    }
    let left = rect.left() + 30.0;
    ui.painter().text(
        pos2(rect.left() + 14.0, rect.center().y),
        Align2::CENTER_CENTER,
        icon,
        icons::regular(17.0),
        p.ink_soft,
    );
    let word = elided(ui, &name, FontId::proportional(14.0), p.ink, rect.right() - left - 6.0);
    ui.painter().galley(pos2(left, rect.top() + 4.0), word, p.ink);
    let place = path.parent().map(format::path).unwrap_or_default();
    let place = elided(ui, &place, FontId::proportional(11.5), p.ink_soft, rect.right() - left - 6.0);
    ui.painter().galley(pos2(left, rect.top() + 22.0), place, p.ink_soft);
    response.on_hover_cursor(egui::CursorIcon::PointingHand).on_hover_text(path.display().to_string()).clicked()
}

/// A row of a recent list as small buttons, for the panel that it belongs to.
pub fn recent_buttons(ui: &mut Ui, list: &[PathBuf]) -> Option<PathBuf> {
    let mut opened = None;
    if !list.is_empty() {
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(4.0, 4.0);
            icon_label(ui, icons::CLOCK, 14.0, theme::palette(ui).ink_soft);
            for path in list.iter().take(5) {
                let name =
                    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
                let button = Push::quiet(&name).small().name(t!("start.open", name = name));
                if ui.add(button).on_hover_text(path.display().to_string()).clicked() {
                    opened = Some(path.clone());
                }
            }
        });
    }
    opened
}
