//! The data of the next run: one file, or several that are mixed, one of them in sight.

use std::path::PathBuf;
use std::sync::Arc;

use luthier_engine::data::{DataSummary, Mapping};
use luthier_engine::protocol::{Command, DataSource};
use luthier_engine::recipe::Recipe;
use luthier_engine::{Error, Result};

use super::Bench;
use crate::datasets;
use crate::state::{Data, Other, Slot};
use crate::store::remember;

/// One of the mix.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// As the recipe names it: a path, or a name in `dataset_dir`.
    pub name: String,
    /// Where that lies.
    pub path: PathBuf,
    /// How the person says that its columns are to be read; None: as detected or declared.
    pub mapping: Option<Mapping>,
}

/// All of the mix; at least the one in sight, unless there is none.
#[derive(Debug, Default)]
pub struct Datasets {
    pub(super) list: Vec<Dataset>,
    shown: usize,
    /// The recipe's `dataset_dir`, where it came with names.
    folder: Option<PathBuf>,
}

impl Datasets {
    fn shown(&self) -> Option<&Dataset> {
        self.list.get(self.shown)
    }

    /// What a recipe says of them.
    pub(super) fn write(&self, recipe: &mut Recipe) {
        if self.list.is_empty() {
            return;
        }
        recipe.dataset = self.list.iter().map(|set| set.name.clone()).collect();
        if let Some(folder) = &self.folder {
            recipe.dataset_dir.clone_from(folder);
        }
    }
}

impl Bench {
    /// Makes this file the data; whatever was there before is put away.
    pub fn open_data(&mut self, path: PathBuf) {
        let name = path.display().to_string();
        self.open_list(vec![Dataset { name, path, mapping: None }], None);
    }

    /// The datasets of a recipe, as it names them.
    pub(super) fn open_datasets(&mut self, names: Vec<String>, folder: PathBuf) {
        if names.is_empty() {
            return;
        }
        let named = names.iter().any(|name| !std::path::Path::new(name).is_absolute());
        let set = |name: String| Dataset { path: folder.join(&name), name, mapping: None };
        let list = names.into_iter().map(set).collect();
        self.open_list(list, named.then_some(folder));
    }

    fn open_list(&mut self, list: Vec<Dataset>, folder: Option<PathBuf>) {
        self.cancel_all_readings();
        if let Some(first) = list.first() {
            remember(&mut self.settings.recent_data, &first.path);
        }
        let others = list.iter().skip(1).map(|set| (set.path.clone(), Other::default())).collect();
        self.state.data = Data { others, ..Data::default() };
        self.sets = Datasets { list, shown: 0, folder };
        self.keep_weights_fitting(None);
        self.sync_data();
    }

    /// Mixes another file in.
    pub fn add_data(&mut self, path: PathBuf) {
        if self.sets.list.is_empty() {
            return self.open_data(path);
        }
        if self.sets.list.iter().any(|set| set.path == path) {
            return;
        }
        remember(&mut self.settings.recent_data, &path);
        self.state.data.others.insert(path.clone(), Other::default());
        self.sets.list.push(Dataset { name: path.display().to_string(), path, mapping: None });
        self.keep_weights_fitting(None);
        self.sync_data();
    }

    pub fn datasets(&self) -> &[Dataset] {
        &self.sets.list
    }

    /// Which of them the Data panel shows.
    pub fn shown_dataset(&self) -> usize {
        self.sets.shown
    }

    /// What is known of one of them.
    pub fn summary_of(&self, index: usize) -> Option<&Arc<DataSummary>> {
        if index == self.sets.shown {
            return self.state.data.summary.as_ref();
        }
        let set = self.sets.list.get(index)?;
        self.state.data.others.get(&set.path)?.summary.as_ref()
    }

    pub fn show_dataset(&mut self, index: usize) {
        if index == self.sets.shown || index >= self.sets.list.len() {
            return;
        }
        self.stop_reading();
        let Some(before) = self.sets.shown().cloned() else { return };
        let mut data = std::mem::take(&mut self.state.data);
        let mut others = std::mem::take(&mut data.others);
        let source = data.source.filter(|_| data.reading.is_none());
        others.insert(before.path, Other { source, reading: None, summary: data.summary, problem: data.problem });
        self.sets.shown = index;
        self.bring_to_sight(others);
    }

    /// The one that `sets` says is shown, out of `others`.
    fn bring_to_sight(&mut self, mut others: std::collections::BTreeMap<PathBuf, Other>) {
        let now = self.sets.shown().and_then(|set| others.remove(&set.path)).unwrap_or_default();
        self.state.data =
            Data { source: now.source, reading: now.reading, problem: now.problem, others, ..Data::default() };
        if let Some(summary) = now.summary {
            let revision = self.request();
            self.state.data.show(revision, summary);
        }
        self.sync_data();
    }

    /// Takes one out of the mix; the file stays where it is.
    pub fn remove_dataset(&mut self, index: usize) {
        if self.sets.list.len() < 2 {
            return self.remove_data();
        }
        if index == self.sets.shown {
            self.stop_reading();
            self.drop_shown();
        } else if index < self.sets.list.len() {
            let gone = self.sets.list.remove(index);
            self.keep_weights_fitting(Some(index));
            self.sets.shown -= usize::from(index < self.sets.shown);
            if let Some(request) = self.state.data.others.remove(&gone.path).and_then(|other| other.reading) {
                self.wire.send(Command::CancelInspect { request });
            }
        }
    }

