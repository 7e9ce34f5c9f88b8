//! Evaluations: which sets, which models, what came of it.

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug, Default)]
pub struct EvaluateDesk {}
