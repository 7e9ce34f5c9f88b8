//! What can be done by name and by key: runs laid over one another.

use egui::{Key, KeyboardShortcut, Modifiers};

use super::{Around, Named};
use crate::bench::Bench;
use crate::desks::{ComparePage, RunsPage};
use crate::export::ExportKind;
use crate::icons;
use crate::panels::Panel;
use crate::text::t;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompareCommand {
    Show(ComparePage),
    Search,
    ShowAll,
    CopyResults,
    ExportPlots(ExportKind),
    ExportRun(ExportKind),
}

const PAGES: [ComparePage; 6] = [
    ComparePage::Overlay,
    ComparePage::Recipes,
    ComparePage::Results,
    ComparePage::Tradeoff,
    ComparePage::Answers,
    ComparePage::Parallel,
];

fn here(bench: &Bench) -> bool {
    bench.panel == Panel::Runs && bench.desks.runs.page == RunsPage::Compare
}

impl Named for CompareCommand {
    fn all() -> &'static [Self] {
        &[
            Self::Show(PAGES[0]),
            Self::Show(PAGES[1]),
            Self::Show(PAGES[2]),
            Self::Show(PAGES[3]),
            Self::Show(PAGES[4]),
            Self::Show(PAGES[5]),
            Self::Search,
            Self::ShowAll,
            Self::CopyResults,
            Self::ExportPlots(ExportKind::Svg),
            Self::ExportPlots(ExportKind::Png),
            Self::ExportPlots(ExportKind::Csv),
            Self::ExportRun(ExportKind::Html),
            Self::ExportRun(ExportKind::TensorBoard),
            Self::ExportRun(ExportKind::Csv),
        ]
    }

    fn label(self) -> String {
        match self {
            Self::Show(ComparePage::Overlay) => t!("compare_command.overlay"),
            Self::Show(ComparePage::Recipes) => t!("compare_command.recipes"),
            Self::Show(ComparePage::Results) => t!("compare_command.results"),
            Self::Show(ComparePage::Tradeoff) => t!("compare_command.tradeoff"),
            Self::Show(ComparePage::Answers) => t!("compare_command.answers"),
            Self::Show(ComparePage::Parallel) => t!("compare_command.parallel"),
            Self::Search => t!("compare_command.search"),
            Self::ShowAll => t!("compare_command.show_all"),
            Self::CopyResults => t!("compare_command.copy_results"),
            Self::ExportPlots(ExportKind::Png) => t!("compare_command.png"),
            Self::ExportPlots(ExportKind::Csv) => t!("compare_command.csv"),
            Self::ExportPlots(_) => t!("compare_command.svg"),
            Self::ExportRun(ExportKind::TensorBoard) => t!("compare_command.run_tensorboard"),
            Self::ExportRun(ExportKind::Csv) => t!("compare_command.run_csv"),
            Self::ExportRun(_) => t!("compare_command.run_html"),
        }
    }

    fn icon(self) -> char {
        match self {
            Self::Show(ComparePage::Overlay) => icons::CHART_LINE,
            Self::Show(ComparePage::Recipes) => icons::GIT_DIFF,
            Self::Show(ComparePage::Results) => icons::TABLE,
            Self::Show(ComparePage::Tradeoff) => icons::CHART_SCATTER,
            Self::Show(ComparePage::Answers) => icons::COLUMNS,
            Self::Show(ComparePage::Parallel) => icons::GRAPH,
            Self::Search => icons::MAGNIFYING_GLASS,
            Self::ShowAll => icons::EYE,
            Self::CopyResults => icons::COPY,
            Self::ExportPlots(_) => icons::IMAGE,
            Self::ExportRun(_) => icons::EXPORT,
        }
    }

    fn shortcut(self) -> Option<KeyboardShortcut> {
        let key = match self {
            Self::Show(ComparePage::Overlay) => Key::Num1,
            Self::Show(ComparePage::Recipes) => Key::Num2,
            Self::Show(ComparePage::Results) => Key::Num3,
            Self::Show(ComparePage::Tradeoff) => Key::Num4,
            Self::Show(ComparePage::Answers) => Key::Num5,
            Self::Show(ComparePage::Parallel) => Key::Num6,
            Self::Search => Key::Slash,
            Self::ShowAll | Self::CopyResults | Self::ExportPlots(_) | Self::ExportRun(_) => return None,
        };
        Some(KeyboardShortcut::new(Modifiers::NONE, key))
    }

    fn available(self, bench: &Bench) -> bool {
        match self {
            Self::Show(_) | Self::Search => here(bench),
            Self::ShowAll => here(bench) && !bench.desks.compare.hidden.is_empty(),
            Self::CopyResults | Self::ExportPlots(_) => here(bench) && !bench.desks.runs.chosen.is_empty(),
            Self::ExportRun(_) => bench.exported_run().is_some(),
        }
    }

    fn run(self, bench: &mut Bench, around: &mut Around<'_>) {
        match self {
            Self::Show(page) => bench.desks.compare.page = page,
            Self::Search => bench.desks.compare.wants_search = true,
            Self::ShowAll => bench.desks.compare.hidden.clear(),
            Self::CopyResults => {
                let results = bench.results();
                let order = results.order(bench.desks.compare.sort.as_ref());
                around.ctx.copy_text(results.csv(&order, |id| bench.run_name(id)));
                bench.notes.push(t!("note.copied"));
            }
            Self::ExportPlots(kind) => bench.export_compared(kind),
            Self::ExportRun(kind) => {
                if let Some(id) = bench.exported_run() {
                    bench.export_run(&id, kind);
                }
            }
        }
    }
}