    /// Takes the one in sight out of the mix; the first of the rest comes to sight.
    fn drop_shown(&mut self) {
        let shown = self.sets.shown;
        self.sets.list.remove(shown);
        self.keep_weights_fitting(Some(shown));
        self.sets.shown = 0;
        let others = std::mem::take(&mut self.state.data.others);
        self.bring_to_sight(others);
    }

    pub fn remove_data(&mut self) {
        self.cancel_all_readings();
        self.sets = Datasets::default();
        self.keep_weights_fitting(None);
        self.state.data = Data::default();
        self.state.recipe.dataset.clear();
    }

    // Reading ----------------------------------------------------------------------------------------------------

    /// Reads the same file with another meaning of its columns.
    pub fn remap(&mut self, mapping: Option<Mapping>) {
        let shown = self.sets.shown;
        if let Some(set) = self.sets.list.get_mut(shown) {
            set.mapping = mapping;
            self.sync_data();
        }
    }

    /// The mapping that the person chose; None while the detected one stands.
    pub fn chosen_mapping(&self) -> Option<&Mapping> {
        self.sets.shown()?.mapping.as_ref()
    }

    fn source_of(&self, set: &Dataset) -> DataSource {
        DataSource {
            path: set.path.clone(),
            mapping: set.mapping.clone(),
            model: self.state.model.ready().map(|m| m.path.clone()),
            cutoff_len: self.state.recipe.cutoff_len,
            train_on_prompt: self.state.recipe.train_on_prompt,
        }
    }

    /// Asks the engine to read the data again wherever file, mapping, model or a setting that shapes rows has changed.
    pub fn sync_data(&mut self) {
        if matches!(self.state.model, Slot::Reading { .. }) {
            // Its tokenizer is needed; one reading instead of two.
            return;
        }
        let Some(source) = self.sets.shown().map(|set| self.source_of(set)) else { return };
        if self.state.data.source.as_ref() != Some(&source) {
            let request = self.request();
            self.state.data.source = Some(source.clone());
            self.state.data.reading = Some(request);
            self.state.data.problem = None;
            self.state.data.progress = (0, 0);
            self.wire.send(Command::InspectData { request, source });
        }
        self.sync_others();
    }

    /// The others follow one after the other, so that the one in sight is there first.
    fn sync_others(&mut self) {
        let data = &self.state.data;
        if data.others.is_empty() || data.reading.is_some() || data.others.values().any(|o| o.reading.is_some()) {
            return;
        }
        let shown = self.sets.shown;
        let wanted = self.sets.list.iter().enumerate().filter(|(index, _)| *index != shown).find_map(|(_, set)| {
            let source = self.source_of(set);
            let known = self.state.data.others.get(&set.path).and_then(|other| other.source.as_ref());
            (known != Some(&source)).then_some(source)
        });
        if let Some(source) = wanted {
            let request = self.request();
            let other = self.state.data.others.entry(source.path.clone()).or_default();
            (other.source, other.reading, other.problem) = (Some(source.clone()), Some(request), None);
            self.wire.send(Command::InspectData { request, source });
        }
    }

    /// Reads the file in sight anew, as when it has changed on disk.
    pub fn read_data_again(&mut self) {
        self.state.data.source = None;
        self.sync_data();
    }

    fn stop_reading(&self) {
        if let Some(request) = self.state.data.reading {
            self.wire.send(Command::CancelInspect { request });
        }
    }

    /// What was known before stays; a dataset of which nothing was known is taken out.
    pub fn cancel_reading(&mut self) {
        if self.state.data.reading.is_none() {
            return;
        }
        self.stop_reading();
        if self.state.data.summary.is_none() {
            if self.sets.list.len() > 1 {
                self.drop_shown();
            } else {
                self.sets = Datasets::default();
                self.keep_weights_fitting(None);
            }
        }
    }

    fn cancel_all_readings(&mut self) {
        let others = self.state.data.others.values().filter_map(|other| other.reading);
        for request in self.state.data.reading.into_iter().chain(others).collect::<Vec<_>>() {
            self.wire.send(Command::CancelInspect { request });
        }
    }

    /// Meanings of columns that the person chose go into the run with the names of their datasets; what else the recipe
    /// names in its folder is written out, since the folder is another then.
    ///
    /// # Errors
    /// `Io` where they cannot be kept.
    pub(super) fn keep_mappings(&self, recipe: &mut Recipe) -> Result<()> {
        if self.sets.list.iter().all(|set| set.mapping.is_none()) {
            return Ok(());
        }
        let mut places = Vec::new();
        let mut files = Vec::new();
        for (index, set) in self.sets.list.iter().enumerate() {
            let named = !std::path::Path::new(&set.name).is_absolute();
            if let Some(summary) = self.summary_of(index).filter(|_| named || set.mapping.is_some()) {
                places.push(index);
                files.push((summary.path.as_path(), set.mapping.as_ref().unwrap_or(&summary.mapping)));
            }
        }
        let (names, folder) = datasets::keep_mappings(&self.home, &files)?;
        for (index, name) in places.into_iter().zip(names) {
            recipe.dataset[index] = name;
        }
        let before = std::mem::replace(&mut recipe.dataset_dir, folder);
        let elsewhere = [&mut recipe.eval_dataset, &mut recipe.replay_dataset, &mut recipe.forgetting_dataset];
        if let Some(name) =
            elsewhere.into_iter().flatten().find(|name| std::path::Path::new(name.as_str()).is_relative())
        {
            let reason = format!("{name:?} is a name in {}, and columns were chosen by hand", before.display());
            return Err(Error::recipe(
                "dataset_dir",
                reason,
                "choose that data as a file, or detect the columns again",
            ));
        }
        Ok(())
    }
}
