//! What the command line does with the library: it has no window and no thread, and waits.

use std::path::Path;

use luthier_engine::protocol::Problem;
use serde::Serialize;

use super::book::BOOK;
use super::rows::{self, Recipes};
use super::{RunStatus, thread};

/// Takes the run in `folder` in.
///
/// # Errors
/// Why it is not among the runs, to be told as a warning.
pub fn register(home: &Path, folder: &Path) -> Result<(), Problem> {
    let (folder, place, reading) = thread::look_into(folder)?;
    let (mut books, _) = BOOK.open(home)?;
    let insert = rows::change(&mut books, |books| rows::insert(books, &folder, &place, &reading, None));
    insert.map(drop).map_err(|error| BOOK.failure(home, &error))
}

/// A run as `luthier runs` tells it.
#[derive(Debug, Serialize)]
pub struct Listed {
    pub id: String,
    pub name: String,
    pub folder: std::path::PathBuf,
    pub status: RunStatus,
    pub stage: String,
    pub finetuning_type: String,
    pub model: std::path::PathBuf,
    pub dataset: Vec<String>,
    pub started_unix_secs: u64,
    pub elapsed_secs: f64,
    pub steps: usize,
    pub total_steps: usize,
    pub last_loss: Option<f32>,
    pub best_eval_loss: Option<f32>,
    pub forgetting: Option<(f32, f32)>,
    pub result: Option<std::path::PathBuf>,
    pub tags: Vec<String>,
    pub note: String,
    pub starred: bool,
    pub archived: bool,
}

/// Every run that is not in the bin, newest first, after a look at their folders.
///
/// # Errors
/// Where the database cannot be used.
pub fn listing(home: &Path) -> Result<Vec<Listed>, Problem> {
    let (mut books, _) = BOOK.open(home)?;
    let cards = rows::refresh(&mut books, &home.join("runs"), false)
        .and_then(|_| rows::cards(&books, &mut Recipes::new()))
        .map_err(|error| BOOK.failure(home, &error))?;
    let listed = cards.into_iter().filter(|card| card.deleted_unix_secs.is_none()).map(|card| Listed {
        stage: card.recipe.stage.to_string(),
        finetuning_type: card.recipe.finetuning_type.to_string(),
        model: card.recipe.model_name_or_path.clone(),
        dataset: card.recipe.dataset.clone(),
        id: card.id,
        name: card.name,
        folder: card.folder,
        status: card.status,
        started_unix_secs: card.started_unix_secs,
        elapsed_secs: card.elapsed_secs,
        steps: card.steps,
        total_steps: card.total_steps,
        last_loss: card.last_loss,
        best_eval_loss: card.best_eval_loss,
        forgetting: card.forgetting,
        result: card.result,
        tags: card.tags,
        note: card.note,
        starred: card.starred,
        archived: card.archived,
    });
    Ok(listed.collect())
}
