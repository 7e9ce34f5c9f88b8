//! Labels as files: in and out.

use std::path::PathBuf;

use luthier_engine::feedback::{Exporting, FileFormat, Holds, Mode, Ties};
use luthier_engine::protocol::Problem;

use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::dialogs::Ask;
use crate::format;
use crate::labels::{Order, Parcel, QueueId, QueueSettings};
use crate::panels::Panel;
use crate::state::Entry;
use crate::text::t;

#[derive(Debug, Default)]
pub struct ExchangeDesk {
    /// The window in which an export is put together.
    pub export: Option<ExportDesk>,
    /// The file that is being read into a queue.
    pub reading: Option<PathBuf>,
    /// What the last file brought, until the person puts it away.
    pub arrived: Option<Arrival>,
}

/// A queue that came from a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrival {
    pub queue: QueueId,
    pub items: usize,
    pub left_out: usize,
    /// Of the first row that was left out.
    pub reason: String,
}

#[derive(Debug)]
pub struct ExportDesk {
    pub queue: QueueId,
    pub name: String,
    pub mode: Mode,
    pub how: Exporting,
    /// What is being counted or written.
    asked: Option<(Exporting, bool)>,
    /// The last answer, and what it was about.
    told: Option<(Exporting, Result<Parcel, Problem>)>,
    /// A path as it is typed.
    pub path: String,
    /// What was written last.
    pub written: Vec<PathBuf>,
}

impl ExportDesk {
    /// Counts and first record of the choices that are shown; None while they are on their way.
    pub fn parcel(&self) -> Option<&Result<Parcel, Problem>> {
        self.told.as_ref().filter(|(how, _)| *how == self.how).map(|(_, parcel)| parcel)
    }

    pub fn writing(&self) -> bool {
        matches!(self.asked, Some((_, true)))
    }

    /// Whether there is something to write.
    pub fn ready(&self) -> bool {
        !self.writing() && matches!(self.parcel(), Some(Ok(parcel)) if parcel.train > 0)
    }

    /// The format, with ties as it is usual there.
    pub fn choose(&mut self, format: FileFormat) {
        let keeps = |format: FileFormat| format.holds() == Holds::Verdicts;
        if keeps(format) != keeps(self.how.format) {
            self.how.rules.ties = Exporting::to(format).rules.ties;
        }
        if format.holds() == Holds::Marks {
            self.how.rules.ties = Ties::LeaveOut;
        }
        self.how.format = format;
    }
}

impl Bench {
    /// Opens the window for a queue's labels.
    pub fn begin_export(&mut self, queue: QueueId) {
        let Some(card) = self.desks.label.card(queue) else { return };
        let mode = card.settings.mode;
        self.desks.label.exchange.export = Some(ExportDesk {
            queue,
            name: card.name.clone(),
            mode,
            how: Exporting::to(FileFormat::usual(mode)),
            asked: None,
            told: None,
            path: String::new(),
            written: Vec::new(),
        });
        self.panel = Panel::Label;
        self.desks.label.page = LabelPage::Queues;
        self.sync_export();
    }

    pub fn close_export(&mut self) {
        self.desks.label.exchange.export = None;
    }

    /// Asks for the counts of what is chosen, unless they are there or another answer is still to come.
    pub fn sync_export(&mut self) {
        let Some(desk) = &mut self.desks.label.exchange.export else { return };
        if desk.asked.is_some() || desk.parcel().is_some() {
            return;
        }
        desk.asked = Some((desk.how, false));
        let (queue, how) = (desk.queue, Box::new(desk.how));
        self.labels.order(Order::Export { queue, how, to: None });
    }

    pub fn ask_export_path(&mut self) {
        let Some(desk) = &self.desks.label.exchange.export else { return };
        let ask = if desk.how.format.is_folder() { Ask::LabelsFolder } else { Ask::SaveLabels(desk.how.format) };
        self.dialogs.ask(ask);
    }

    pub fn export_labels(&mut self, to: PathBuf) {
        let Some(desk) = &mut self.desks.label.exchange.export else { return };
        if !desk.ready() {
            return;
        }
        desk.asked = Some((desk.how, true));
        desk.written.clear();
        let (queue, how) = (desk.queue, Box::new(desk.how));
        self.labels.order(Order::Export { queue, how, to: Some(to) });
    }

    pub(super) fn labels_exported(&mut self, queue: QueueId, how: Exporting, parcel: Result<Parcel, Problem>) {
        if let Ok(parcel) = &parcel
            && let Some(path) = parcel.files.first()
        {
            self.notes.push(t!("note.written", path = format::path(path)));
        }
        if let Err(problem) = &parcel {
            self.state.log.add(Entry::Failed(problem.clone()));
        }
        if let Some(desk) = self.desks.label.exchange.export.as_mut().filter(|desk| desk.queue == queue) {
            desk.asked = None;
            desk.written = parcel.as_ref().map(|parcel| parcel.files.clone()).unwrap_or_default();
            desk.told = Some((how, parcel));
        }
        self.sync_export();
    }

    /// Makes a queue of a file with labels or answers.
    pub fn import_labels(&mut self, path: PathBuf) {
        let desk = &mut self.desks.label.exchange;
        (desk.reading, desk.arrived) = (Some(path.clone()), None);
        let settings = Box::new(QueueSettings::default());
        self.labels.order(Order::Import { path, settings, name: String::new() });
    }

    pub(super) fn labels_written(&mut self, path: PathBuf) {
        self.notes.push(t!("note.written", path = format::path(&path)));
    }

    pub(super) fn queue_imported(&mut self, queue: QueueId, items: usize, left_out: usize, reason: &str) {
        let desk = &mut self.desks.label.exchange;
        desk.reading = None;
        desk.arrived = Some(Arrival { queue, items, left_out, reason: reason.to_owned() });
        self.notes.push(t!("exchange.imported", n = format::count(items as u64)));
    }
}
