//! Who can be measured: models as they came, and the results of runs.

use std::path::{Path, PathBuf};

use luthier_engine::recipe::{FinetuningType, Recipe, Stage};

use crate::bench::Bench;
use crate::format;
use crate::state::Run;

/// A model to measure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A model as it came.
    Model(PathBuf),
    /// A run's result, by its id.
    Run(String),
}

/// A subject with what measuring it takes.
#[derive(Debug, Clone, PartialEq)]
pub struct Examinee {
    pub subject: Subject,
    pub name: String,
    pub model: PathBuf,
    pub adapter: Option<PathBuf>,
    /// What it was trained as; None: a model as it came.
    pub trained: Option<(Stage, FinetuningType)>,
    /// Among theme::series.
    pub colour: Option<usize>,
}

impl Examinee {
    fn of_result(id: &str, name: &str, recipe: &Recipe, result: &Path, colour: Option<usize>) -> Self {
        let whole = matches!(recipe.finetuning_type, FinetuningType::Freeze | FinetuningType::Full);
        let (model, adapter) = match whole {
            true => (result.to_owned(), None),
            false => (recipe.model_name_or_path.clone(), Some(result.to_owned())),
        };
        Self {
            subject: Subject::Run(id.to_owned()),
            name: name.to_owned(),
            model,
            adapter,
            trained: Some((recipe.stage, recipe.finetuning_type)),
            colour,
        }
    }

    fn of_model(path: &Path) -> Self {
        Self {
            subject: Subject::Model(path.to_owned()),
            name: format::short_path(path),
            model: path.to_owned(),
            adapter: None,
            trained: None,
            colour: None,
        }
    }
}

impl Bench {
    /// Models as they came first: the loaded one, then those that runs grew from; then the runs' results, newest first.
    /// A reward model writes nothing and is left out.
    pub fn examinees(&self) -> Vec<Examinee> {
        let mut bases: Vec<PathBuf> = self.state.model.ready().map(|model| model.path.clone()).into_iter().collect();
        let mut results = Vec::new();
        let mut add = |examinee: Examinee, base: &Path| {
            if !bases.iter().any(|known| known == base) {
                bases.push(base.to_owned());
            }
            results.push(examinee);
        };
        // The run of this window may not have reached the library yet.
        let own =
            self.state.run.as_ref().filter(|run| self.shelf.card(&run.id).is_none_or(|card| card.result.is_none()));
        if let Some((run, result)) = own.and_then(|run: &Run| Some((run, run.result()?)))
            && run.recipe.stage != Stage::Rm
        {
            let examinee = Examinee::of_result(&run.id, &run.id, &run.recipe, result, None);
            add(examinee, &run.recipe.model_name_or_path);
        }
        for card in self.shelf.runs.iter().filter(|card| card.deleted_unix_secs.is_none() && !card.archived) {
            let Some(result) = card.result.as_ref().filter(|_| card.recipe.stage != Stage::Rm) else { continue };
            let examinee = Examinee::of_result(&card.id, &card.name, &card.recipe, result, Some(card.colour));
            add(examinee, &card.recipe.model_name_or_path);
        }
        bases.iter().map(|path| Examinee::of_model(path)).chain(results).collect()
    }

    /// What a run is called: its name in the library, else its id.
    pub fn run_name(&self, id: &str) -> String {
        self.shelf.card(id).map_or_else(|| id.to_owned(), |card| card.name.clone())
    }

    /// Ticks a model, or takes the tick off.
    pub fn choose_subject(&mut self, subject: &Subject) {
        let chosen = &mut self.desks.evaluate.subjects;
        if !chosen.remove(subject) {
            chosen.insert(subject.clone());
        }
    }
}
