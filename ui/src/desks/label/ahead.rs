//! Answers generated ahead of the labelling, in the background, and how sure the model is of them.
//!
//! One thing at a time: ask the labels what is wanted, have it sampled, keep it, ask again; so the order follows what
//! will be labelled next. Nothing begins while a run or an exam uses the device or Try writes an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use luthier_engine::protocol::{Command, Event, Problem, PromptText, RequestId, SampleBatch, SampledAnswer};

use crate::bench::Bench;
use crate::labels::{Generated, Item, ItemId, ItemOrder, Order, QueueCard, QueueId, Wanted};

mod margins;

use margins::Scoring;

/// Answers in one batch: from eight on, one pass over the weights serves them all (engine, `generate`).
const SIDE_BY_SIDE: usize = 8;
/// Items asked for at once; a batch is chosen among them.
const LOOKED_AT: usize = 16;
/// Answered items in front of the person before margins are worth computing.
const AHEAD: usize = 30;

/// What an answer is for: an item, and the place among its answers.
type Place = (ItemId, usize);

/// What the desk is waiting for.
#[derive(Debug, Default)]
enum Step {
    #[default]
    Rest,
    /// The labels were asked what is wanted.
    Asked(QueueId),
    Sampling {
        request: RequestId,
        queue: QueueId,
        places: Vec<Place>,
        began: Instant,
    },
    /// The labels were asked what has no margin.
    AskedUnsure(QueueId),
    Scoring(Scoring),
}

/// What a queue's answers are doing, for people.
#[derive(Debug, Clone, PartialEq)]
pub enum Ahead {
    /// All answers are there, or they came with the items.
    Finished,
    Generating,
    Scoring,
    /// A run, an exam or Try has the device, or another queue has its turn.
    Waiting(WaitsFor),
    /// The person has stopped it.
    Paused,
    /// Made in an earlier session and not on the bench: nothing begins unasked.
    Resting,
    Failed(Problem),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitsFor {
    Run,
    Exam,
    Try,
    AnotherQueue,
}

#[derive(Debug, Default)]
pub struct AheadDesk {
    step: Step,
    /// Queues that were made in this session, or that the person asked for.
    wished: BTreeSet<QueueId>,
    paused: BTreeSet<QueueId>,
    /// Nothing more is wanted of them.
    done: BTreeSet<QueueId>,
    /// Every margin is known, or cannot be.
    sure: BTreeSet<QueueId>,
    failed: BTreeMap<QueueId, Problem>,
    /// Places of a batch that failed: each is asked alone, so that one prompt does not stop the others.
    alone: BTreeSet<Place>,
    /// Prompts that cannot be answered, with the reason of the first, by queue.
    hopeless: BTreeMap<QueueId, (BTreeSet<Place>, String)>,
    margins: margins::Margins,
    /// Seconds an answer, of late.
    pace: Option<f64>,
}

impl AheadDesk {
    fn is_hopeless(&self, queue: QueueId, place: Place) -> bool {
        self.hopeless.get(&queue).is_some_and(|(places, _)| places.contains(&place))
    }

    /// How many prompts of the queue cannot be answered, and why the first cannot.
    pub fn hopeless(&self, queue: QueueId) -> Option<(usize, &str)> {
        self.hopeless.get(&queue).map(|(places, reason)| {
            let items: BTreeSet<ItemId> = places.iter().map(|(item, _)| *item).collect();
            (items.len(), reason.as_str())
        })
    }

    fn at_work_on(&self) -> Option<QueueId> {
        match &self.step {
            Step::Rest => None,
            Step::Asked(queue) | Step::AskedUnsure(queue) | Step::Sampling { queue, .. } => Some(*queue),
            Step::Scoring(scoring) => Some(scoring.queue),
        }
    }

