//! The item that is shown and what is decided on it, whatever the way of judging: decide, skip, flag, note, take back.

use std::sync::Arc;
use std::time::Instant;

use luthier_engine::feedback::{Mode, Verdict};

use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::labels::{Item, ItemId, Judgement, Lot, Order, QueueId};
use crate::panels::Panel;

/// A decision as it is told in the foot.
#[derive(Debug, Clone, PartialEq)]
pub struct Decided {
    pub item: ItemId,
    pub verdict: Verdict,
    /// As the item was shown.
    pub shown: Vec<usize>,
}

#[derive(Debug, Default)]
pub struct DecidingDesk {
    /// The item in front with its pass, and since when it is there.
    since: Option<((ItemId, u32), Instant)>,
    /// What is wrong with it, to go with the decision.
    pub tags: Vec<String>,
    /// A note while it is being written.
    pub note: Option<String>,
    /// On its way to the disk.
    pending: Option<Decided>,
    /// The item in front and how many decisions could be taken back when the last order went out: a lot in which both
    /// are the same was laid before it was carried out.
    awaited: Option<(Option<(ItemId, u32)>, usize)>,
    /// The last decision that was kept.
    pub last: Option<Decided>,
    /// Texts as they are stored; else Markdown is drawn.
    pub as_written: bool,
    /// The name of who labels, while it is being typed for the first time.
    pub name: String,
}

impl DecidingDesk {
    /// Seconds since the item in front was first shown.
    pub fn seconds(&self) -> f64 {
        self.since.map_or(0.0, |(_, since)| since.elapsed().as_secs_f64())
    }

    pub(super) fn failed(&mut self) {
        (self.pending, self.awaited) = (None, None);
    }
}

impl Bench {
    /// Puts a queue on the bench.
    pub fn open_queue(&mut self, queue: QueueId) {
        let annotator = self.settings.annotator.clone();
        self.labels.order(Order::Open { queue, annotator });
        let desk = &mut self.desks.label;
        if desk.open != Some(queue) {
            desk.lot = None;
            desk.now = DecidingDesk { as_written: desk.now.as_written, ..DecidingDesk::default() };
        }
        desk.deciding = false;
        (desk.now.pending, desk.now.last, desk.now.awaited) = (None, None, None);
        desk.open = Some(queue);
        desk.page = LabelPage::Bench;
        self.panel = Panel::Label;
    }

    pub(super) fn take_lot(&mut self, lot: Lot) {
        let desk = &mut self.desks.label;
        // A lot for whoever labelled before is late.
        if desk.open != Some(lot.queue) || lot.annotator != self.settings.annotator {
            return;
        }
        let before = desk.now.since.map(|(item, _)| item);
        let front = lot.items.first().map(|item| (item.id, item.pass));
        if desk.deciding && desk.now.awaited == Some((front, lot.progress.undoable)) {
            desk.lot = Some(lot);
            return;
        }
        desk.deciding = false;
        desk.problem = None;
        desk.now.awaited = None;
        let decided = desk.now.pending.take();
        if before != front {
            desk.now.since = front.map(|item| (item, Instant::now()));
            desk.now.tags.clear();
            desk.now.note = None;
            desk.single.new_tag = None;
            desk.pair.turn(before.map(|(id, _)| id).filter(|_| decided.is_none()));
        }
        if decided.is_some() {
            desk.now.last = decided;
        }
        desk.lot = Some(lot);
    }

    /// The item that is shown.
    pub fn item_in_front(&self) -> Option<&Arc<Item>> {
        self.desks.label.lot.as_ref()?.items.first()
    }

    /// The bench page is in front with an item of this way of judging, nothing is being written, and the last decision
    /// is on the disk: a key can decide.
    pub fn can_judge(&self, mode: Mode) -> bool {
        self.can_handle() && self.desks.label.open_card().is_some_and(|card| card.settings.mode == mode)
    }

