//! Exports: made on a thread of their own while the person says where to.

use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::export::{ExportKind, csv, html, png, svg, tensorboard};
use crate::library::{Order, StoredEval};
use crate::panels::Panel;
use crate::plot::{Chart, ChartAction, Look, charts_of_run, charts_of_runs, curves_of};
use crate::state::Run;
use crate::text::{speak, spoken, t};

/// A file that has no place yet.
#[derive(Debug)]
pub struct Pending {
    kind: ExportKind,
    bytes: JoinHandle<Result<Vec<u8>, String>>,
}

impl Bench {
    fn save(&mut self, kind: ExportKind, make: impl FnOnce() -> Result<Vec<u8>, String> + Send + 'static) {
        let language = spoken();
        let bytes = std::thread::spawn(move || {
            // The language is the thread's.
            speak(language);
            make()
        });
        self.desks.compare.pending = Some(Pending { kind, bytes });
        self.dialogs.ask(Ask::SaveExport(kind));
    }

    /// The place has been chosen; by then the file has long been made.
    pub(crate) fn write_export(&mut self, kind: ExportKind, mut path: PathBuf) {
        let Some(pending) = self.desks.compare.pending.take_if(|pending| pending.kind == kind) else { return };
        match pending.bytes.join() {
            Ok(Ok(bytes)) => {
                let named = path.file_name().is_some_and(|name| name.to_string_lossy().contains("tfevents"));
                let whole = path.extension().is_some_and(|e| e.eq_ignore_ascii_case(kind.ending()));
                if kind == ExportKind::TensorBoard && !named {
                    // TensorBoard passes over files without that word.
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    path.set_file_name(format!("{name}.tfevents.luthier"));
                } else if kind != ExportKind::TensorBoard && !whole {
                    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                    path.set_file_name(format!("{name}.{}", kind.ending()));
                }
                self.library.order(Order::Write { path, bytes });
            }
            Ok(Err(reason)) => self.notes.push(t!("export.failed", reason = reason)),
            Err(_) => self.notes.push(t!("export.failed", reason = "the drawing broke off")),
        }
    }

    /// Plots as they are looked at, or their numbers as they were measured.
    pub fn export_charts(&mut self, kind: ExportKind, charts: Vec<Chart>, look: Look) {
        self.save(kind, move || match kind {
            ExportKind::Png => png::png(&svg::svg(&charts, &look, false)),
            ExportKind::Csv => Ok(csv::curves(&charts).into_bytes()),
            _ => Ok(svg::svg(&charts, &look, false).into_bytes()),
        });
    }

    /// What a plot's menu asks for.
    pub fn export_chart(&mut self, chart: Chart, action: ChartAction) {
        let kind = match action {
            ChartAction::Png => ExportKind::Png,
            ChartAction::Svg => ExportKind::Svg,
            ChartAction::Csv => ExportKind::Csv,
            // The menu has copied it.
            ChartAction::Copy => return,
        };
        let comparing = self.panel == Panel::Runs;
        let look = if comparing { self.desks.compare.look.clone() } else { self.train_look() };
        self.export_charts(kind, vec![chart], look);
    }

    /// The overlay of the chosen runs.
    pub fn export_compared(&mut self, kind: ExportKind) {
        let charts = self.compared_charts();
        if !charts.is_empty() {
            let look = self.desks.compare.look.clone();
            self.export_charts(kind, charts, look);
        }
    }

    /// The run that an export is about: the focused one, else the first that is compared, else the one in Train.
    pub fn exported_run(&self) -> Option<String> {
        let focus = self.desks.runs.focus.clone();
        let first = focus.or_else(|| self.compared_ids().into_iter().next());
        let known = first.filter(|id| self.run_of(id).is_some());
        known.or_else(|| self.run_in_view().map(|run| run.id.clone()))
    }

    /// Everything of one run: a report, an event file, its numbers. Nothing happens while it has not been read.
    pub fn export_run(&mut self, id: &str, kind: ExportKind) {
        let run: Arc<Run> = match self.shelf.loaded.get(id) {
            Some(run) if self.state.run.as_ref().is_none_or(|own| own.id != id) => run.clone(),
            _ => match self.run_of(id) {
                Some(run) => Arc::new(run.clone()),
                None => {
                    self.want_events(id);
                    self.notes.push(t!("export.not_read"));
                    return;
                }
            },
        };
        let card = self.shelf.card(id);
        let name = card.map_or_else(|| id.to_owned(), |card| card.name.clone());
        let note = card.map(|card| card.note.clone()).unwrap_or_default();
        let colour = card.map_or(0, |card| card.colour);
        let of_run = |stored: &&StoredEval| stored.run.as_deref() == Some(id);
        let evaluations: Vec<StoredEval> = self.shelf.evaluations.iter().filter(of_run).cloned().collect();
        self.save(kind, move || {
            let curves = curves_of(&run);
            if kind == ExportKind::TensorBoard {
                let began = run.facts.as_ref().map_or(0, |facts| facts.started_unix_secs);
                return Ok(tensorboard::event_file(&curves, began));
            }
            if kind == ExportKind::Csv {
                let charts = charts_of_runs(&[(name.clone(), colour, &curves)]);
                return Ok(csv::curves(&charts).into_bytes());
            }
            let charts = charts_of_run(&curves);
            let report =
                html::Report { name: &name, note: &note, run: &run, charts: &charts, evaluations: &evaluations };
            Ok(html::html(&report).into_bytes())
        });
    }
}
