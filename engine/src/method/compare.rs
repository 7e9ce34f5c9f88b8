//! What methods that compare answers with a reference have in common: once its numbers are there, a judgement of the scored
//! tokens is all that differs.

use super::{Measured, Turn};
use crate::Result;
use crate::model::Model;
use crate::trainer::{Layout, Scored, TokenHead};

/// The mean loss of a micro-batch, and its slope by each scored token's -log p.
pub(super) type Judgement = (Measured, Vec<f32>);

/// Scores the sequences and goes back by what `judge` makes of the scores. No dropout: the policy is compared with its
/// reference (as TRL's disable_dropout).
pub(super) fn learn(turn: Turn, layout: &Layout, judge: impl FnOnce(&Scored) -> Judgement) -> Result<Measured> {
    let head = TokenHead::new(turn.model, turn.pass.learning);
    turn.pass.run(turn.model, layout, None, turn.sum, |x, back| {
        let (scored, kept) = head.score(x, layout, back.dx.is_some())?;
        let (measured, mut slopes) = judge(&scored);
        slopes.iter_mut().for_each(|slope| *slope *= turn.share as f32);
        head.back(x, layout, kept, &slopes, back)?;
        Ok(measured)
    })
}

/// The loss on `rows` rows without gradient, so that the mean is over all rows, however they were batched.
pub(super) fn evaluate(
    model: &Model,
    layout: &Layout,
    rows: usize,
    judge: impl FnOnce(&Scored) -> Judgement,
) -> Result<Measured> {
    let x = model.hidden(&layout.ids, &layout.lengths);
    let nothing = Default::default();
    let (mut measured, _) = judge(&TokenHead::new(model, &nothing).read(&x, layout, false)?);
    measured.weight = rows as f64;
    measured.loss *= rows as f64;
    Ok(measured)
}

/// Asks the reference about all rows, some at a time, and tells how far that is.
pub(super) fn ask_all<T>(
    all: &[T],
    at_once: usize,
    progress: &mut dyn FnMut(f32) -> Result<()>,
    mut ask: impl FnMut(&[T]) -> Result<()>,
) -> Result<()> {
    for (i, part) in all.chunks(at_once).enumerate() {
        progress((i * at_once) as f32 / all.len().max(1) as f32)?;
        ask(part)?;
    }
    Ok(())
}
