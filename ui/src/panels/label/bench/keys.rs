//! The keys on screen: all that the bench hears in the mode in front, made from the commands.

use egui::accesskit::Role;
use egui::{
    Align, Frame, Id, Key, KeyboardShortcut, Label, Layout, Modal, Modifiers, ScrollArea, Sense, Ui, WidgetInfo, vec2,
};
use luthier_engine::feedback::Mode;

use crate::bench::Bench;
use crate::command::{JudgingCommand as Judging, LabellingCommand as Labelling, Named, RankingCommand as Ranking};
use crate::text::t;
use crate::widgets::{IconButton, Keyed, elided, icon_label, keycap};
use crate::{icons, theme};

/// What is printed on the keys of a shortcut, one by one; arrows by the names that [`keycap`] draws.
pub fn caps(keys: KeyboardShortcut) -> Vec<String> {
    let held = egui::ModifierNames::NAMES.format(&keys.modifiers, cfg!(target_os = "macos"));
    let mut caps: Vec<String> = held.split('+').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    caps.push(match keys.logical_key {
        Key::ArrowUp => "up".into(),
        Key::ArrowDown => "down".into(),
        Key::ArrowLeft => "left".into(),
        Key::ArrowRight => "right".into(),
        Key::Space => t!("judging.space"),
        Key::Escape => "Esc".into(),
        key => key.symbol_or_name().to_owned(),
    });
    caps
}

/// The caps of all keys that a command hears, for a button.
pub fn all_caps(command: impl Named) -> Vec<String> {
    ways(command).into_iter().flatten().collect()
}

/// The keys that do the same, each as its caps.
fn ways(command: impl Named) -> Vec<Vec<String>> {
    let also = command.also().iter().map(|key| KeyboardShortcut::new(Modifiers::NONE, *key));
    command.shortcut().into_iter().chain(also).map(caps).collect()
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    Verdict,
    Wrong,
    About,
    Item,
}

impl Group {
    fn title(self) -> String {
        match self {
            Self::Verdict => t!("judging.keys_verdict"),
            Self::Wrong => t!("judging.keys_tags"),
            Self::About => t!("judging.keys_order"),
            Self::Item => t!("judging.keys_item"),
        }
    }
}

/// A command of the bench, or several that differ in a number only.
struct Line {
    group: Group,
    icon: char,
    label: String,
    /// Keys that do the same, or one for each number.
    ways: Vec<Vec<String>>,
}

impl Line {
    fn of(group: Group, command: impl Named) -> Self {
        Self { group, icon: command.icon(), label: command.label(), ways: ways(command) }
    }

    /// Without the area that stands before a command in the palette.
    fn of_bench(group: Group, command: Labelling) -> Self {
        let label = command.label();
        let own = label.split_once([':', '：']).map_or(label.as_str(), |(_, own)| own.trim());
        let mut letters = own.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
        Self { label: first + letters.as_str(), ..Self::of(group, command) }
    }

    fn said(&self) -> String {
        let ways: Vec<String> = self.ways.iter().map(|caps| caps.join("+")).collect();
        t!("judging.keys_row", label = self.label, keys = ways.join(", "))
    }
}

fn group_of(command: Labelling, mode: Mode) -> Option<Group> {
    match command {
        Labelling::ASlightly
        | Labelling::BSlightly
        | Labelling::A
        | Labelling::B
        | Labelling::Tie
        | Labelling::BothGood
        | Labelling::BothBad
        | Labelling::Edit
        | Labelling::Write
        | Labelling::KeepText
        | Labelling::Strength => (mode == Mode::Pair).then_some(Group::Verdict),
        Labelling::Differences => (mode == Mode::Pair).then_some(Group::Item),
        Labelling::Leave
        | Labelling::AsWritten
        | Labelling::Skip
        | Labelling::Flag
        | Labelling::Note
        | Labelling::Undo => Some(Group::Item),
        Labelling::Queues | Labelling::Bench | Labelling::Review | Labelling::Rounds => None,
    }
}

