//! What can be done by name and by key: the table of the data file's rows.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::desks::{RowFilter, RowsPage};
use crate::dialogs::Ask;
use crate::icons;
use crate::panels::Panel;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsCommand {
    Next,
    Previous,
    PageDown,
    PageUp,
    First,
    Last,
    TokenEdges,
    Columns,
    ShowAll,
    ShowUnusable,
    ShowDuplicates,
    ShowNearEmpty,
    ShowCut,
    ShowRows,
    ShowLengths,
    ShowMix,
    AddData,
    ReadAgain,
}

impl RowsCommand {
    fn filter(self) -> Option<RowFilter> {
        match self {
            Self::ShowAll => Some(RowFilter::All),
            Self::ShowUnusable => Some(RowFilter::Unusable),
            Self::ShowDuplicates => Some(RowFilter::Duplicates),
            Self::ShowNearEmpty => Some(RowFilter::NearEmpty),
            Self::ShowCut => Some(RowFilter::Cut),
            _ => None,
        }
    }

    fn page(self) -> Option<RowsPage> {
        match self {
            Self::ShowRows => Some(RowsPage::Rows),
            Self::ShowLengths => Some(RowsPage::Lengths),
            Self::ShowMix => Some(RowsPage::Mix),
            _ => None,
        }
    }
}

impl Named for RowsCommand {
    fn all() -> &'static [Self] {
        &[
            Self::Next,
            Self::Previous,
            Self::PageDown,
            Self::PageUp,
            Self::First,
            Self::Last,
            Self::TokenEdges,
            Self::Columns,
            Self::ShowAll,
            Self::ShowUnusable,
            Self::ShowDuplicates,
            Self::ShowNearEmpty,
            Self::ShowCut,
            Self::ShowRows,
            Self::ShowLengths,
            Self::ShowMix,
            Self::AddData,
            Self::ReadAgain,
        ]
    }

    fn label(self) -> String {
        match self {
            Self::Next => t!("command.rows_next"),
            Self::Previous => t!("command.rows_previous"),
            Self::PageDown => t!("command.rows_page_down"),
            Self::PageUp => t!("command.rows_page_up"),
            Self::First => t!("command.rows_first"),
            Self::Last => t!("command.rows_last"),
            Self::TokenEdges => t!("command.rows_edges"),
            Self::Columns => t!("command.rows_columns"),
            Self::ShowAll => t!("command.rows_all"),
            Self::ShowUnusable => t!("command.rows_unusable"),
            Self::ShowDuplicates => t!("command.rows_duplicates"),
            Self::ShowNearEmpty => t!("command.rows_near_empty"),
            Self::ShowCut => t!("command.rows_cut"),
            Self::ShowRows => t!("command.rows_page_rows"),
            Self::ShowLengths => t!("command.rows_page_lengths"),
            Self::ShowMix => t!("command.rows_page_mix"),
            Self::AddData => t!("command.rows_add_data"),
            Self::ReadAgain => t!("command.rows_read_again"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::Next | Self::PageDown | Self::Last => icons::CARET_DOWN,
            Self::Previous | Self::PageUp | Self::First => icons::CARET_UP,
            Self::TokenEdges | Self::ShowCut => icons::SCISSORS,
            Self::Columns => icons::COLUMNS,
            Self::ShowAll | Self::ShowRows => icons::ROWS,
            Self::ShowUnusable => icons::WARNING_OCTAGON,
            Self::ShowDuplicates => icons::COPY_SIMPLE,
            Self::ShowNearEmpty => icons::ERASER,
            Self::ShowLengths => icons::RULER,
            Self::ShowMix => icons::CIRCLES_THREE_PLUS,
            Self::AddData => icons::PLUS,
            Self::ReadAgain => icons::ARROWS_CLOCKWISE,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let key = match self {
            Self::Next => Key::ArrowDown,
            Self::Previous => Key::ArrowUp,
            Self::PageDown => Key::PageDown,
            Self::PageUp => Key::PageUp,
            Self::First => Key::Home,
            Self::Last => Key::End,
            Self::TokenEdges => Key::T,
            Self::Columns => Key::C,
            Self::ShowAll => Key::A,
            Self::ShowDuplicates => Key::D,
            Self::ShowCut => Key::X,
            _ => return None,
        };
        Some(KeyboardShortcut::new(Modifiers::NONE, key))
    }

    fn available(self, bench: &Bench) -> bool {
        let here = bench.panel == Panel::Data && bench.state.data.summary.is_some();
        let rows = here && bench.desks.rows.page == RowsPage::Rows;
        match self {
            Self::AddData => bench.state.data.source.is_some(),
            Self::ReadAgain => here && bench.state.data.reading.is_none(),
            Self::ShowRows | Self::ShowLengths | Self::ShowMix => here && self.page() != Some(bench.desks.rows.page),
            _ => match self.filter() {
                Some(filter) => here && bench.has_rows(filter) && bench.desks.rows.filter != filter,
                None => rows,
            },
        }
    }

    fn run(self, bench: &mut Bench, _around: &mut Around<'_>) {
        let page = bench.row_page();
        match self {
            Self::Next => bench.step_row(1),
            Self::Previous => bench.step_row(-1),
            Self::PageDown => bench.step_row(page),
            Self::PageUp => bench.step_row(-page),
            Self::First => bench.step_row(isize::MIN),
            Self::Last => bench.step_row(isize::MAX),
            Self::TokenEdges => bench.desks.rows.edges = !bench.desks.rows.edges,
            Self::Columns => bench.desks.rows.columns = !bench.desks.rows.columns,
            Self::AddData => bench.dialogs.ask(Ask::MoreData),
            Self::ReadAgain => bench.read_data_again(),
            _ => {
                if let Some(filter) = self.filter() {
                    bench.filter_rows(filter);
                }
                if let Some(page) = self.page() {
                    bench.desks.rows.page = page;
                }
            }
        }
    }
}
