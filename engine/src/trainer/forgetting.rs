//! The forgetting meter: what the model still knows of a general dataset, against the starting model.

use super::{Layout, TokenHead, Trainer};
use crate::Result;
use crate::data::Encoded;
use crate::method::Base;
use crate::model::Model;
use crate::protocol::{Event, ForgettingReport, Phase};
use crate::run_folder::LogLine;
use crate::trainer::{Anchor, Sequence};

/// Rows that are read at once.
const BATCH: usize = 4;

pub struct Forgetting {
    pub rows: Vec<Encoded>,
    pub base: Base,
    /// Steps between two measurements.
    pub every: usize,
    /// Share by which perplexity may rise above the starting model's.
    pub limit: Option<f64>,
}

/// Sums over the labelled tokens of the general rows.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    nll: f64,
    base_nll: f64,
    kl: f64,
    tokens: usize,
}

impl Forgetting {
    fn of_rows(&self, model: &Model, rows: &[Encoded]) -> Result<Sums> {
        let layout = Layout::new(model, &rows.iter().map(Sequence::from).collect::<Vec<_>>());
        let (all, nothing) = (0..layout.scored(), Default::default());
        let base = self.base.model(model);
        let base_hidden = self.base.hidden(model, &layout);
        let base_scored = TokenHead::new(base, &nothing).read(&base_hidden, &layout, true)?;
        let hidden = model.hidden(&layout.ids, &layout.lengths);
        let mut head = TokenHead::new(model, &nothing);
        head.anchor = Some(Anchor { model: base, hidden: &base_hidden, weight: 0.0 });
        let scored = head.read(&hidden, &layout, false)?;
        Ok(Sums {
            nll: -scored.sum(&all),
            base_nll: -base_scored.sum(&all),
            kl: scored.divergence.iter().map(|kl| f64::from(*kl)).sum(),
            tokens: layout.scored(),
        })
    }
}

impl Trainer<'_> {
    pub(super) fn forgetting_due(&self) -> bool {
        let step = self.state.step;
        let every = self.forgetting.as_ref().map(|meter| meter.every.max(1));
        every.is_some_and(|every| step.is_multiple_of(every) || step == self.plan.total_steps)
            && self.state.forgetting_measured != Some(step)
    }

    /// True: more is forgotten than the limit allows.
    pub(super) fn measure_forgetting(&mut self) -> Result<bool> {
        let count = self.forgetting.as_ref().map_or(0, |meter| meter.rows.len());
        let mut sums = Sums::default();
        for from in (0..count).step_by(BATCH) {
            self.answer_wishes()?;
            let fraction = Some(from as f32 / count as f32);
            self.desk.tell(Event::RunProgress { id: self.id.clone(), phase: Phase::Forgetting, fraction });
            let Some(meter) = &self.forgetting else { break };
            let part = meter.of_rows(&self.model, &meter.rows[from..count.min(from + BATCH)])?;
            sums.nll += part.nll;
            sums.base_nll += part.base_nll;
            sums.kl += part.kl;
            sums.tokens += part.tokens;
        }
        let tokens = sums.tokens.max(1) as f64;
        let report = ForgettingReport {
            step: self.state.step,
            perplexity: (sums.nll / tokens).exp() as f32,
            base_perplexity: (sums.base_nll / tokens).exp() as f32,
            kl: (sums.kl / tokens) as f32,
        };
        self.state.forgetting_measured = Some(report.step);
        let risen = f64::from(report.perplexity / report.base_perplexity) - 1.0;
        let past = self.forgetting.as_ref().and_then(|meter| meter.limit).is_some_and(|limit| risen > limit);
        let epoch = self.plan.epoch(report.step);
        let line = LogLine::of_forgetting(&report, self.plan.total_steps, epoch, self.state.elapsed_secs);
        self.folder.append_log(&line)?;
        self.publish(Event::ForgettingMeasured { id: self.id.clone(), report })?;
        Ok(past)
    }
}
