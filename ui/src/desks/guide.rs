//! The handbook: the page that is open, what is searched for.

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug, Default)]
pub struct GuideDesk {}
