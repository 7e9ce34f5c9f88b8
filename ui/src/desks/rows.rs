//! The table of the data file's rows.

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug, Default)]
pub struct RowsDesk {}
