//! What lies on the bench: which item comes next, for whom, on which sides.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use luthier_engine::feedback::Verdict;
use rusqlite::{Connection, Result};

use super::chance::mixed;
use super::index::{Index, Slot, Who};
use super::rows::{self, Kind};
use super::{Again, DecisionId, Item, ItemId, ItemOrder, Progress, QueueId, QueueSettings};

mod lot;

/// Decisions of a person between their first look at an item and the second, blind one, unless nothing else is left.
const APART: usize = 20;
/// Decisions between two items that come back, unless nothing else is left.
const GAP: usize = 3;
/// Of an item whose margin is not known: it comes last.
const UNKNOWN: u64 = u64::MAX;

/// Where an item is, seen by the person who is labelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shelf {
    /// Some of its answers are still to come.
    Waiting,
    Fresh,
    /// To come back; this person has labelled it before.
    Mine,
    /// To come back; somebody else has.
    Others,
    Skipped,
}

/// A shelf with the number by which its items are sorted, or nowhere.
type Place = Option<(Shelf, u64)>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Marks {
    answered: bool,
    labelled: bool,
    skipped: bool,
    flagged: bool,
    again: bool,
    again_done: bool,
}

/// The item that is shown.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Front {
    pub at: usize,
    pub pass: u32,
    /// What this person had decided.
    pub earlier: Option<Verdict>,
}

/// How far the labelling has come.
pub(super) struct Course(Option<Front>, usize, Option<(usize, u32)>);

pub(super) struct Session {
    pub queue: QueueId,
    pub annotator: String,
    pub settings: QueueSettings,
    pub index: Index,
    pub front: Option<Front>,
    pub progress: Progress,
    me: Who,
    places: Vec<Place>,
    marks: Vec<Marks>,
    shelves: [BTreeSet<(u64, usize)>; 5],
    /// Verdicts of this person that can be taken back, each with its item.
    own: BTreeMap<DecisionId, usize>,
    /// Decisions since an item last came back.
    since_again: usize,
    /// What was decided last, and its pass: a key that was pressed twice decides it once.
    just: Option<(usize, u32)>,
    /// Skipped once more when nothing else was left: not again before the queue is opened anew.
    given_up: HashSet<usize>,
    /// Items of the last lot.
    ready: HashMap<(ItemId, u32), Arc<Item>>,
}

impl Session {
    pub fn open(books: &Connection, queue: QueueId, annotator: &str) -> Result<Option<Self>> {
        let Some(settings) = rows::settings(books, queue)? else { return Ok(None) };
        let mut index = Index::load(books, queue)?;
        let me = index.people.who(annotator);
        let count = index.slots.len();
        let mut session = Self {
            queue,
            annotator: annotator.to_owned(),
            settings,
            index,
            front: None,
            progress: Progress { items: count, ..Progress::default() },
            me,
            places: vec![None; count],
            marks: vec![Marks::default(); count],
            shelves: Default::default(),
            own: BTreeMap::new(),
            since_again: 0,
            just: None,
            given_up: HashSet::new(),
            ready: HashMap::new(),
        };
        for at in 0..count {
            session.settle(at);
        }
        Ok(Some(session))
    }

    /// Takes in what was written since the last time, by this window and by others.
    pub fn read_on(&mut self, books: &Connection) -> Result<()> {
        let mut touched = Vec::new();
        let (own, me) = (&mut self.own, self.me);
        let read = self.index.read_on(books, |at, slot| {
            touched.push(at);
            slot.standing.rows.iter().filter(|row| row.who == me).for_each(|row| {
                own.remove(&row.id);
            });
        });
        touched.iter().for_each(|at| self.settle(*at));
        read
    }

    /// Puts an item as it was before a change that came to nothing.
    pub fn put_back(&mut self, at: usize, slot: Slot) {
        for row in &self.index.slots[at].standing.rows {
            self.own.remove(&row.id);
        }
        self.index.slots[at] = slot;
        self.settle(at);
    }

    pub fn set_margin(&mut self, item: ItemId, margin: f32) {
        if let Some(at) = self.index.at(item) {
            self.index.slots[at].margin = Some(margin);
            self.settle(at);
        }
    }

