//! The one training loop.
//!
//! A step gathers its micro-batches, adds up their gradients, clips, updates, reports. Control (pause, stop, save) is
//! asked for before every micro-batch. What varies between methods comes in through `pass` and the recipe.

mod checkpoint;
mod forgetting;
mod head;
mod layers;
mod layout;
mod memory;
mod pass;
mod plan;
mod positions;
mod prompts;
mod report;
mod run;

use std::time::{Duration, Instant};

pub use checkpoint::{RunState, load as load_learned, save as save_learned};
pub use forgetting::Forgetting;
pub use head::{Anchor, CHUNK_BYTES, HEAD_KEPT_BYTES, Kept, ScoreHead, Scored, TokenHead};
pub use layers::LayerMeter;
pub use layout::{Layout, Sequence};
pub use memory::{available_bytes, note_resident, resident_bytes, take_highest};
pub use pass::{Back, Graph, Pass, kept_bytes, kept_numbers, lowest_layer};
pub use plan::Plan;
pub use prompts::FixedPrompts;
pub use run::start;

use crate::freeze::Course;
use crate::method::{Method, Tally, Turn, Watch};
use crate::model::{DropoutKey, GradientSum, Model};
use crate::optimizer::{AdamW, Schedule, clip_factor, finite, global_norm};
use crate::protocol::{EvalReport, Event, Phase, RunId};
use crate::recipe::{Interval, Recipe};
use crate::run_folder::{LogLine, RunFolder};
use crate::{Error, Result};

/// What the person wants of a run between two micro-batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    GoOn,
    Save,
    Stop,
}

/// The run's line to the outside: events go out, wishes come in. A pause is waited out inside `wish`.
pub trait Desk {
    fn tell(&mut self, event: Event);
    fn wish(&mut self) -> Wish;
}

/// How the loop ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    Completed,
    /// By the person.
    Stopped,
    /// The evaluation loss did not fall any more.
    Early,
    /// The model forgot more than `forgetting_limit` allows.
    Forgot,
}

/// Everything that a run holds while it goes.
pub struct Trainer<'a> {
    pub id: RunId,
    pub recipe: &'a Recipe,
    pub model: Model,
    pub method: Box<dyn Method>,
    pub course: Course,
    pub optimizer: AdamW,
    pub plan: Plan,
    pub schedule: Schedule,
    pub graph: Graph,
    pub folder: RunFolder,
    pub state: RunState,
    pub forgetting: Option<Forgetting>,
    pub layers: Option<LayerMeter>,
    pub prompts: Option<FixedPrompts>,
    pub desk: &'a mut dyn Desk,
    watch: Watch,
    started: Instant,
    peak_memory: u64,
    last_saved: Option<usize>,
    last_loss: Option<f32>,
}

