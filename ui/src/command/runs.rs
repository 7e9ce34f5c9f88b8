//! What can be done by name and by key: the list of every run: search, order, choice.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::desks::{Place, RunsPage};
use crate::dialogs::Ask;
use crate::icons;
use crate::library::{Order, RunStatus};
use crate::panels::{Panel, runs};
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunsCommand {
    ShowList,
    Search,
    Open,
    Again,
    Compare,
    Try,
    Evaluate,
    GoOn,
    Star,
    Archive,
    Delete,
    Undo,
    ChooseAll,
    ChooseNone,
    CopyCsv,
    AddFolder,
    Refresh,
    ShowBin,
    BackToCurrent,
}

impl Named for RunsCommand {
    fn all() -> &'static [Self] {
        &[
            Self::ShowList,
            Self::Search,
            Self::Open,
            Self::Again,
            Self::Compare,
            Self::Try,
            Self::Evaluate,
            Self::GoOn,
            Self::Star,
            Self::Archive,
            Self::Delete,
            Self::Undo,
            Self::ChooseAll,
            Self::ChooseNone,
            Self::CopyCsv,
            Self::AddFolder,
            Self::Refresh,
            Self::ShowBin,
            Self::BackToCurrent,
        ]
    }

    fn label(self) -> String {
        match self {
            Self::ShowList => t!("runs_command.list"),
            Self::Search => t!("runs_command.search"),
            Self::Open => t!("runs_command.open"),
            Self::Again => t!("runs_command.again"),
            Self::Compare => t!("runs_command.compare"),
            Self::Try => t!("runs_command.try"),
            Self::Evaluate => t!("runs_command.evaluate"),
            Self::GoOn => t!("runs_command.go_on"),
            Self::Star => t!("runs_command.star"),
            Self::Archive => t!("runs_command.archive"),
            Self::Delete => t!("runs_command.delete"),
            Self::Undo => t!("runs_command.undo"),
            Self::ChooseAll => t!("runs_command.choose_all"),
            Self::ChooseNone => t!("runs_command.choose_none"),
            Self::CopyCsv => t!("runs_command.copy_csv"),
            Self::AddFolder => t!("runs_command.add_folder"),
            Self::Refresh => t!("runs_command.refresh"),
            Self::ShowBin => t!("runs_command.bin"),
            Self::BackToCurrent => t!("runs_command.back_to_current"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::ShowList => icons::ROWS,
            Self::Search => icons::MAGNIFYING_GLASS,
            Self::Open => icons::CHART_LINE,
            Self::Again => icons::COPY_SIMPLE,
            Self::Compare => icons::CHART_SCATTER,
            Self::Try => icons::CHATS_CIRCLE,
            Self::Evaluate => icons::EXAM,
            Self::GoOn => icons::PLAY,
            Self::Star => icons::STAR,
            Self::Archive => icons::ARCHIVE,
            Self::Delete | Self::ShowBin => icons::TRASH,
            Self::Undo => icons::ARROW_U_UP_LEFT,
            Self::ChooseAll => icons::LIST_CHECKS,
            Self::ChooseNone => icons::X,
            Self::CopyCsv => icons::COPY,
            Self::AddFolder => icons::FOLDER_OPEN,
            Self::Refresh => icons::ARROWS_CLOCKWISE,
            Self::BackToCurrent => icons::ARROW_LEFT,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let key = match self {
            Self::Search => Key::Slash,
            Self::Again => Key::A,
            Self::Compare => Key::C,
            Self::Star => Key::S,
            Self::Delete => Key::Delete,
            _ => return None,
        };
        Some(KeyboardShortcut::new(Modifiers::NONE, key))
    }

    fn available(self, bench: &Bench) -> bool {
        let desk = &bench.desks.runs;
        let list = bench.panel == Panel::Runs && desk.page == RunsPage::List;
        let focus = || bench.focused_card().filter(|_| list);
        match self {
            Self::ShowList => !list,
            Self::Search => list,
            Self::Open => focus().is_some_and(|card| card.status != RunStatus::Missing),
            Self::Again => focus().is_some(),
            Self::Try => focus().is_some_and(|card| bench.can_try(&card.id)),
            Self::GoOn => focus().is_some_and(|card| runs::can_go_on(bench, card)),
            Self::Compare | Self::Evaluate | Self::Star | Self::Archive => list && !bench.meant_runs().is_empty(),
            Self::Delete => list && desk.search.place != Place::Bin && !bench.meant_runs().is_empty(),
            Self::Undo => desk.can_undo(),
            Self::ChooseAll | Self::CopyCsv => list && !bench.shelf.runs.is_empty(),
            Self::ChooseNone => !desk.chosen.is_empty(),
            Self::AddFolder | Self::Refresh => true,
            Self::ShowBin => !list || desk.search.place != Place::Bin,
            Self::BackToCurrent => desk.opened.is_some(),
        }
    }

    fn run(self, bench: &mut Bench, around: &mut Around<'_>) {
        let meant = bench.meant_runs();
        let focus = bench.desks.runs.focus.clone().unwrap_or_default();
        match self {
            Self::ShowList => show(bench, Place::Shelf),
            Self::Search => bench.desks.runs.wants_search = true,
            Self::Open => bench.open_run(&focus),
            Self::Again => bench.again(&focus),
            Self::Compare => bench.compare_runs(meant),
            Self::Try => bench.try_run(&focus),
            Self::Evaluate => bench.evaluate_runs(meant),
            Self::GoOn => bench.go_on_with(&focus),
            Self::Star => bench.star_runs(meant),
            Self::Archive => bench.archive_runs(meant),
            Self::Delete => bench.delete_runs(meant),
            Self::Undo => bench.undo_runs(),
            Self::ChooseAll => bench.choose_all(),
            Self::ChooseNone => bench.desks.runs.chosen.clear(),
            Self::CopyCsv => {
                around.ctx.copy_text(runs::csv(bench));
                bench.notes.push(t!("note.copied"));
            }
            Self::AddFolder => bench.dialogs.ask(Ask::RunFolder),
            Self::Refresh => bench.library.order(Order::Refresh),
            Self::ShowBin => show(bench, Place::Bin),
            Self::BackToCurrent => {
                bench.close_opened();
                bench.panel = Panel::Train;
            }
        }
    }
}

fn show(bench: &mut Bench, place: Place) {
    (bench.panel, bench.desks.runs.page) = (Panel::Runs, RunsPage::List);
    bench.desks.runs.search.place = place;
}
