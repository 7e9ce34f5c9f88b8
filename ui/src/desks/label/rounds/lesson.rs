//! "Train on these": what a queue's labels are good for, the files of it, and a recipe that learns from them.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};

use luthier_engine::advice::{self, Labels, Lesson};
use luthier_engine::feedback::{Balance, Ties, balance};
use luthier_engine::protocol::Problem;
use luthier_engine::recipe::{FinetuningType, Interval, Recipe, Stage};

use super::super::LabelPage;
use super::files::{self, Rows, Written};
use super::{SMALL, beside, count, settled};
use crate::bench::Bench;
use crate::desks::MethodPage;
use crate::labels::{Author, Decision, Order, QueueCard, QueueId};
use crate::panels::Panel;
use crate::state::Slot;
use crate::text::t;

/// What can be learned from labels.
pub const STAGES: [Stage; 3] = [Stage::Dpo, Stage::Kto, Stage::Rm];

/// What is to be learned from a queue.
#[derive(Debug, Clone)]
pub struct LessonDesk {
    pub queue: QueueId,
    /// None: what is proposed.
    pub stage: Option<Stage>,
    pub ties: Ties,
    /// Share of the prompts that is held out.
    pub held_out: f64,
    decisions: Option<Arc<Vec<Decision>>>,
    counted: Option<Counted>,
    counting: Option<Rc<Receiver<Counted>>>,
}

/// What the labels come to with these ties and this share.
#[derive(Debug, Clone, PartialEq)]
pub struct Counted {
    made_of: (Ties, f64),
    pub labels: Labels,
    pub lesson: Lesson,
    /// Different prompts among the rows of marks.
    pub prompts: usize,
    /// Rows to learn from and rows held out, as pairs and as marks.
    pub pairs: (usize, usize),
    pub marks: (usize, usize),
    pub disagreed: usize,
    /// Verdicts on two answers that are the same: no pair comes of them.
    pub same_text: usize,
}

impl LessonDesk {
    pub fn new(queue: QueueId) -> Self {
        let (ties, held_out) = (Ties::LeaveOut, files::HELD_OUT);
        Self { queue, stage: None, ties, held_out, decisions: None, counted: None, counting: None }
    }

    pub(super) fn take(&mut self, decisions: Arc<Vec<Decision>>) {
        (self.decisions, self.counted, self.counting) = (Some(decisions), None, None);
        self.count();
    }

    /// Works the counts out where something has changed; those of before until the new ones are there.
    pub fn count(&mut self) -> Option<&Counted> {
        let decisions = self.decisions.clone()?;
        let wanted = (self.ties, self.held_out);
        self.take_counts();
        if self.counting.is_none() && self.counted.as_ref().is_none_or(|counted| counted.made_of != wanted) {
            let work = move || Counted::of(&decisions, wanted);
            let small = self.decisions.as_ref().is_none_or(|told| told.len() <= SMALL);
            self.counting = Some(Rc::new(beside(small, work)));
            self.take_counts();
        }
        self.counted.as_ref()
    }

    fn take_counts(&mut self) {
        if let Some(counted) = self.counting.as_ref().and_then(|counting| counting.try_recv().ok()) {
            (self.counted, self.counting) = (Some(counted), None);
        }
    }

    pub fn is_counting(&self) -> bool {
        self.decisions.is_none() || self.counting.is_some()
    }

    /// The stage that is chosen, else the proposed one.
    pub fn chosen(&mut self) -> Option<Stage> {
        let stage = self.stage;
        self.count().map(|counted| stage.unwrap_or(counted.lesson.stage))
    }

    /// Whether there are rows of this kind to learn from.
    pub fn serves(&mut self, stage: Stage) -> bool {
        self.count().is_some_and(|counted| match stage {
            Stage::Kto => counted.marks.0 > 0,
            _ => counted.pairs.0 > 0,
        })
    }
}

impl Counted {
    fn of(decisions: &[Decision], (ties, held_out): (Ties, f64)) -> Self {
        let settled = settled(decisions);
        let mut labels = count(&settled.judged);
        let pairs = files::pair_rows(&settled.judged, ties, held_out);
        let marks = files::mark_rows(&settled.judged, held_out);
        labels.pairs = pairs.sizes().0 + pairs.sizes().1;
        if let Rows::Marks { train, eval } = &marks {
            let (train, eval) = (balance(train), balance(eval));
            labels.marks = Balance { liked: train.liked + eval.liked, disliked: train.disliked + eval.disliked };
        }
        Self {
            made_of: (ties, held_out),
            lesson: advice::lesson_of(&labels),
            labels,
            prompts: marks.count_prompts().max(pairs.count_prompts()),
            pairs: pairs.sizes(),
            marks: marks.sizes(),
            disagreed: settled.disagreed.len(),
            same_text: files::same_texts(&settled.judged, ties),
        }
    }
}

