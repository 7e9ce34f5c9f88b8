//! The labelling bench: what the Label panel, its keys and its commands share.

use std::sync::mpsc::{Receiver, channel};

use luthier_engine::protocol::Problem;

use crate::bench::Bench;
use crate::labels::{Answer, Lot, QueueCard, QueueId};
use crate::state::Entry;
use crate::text::t;

mod ahead;
mod annotators;
mod deciding;
mod exchange;
mod finding;
mod making;
mod pair;
mod rank;
mod review;
mod rounds;
mod settling;
mod single;

pub use ahead::{Ahead, AheadDesk, WaitsFor};
pub use deciding::DecidingDesk;
pub use exchange::{ExchangeDesk, ExportDesk};
pub use finding::FindingDesk;
pub use making::{MakingDesk, Plan, PromptsFrom, QueueDraft, RANKED, Voice};
pub use pair::PairDesk;
pub use rank::RankDesk;
pub use review::{Insight, ReviewDesk, TELLING};
pub use rounds::{Counted, LEAST_PROMPTS, LessonDesk, Link, Numbers, RoundsDesk, STAGES, Start};
pub use settling::{Disputed, FinalWord};
pub use single::SingleDesk;

/// Which page of the Label panel is in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LabelPage {
    #[default]
    Queues,
    Bench,
    Review,
    Rounds,
}

/// View state that commands and panels share. What a person does with it is `impl Bench` in this folder.
#[derive(Debug, Default)]
pub struct LabelDesk {
    pub page: LabelPage,
    /// All of them, newest first.
    pub cards: Vec<QueueCard>,
    /// The queue on the bench.
    pub open: Option<QueueId>,
    /// What lies on the bench; the first item is shown.
    pub lot: Option<Lot>,
    /// A decision is on its way to the disk; the screen moves on when it is there.
    pub deciding: bool,
    /// What the database has last been unable to do, until the person puts it away or it works again.
    pub problem: Option<Problem>,
    /// The item in front, and what is being decided on it.
    pub now: DecidingDesk,
    pub pair: PairDesk,
    pub single: SingleDesk,
    pub rank: RankDesk,
    pub finding: FindingDesk,
    /// The keys are on screen.
    pub keys: bool,
    pub making: MakingDesk,
    pub ahead: AheadDesk,
    pub exchange: ExchangeDesk,
    pub review: ReviewDesk,
    pub rounds: RoundsDesk,
}

impl LabelDesk {
    pub fn card(&self, id: QueueId) -> Option<&QueueCard> {
        self.cards.iter().find(|card| card.id == id)
    }

    pub fn open_card(&self) -> Option<&QueueCard> {
        self.open.and_then(|id| self.card(id))
    }
}

/// Work within this frame where it is small, else on a thread of its own.
fn beside<T: Send + 'static>(small: bool, work: impl FnOnce() -> T + Send + 'static) -> Receiver<T> {
    let (done, made) = channel();
    if small {
        drop(done.send(work()));
    } else {
        std::thread::spawn(move || done.send(work()));
    }
    made
}

impl Bench {
    /// What the labels' thread has told.
    pub(crate) fn take_labels(&mut self, answer: Answer) {
        let desk = &mut self.desks.label;
        match answer {
            Answer::Queues(cards) => desk.cards = cards,
            Answer::Made(queue) => self.queue_made(queue),
            Answer::Lot(lot) => self.take_lot(*lot),
            Answer::Found { queue, found } => desk.finding.take(queue, found),
            Answer::Wanted { queue, wanted } => self.take_wanted(queue, wanted),
            Answer::Unsure { queue, items } => self.take_unsure(queue, items),
            Answer::Decisions { queue, decisions } => self.take_decisions(queue, decisions),
            Answer::Written { path } => {
                if !self.lesson_written(&path) {
                    self.labels_written(path);
                }
            }
            Answer::Exported { queue, how, parcel } => self.labels_exported(queue, *how, parcel.map(|parcel| *parcel)),
            Answer::Prompts { path, read } => self.prompts_came(path, read),
            Answer::Imported { queue, items, left_out, reason } => {
                self.queue_imported(queue, items, left_out, &reason);
            }
            Answer::Failed { problem } => {
                self.ahead_unanswered(&problem);
                let desk = &mut self.desks.label;
                desk.deciding = false;
                desk.exchange.reading = None;
                desk.finding.give_up();
                desk.now.failed();
                desk.problem = Some(problem.clone());
                self.lesson_failed();
                self.numbers_failed();
                self.notes.push(t!("label.not_kept"));
                self.state.log.add(Entry::Failed(problem));
            }
        }
    }
}
