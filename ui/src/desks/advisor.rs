//! The advisor: what the person wants, and what is proposed.

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug, Default)]
pub struct AdvisorDesk {}