    /// The batch that is with the engine.
    fn request(&self) -> Option<RequestId> {
        match &self.step {
            Step::Sampling { request, .. } => Some(*request),
            Step::Scoring(scoring) => Some(scoring.request),
            _ => None,
        }
    }

    /// Seconds until a queue's answers are there, once that can be told.
    pub fn left_secs(&self, card: &QueueCard) -> Option<f64> {
        let answers = card.items.saturating_sub(card.answered) * card.settings.authors.len();
        self.pace.map(|pace| pace * answers as f64)
    }

    fn keeps_pace(&mut self, seconds: f64, answers: usize) {
        let now = seconds / answers.max(1) as f64;
        self.pace = Some(self.pace.map_or(now, |pace| 0.7 * pace + 0.3 * now));
    }

    fn may_work_on(&self, card: &QueueCard, open: Option<QueueId>) -> bool {
        let wanted = open == Some(card.id) || self.wished.contains(&card.id);
        wanted && !card.archived && !self.paused.contains(&card.id) && !self.failed.contains_key(&card.id)
    }
}

fn wants_answers(card: &QueueCard) -> bool {
    !card.settings.authors.is_empty() && card.answered < card.items
}

impl Bench {
    /// What a queue's answers are doing.
    pub fn ahead_of(&self, card: &QueueCard) -> Ahead {
        let desk = &self.desks.label.ahead;
        if let Some(problem) = desk.failed.get(&card.id) {
            return Ahead::Failed(problem.clone());
        }
        match &desk.step {
            Step::Sampling { queue, .. } if *queue == card.id => return Ahead::Generating,
            Step::Scoring(scoring) if scoring.queue == card.id => return Ahead::Scoring,
            _ => {}
        }
        if !wants_answers(card) || desk.done.contains(&card.id) {
            return Ahead::Finished;
        }
        match () {
            () if desk.paused.contains(&card.id) => Ahead::Paused,
            () if !desk.may_work_on(card, self.desks.label.open) => Ahead::Resting,
            () => Ahead::Waiting(self.device_taken_by().unwrap_or(WaitsFor::AnotherQueue)),
        }
    }

    /// Who uses the device now, or is about to.
    fn device_taken_by(&self) -> Option<WaitsFor> {
        match () {
            () if self.state.running() => Some(WaitsFor::Run),
            () if self.evaluating() => Some(WaitsFor::Exam),
            () if self.state.talk.busy() => Some(WaitsFor::Try),
            () => None,
        }
    }

    /// Stops generating for a queue; what is there stays.
    pub fn pause_ahead(&mut self, queue: QueueId) {
        let desk = &mut self.desks.label.ahead;
        desk.paused.insert(queue);
        if desk.at_work_on() == Some(queue)
            && let Some(request) = desk.request()
        {
            self.wire.send(Command::CancelAnswers { request });
        }
    }

    /// Goes on, or begins again after something went wrong.
    pub fn resume_ahead(&mut self, queue: QueueId) {
        let desk = &mut self.desks.label.ahead;
        desk.wished.insert(queue);
        desk.paused.remove(&queue);
        desk.failed.remove(&queue);
        desk.done.remove(&queue);
        desk.sure.remove(&queue);
        desk.hopeless.remove(&queue);
        self.sync_ahead();
    }

    /// The queue that a pause would concern: the one that is generated for, or that was paused; true: it is paused.
    pub fn pausable_ahead(&self) -> Option<(QueueId, bool)> {
        let desk = &self.desks.label.ahead;
        let going = desk.at_work_on().or_else(|| self.next_ahead().map(|(queue, _)| queue));
        let waiting = |card: &&QueueCard| desk.paused.contains(&card.id) && !card.archived && wants_answers(card);
        let paused = || self.desks.label.cards.iter().find(waiting).map(|card| (card.id, true));
        going.map(|queue| (queue, false)).or_else(paused)
    }