/// The model that a lesson starts from.
#[derive(Debug, Clone, PartialEq)]
pub struct Start {
    pub author: Author,
    /// Its answers were the best most often; false: there is no other author, or none was ahead.
    pub preferred: bool,
    /// Its adapter is merged and a new one put on top, so that what is held on to is the model that answered.
    pub merges: bool,
}

/// A run that has its files and waits for them to be read.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    queue: QueueId,
    stage: Stage,
    train: PathBuf,
    eval: Option<PathBuf>,
    /// Items whose prompts are held out.
    held_out: usize,
    start: Option<Start>,
    making: Option<Rc<Receiver<Result<Written, Problem>>>>,
    /// The last of the files, while they are being written.
    written_last: Option<PathBuf>,
}

impl Pending {
    pub fn writing(&self) -> bool {
        self.making.is_some() || self.written_last.is_some()
    }
}

impl Bench {
    /// "Train on these": shows what can be learned from the labels of a queue.
    pub fn train_on(&mut self, queue: QueueId) {
        let desk = &mut self.desks.label;
        desk.rounds.chain = Some(desk.root_of(queue));
        (desk.rounds.lesson, desk.rounds.next) = (Some(LessonDesk::new(queue)), None);
        desk.page = LabelPage::Rounds;
        self.panel = Panel::Label;
        self.labels.order(Order::Decisions { queue });
    }

    /// The author whose answers won most often, the newer one where none did; None where they came from a file.
    pub fn lesson_start(&self, queue: QueueId) -> Option<Start> {
        let desk = &self.desks.label;
        let authors = &desk.card(queue)?.settings.authors;
        let best = desk.rounds.numbers(queue).map(|numbers| numbers.best.clone()).unwrap_or_default();
        let most = best.iter().max().copied().unwrap_or(0);
        let ahead: Vec<usize> = (0..best.len()).filter(|place| best[*place] == most).collect();
        let later_round = desk.card(queue)?.settings.round > 1;
        let at = match ahead[..] {
            [one] => one,
            _ if later_round => authors.len().saturating_sub(1),
            _ => 0,
        };
        let author = authors.get(at).filter(|author| !author.model.as_os_str().is_empty())?.clone();
        let others = authors.iter().any(|other| (&other.model, &other.adapter) != (&author.model, &author.adapter));
        // What is not a plain LoRA cannot be saved together with another adapter.
        let run = author.run.as_deref().and_then(|run| self.shelf.card(run)).map(|card| &card.recipe);
        let plain = run.is_none_or(|recipe| {
            recipe.finetuning_type == FinetuningType::Lora && !recipe.use_dora && recipe.additional_target.is_empty()
        });
        let merges = author.adapter.is_some() && plain;
        Some(Start { author, preferred: others && ahead.len() == 1 && most > 0, merges })
    }

    /// Writes the files of the lesson; when they are there, [`Bench::settle_lesson`] goes on.
    pub fn write_lesson(&mut self) {
        let Some(mut lesson) = self.desks.label.rounds.lesson.clone() else { return };
        let Some(stage) = lesson.chosen().filter(|stage| lesson.serves(*stage)) else { return };
        let (Some(card), Some(decisions)) = (self.desks.label.card(lesson.queue), lesson.decisions) else { return };
        let folder = files::folder(&self.home, card);
        let (ties, held_out) = (lesson.ties, lesson.held_out);
        let work = move |decisions: &[Decision]| {
            files::write(decisions, stage, ties, held_out, &folder).map_err(|error| Problem::from(&error))
        };
        let making = Some(Rc::new(beside(decisions.len() <= SMALL, move || work(&decisions))));
        let start = self.lesson_start(lesson.queue);
        let (train, eval, written_last) = (PathBuf::new(), None, None);
        let pending = Pending { queue: lesson.queue, stage, train, eval, held_out: 0, start, making, written_last };
        self.desks.label.rounds.pending = Some(pending);
        self.desks.label.problem = None;
        self.take_files();
    }

    /// The files have their texts: they go to the disk.
    fn take_files(&mut self) {
        let Some(pending) = &mut self.desks.label.rounds.pending else { return };
        let Some(making) = pending.making.take() else { return };
        let made = match making.try_recv() {
            Ok(made) => made,
            Err(TryRecvError::Empty) => {
                pending.making = Some(making);
                return;
            }
            Err(TryRecvError::Disconnected) => {
                Err(Problem { code: "internal".into(), message: "the files of the labels could not be made".into() })
            }
        };
        let written = match made {
            Ok(written) => written,
            Err(problem) => {
                self.desks.label.rounds.pending = None;
                self.desks.label.problem = Some(problem);
                return;
            }
        };
        let Written { files, train, eval, held_out } = written;
        let queue = pending.queue;
        pending.written_last = files.last().map(|(path, _)| path.clone());
        (pending.train, pending.eval, pending.held_out) = (train.clone(), eval, held_out.len());
        self.desks.label.rounds.written = Some((queue, train, held_out));
        self.labels.order(Order::Write { files });
    }

    /// Puts the lesson away; what is being written is no longer waited for.
    pub fn close_lesson(&mut self) {
        let rounds = &mut self.desks.label.rounds;
        (rounds.lesson, rounds.pending) = (None, None);
    }

