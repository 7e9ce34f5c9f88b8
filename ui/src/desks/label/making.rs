//! Queues: the list of them, and a new one as it is put together.

use std::path::PathBuf;
use std::sync::Arc;

use luthier_engine::data::{FilePrompts, Mapping};
use luthier_engine::protocol::Problem;

use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::dialogs::Ask;
use crate::labels::{Draft, NewItem, Order, QueueId};
use crate::panels::Panel;
use crate::text::t;

mod draft;

pub use draft::{Plan, PromptsFrom, QueueDraft, RANKED, Voice};

/// What came out of a file of prompts, or why nothing did.
#[derive(Debug, Clone)]
pub struct PromptsRead {
    pub path: PathBuf,
    pub read: Result<Arc<FilePrompts>, Problem>,
}

#[derive(Debug, Default)]
pub struct MakingDesk {
    /// The card in which a queue is put together is open.
    pub making: bool,
    pub draft: QueueDraft,
    /// The file that is being read.
    reading: Option<(PathBuf, Option<Mapping>)>,
    /// The file that was read last, with the meaning of its columns that was asked for.
    read: Option<(PromptsRead, Option<Mapping>)>,
    /// The draft was ordered; it is let go when its queue is there.
    ordered: bool,
    /// The queue is made as soon as its prompts are read.
    at_once: bool,
    pub show_archived: bool,
    /// The name that is being changed, and the field has the focus already.
    pub renaming: Option<(QueueId, String, bool)>,
    /// Archived last, to be brought back.
    pub archived: Option<QueueId>,
}

impl MakingDesk {
    pub fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// The prompts that were read, where they are those of `path`.
    pub fn read_of(&self, path: &std::path::Path) -> Option<&PromptsRead> {
        self.read.as_ref().map(|(read, _)| read).filter(|read| read.path == path)
    }
}

impl Bench {
    /// Opens the card in which a queue is put together, with what is likely filled in.
    pub fn begin_queue(&mut self) {
        self.panel = Panel::Label;
        self.desks.label.page = LabelPage::Queues;
        self.desks.label.making.making = true;
        let fresh = self.desks.label.making.draft == QueueDraft::default();
        if fresh && self.loaded_prompts().is_some() {
            self.desks.label.making.draft.from = PromptsFrom::Loaded;
        }
        self.fill_voices();
        self.read_prompts();
    }

    pub fn close_making(&mut self) {
        let making = &mut self.desks.label.making;
        (making.making, making.at_once) = (false, false);
    }

    /// Each answer gets the likeliest model that is there: the one that is loaded. A model that is gone is left out.
    pub(crate) fn fill_voices(&mut self) {
        let all = self.examinees();
        let first = all.first().map(|examinee| examinee.subject.clone());
        let draft = &mut self.desks.label.making.draft;
        draft.fit_voices();
        for voice in &mut draft.voices {
            if voice.subject.as_ref().is_none_or(|subject| !all.iter().any(|known| known.subject == *subject)) {
                voice.subject.clone_from(&first);
            }
        }
    }

    /// The dataset in sight in Data, whose questions can be asked.
    pub fn loaded_prompts(&self) -> Option<PathBuf> {
        self.state.data.source.as_ref().filter(|_| self.state.data.summary.is_some()).map(|source| source.path.clone())
    }

    /// The file that the draft's prompts come from.
    pub fn prompts_file(&self) -> Option<PathBuf> {
        let draft = &self.desks.label.making.draft;
        match draft.from {
            PromptsFrom::Loaded => self.loaded_prompts(),
            PromptsFrom::File | PromptsFrom::Answered => {
                let typed = draft.file.trim().trim_matches('"');
                (!typed.is_empty()).then(|| typed.into())
            }
            PromptsFrom::Typed => None,
        }
    }

    /// Has the labels' thread read the draft's file, unless that was done.
    pub fn read_prompts(&mut self) {
        let from = self.desks.label.making.draft.from;
        let Some(path) = self.prompts_file().filter(|_| from != PromptsFrom::Answered) else { return };
        let mapping = (from == PromptsFrom::Loaded).then(|| self.chosen_mapping().cloned()).flatten();
        let making = &mut self.desks.label.making;
        let known = making.read.as_ref().is_some_and(|(read, by)| read.path == path && *by == mapping);
        let asked = (path.clone(), mapping.clone());
        if known || making.reading.as_ref() == Some(&asked) {
            return;
        }
        making.reading = Some(asked);
        self.labels.order(Order::ReadPrompts { path, mapping: mapping.map(Box::new) });
    }

    /// Reads the file anew, as when it was not there before.
    pub fn read_prompts_again(&mut self) {
        self.desks.label.making.read = None;
        self.read_prompts();
    }

    pub(super) fn prompts_came(&mut self, path: PathBuf, read: Result<Arc<FilePrompts>, Problem>) {
        let making = &mut self.desks.label.making;
        let Some((asked, mapping)) = making.reading.take_if(|(asked, _)| *asked == path) else { return };
        making.read = Some((PromptsRead { path: asked, read }, mapping));
        if std::mem::take(&mut making.at_once) {
            // Where it cannot be made, the card says why.
            self.desks.label.making.making = !self.can_make_queue();
            self.make_queue();
        }
    }