    /// Takes the next step where one can be taken.
    pub(crate) fn sync_ahead(&mut self) {
        if !matches!(self.desks.label.ahead.step, Step::Rest) || self.device_taken_by().is_some() {
            return;
        }
        let Some((queue, margins)) = self.next_ahead() else { return };
        let desk = &mut self.desks.label.ahead;
        if margins {
            desk.step = Step::AskedUnsure(queue);
            self.labels.order(Order::Unscored { queue, most: SIDE_BY_SIDE });
        } else {
            // Those that cannot be answered are told every time, and are to leave room for others.
            let most = LOOKED_AT + desk.hopeless(queue).map_or(0, |(items, _)| items);
            desk.step = Step::Asked(queue);
            self.labels.order(Order::Wanted { queue, most });
        }
    }

    /// The queue whose turn it is, and whether its margins come first: the one on the bench before all others.
    fn next_ahead(&self) -> Option<(QueueId, bool)> {
        let label = &self.desks.label;
        let desk = &label.ahead;
        let mut cards: Vec<&QueueCard> = label.cards.iter().filter(|card| desk.may_work_on(card, label.open)).collect();
        cards.sort_by_key(|card| label.open != Some(card.id));
        cards.into_iter().find_map(|card| {
            let wants = wants_answers(card) && !desk.done.contains(&card.id);
            let unsure = card.settings.order == ItemOrder::LeastSure && !desk.sure.contains(&card.id);
            let ahead = card.answered.saturating_sub(card.labelled + card.skipped);
            let margins = unsure && card.answered > 0 && (!wants || ahead >= AHEAD);
            (wants || margins).then_some((card.id, margins))
        })
    }

    /// What the labels say is wanted goes to the engine.
    pub(super) fn take_wanted(&mut self, queue: QueueId, wanted: Vec<Wanted>) {
        let desk = &mut self.desks.label.ahead;
        if !matches!(desk.step, Step::Asked(asked) if asked == queue) {
            return;
        }
        desk.step = Step::Rest;
        if self.device_taken_by().is_some() || self.desks.label.ahead.paused.contains(&queue) {
            return;
        }
        let Some((batch, places)) = self.batch_of(queue, wanted) else {
            self.desks.label.ahead.done.insert(queue);
            return;
        };
        let request = self.request();
        self.desks.label.ahead.step = Step::Sampling { request, queue, places, began: Instant::now() };
        self.wire.send(Command::SampleAnswers { request, batch: Box::new(batch) });
    }

    /// The first place that is wanted, and what the same model can answer beside it.
    fn batch_of(&self, queue: QueueId, wanted: Vec<Wanted>) -> Option<(SampleBatch, Vec<Place>)> {
        let desk = &self.desks.label.ahead;
        let card = self.desks.label.card(queue)?;
        let authors = &card.settings.authors;
        // Where nothing lies ready, the first item is not to wait for others.
        let most = if card.answered <= card.labelled + card.skipped { authors.len().max(1) } else { SIDE_BY_SIDE };
        let mut places: Vec<Place> = Vec::new();
        let mut asked = Vec::new();
        let mut who: Option<(&PathBuf, &Option<PathBuf>)> = None;
        for item in wanted {
            for place in item.places {
                let key = (item.item, place);
                let Some(author) = authors.get(place).filter(|_| !desk.is_hopeless(queue, key)) else { continue };
                let model = (&author.model, &author.adapter);
                let alone = desk.alone.contains(&key);
                if places.len() >= most || who.is_some_and(|who| who != model || alone) {
                    continue;
                }
                who = Some(model);
                // Each item draws by a seed of its own, so that two prompts alike do not get one answer.
                let mut sampling = author.sampling.clone();
                sampling.seed = sampling.seed.wrapping_add((item.item as u64).wrapping_mul(0x9E37_79B9));
                asked.push((PromptText::Chat(item.prompt.clone()), sampling));
                places.push(key);
                if alone {
                    let (model, adapter) = (model.0.clone(), model.1.clone());
                    return Some((SampleBatch { model, adapter, device: card.settings.device.clone(), asked }, places));
                }
            }
        }
        let (model, adapter) = who.map(|(model, adapter)| (model.clone(), adapter.clone()))?;
        Some((SampleBatch { model, adapter, device: card.settings.device.clone(), asked }, places))
    }

