//! The list of every run: search, order, choice.

use std::collections::BTreeSet;

/// Which page of the Runs panel is in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunsPage {
    #[default]
    List,
    Compare,
    Sweep,
}

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug, Default)]
pub struct RunsDesk {
    pub page: RunsPage,
    /// Ids of the runs that are chosen: what Compare lays over one another.
    pub chosen: BTreeSet<String>,
}