    /// The same for what can be done whatever the way of judging.
    pub fn can_handle(&self) -> bool {
        self.at_the_bench()
            && self.item_in_front().is_some()
            && !self.desks.label.deciding
            && !self.settings.annotator.is_empty()
    }

    /// A queue is on the bench, the bench is in sight, and neither a note nor an answer is being written.
    pub fn at_the_bench(&self) -> bool {
        let desk = &self.desks.label;
        self.panel == Panel::Label
            && desk.page == LabelPage::Bench
            && desk.open.is_some()
            && desk.now.note.is_none()
            && desk.pair.writing.is_none()
            && !desk.finding.open
            && !desk.keys
    }

    /// Sends the verdict on the item in front to be kept. False where nothing can be decided now.
    pub fn decide(&mut self, verdict: Verdict) -> bool {
        let annotator = self.settings.annotator.clone();
        let desk = &mut self.desks.label;
        let (Some(queue), false, false) = (desk.open, desk.deciding, annotator.is_empty()) else { return false };
        let Some(lot) = &desk.lot else { return false };
        let Some(item) = lot.items.first() else { return false };
        desk.now.awaited = Some((Some((item.id, item.pass)), lot.progress.undoable));
        desk.now.pending = Some(Decided { item: item.id, verdict: verdict.clone(), shown: item.shown.clone() });
        let judgement = Judgement {
            queue,
            item: item.id,
            pass: item.pass,
            annotator,
            verdict,
            tags: desk.now.tags.clone(),
            note: item.note.clone(),
            seconds: desk.now.seconds(),
            shown: item.shown.clone(),
        };
        desk.deciding = true;
        self.labels.order(Order::Decide(Box::new(judgement)));
        true
    }

    pub fn skip_item(&mut self) {
        self.decide(Verdict::Skipped);
    }

    pub fn can_undo(&self) -> bool {
        let desk = &self.desks.label;
        self.at_the_bench() && !desk.deciding && desk.lot.as_ref().is_some_and(|lot| lot.progress.undoable > 0)
    }

    /// Takes the last decision back; its item comes to the front again.
    pub fn undo_decision(&mut self) {
        let annotator = self.settings.annotator.clone();
        let desk = &mut self.desks.label;
        let can = desk.lot.as_ref().is_some_and(|lot| lot.progress.undoable > 0);
        let (Some(queue), true, false) = (desk.open, can, desk.deciding) else { return };
        let front = desk.lot.as_ref().and_then(|lot| lot.items.first()).map(|item| (item.id, item.pass));
        desk.now.awaited = desk.lot.as_ref().map(|lot| (front, lot.progress.undoable));
        desk.deciding = true;
        desk.now.last = None;
        self.labels.order(Order::Undo { queue, annotator });
    }

    pub fn flag_item(&mut self) {
        let annotator = self.settings.annotator.clone();
        let desk = &mut self.desks.label;
        let (Some(queue), Some(lot)) = (desk.open, &mut desk.lot) else { return };
        let Some(item) = lot.items.first_mut().map(Arc::make_mut) else { return };
        item.flagged = !item.flagged;
        let (item, flagged) = (item.id, item.flagged);
        self.labels.order(Order::Flag { queue, item, annotator, flagged });
    }

    /// Begins to write a note on the item in front.
    pub fn write_note(&mut self) {
        self.desks.label.now.note = self.item_in_front().map(|item| item.note.clone());
    }

    /// Keeps the note that was written, `keep`, or leaves it as it was.
    pub fn end_note(&mut self, keep: bool) {
        let annotator = self.settings.annotator.clone();
        let desk = &mut self.desks.label;
        let (Some(note), true) = (desk.now.note.take(), keep) else { return };
        let (Some(queue), Some(lot)) = (desk.open, &mut desk.lot) else { return };
        let Some(item) = lot.items.first_mut().map(Arc::make_mut) else { return };
        note.trim().clone_into(&mut item.note);
        let (item, note) = (item.id, item.note.clone());
        self.labels.order(Order::Note { queue, item, annotator, note });
    }
}