    /// What the engine says of answers ahead. True: it was about them.
    pub(crate) fn hear_ahead(&mut self, event: &Event) -> bool {
        let ours = self.desks.label.ahead.request();
        match event {
            Event::AnswersSampled { request, answers } if ours == Some(*request) => self.keep_sampled(answers),
            Event::AnswersScored { request, scores } if ours == Some(*request) => self.keep_scored(scores),
            Event::CommandFailed { request: Some(request), problem } if ours == Some(*request) => {
                self.ahead_failed(problem);
            }
            _ => return false,
        }
        true
    }

    fn keep_sampled(&mut self, sampled: &[SampledAnswer]) {
        let desk = &mut self.desks.label.ahead;
        let Step::Sampling { queue, places, began, .. } = std::mem::take(&mut desk.step) else { return };
        desk.keeps_pace(began.elapsed().as_secs_f64(), sampled.len());
        desk.sure.remove(&queue);
        let kept = places.into_iter().zip(sampled).map(|((item, place), answer)| Generated {
            item,
            place,
            text: answer.text.clone(),
            new_tokens: answer.new_tokens,
        });
        let answers = kept.collect();
        self.labels.order(Order::KeepAnswers { queue, answers });
    }

    fn ahead_failed(&mut self, problem: &Problem) {
        let running = self.state.running();
        let desk = &mut self.desks.label.ahead;
        let step = std::mem::take(&mut desk.step);
        // Cancelled, or the device was wanted for something else: it goes on when that is over.
        if problem.code == "stopped" || running {
            return;
        }
        match step {
            Step::Sampling { places, .. } if places.len() > 1 && of_a_prompt(problem) => desk.alone.extend(places),
            Step::Sampling { queue, places, .. } if of_a_prompt(problem) => {
                let (all, reason) = desk.hopeless.entry(queue).or_default();
                if all.is_empty() {
                    reason.clone_from(&problem.message);
                }
                all.extend(places);
            }
            Step::Sampling { queue, .. } => drop(desk.failed.insert(queue, problem.clone())),
            Step::Scoring(scoring) => self.scoring_failed(scoring, problem),
            Step::Rest | Step::Asked(_) | Step::AskedUnsure(_) => {}
        }
    }

    /// The labels could not answer: the queue that was asked for rests until the person says otherwise.
    pub(super) fn ahead_unanswered(&mut self, problem: &Problem) {
        let desk = &mut self.desks.label.ahead;
        if let Step::Asked(queue) | Step::AskedUnsure(queue) = desk.step {
            desk.step = Step::Rest;
            desk.failed.insert(queue, problem.clone());
        }
    }

    /// A queue of this session: its answers are wanted.
    pub(super) fn wish_ahead(&mut self, queue: QueueId) {
        self.desks.label.ahead.wished.insert(queue);
    }

    pub(super) fn take_unsure(&mut self, queue: QueueId, items: Vec<Arc<Item>>) {
        let desk = &mut self.desks.label.ahead;
        if !matches!(desk.step, Step::AskedUnsure(asked) if asked == queue) {
            return;
        }
        desk.step = Step::Rest;
        if self.device_taken_by().is_none() && !self.desks.label.ahead.paused.contains(&queue) {
            self.score_unsure(queue, items);
        }
    }
}

/// The prompt is at fault and not the model: too long, empty, refused by the template.
fn of_a_prompt(problem: &Problem) -> bool {
    matches!(problem.code.as_str(), "refused" | "template" | "bad_data")
}

#[cfg(test)]
mod tests;