    /// Files were written: those of a lesson are opened as data. False: they are somebody else's.
    pub(in crate::desks::label) fn lesson_written(&mut self, path: &Path) -> bool {
        let Some(pending) = &mut self.desks.label.rounds.pending else { return false };
        if pending.written_last.as_deref() != Some(path) {
            return false;
        }
        pending.written_last = None;
        let pending = pending.clone();
        self.desks.label.rounds.lesson = None;
        if let Some(start) = &pending.start {
            let there = match &self.state.model {
                Slot::Ready(model) => model.path == start.author.model,
                Slot::Reading { path, .. } => *path == start.author.model,
                Slot::Empty | Slot::Failed { .. } => false,
            };
            if !there {
                self.open_model(start.author.model.clone());
            }
        }
        self.open_data(pending.train);
        self.open_method(MethodPage::Settings);
        true
    }

    /// The files could not be written: the lesson stays as it is.
    pub(in crate::desks::label) fn lesson_failed(&mut self) {
        let rounds = &mut self.desks.label.rounds;
        rounds.pending = rounds.pending.take().filter(|pending| !pending.writing());
    }

    /// When model and data of a lesson have been read, the form takes what the advisor proposes for them.
    pub(crate) fn settle_lesson(&mut self) {
        self.take_files();
        let Some(pending) = self.desks.label.rounds.pending.clone() else { return };
        // Until the files are there, other data is in sight; until the model is read, so are its rows.
        let ours = self.datasets().iter().any(|set| set.path == pending.train);
        let read = self.state.data.source.as_ref().is_some_and(|source| source.path == pending.train);
        let waits = pending.writing()
            || self.state.data.reading.is_some()
            || (ours && !read)
            || matches!(self.state.model, Slot::Reading { .. } | Slot::Empty);
        if waits {
            return;
        }
        let same = |start: &Start| self.state.model.ready().is_some_and(|model| model.path == start.author.model);
        self.desks.label.rounds.pending = None;
        // The person has turned to something else meanwhile, or the file or the model cannot be read.
        if !read || !self.state.data.usable() || !pending.start.as_ref().is_none_or(same) {
            return;
        }
        let recipe = &mut self.state.recipe;
        recipe.eval_dataset = pending.eval.iter().map(|path| path.display().to_string()).collect();
        recipe.adapter_name_or_path = pending.start.as_ref().and_then(|start| start.author.adapter.clone());
        (recipe.output_dir, recipe.resume_from_checkpoint) = (PathBuf::new(), None);
        recipe.stage = pending.stage;
        let Some(proposed) = self.proposed_for(pending.stage) else { return };
        self.take_advice(&proposed);
        finish(&mut self.state.recipe, &pending);
        let stage = crate::text::say(&format!("stage.{}", pending.stage));
        self.notes.push(t!("rounds.proposed_note", stage = stage));
    }

    /// What the advisor proposes for the loaded rows, turned to `stage` where it would rather do something else.
    fn proposed_for(&mut self, stage: Stage) -> Option<Recipe> {
        let advice = self.advice()?;
        if advice.proposal.recipe.stage == stage {
            return Some(advice.proposal.recipe.clone());
        }
        let all = self.compared_methods()?;
        all.iter().find(|one| one.recipe.stage == stage).map(|one| one.recipe.clone())
    }

    /// The queue that the data in the form comes from.
    pub fn lesson_of_form(&self) -> Option<&QueueCard> {
        let path = &self.state.data.source.as_ref()?.path;
        self.desks.label.card(files::queue_of(&self.home, path)?)
    }
}

/// On fewer held-out items it is chance that says when the best is past.
const ENOUGH_TO_STOP_BY: usize = 20;

/// What the rules of the advisor leave to the lesson.
fn finish(recipe: &mut Recipe, pending: &Pending) {
    recipe.eval_dataset = pending.eval.iter().map(|path| path.display().to_string()).collect();
    recipe.val_size = 0.0;
    if pending.eval.is_none() {
        (recipe.eval_strategy, recipe.eval_steps, recipe.early_stopping_steps) = (Interval::No, None, None);
    } else if recipe.eval_strategy == Interval::No {
        recipe.eval_strategy = Interval::Epoch;
    }
    if pending.held_out < ENOUGH_TO_STOP_BY {
        recipe.early_stopping_steps = None;
    }
    let Some(start) = &pending.start else { return };
    recipe.adapter_name_or_path.clone_from(&start.author.adapter);
    if start.author.adapter.is_none() {
        return;
    }
    let adapts = matches!(recipe.finetuning_type, FinetuningType::Lora | FinetuningType::Oft);
    // Merged, the adapter needs dense weights and a plain LoRA above it, or weights that learn themselves.
    let merges = recipe.quantization_bit.is_none() && !recipe.use_dora && recipe.finetuning_type != FinetuningType::Oft;
    recipe.create_new_adapter = merges && (start.merges || !adapts);
}