/// Every command with a key that is heard in this mode, grouped.
fn lines(bench: &Bench, mode: Mode) -> Vec<Line> {
    let mut lines = Vec::new();
    for command in Ranking::all().iter().filter(|_| mode == Mode::Rank) {
        match command {
            // One line for all digits.
            Ranking::Put(0) => lines.push(Line { label: t!("judging.put_any"), ..Line::of(Group::Verdict, *command) }),
            Ranking::Put(side) => {
                let answers = bench.item_in_front().map_or(6, |item| item.shown.len());
                if let Some(line) = lines.last_mut().filter(|_| *side < answers) {
                    line.ways.extend(ways(*command));
                }
            }
            Ranking::Tie | Ranking::Back | Ranking::Keep => lines.push(Line::of(Group::Verdict, *command)),
            _ => lines.push(Line::of(Group::About, *command)),
        }
    }
    for command in Labelling::all() {
        lines.extend(group_of(*command, mode).map(|group| Line::of_bench(group, *command)));
    }
    let offered = bench.offered_tags();
    for command in Judging::all() {
        let line = match command {
            Judging::Good | Judging::Bad => (mode == Mode::Single).then(|| Line::of(Group::Verdict, *command)),
            Judging::Tag(at) => {
                let tag = offered.get(*at).filter(|_| mode != Mode::Rank);
                tag.map(|tag| Line { label: tag.clone(), ..Line::of(Group::Wrong, *command) })
            }
            Judging::NewTag => (mode != Mode::Rank).then(|| Line::of(Group::Wrong, *command)),
            Judging::Find | Judging::Keys => Some(Line::of(Group::Item, *command)),
        };
        lines.extend(line);
    }
    lines.retain(|line| !line.ways.is_empty());
    // The plain keys first.
    lines.sort_by_key(|line| (line.group, line.ways[0].len()));
    lines
}

/// Small buttons of the foot that open the search and the keys.
pub fn openers(ui: &mut Ui, bench: &mut Bench) {
    let button = |ui: &mut Ui, command: Judging, word: String| {
        let keys = all_caps(command);
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        let name = command.label();
        ui.add_enabled(command.available(bench), Keyed::new(word, &keys).small().quiet().name(name)).clicked()
    };
    let (find, keys) =
        (button(ui, Judging::Find, t!("judging.find_short")), button(ui, Judging::Keys, t!("judging.keys_short")));
    if find {
        bench.open_finding();
    }
    if keys {
        bench.desks.label.keys = true;
    }
}

/// Draws the sheet while it is open.
pub fn sheet(ui: &mut Ui, bench: &mut Bench, mode: Mode) {
    if !bench.desks.label.keys {
        return;
    }
    let screen = ui.ctx().content_rect();
    let wide = screen.width() >= 760.0;
    let mut close = ui.input_mut(|i| i.consume_key(Modifiers::NONE, Key::Escape));
    let frame = Frame::popup(ui.style()).inner_margin(16);
    let modal = Modal::new(Id::unique("keys of the bench")).frame(frame).backdrop_color(theme::palette(ui).veil);
    let shown = modal.show(ui.ctx(), |ui| {
        let p = theme::palette(ui);
        ui.set_width((screen.width() - 64.0).min(if wide { 820.0 } else { 460.0 }));
        ui.spacing_mut().item_spacing = vec2(8.0, 4.0);
        ui.allocate_ui_with_layout(vec2(ui.available_width(), 28.0), Layout::left_to_right(Align::Center), |ui| {
            icon_label(ui, icons::KEYBOARD, 20.0, p.varnish);
            ui.add(Label::new(theme::heading(t!("judging.keys"))).selectable(false));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                close |= ui.add(IconButton::new(icons::X, t!("judging.close"))).clicked();
            });
        });
        ui.add(Label::new(theme::soft(ui, t!("judging.keys_about"))).selectable(false).wrap());
        ui.add_space(4.0);
        let lines = lines(bench, mode);
        let height = (screen.height() - 150.0).max(120.0);
        let area = ScrollArea::vertical().id_salt("keys").max_height(height).min_scrolled_height(height);
        area.auto_shrink([false, true]).show(ui, |ui| {
            if wide {
                // The left column is what is judged, the right one all the rest.
                ui.columns(2, |sides| {
                    let (left, right): (Vec<_>, Vec<_>) = lines.iter().partition(|l| l.group <= left_until(&lines));
                    groups(&mut sides[0], &left);
                    groups(&mut sides[1], &right);
                });
            } else {
                groups(ui, &lines.iter().collect::<Vec<_>>());
            }
        });
    });
    if close || shown.should_close() {
        bench.desks.label.keys = false;
    }
}

