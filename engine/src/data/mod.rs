//! Data: from files that people have to rows of token ids with labels.
//!
//! `source` finds the files (a path, a folder, a name in dataset_info.json), `read` with `json` and `table` turns them
//! into rows of named values, `detect` or dataset_info.json or the person says what the columns mean (`mapping`),
//! `sample` and `turn` read a row through that, `chat` lays a conversation out, `encode` makes ids and labels, `stage`
//! makes of them what the stage learns, `tally` counts what was left out, `mix` joins datasets, `batch` puts rows
//! together. [`prepare`] does all of it for a run, [`inspect`] for the Data panel, whose rows [`Shelf`] keeps at hand. Files are read whole; rows are
//! numbered from 1 wherever a person meets them.

mod answered;
mod batch;
mod chat;
mod dataset_info;
mod describe;
mod detect;
mod encode;
mod example;
mod inspect;
mod json;
mod language;
mod lengths;
mod mapping;
mod mix;
mod prepare;
mod preview;
mod progress;
mod prompts;
mod quality;
mod read;
mod sample;
mod shelf;
mod source;
mod stage;
mod table;
mod tally;
mod turn;

#[cfg(test)]
mod look_tests;
#[cfg(test)]
mod stage_tests;
#[cfg(test)]
mod tests;

pub(crate) use answered::answered;
pub use batch::{Batch, epoch_order};
pub use chat::alpaca_layout;
pub use dataset_info::dataset_info_entry;
pub use describe::describe;
pub use detect::suggest;
pub use encode::{Encoded, IGNORED};
pub use example::{Example, mismatched};
pub use inspect::{Balance, DataSummary, RowProblem, inspect};
pub use language::{CODE, LanguageShare, UNKNOWN};
pub use lengths::TokenStats;
pub use mapping::{DataKind, Format, Mapping, Part, Tags};
pub use mix::{replay_count, rows_aside, rows_per_pass};
pub use prepare::{Prepared, prepare};
pub use preview::{PreviewRow, Segment};
pub use prompts::{FilePrompts, file_prompts};
pub use quality::{Cut, Quality, RowList};
pub use read::DATA_FILE_ENDINGS;
pub(crate) use read::read_text;
pub use shelf::Shelf;