    /// Works out where an item is now.
    fn settle(&mut self, at: usize) {
        let slot = &self.index.slots[at];
        let mine = slot.standing.rows.iter().filter(|row| row.who == self.me && row.kind == Kind::Verdict);
        self.own.extend(mine.map(|row| (row.id, at)));
        let place = self.place(at, slot);
        let (standing, drawn) = (&slot.standing, self.comes_back(slot.id));
        let marks = Marks {
            answered: slot.answered,
            labelled: standing.labelled(),
            skipped: standing.skipped(),
            flagged: standing.flag.1,
            again: drawn,
            again_done: drawn && standing.again_done(),
        };
        let before = std::mem::replace(&mut self.places[at], place);
        if before != place {
            if let Some((shelf, key)) = before {
                self.shelves[shelf as usize].remove(&(key, at));
            }
            if let Some((shelf, key)) = place {
                self.shelves[shelf as usize].insert((key, at));
            }
        }
        let before = std::mem::replace(&mut self.marks[at], marks);
        let count = &mut self.progress;
        for (number, before, now) in [
            (&mut count.answered, before.answered, marks.answered),
            (&mut count.labelled, before.labelled, marks.labelled),
            (&mut count.skipped, before.skipped, marks.skipped),
            (&mut count.flagged, before.flagged, marks.flagged),
            (&mut count.again, before.again, marks.again),
            (&mut count.again_done, before.again_done, marks.again_done),
        ] {
            *number = *number + usize::from(now) - usize::from(before);
        }
        count.undoable = self.own.len();
    }

    fn place(&self, at: usize, slot: &Slot) -> Place {
        if !slot.answered {
            return Some((Shelf::Waiting, self.rank(at)));
        }
        let latest = || slot.standing.latest();
        if latest().any(|row| row.kind == Kind::LastWord) {
            return None;
        }
        let first = || latest().filter(|row| row.pass == 0);
        let mine = first().find(|row| row.who == self.me);
        // What a file says is there to be checked: it keeps nobody from judging.
        let labelled =
            first().filter(|row| row.counts && row.kind != Kind::Import).max_by_key(|row| (row.who == self.me, row.id));
        let Some(labelled) = labelled else {
            return Some(match mine {
                Some(skip) => (Shelf::Skipped, skip.id as u64),
                None => (Shelf::Fresh, self.rank(at)),
            });
        };
        let again = || latest().filter(|row| row.pass > 0);
        if !self.comes_back(slot.id) || again().any(|row| row.counts || row.who == self.me) {
            return None;
        }
        let by_me = labelled.who == self.me;
        match self.settings.again_by {
            Again::SamePerson if !by_me => None,
            Again::OtherPerson if by_me => None,
            _ if by_me => Some((Shelf::Mine, labelled.id as u64)),
            _ => Some((Shelf::Others, labelled.id as u64)),
        }
    }

    /// By which an item's turn comes.
    fn rank(&self, at: usize) -> u64 {
        let slot = &self.index.slots[at];
        match self.settings.order {
            ItemOrder::AsTheyCome => at as u64,
            ItemOrder::Random => mixed(&[self.settings.seed, slot.id as u64]),
            // The bits of floats that are not negative are in the order of the floats.
            ItemOrder::LeastSure => slot.margin.map_or(UNKNOWN, |margin| u64::from(margin.abs().to_bits())),
        }
    }

    /// Whether it was drawn to be labelled a second time.
    fn comes_back(&self, item: ItemId) -> bool {
        let drawn = mixed(&[self.settings.seed, item as u64, 1]);
        // Of the unit interval.
        ((drawn >> 11) as f64 / (1_u64 << 53) as f64) < self.settings.again_share
    }

    // What comes next ---------------------------------------------------------------------------------------------

    fn shelf(&self, shelf: Shelf) -> impl Iterator<Item = usize> {
        self.shelves[shelf as usize].iter().map(|(_, at)| *at)
    }

