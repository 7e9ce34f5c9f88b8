//! The Guide: the handbook, searchable.

use egui::{CornerRadius, Frame, Key, Label, Modifiers, ScrollArea, Sense, TextEdit, Ui, WidgetInfo, vec2};
use egui_commonmark::{CommonMarkCache, CommonMarkViewer};

use crate::bench::Bench;
use crate::guide::{CHAPTERS, Hit, Page, neighbours, page, pages, plain, search};
use crate::icons;
use crate::text::{say, t};
use crate::theme;
use crate::widgets::{IconButton, Push, elided};

/// Width of the list of pages.
const LIST: f32 = 232.0;
/// A line of text is read best up to about this width.
const TEXT: f32 = 720.0;

pub struct GuidePanel {
    cache: CommonMarkCache,
    /// The page in sight; another one begins at its top.
    shown: String,
}

impl Default for GuidePanel {
    fn default() -> Self {
        let mut cache = CommonMarkCache::default();
        pages().for_each(|page| cache.add_link_hook(format!("guide:{}", page.id)));
        Self { cache, shown: String::new() }
    }
}

impl GuidePanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        let p = theme::palette(ui);
        let narrow = ui.available_width() < 640.0;
        if !narrow {
            egui::Panel::left("guide-pages")
                .exact_size(LIST)
                .resizable(false)
                .show_separator_line(false)
                .frame(Frame::new().fill(p.bench).inner_margin(egui::Margin { left: 12, right: 4, top: 12, bottom: 0 }))
                .show(ui, |ui| list(ui, bench));
        }
        let open = page(bench.desks.guide.open_page()).or_else(|| page("start"));
        let Some(open) = open else { return };
        let turned = self.shown != open.id;
        if turned {
            self.shown = open.id.to_owned();
        }
        let mut area = ScrollArea::vertical().id_salt("guide-page").auto_shrink([false, false]);
        if turned {
            area = area.vertical_scroll_offset(0.0);
        }
        area.show(ui, |ui| {
            let width = (ui.available_width() - 48.0).min(TEXT);
            ui.horizontal_top(|ui| {
                ui.add_space(24.0);
                ui.vertical(|ui| {
                    ui.set_width(width);
                    ui.add_space(16.0);
                    if narrow {
                        seek(ui, bench);
                        ui.add_space(8.0);
                    }
                    self.page(ui, bench, open);
                    ui.add_space(32.0);
                });
            });
        });
    }

    fn page(&mut self, ui: &mut Ui, bench: &mut Bench, open: &'static Page) {
        ui.horizontal(|ui| {
            ui.add(Label::new(theme::heading(open.title())).wrap());
            ui.with_layout(egui::Layout::right_to_left(egui::Align::Center), |ui| {
                let back = IconButton::new(icons::ARROW_U_UP_LEFT, t!("guide.back"));
                if ui.add_enabled(!bench.desks.guide.read.is_empty(), back).clicked() {
                    bench.guide_back();
                }
            });
        });
        ui.add_space(8.0);
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
            reading_style(ui);
            CommonMarkViewer::new().default_width(Some(ui.available_width() as usize)).show(
                ui,
                &mut self.cache,
                open.body(),
            );
        });
        let followed = self.cache.link_hooks().iter().find(|(_, clicked)| **clicked).map(|(link, _)| link.clone());
        if let Some(id) = followed.as_deref().and_then(|link| link.strip_prefix("guide:")) {
            bench.open_guide(id);
        }
        ui.add_space(16.0);
        turn(ui, bench, open);
    }
}

/// Text a little larger and looser than in forms.
fn reading_style(ui: &mut Ui) {
    let p = theme::palette(ui);
    let style = ui.style_mut();
    style.text_styles.insert(egui::TextStyle::Heading, theme::strong_font(17.0));
    style.visuals.hyperlink_color = p.string;
    // Terms that stand out: the pages' bold words.
    style.visuals.widgets.active.fg_stroke.color = p.varnish;
    // Lines of text are no controls.
    style.spacing.interact_size.y = 18.0;
}

