//! The one training loop.
//!
//! A step gathers its micro-batches, adds up their gradients, clips, updates, reports. Control (pause, stop, save) is
//! asked for before every micro-batch. What varies between methods comes in through `pass` and the recipe.

mod checkpoint;
mod memory;
mod pass;
mod plan;
mod run;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

pub use checkpoint::RunState;
pub use memory::{available_bytes, resident_bytes};
pub use pass::{Graph, Pass, TokenSums, evaluate, kept_bytes};
pub use plan::Plan;
pub use run::start;

use crate::data::{Batch, Encoded};
use crate::model::{DropoutKey, GradientSum, Model};
use crate::optimizer::{AdamW, Schedule, clip_factor, finite, global_norm};
use crate::protocol::{EvalReport, Event, Phase, RunId, StepReport};
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
}

/// Everything that a run holds while it goes.
pub struct Trainer<'a> {
    pub id: RunId,
    pub recipe: &'a Recipe,
    pub model: Model,
    pub learning: BTreeSet<String>,
    pub optimizer: AdamW,
    pub train: Vec<Encoded>,
    pub eval: Vec<Encoded>,
    pub pad_id: u32,
    pub plan: Plan,
    pub schedule: Schedule,
    pub graph: Graph,
    pub folder: RunFolder,
    pub state: RunState,
    pub desk: &'a mut dyn Desk,
    started: Instant,
    tokens_this_session: u64,
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
        loop {
            // True after a resume, too, where the run was stopped in the middle of an evaluation.
            if self.state.evaluation_due && self.evaluate()? {
                return Ok(Ending::Early);
            }
            if self.state.step > 0 && self.due(self.recipe.save_strategy, self.recipe.save_steps) {
                self.save_if_possible()?;
            }
            if self.state.step >= self.plan.total_steps {
                break;
            }
            self.step()?;
            let due = self.due(self.recipe.eval_strategy, self.eval_steps());
            self.state.evaluation_due = due && !self.eval.is_empty();
        }
        if self.recipe.save_strategy != Interval::No {
            self.save_if_possible()?; // more steps can be added later
        }
        Ok(Ending::Completed)
    }

    /// One optimiser step.
    fn step(&mut self) -> Result<()> {
        let (k, began, mut paused) = (self.state.step, Instant::now(), Duration::ZERO);
        let groups = self.plan.step(k);
        let batches: Vec<Batch> = groups.iter().map(|rows| self.plan.collate(rows, &self.train, self.pad_id)).collect();
        // The step's loss is a mean over the labelled tokens of all its micro-batches, not a mean of means.
        let labelled: usize = batches.iter().map(Batch::learned_tokens).sum();
        let scale = 1.0 / labelled.max(1) as f32;
        let (mut grads, mut sums) = (GradientSum::default(), TokenSums::default());
        for (i, batch) in batches.iter().enumerate() {
            paused += self.answer_wishes()?;
            let pass = Pass { learning: &self.learning, graph: self.graph };
            let dropout = DropoutKey { seed: self.recipe.seed, step: k as u64, micro_batch: i as u64 };
            let part = pass.forward_backward(&self.model, batch, scale, dropout, &mut grads)?;
            finite(part.nll, "the loss", k + 1, i + 1, &batch.rows)?;
            sums.add(part);
        }
        let norm = global_norm(&grads)?;
        let rows: Vec<usize> = batches.iter().flat_map(|b| b.rows.iter().copied()).collect();
        finite(norm, "the gradient norm", k + 1, batches.len(), &rows)?;
        let rate = self.schedule.rate(k);
        self.optimizer.step(&mut self.model.params, grads, rate, clip_factor(norm, self.recipe.max_grad_norm));
        self.report_step(sums, norm, rate, began.elapsed().saturating_sub(paused).as_secs_f64())
    }

    /// `secs` is the step's work without pauses.
    fn report_step(&mut self, sums: TokenSums, norm: f64, rate: f64, secs: f64) -> Result<()> {
        self.state.step += 1;
        self.state.total_tokens += sums.read as u64;
        self.state.elapsed_secs += secs;
        self.tokens_this_session += sums.read as u64;
        let memory = resident_bytes();
        self.peak_memory = self.peak_memory.max(memory);
        let elapsed = self.state.elapsed_secs;
        let left = (self.plan.total_steps - self.state.step) as f64;
        let loss = sums.mean() as f32;
        self.last_loss = Some(loss);
        let report = StepReport {
            step: self.state.step,
            epoch: self.plan.epoch(self.state.step),
            loss,
            grad_norm: norm as f32,
            learning_rate: rate,
            token_accuracy: (sums.labelled > 0).then(|| sums.hits as f32 / sums.labelled as f32),
            tokens: sums.read as u64,
            total_tokens: self.state.total_tokens,
            tokens_per_sec: sums.read as f64 / secs.max(1e-9),
            elapsed_secs: elapsed,
            remaining_secs: elapsed / self.state.step as f64 * left,
            memory_bytes: memory,
            peak_memory_bytes: self.peak_memory,
            metrics: Default::default(),
        };
        self.state.window = (self.state.window.0 + f64::from(loss), self.state.window.1 + 1);
        if self.state.step.is_multiple_of(self.recipe.logging_steps.max(1)) || left == 0.0 {
            let mean = (self.state.window.0 / self.state.window.1 as f64) as f32;
            self.state.window = (0.0, 0);
            let line = LogLine::of_step(&StepReport { loss: mean, ..report.clone() }, self.plan.total_steps);
            self.folder.append_log(&line)?;
        }
        self.publish(Event::StepReported { id: self.id.clone(), report })
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
        let mut sums = TokenSums::default();
        let rows: Vec<usize> = (0..self.eval.len()).collect();
        for (i, part) in rows.chunks(self.recipe.per_device_eval_batch_size.max(1)).enumerate() {
            paused += self.answer_wishes()?;
            let fraction = Some(i as f32 * part.len() as f32 / rows.len() as f32);
            self.desk.tell(Event::RunProgress { id: self.id.clone(), phase: Phase::Evaluating, fraction });
            sums.add(evaluate(&self.model, &self.plan.collate(part, &self.eval, self.pad_id))?);
        }
        self.state.elapsed_secs += began.elapsed().saturating_sub(paused).as_secs_f64();
        self.state.evaluation_due = false;
        let loss = sums.mean() as f32;
        let best = self.state.best_eval_loss.is_none_or(|lowest| loss < lowest);
        if best {
            self.state.best_eval_loss = Some(loss);
            self.state.best_step = self.state.step;
            self.state.evals_without_gain = 0;
            if self.recipe.early_stopping_steps.is_some() {
                checkpoint::save_trained(&self.model, &self.learning, &self.best_file())?;
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
            metrics: Default::default(),
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
        if self.recipe.early_stopping_steps.is_none() || self.state.best_eval_loss.is_none() || !path.exists() {
            return Ok(None);
        }
        checkpoint::load_trained(&mut self.model, &self.learning, &path)?;
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
        let written = checkpoint::save(&unfinished, &self.model, &self.learning, &self.optimizer, &self.state);
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
