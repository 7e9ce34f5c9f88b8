//! The bench: what is known, and everything a person can do with it. No drawing here; panels call these and nothing else.

use std::path::{Path, PathBuf};

use luthier_engine::protocol::{Command, Problem, RequestId};
use luthier_engine::recipe::{Interval, Recipe};

use crate::desks::{Desks, MethodPage, Turn};
use crate::dialogs::{Ask, DATA_ENDINGS, Dialogs, RECIPE_ENDINGS};
use crate::labels::Labels;
use crate::library::{Answer, Library, Shelf};
use crate::panels::Panel;
use crate::state::{AppState, Entry, Slot};
use crate::store::{Settings, remember};
use crate::text::{say, t};
use crate::wire::Wire;
use crate::{assets, format};

pub struct Bench {
    pub state: AppState,
    pub settings: Settings,
    pub dialogs: Dialogs,
    pub library: Library,
    pub labels: Labels,
    /// What the library has told.
    pub shelf: Shelf,
    pub desks: Desks,
    /// Where the person is.
    pub panel: Panel,
    /// Confirmations to show once.
    pub notes: Vec<String>,
    /// Why a recipe file could not be opened or saved, until the next try.
    pub recipe_problem: Option<Problem>,
    /// The datasets that should be loaded; [`Bench::sync_data`] sees to it.
    sets: Datasets,
    pub(crate) wire: Wire,
    pub(crate) home: PathBuf,
    last_request: RequestId,
    last_estimate: LastEstimate,
}

impl Bench {
    pub fn new(settings: Settings, home: PathBuf, wire: Wire, dialogs: Dialogs, books: (Library, Labels)) -> Self {
        let mut state = AppState::default();
        state.talk.number_from(talk::first_id());
        Self {
            state,
            settings,
            dialogs,
            library: books.0,
            labels: books.1,
            shelf: Shelf::default(),
            desks: Desks::default(),
            panel: Panel::Start,
            notes: Vec::new(),
            recipe_problem: None,
            sets: Datasets::default(),
            wire,
            home,
            last_request: 0,
            last_estimate: LastEstimate::default(),
        }
    }

    pub(crate) fn request(&mut self) -> RequestId {
        self.last_request += 1;
        self.last_request
    }

    /// Takes in what the engine and the dialogs have said since the last frame.
    pub fn poll(&mut self) {
        let stage = self.state.recipe.stage;
        while let Some(event) = self.wire.receive() {
            let turn = Turn::of(&self.state, &event);
            self.hear_ahead(&event);
            self.state.apply(event);
            self.take_turn(turn);
        }
        if self.state.recipe.stage != stage {
            let name = say(&format!("stage.{}", self.state.recipe.stage));
            self.notes.push(t!("note.stage_follows", stage = name));
        }
        while let Some((ask, path)) = self.dialogs.answer() {
            self.take(ask, path);
        }
        while let Some(answer) = self.library.answer() {
            self.take_answer(answer);
        }
        while let Some(answer) = self.labels.answer() {
            self.take_labels(answer);
        }
        self.settle_lesson();
        self.keep_talks();
        self.ask_next();
        self.sync_exams();
        self.sync_ahead();
    }

    fn take_answer(&mut self, answer: Answer) {
        self.shelf.revision += 1;
        match answer {
            Answer::Runs(runs) => self.take_cards(runs),
            Answer::Evaluations(evaluations) => self.shelf.evaluations = evaluations,
            Answer::Loaded { id, run } => drop(self.shelf.loaded.insert(id, run)),
            Answer::Queue(waiting) => self.restore_queue(waiting),
            Answer::Talks(talks) => self.state.talk.take_kept(talks),
            Answer::Written { path } => self.notes.push(t!("note.written", path = format::path(&path))),
            Answer::Failed { problem } => {
                self.notes.push(problem.message.clone());
                if problem.code.starts_with("library") {
                    self.desks.runs.problem = Some(problem.clone());
                }
                self.state.log.add(Entry::Failed(problem));
            }
        }
    }

    fn take(&mut self, ask: Ask, path: PathBuf) {
        match ask {
            Ask::ModelFolder | Ask::ModelFile => self.open_model(path),
            Ask::DataFile => self.open_data(path),
            Ask::MoreData => self.add_data(path),
            Ask::EvalDataFile => {
                self.state.recipe.eval_dataset = vec![path.display().to_string()];
                if self.state.recipe.eval_strategy == Interval::No {
                    self.state.recipe.eval_strategy = Interval::Epoch;
                }
            }
            Ask::AdapterFolder => self.choose_adapter(path),
            Ask::TalkModel => self.choose_talk_model(path),
            Ask::OutputFolder => self.state.recipe.output_dir = path,
            Ask::StartAdapter => self.state.recipe.adapter_name_or_path = Some(path),
            Ask::ReferenceModel => self.state.recipe.ref_model = Some(path),
            Ask::RewardModel => self.state.recipe.reward_model = Some(path),
            Ask::ReplayFile => self.state.recipe.replay_dataset = vec![path.display().to_string()],
            Ask::PromptsFile => self.choose_prompts_file(path),
            Ask::ExamData | Ask::QuestionsFile | Ask::QuestionsFolder => self.choose_exam_file(path),
            Ask::ForgettingFile => self.state.recipe.forgetting_dataset = vec![path.display().to_string()],
            Ask::RunFolder => self.add_run_folder(path),
            Ask::OpenRecipe => self.open_recipe(&path),
            Ask::SaveRecipe => self.save_recipe(&path),
            Ask::SaveExport(kind) => self.write_export(kind, path),
            Ask::LabelsFile => self.import_labels(path),
            Ask::SaveLabels(_) | Ask::LabelsFolder => self.export_labels(path),
        }
    }