/// The last group of the left column: so that both are about as long.
fn left_until(lines: &[Line]) -> Group {
    let many = |until: Group| lines.iter().filter(|line| line.group <= until).count();
    let uneven = |until: &Group| many(*until).abs_diff(lines.len() - many(*until));
    [Group::Verdict, Group::Wrong, Group::About].into_iter().min_by_key(uneven).unwrap_or(Group::Verdict)
}

fn groups(ui: &mut Ui, lines: &[&Line]) {
    ui.with_layout(Layout::top_down(Align::Min), |ui| {
        ui.spacing_mut().item_spacing = vec2(8.0, 2.0);
        for group in lines.chunk_by(|a, b| a.group == b.group) {
            ui.add_space(8.0);
            ui.add(Label::new(theme::strong(group[0].group.title())).selectable(false));
            ui.add_space(2.0);
            for line in group {
                row(ui, line);
            }
        }
    });
}

/// The caps at the left, what they do at the right; read aloud as one.
fn row(ui: &mut Ui, line: &Line) {
    let p = theme::palette(ui);
    let width = ui.available_width();
    let row = ui.allocate_ui_with_layout(vec2(width, 26.0), Layout::left_to_right(Align::Center), |ui| {
        ui.spacing_mut().item_spacing.x = 3.0;
        let start = ui.cursor().left();
        for (at, way) in line.ways.iter().enumerate() {
            if at > 0 {
                ui.add_space(5.0);
            }
            way.iter().for_each(|cap| drop(keycap(ui, cap)));
        }
        ui.add_space((128.0 - (ui.cursor().left() - start)).max(8.0));
        icon_label(ui, line.icon, 15.0, p.ink_soft);
        ui.add_space(4.0);
        let room = width - (ui.cursor().left() - start);
        let label = elided(ui, &line.label, egui::FontId::proportional(13.0), p.ink, room);
        let (rect, _) = ui.allocate_exact_size(label.size(), Sense::hover());
        ui.painter().galley(rect.min, label, p.ink);
    });
    row.response.widget_info(|| WidgetInfo::labeled(Role::Label, true, line.said()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::UiCommand;
    use crate::testing::labels::labelling_bench;
    use crate::text::Language;

    /// What can be done by key with an item in front, and no list beside the commands that could forget one.
    #[test]
    fn every_key_that_is_heard_is_on_the_sheet() {
        for mode in [Mode::Pair, Mode::Single, Mode::Rank] {
            let (mut bench, _engine) = labelling_bench(Language::English, mode, 1);
            if let Some(desk) = bench.ranking() {
                (0..3).for_each(|side| desk.put(side));
            }
            let shown: Vec<Vec<String>> = lines(&bench, mode).into_iter().flat_map(|line| line.ways).collect();
            let mut heard = 0;
            for command in UiCommand::all() {
                let UiCommand::Area(_) = command else { continue };
                let Some(keys) = command.shortcut().filter(|_| command.available(&bench)) else { continue };
                // Those of the whole window are in the palette.
                if keys.modifiers.command {
                    continue;
                }
                heard += 1;
                assert!(shown.contains(&caps(keys)), "{command:?} is not on the sheet of {mode:?}");
            }
            assert!(heard > 8, "{heard} commands of {mode:?}");
            for also in [Key::Space, Key::Backspace] {
                assert!(shown.contains(&caps(KeyboardShortcut::new(Modifiers::NONE, also))), "{also:?} in {mode:?}");
            }
        }
    }
}