    /// The item after `since` decisions since one last came back; none of `taken`.
    fn next(&self, taken: &HashSet<usize>, since: usize) -> Option<(usize, u32)> {
        let free = |at: &usize| !taken.contains(at);
        let again = || {
            let far = |id: &u64| self.own.range(*id as DecisionId + 1..).take(APART).count() == APART;
            let mine = self.shelves[Shelf::Mine as usize].iter().take_while(|(id, _)| far(id));
            mine.map(|(_, at)| *at).find(free).or_else(|| self.shelf(Shelf::Others).find(free))
        };
        let due = if since >= GAP { again() } else { None };
        if let Some(at) = due {
            return Some((at, 1));
        }
        if let Some(at) = self.shelf(Shelf::Fresh).find(free) {
            return Some((at, 0));
        }
        if let Some(at) = again() {
            return Some((at, 1));
        }
        if !self.shelves[Shelf::Waiting as usize].is_empty() {
            return None;
        }
        if let Some(at) = self.shelf(Shelf::Mine).find(free) {
            return Some((at, 1));
        }
        self.shelf(Shelf::Skipped).find(|at| free(at) && !self.given_up.contains(at)).map(|at| (at, 0))
    }

    /// Chooses what is shown, where nothing is; nothing that is on the screen of another window.
    pub fn choose(&mut self, elsewhere: &[ItemId]) {
        if self.front.is_none() {
            let taken = self.taken(elsewhere);
            self.front = self.next(&taken, self.since_again).map(|(at, pass)| Front { at, pass, earlier: None });
        }
    }

    fn taken(&self, elsewhere: &[ItemId]) -> HashSet<usize> {
        elsewhere.iter().filter_map(|item| self.index.at(*item)).collect()
    }

    pub fn front_item(&self) -> Option<ItemId> {
        self.front.as_ref().map(|front| self.index.slots[front.at].id)
    }

    /// A decision about an item was made: the bench is free for the next.
    pub fn decided(&mut self, at: usize, pass: u32, skipped: bool) {
        self.since_again = if pass > 0 { 0 } else { self.since_again + 1 };
        self.just = Some((at, pass));
        let last = matches!(self.places[at], Some((Shelf::Skipped, _)));
        let nothing_else = Shelf::Fresh as usize..=Shelf::Others as usize;
        if skipped && last && self.shelves[nothing_else].iter().all(BTreeSet::is_empty) {
            self.given_up.insert(at);
        }
        self.leave(at);
    }

    /// It does not lie in front any more.
    pub fn leave(&mut self, at: usize) {
        if self.front.as_ref().is_some_and(|front| front.at == at) {
            self.front = None;
        }
    }

    /// Puts an item in front, whatever is there.
    pub fn call(&mut self, front: Front) {
        self.front = Some(front);
        self.just = None;
    }

    /// It was decided just now, and something else, or nothing, is in front since.
    pub fn is_doubled(&self, at: usize, pass: u32) -> bool {
        self.just == Some((at, pass)) && self.front.as_ref().is_none_or(|front| (front.at, front.pass) != (at, pass))
    }

    pub fn course(&self) -> Course {
        Course(self.front.clone(), self.since_again, self.just)
    }

    /// As before something that came to nothing.
    pub fn restore(&mut self, course: Course) {
        Course(self.front, self.since_again, self.just) = course;
    }

    pub fn given_back(&mut self, at: usize) {
        self.given_up.remove(&at);
    }

    /// What this person's latest verdict on an item is, and its pass.
    pub fn mine(&self, at: usize) -> Option<(DecisionId, u32)> {
        let latest = self.index.slots[at].standing.latest();
        let mine = latest.filter(|row| row.who == self.me && row.kind != Kind::LastWord);
        mine.max_by_key(|row| row.id).map(|row| (row.id, row.pass))
    }

    /// The last verdict of this person, and its item.
    pub fn last_own(&self) -> Option<(DecisionId, usize)> {
        self.own.last_key_value().map(|(id, at)| (*id, *at))
    }

    /// Items that still want answers, in the order in which they will be needed.
    pub fn waiting(&self) -> impl Iterator<Item = ItemId> {
        self.shelf(Shelf::Waiting).map(|at| self.index.slots[at].id)
    }

    /// Items to be labelled whose margin is not known.
    pub fn unscored(&self) -> impl Iterator<Item = usize> {
        self.shelf(Shelf::Fresh).filter(|at| self.index.slots[*at].margin.is_none())
    }
}