    /// A file or folder from anywhere: its ending says what it is.
    pub fn open_any(&mut self, path: PathBuf) {
        let ending = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
        if RECIPE_ENDINGS.contains(&ending.as_str()) {
            self.open_recipe(&path);
            self.panel = Panel::Method;
        } else if DATA_ENDINGS.contains(&ending.as_str()) {
            self.open_data(path);
            self.panel = Panel::Data;
        } else {
            self.open_model(path);
            self.panel = Panel::Model;
        }
    }

    // Devices and model ------------------------------------------------------------------------------------------

    pub fn probe_devices(&mut self) {
        self.state.devices = None;
        self.wire.send(Command::ProbeDevices);
    }

    pub fn open_model(&mut self, path: PathBuf) {
        let request = self.request();
        remember(&mut self.settings.recent_models, &path);
        self.state.model = Slot::Reading { request, path: path.clone() };
        self.wire.send(Command::InspectModel { request, path });
    }

    // Recipe -----------------------------------------------------------------------------------------------------

    /// The next run as a recipe file would have it: with the model and the data that are loaded.
    pub fn whole_recipe(&self) -> Recipe {
        let mut recipe = self.state.recipe.clone();
        if let Some(model) = self.state.model.ready() {
            recipe.model_name_or_path = model.path.clone();
        }
        self.sets.write(&mut recipe);
        recipe
    }

    pub fn open_recipe(&mut self, path: &Path) {
        self.recipe_problem = None;
        self.desks.advisor.page = Some(MethodPage::Settings);
        match Recipe::load(path) {
            Ok((recipe, warnings)) => {
                remember(&mut self.settings.recent_recipes, path);
                self.take_recipe(recipe, warnings);
                self.notes.push(t!("note.recipe_opened", path = format::path(path)));
            }
            Err(error) => self.recipe_problem = Some(Problem::from(&error)),
        }
    }

    /// Makes `recipe` the next run, its model and data loaded.
    pub(crate) fn take_recipe(&mut self, recipe: Recipe, warnings: Vec<String>) {
        for warning in warnings {
            self.state.log.add(Entry::Warned(warning));
        }
        let model = recipe.model_name_or_path.clone();
        let named = (recipe.dataset.clone(), recipe.dataset_dir.clone());
        let sampling = &mut self.state.talk.front_mut().sampling;
        (sampling.temperature, sampling.top_p) = (recipe.temperature as f32, recipe.top_p as f32);
        sampling.top_k = recipe.top_k;
        self.state.recipe = recipe;
        self.desks.advisor.page = Some(MethodPage::Settings);
        if !model.as_os_str().is_empty() {
            self.open_model(model);
        }
        self.open_datasets(named.0, named.1);
    }

    pub fn save_recipe(&mut self, path: &Path) {
        self.recipe_problem = None;
        let text = self.whole_recipe().to_yaml();
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let written = tempfile::NamedTempFile::new_in(folder).and_then(|mut file| {
            std::io::Write::write_all(&mut file, text.as_bytes())?;
            file.persist(path).map_err(|e| e.error)?;
            Ok(())
        });
        match written {
            Ok(()) => {
                remember(&mut self.settings.recent_recipes, path);
                self.notes.push(t!("note.recipe_saved", path = format::path(path)));
            }
            Err(error) => {
                let error = luthier_engine::Error::io(path, error);
                self.recipe_problem = Some(Problem::from(&error));
            }
        }
    }

    // Runs -------------------------------------------------------------------------------------------------------

    pub fn start_training(&mut self) {
        if self.state.missing().is_empty()
            && let Some(recipe) = self.ready_recipe()
        {
            self.start(recipe);
        }
    }

    /// The next run, whole, with the columns' meanings that the person chose. None where those could not be kept.
    pub(crate) fn ready_recipe(&mut self) -> Option<Recipe> {
        let mut recipe = self.whole_recipe();
        if let Err(error) = self.keep_mappings(&mut recipe) {
            self.recipe_problem = Some(Problem::from(&error));
            self.open_method(MethodPage::Settings);
            return None;
        }
        Some(recipe)
    }

    /// One click: the sample model, the sample data, and a run on them.
    pub fn try_sample(&mut self) {
        if self.state.running() {
            return;
        }
        self.recipe_problem = None;
        let Some(path) = assets::find("sample/recipe.yaml") else {
            let message = t!("start.sample_missing");
            self.recipe_problem = Some(Problem { code: "io".into(), message });
            return;
        };
        match Recipe::load(&path) {
            Ok((recipe, warnings)) => {
                self.take_recipe(Recipe { output_dir: PathBuf::new(), ..recipe.clone() }, warnings);
                self.start(Recipe { output_dir: PathBuf::new(), ..recipe });
            }
            Err(error) => self.recipe_problem = Some(Problem::from(&error)),
        }
    }

    fn start(&mut self, recipe: Recipe) {
        let run = self.prepare(recipe);
        self.begin(run);
        self.desks.runs.opened = None;
        self.panel = Panel::Train;
    }
}

mod datasets;
mod estimate;
mod mix;
mod running;
mod stamp;
mod talk;

use datasets::Datasets;
use estimate::LastEstimate;
pub(crate) use stamp::civil;
use stamp::stamp;
pub(crate) use talk::now_unix_secs;

#[cfg(test)]
mod tests;
