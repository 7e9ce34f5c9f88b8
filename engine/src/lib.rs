//! Luthier's training engine: from data files and a model folder to a tuned model. No window.
//!
//! `protocol` is what the window and the command line speak; `link` starts the worker; `trainer` is the one loop.

pub mod adapter;
pub mod advice;
pub mod data;
pub mod device;
mod error;
pub mod estimate;
pub mod eval;
pub mod feedback;
pub mod files;
pub mod freeze;
pub mod generate;
pub mod link;
pub mod logits;
pub mod method;
pub mod model;
pub mod ops;
pub mod optimizer;
pub mod protocol;
pub mod quant;
pub mod recipe;
pub mod run_folder;
pub mod template;
pub mod tokenizer;
pub mod trainer;
mod worker;

pub use error::{Error, RecipeProblem, Result, exit_code};