    pub fn ask_prompts_file(&mut self) {
        self.dialogs.ask(Ask::PromptsFile);
    }

    pub(crate) fn choose_prompts_file(&mut self, path: PathBuf) {
        let draft = &mut self.desks.label.making.draft;
        draft.file = path.display().to_string();
        if !matches!(draft.from, PromptsFrom::File | PromptsFrom::Answered) {
            draft.from = PromptsFrom::File;
        }
        self.read_prompts_again();
    }

    /// What the draft would make; None while something is missing.
    pub fn queue_plan(&self) -> Option<Plan> {
        let desk = &self.desks.label.making;
        desk.draft.plan(self.prompts_file().as_deref().and_then(|path| desk.read_of(path)))
    }

    /// Whether the draft is complete: prompts, and a model for each answer.
    pub fn can_make_queue(&self) -> bool {
        let draft = &self.desks.label.making.draft;
        if draft.from == PromptsFrom::Answered {
            return self.prompts_file().is_some();
        }
        self.queue_plan().is_some_and(|plan| plan.prompts > 0) && !draft.voices.iter().any(|v| v.subject.is_none())
    }

    pub fn make_queue(&mut self) {
        if !self.can_make_queue() {
            return;
        }
        let file = self.prompts_file();
        let settings = self.drafted_settings(file.as_deref());
        let draft = &self.desks.label.making.draft;
        let name = draft.own_or_given_name(file.as_deref());
        if let (PromptsFrom::Answered, Some(path)) = (draft.from, file.clone()) {
            let name = draft.name.trim().to_owned();
            self.desks.label.exchange.reading = Some(path.clone());
            self.labels.order(Order::Import { path, settings: Box::new(settings), name });
        } else {
            let read = file.as_deref().and_then(|path| self.desks.label.making.read_of(path));
            let item = |(row, prompt): (usize, Vec<_>)| NewItem {
                prompt,
                row: (draft.from != PromptsFrom::Typed).then_some(row),
                ..NewItem::default()
            };
            let items = draft.chosen_prompts(read).into_iter().map(item).collect();
            self.labels.order(Order::MakeQueue(Box::new(Draft { name, settings, parent: None, items })));
        }
        (self.desks.label.making.making, self.desks.label.making.ordered) = (false, true);
    }

    /// One click: pairs of two samplings of the loaded model, from the dataset that is loaded.
    pub fn make_likely_queue(&mut self) {
        if !self.can_make_likely_queue() {
            return;
        }
        self.desks.label.making.draft = QueueDraft { from: PromptsFrom::Loaded, ..QueueDraft::default() };
        self.panel = Panel::Label;
        self.desks.label.page = LabelPage::Queues;
        self.fill_voices();
        self.read_prompts();
        if self.desks.label.making.is_reading() {
            self.desks.label.making.at_once = true;
        } else {
            self.make_queue();
        }
    }

    pub fn can_make_likely_queue(&self) -> bool {
        self.state.model.ready().is_some() && self.loaded_prompts().is_some() && !self.desks.label.making.is_reading()
    }

    // The list ---------------------------------------------------------------------------------------------------

    /// A queue of this window is there: its answers are generated, and it goes onto the bench, unless the person is
    /// busy elsewhere.
    pub(super) fn queue_made(&mut self, queue: QueueId) {
        if self.made_of_turns(queue) {
            return;
        }
        if std::mem::take(&mut self.desks.label.making.ordered) {
            self.desks.label.making.draft = QueueDraft::default();
        }
        self.wish_ahead(queue);
        if self.panel == Panel::Label && !self.desks.label.making.making {
            self.open_queue(queue);
        }
    }

    pub fn begin_rename(&mut self, queue: QueueId) {
        let name = self.desks.label.card(queue).map(|card| card.name.clone());
        self.desks.label.making.renaming = name.map(|name| (queue, name, false));
    }

    /// An empty name changes nothing.
    pub fn rename_queue(&mut self) {
        let Some((queue, name, _)) = self.desks.label.making.renaming.take() else { return };
        let name = name.trim().to_owned();
        if !name.is_empty() && self.desks.label.card(queue).is_some_and(|card| card.name != name) {
            self.labels.order(Order::RenameQueue { queue, name });
        }
    }

    /// Out of sight; nothing is lost, and generating for it ends.
    pub fn archive_queue(&mut self, queue: QueueId) {
        self.pause_ahead(queue);
        self.labels.order(Order::ArchiveQueue { queue, archived: true });
        self.desks.label.making.archived = Some(queue);
        if self.desks.label.open == Some(queue) {
            self.labels.order(Order::Close);
            (self.desks.label.open, self.desks.label.lot) = (None, None);
        }
    }

    pub fn unarchive_queue(&mut self, queue: QueueId) {
        self.labels.order(Order::ArchiveQueue { queue, archived: false });
        self.desks.label.making.archived.take_if(|archived| *archived == queue);
    }

    /// The name of the queue that was archived last, while it can be brought back.
    pub fn archived_last(&self) -> Option<(QueueId, String)> {
        let queue = self.desks.label.making.archived?;
        Some((queue, self.desks.label.card(queue).map_or_else(|| t!("making.this_queue"), |card| card.name.clone())))
    }
}
