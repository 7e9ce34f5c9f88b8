//! The layer picture: what is chosen in it and how it is looked at.

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug, Default)]
pub struct LayersDesk {}