/// To the page before and the page after.
fn turn(ui: &mut Ui, bench: &mut Bench, open: &Page) {
    let (before, after) = neighbours(open.id);
    let mut go = None;
    ui.horizontal_wrapped(|ui| {
        for (page, icon, name) in
            [(before, icons::ARROW_LEFT, "guide.previous"), (after, icons::ARROW_RIGHT, "guide.next")]
        {
            let Some(page) = page else { continue };
            let button = Push::plain(page.title()).icon(icon).name(format!("{}: {}", say(name), page.title()));
            if ui.add(button).clicked() {
                go = Some(page.id);
            }
        }
    });
    if let Some(id) = go {
        bench.open_guide(id);
    }
}

fn seek(ui: &mut Ui, bench: &mut Bench) {
    let desk = &mut bench.desks.guide;
    let field = TextEdit::singleline(&mut desk.sought).desired_width(f32::INFINITY).hint_text(t!("guide.search_hint"));
    let field = ui.add(field.min_size(vec2(0.0, theme::CONTROL))).accessible_name(t!("guide.search"));
    if std::mem::take(&mut desk.seek) {
        field.request_focus();
    }
    if field.has_focus() && ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape)) {
        desk.sought.clear();
    }
    let first = search(&desk.sought).first().map(|hit| hit.page.id);
    if field.lost_focus()
        && ui.input(|i| i.key_pressed(Key::Enter))
        && let Some(id) = first
    {
        bench.open_guide(id);
    }
}

/// The chapters, or what was found.
fn list(ui: &mut Ui, bench: &mut Bench) {
    seek(ui, bench);
    ui.add_space(6.0);
    ScrollArea::vertical().id_salt("guide-list").auto_shrink([false, false]).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = 1.0;
        let sought = bench.desks.guide.sought.trim().to_owned();
        let open = bench.desks.guide.open_page().to_owned();
        let mut go = None;
        if sought.is_empty() {
            for chapter in CHAPTERS {
                ui.add_space(8.0);
                let title = theme::small(say(&format!("chapter.{}", chapter.name)));
                ui.label(title.color(theme::palette(ui).ink_soft));
                for page in chapter.pages {
                    if entry(ui, page, None, page.id == open) {
                        go = Some(page.id);
                    }
                }
            }
        } else {
            let hits = search(&sought);
            let found = t!("guide.found", n = hits.len());
            ui.label(theme::small(found).color(theme::palette(ui).ink_soft));
            for Hit { page, line } in hits {
                if entry(ui, page, Some(line), page.id == open) {
                    go = Some(page.id);
                }
            }
        }
        ui.add_space(16.0);
        if let Some(id) = go {
            bench.open_guide(id);
        }
    });
}

/// A page in the list, with the line that was found. True: clicked.
fn entry(ui: &mut Ui, page: &Page, line: Option<&str>, here: bool) -> bool {
    let p = theme::palette(ui);
    let height = if line.is_some() { 44.0 } else { 27.0 };
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width() - 6.0, height), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::accesskit::Role::Link, true, here, page.title()));
    if here || response.hovered() || response.has_focus() {
        let ground = if here { p.varnish_soft } else { p.raised };
        ui.painter().rect_filled(rect, CornerRadius::same(theme::RADIUS), ground);
    }
    let ink = if here { p.varnish } else { p.ink };
    let room = rect.width() - 16.0;
    let title = elided(ui, page.title(), egui::FontId::proportional(14.0), ink, room);
    ui.painter().galley(rect.min + vec2(8.0, 5.0), title, ink);
    if let Some(line) = line {
        let text = elided(ui, &plain(line), egui::FontId::proportional(12.0), p.ink_soft, room);
        ui.painter().galley(rect.min + vec2(8.0, 24.0), text, p.ink_soft);
    }
    response.on_hover_cursor(egui::CursorIcon::PointingHand).clicked()
}