impl Trainer<'_> {
    /// To the end, or to where the person or early stopping ended it. What was learned is kept whatever happens.
    pub fn train(&mut self) -> Result<Ending> {
        match self.steps() {
            Err(Error::Stopped) => {
                self.save_checkpoint()?;
                Ok(Ending::Stopped)
            }
            Err(error) => Err(self.with_last_checkpoint(error)),
            ended => ended,
        }
    }

    fn steps(&mut self) -> Result<Ending> {
        self.ask_the_base()?;
        loop {
            // True after a resume, too, where the run was stopped in the middle of an evaluation.
            if self.state.evaluation_due && self.evaluate()? {
                self.answer_at_the_end()?;
                return Ok(Ending::Early);
            }
            if self.forgetting_due() && self.measure_forgetting()? {
                self.answer_at_the_end()?;
                return Ok(Ending::Forgot);
            }
            if self.answers_due() {
                self.answer_prompts()?;
            }
            if self.state.step > 0 && self.due(self.recipe.save_strategy, self.recipe.save_steps) {
                self.save_if_possible()?;
            }
            if self.state.step >= self.plan.total_steps {
                break;
            }
            self.tell_who_joins()?;
            self.step()?;
            let due = self.due(self.recipe.eval_strategy, self.eval_steps());
            self.state.evaluation_due = due && self.method.eval_rows() > 0;
        }
        if self.recipe.save_strategy != Interval::No {
            self.save_if_possible()?; // more steps can be added later
        }
        Ok(Ending::Completed)
    }

    /// What the method has to know of the starting model before the first step.
    fn ask_the_base(&mut self) -> Result<()> {
        let Self { method, model, plan, desk, id, .. } = self;
        let mut save = false;
        method.begin(model, plan, &mut |fraction| {
            let progress = Event::RunProgress { id: id.clone(), phase: Phase::Reference, fraction: Some(fraction) };
            desk.tell(progress);
            let wish = desk.wish();
            save |= wish == Wish::Save; // when the phase is over
            if wish == Wish::Stop { Err(Error::Stopped) } else { Ok(()) }
        })?;
        if save { self.save_if_possible() } else { Ok(()) }
    }

    fn tell_who_joins(&mut self) -> Result<()> {
        let step = self.state.step;
        let Some(join) = self.course.joining(step) else { return Ok(()) };
        let layers = join.layers.clone();
        self.publish(Event::LayersJoined { id: self.id.clone(), step, layers })
    }

    /// One optimiser step.
    fn step(&mut self) -> Result<()> {
        let (k, began, mut paused) = (self.state.step, Instant::now(), Duration::ZERO);
        paused += self.prepare_step()?;
        let learning = self.course.learning_at(k);
        let groups = self.plan.step(k);
        let share = 1.0 / self.method.divisor(&groups);
        let (mut grads, mut tally) = (GradientSum::default(), Tally::default());
        for (i, rows) in groups.iter().enumerate() {
            paused += self.answer_wishes()?;
            let pass = Pass { learning: &learning, graph: self.graph };
            let dropout = DropoutKey { seed: self.recipe.seed, step: k as u64, micro_batch: i as u64 };
            let turn = Turn { model: &self.model, pass, dropout, share, sum: &mut grads };
            let part = self.method.micro_batch(turn, rows)?;
            finite(part.loss, "the loss", k + 1, i + 1, &self.method.row_numbers(rows))?;
            tally.add(part);
        }
        let norm = global_norm(&grads)?.hypot(self.method.critic().map_or(Ok(0.0), |critic| critic.norm())?);
        finite(norm, "the gradient norm", k + 1, groups.len(), &self.method.row_numbers(&groups.concat()))?;
        let pulls = self.pulls(k + 1, &grads)?;
        let (rate, clip) = (self.schedule.rate(k), clip_factor(norm, self.recipe.max_grad_norm));
        self.optimizer.step(&mut self.model.params, grads, rate, clip);
        if let Some(critic) = self.method.critic() {
            critic.step(rate, clip);
        }
        let loss = tally.total.loss * share;
        self.report_step(&tally, loss as f32, norm, rate, began.elapsed().saturating_sub(paused).as_secs_f64())?;
        pulls.map_or(Ok(()), |pulls| self.measure_layers(&pulls, &learning))
    }

    /// What a method does between steps, such as sampling answers. Returns the time of pauses.
    fn prepare_step(&mut self) -> Result<Duration> {
        let Self { method, model, plan, desk, id, state, .. } = self;
        let (mut paused, mut save) = (Duration::ZERO, false);
        let told = method.before_step(model, plan, state.step, &mut |fraction| {
            let began = Instant::now();
            desk.tell(Event::RunProgress { id: id.clone(), phase: Phase::Sampling, fraction: Some(fraction) });
            let wish = desk.wish();
            save |= wish == Wish::Save; // when the answers are there: half of them are no state to go on from
            paused += began.elapsed();
            if wish == Wish::Stop { Err(Error::Stopped) } else { Ok(()) }
        })?;
        if !told.is_empty() {
            let step = self.state.step;
            self.publish(Event::RolloutsSampled { id: self.id.clone(), step, rollouts: told })?;
        }
        if save {
            self.save_if_possible()?;
        }
        Ok(paused)
    }

    fn eval_steps(&self) -> usize {
        self.recipe.eval_steps.unwrap_or(self.recipe.logging_steps)
    }

    /// Whether something that happens every so often happens after the step just taken; the end counts as an epoch's.
    fn due(&self, interval: Interval, steps: usize) -> bool {
        match interval {
            Interval::No => false,
            Interval::Steps => self.state.step.is_multiple_of(steps.max(1)),
            Interval::Epoch => self.plan.ends_epoch(self.state.step) || self.state.step == self.plan.total_steps,
        }
    }

    /// Loss on the evaluation rows. True: early stopping says that is enough.
    fn evaluate(&mut self) -> Result<bool> {
        let (began, mut paused) = (Instant::now(), Duration::ZERO);
        let mut tally = Tally::default();
        let rows: Vec<usize> = (0..self.method.eval_rows()).collect();
        for (i, part) in rows.chunks(self.recipe.per_device_eval_batch_size.max(1)).enumerate() {
            paused += self.answer_wishes()?;
            let fraction = Some(i as f32 * part.len() as f32 / rows.len() as f32);
            self.desk.tell(Event::RunProgress { id: self.id.clone(), phase: Phase::Evaluating, fraction });
            tally.add(self.method.evaluate(&self.model, part)?);
        }
        self.state.elapsed_secs += began.elapsed().saturating_sub(paused).as_secs_f64();
        self.state.evaluation_due = false;
        let loss = tally.total.mean() as f32;
        finite(f64::from(loss), "the evaluation loss", self.state.step, rows.len(), &[])?;
        let best = self.state.best_eval_loss.is_none_or(|lowest| loss < lowest);
        if best {
            self.state.best_eval_loss = Some(loss);
            self.state.best_step = self.state.step;
            self.state.evals_without_gain = 0;
            if self.recipe.early_stopping_steps.is_some() {
                checkpoint::save_trained(&self.model, &self.course.all(), &self.best_file(), self.state.step)?;
            }
        } else {
            self.state.evals_without_gain += 1;
        }
        let report = EvalReport {
            step: self.state.step,
            epoch: self.plan.epoch(self.state.step),
            loss,
            perplexity: loss.exp(),
            best,
            elapsed_secs: self.state.elapsed_secs,
            metrics: tally.metrics(),
        };
        self.folder.append_log(&LogLine::of_eval(&report, self.plan.total_steps))?;
        self.publish(Event::EvalReported { id: self.id.clone(), report })?;
        Ok(self.recipe.early_stopping_steps.is_some_and(|patience| self.state.evals_without_gain >= patience))
    }

    /// Weights at the lowest evaluation loss, kept while early stopping is on.
    fn best_file(&self) -> std::path::PathBuf {
        self.folder.dir().join("best.safetensors")
    }

    /// Puts the weights of the lowest evaluation loss back, where they were kept. Returns the step they are of.
    pub fn restore_best(&mut self) -> Result<Option<usize>> {
        let path = self.best_file();
        if self.recipe.early_stopping_steps.is_none() || self.state.best_eval_loss.is_none() {
            return Ok(None);
        }
        // A run that went on from an earlier checkpoint, or in another folder, does not own what lies here.
        if checkpoint::step_of(&path) != Some(self.state.best_step) {
            let best = self.state.best_step;
            let message =
                format!("the weights of the best evaluation (step {best}) are not here: the last ones are the result");
            self.publish(Event::Warned { id: Some(self.id.clone()), message })?;
            return Ok(None);
        }
        self.save_if_possible()?; // what to go on from are the last weights, not the best
        checkpoint::load_trained(&mut self.model, &self.course.all(), &path)?;
        // It stays: a run that goes on later may not find a better one.
        Ok(Some(self.state.best_step))
    }

    pub fn save_checkpoint(&mut self) -> Result<()> {
        let step = self.state.step;
        let id = self.id.clone();
        if self.last_saved == Some(step) {
            let path = self.folder.dir().join(format!("checkpoint-{step}"));
            self.desk.tell(Event::CheckpointSaved { id, step, path });
            return Ok(());
        }
        self.desk.tell(Event::RunProgress { id: id.clone(), phase: Phase::Saving, fraction: None });
        let unfinished = self.folder.begin_checkpoint(step)?;
        let learned = self.course.all();
        let written = checkpoint::save(&unfinished, &self.model, &learned, &self.optimizer, &self.state)
            .and_then(|()| self.method.save(&unfinished));
        if written.is_err() {
            let _ = std::fs::remove_dir_all(&unfinished); // half a checkpoint would keep a full disk full
        }
        written?;
        let path = self.folder.finish_checkpoint(step, self.recipe.save_total_limit)?;
        self.last_saved = Some(step);
        self.publish(Event::CheckpointSaved { id, step, path })
    }

    /// As [`Trainer::save_checkpoint`], but a disk that is full or gone does not end the run: it is said, and tried again later.
    fn save_if_possible(&mut self) -> Result<()> {
        match self.save_checkpoint() {
            Err(error @ Error::Io { .. }) => {
                let message = format!("no checkpoint was saved, the run goes on: {error}");
                self.desk.tell(Event::Warned { id: Some(self.id.clone()), message });
                Ok(())
            }
            saved => saved,
        }
    }

    /// Does what the person asked for since the last look. Returns how long that took: pauses, above all.
    fn answer_wishes(&mut self) -> Result<Duration> {
        let began = Instant::now();
        loop {
            match self.desk.wish() {
                Wish::GoOn => return Ok(began.elapsed()),
                Wish::Save => self.save_if_possible()?, // a paused run stays paused: look again
                Wish::Stop => return Err(Error::Stopped),
            }
        }
    }

    /// Into the run's folder and out to the window.
    pub fn publish(&mut self, event: Event) -> Result<()> {
        self.folder.append_event(&event)?;
        self.desk.tell(event);
        Ok(())
    }

    /// Names the checkpoint to go back to. Weights that gave a NaN are not trusted, so an earlier checkpoint stays the
    /// last good one; after any other failure the weights are those of the last whole step and are kept.
    fn with_last_checkpoint(&mut self, error: Error) -> Error {
        let dirs = crate::run_folder::checkpoint_dirs(self.folder.dir());
        let earlier = dirs.into_iter().rev().find(|(step, _)| *step < self.state.step.max(1));
        match error {
            Error::Diverged { step, batch, rows, what, value, .. } => {
                let checkpoint = match earlier {
                    Some((_, path)) => path.display().to_string(),
                    None => "none was saved before; start again with a lower learning rate".into(),
                };
                Error::Diverged { step, batch, rows, what, value, checkpoint }
            }
            other => {
                if self.state.step > 0 {
                    let _ = self.save_checkpoint(); // the error itself matters more than that this may fail too
                }
                other
            }
        }
    }
}
