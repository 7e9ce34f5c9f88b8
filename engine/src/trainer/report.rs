//! What a step tells: to the window, to the run's folder, and to the person where something is stuck.

use super::{Trainer, resident_bytes, take_highest};
use crate::Result;
use crate::method::Tally;
use crate::protocol::{Event, StepReport};
use crate::run_folder::LogLine;

impl Trainer<'_> {
    /// `secs` is the step's work without pauses.
    pub(super) fn report_step(&mut self, tally: &Tally, loss: f32, norm: f64, rate: f64, secs: f64) -> Result<()> {
        let read = tally.total.read as u64;
        self.state.step += 1;
        self.state.total_tokens += read;
        self.state.elapsed_secs += secs;
        let memory = resident_bytes();
        self.peak_memory = self.peak_memory.max(memory).max(take_highest());
        let elapsed = self.state.elapsed_secs;
        let left = (self.plan.total_steps - self.state.step) as f64;
        self.last_loss = Some(loss);
        let report = StepReport {
            step: self.state.step,
            epoch: self.plan.epoch(self.state.step),
            loss,
            grad_norm: norm as f32,
            learning_rate: rate,
            token_accuracy: (tally.total.labelled > 0).then(|| tally.total.hits as f32 / tally.total.labelled as f32),
            tokens: read,
            total_tokens: self.state.total_tokens,
            tokens_per_sec: read as f64 / secs.max(1e-9),
            elapsed_secs: elapsed,
            remaining_secs: elapsed / self.state.step as f64 * left,
            memory_bytes: memory,
            peak_memory_bytes: self.peak_memory,
            metrics: tally.metrics(),
        };
        let stuck = self.watch.look(report.step, rate, loss, &report.metrics);
        self.log(&report, left == 0.0)?;
        self.publish(Event::StepReported { id: self.id.clone(), report })?;
        match stuck {
            Some(message) => self.publish(Event::Warned { id: Some(self.id.clone()), message }),
            None => Ok(()),
        }
    }

    /// Every `logging_steps` a line with the means since the last one.
    fn log(&mut self, report: &StepReport, last: bool) -> Result<()> {
        let window = &mut self.state.window;
        window.add(report.loss, &report.metrics);
        if report.step.is_multiple_of(self.recipe.logging_steps.max(1)) || last {
            let (loss, metrics) = std::mem::take(window).means();
            let line = LogLine::of_step(&StepReport { loss, metrics, ..report.clone() }, self.plan.total_steps);
            self.folder.append_log(&line)?;
        }
        Ok(())
    }
}
