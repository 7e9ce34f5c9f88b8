//! A grid or random search over recipe keys.

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug, Default)]
pub struct SweepDesk {}
