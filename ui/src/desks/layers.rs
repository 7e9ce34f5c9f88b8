//! The layer picture: how it is looked at, and changing what learns in it.

use std::cell::RefCell;
use std::sync::Arc;

use luthier_engine::estimate::{self, Estimate, Machine, Workload};
use luthier_engine::model::ModelConfig;
use luthier_engine::recipe::Recipe;

use crate::bench::Bench;
use crate::panels::Panel;
use crate::panels::layers::{Edit, Keys, Length, Picture, Preset, apply, picture_of};
use crate::state::Run;
use crate::text::t;

/// What the colours mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LayersView {
    #[default]
    Learns,
    Movement,
    Gradients,
    OverTime,
}

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug)]
pub struct LayersDesk {
    pub view: LayersView,
    /// 1: as wide as there is room.
    pub zoom: f32,
    /// Layers of the presets that count from below and from above.
    pub first: usize,
    pub last: usize,
    /// Joining is told and written in steps, not in shares of the run.
    pub in_steps: bool,
    /// Over time: gradients instead of movement.
    pub heat_of_gradients: bool,
    /// The measurement that is shown, by its place; None: the newest.
    pub measurement: Option<usize>,
    /// A run from the shelf whose measurements are shown; None: the run of this session.
    pub run: Option<String>,
    past: Vec<Keys>,
    future: Vec<Keys>,
    last_picture: RefCell<Option<KnownPicture>>,
    last_open: RefCell<Option<Unfrozen>>,
}

/// What a run without freezing would take, and what it was asked for.
#[derive(Debug)]
struct Unfrozen {
    /// The form, and the same without freezing.
    form: Recipe,
    recipe: Recipe,
    config: ModelConfig,
    workload: Workload,
    machine: Machine,
    estimate: Option<Estimate>,
}

#[derive(Debug)]
struct KnownPicture {
    recipe: Recipe,
    config: ModelConfig,
    length: Length,
    picture: Arc<Picture>,
}

impl Default for LayersDesk {
    fn default() -> Self {
        Self {
            view: LayersView::Learns,
            zoom: 1.0,
            first: 6,
            last: 2,
            in_steps: false,
            heat_of_gradients: false,
            measurement: None,
            run: None,
            past: Vec::new(),
            future: Vec::new(),
            last_picture: RefCell::default(),
            last_open: RefCell::default(),
        }
    }
}

/// Changes that can be taken back.
const REMEMBERED: usize = 100;

impl Bench {
    /// How long the run in the form will be.
    pub fn layers_length(&self) -> Length {
        Length::of(&self.state.recipe, self.workload().map(|workload| workload.rows))
    }

    /// What the recipe in the form makes of the model; None: there is no model. Made anew only when one of them changed.
    pub fn picture(&self) -> Option<Arc<Picture>> {
        let config = &self.state.model.ready()?.config;
        let (recipe, length) = (&self.state.recipe, self.layers_length());
        let mut last = self.desks.layers.last_picture.borrow_mut();
        if let Some(known) = last.as_ref()
            && known.length == length
            && known.recipe == *recipe
            && known.config == *config
        {
            return Some(known.picture.clone());
        }
        let picture = Arc::new(picture_of(recipe, config, length));
        let known = KnownPicture { recipe: recipe.clone(), config: config.clone(), length, picture: picture.clone() };
        *last = Some(known);
        Some(picture)
    }

    /// Changes what learns, as one step that can be undone.
    pub fn edit_layers(&mut self, edits: &[Edit]) {
        let Some(config) = self.state.model.ready().map(|model| model.config.clone()) else { return };
        let (before, length) = (Keys::of(&self.state.recipe), self.layers_length());
        for edit in edits {
            apply(edit, &mut self.state.recipe, &config, length);
        }
        if Keys::of(&self.state.recipe) == before {
            return;
        }
        let desk = &mut self.desks.layers;
        desk.past.push(before);
        let surplus = desk.past.len().saturating_sub(REMEMBERED);
        desk.past.drain(..surplus);
        desk.future.clear();
    }

    /// From a command: the picture comes to the front.
    pub fn set_layers(&mut self, edit: Edit) {
        self.panel = Panel::Layers;
        self.desks.layers.view = LayersView::Learns;
        self.edit_layers(&[edit]);
    }

    pub fn can_undo_layers(&self) -> bool {
        !self.desks.layers.past.is_empty()
    }

    pub fn can_redo_layers(&self) -> bool {
        !self.desks.layers.future.is_empty()
    }

    pub fn undo_layers(&mut self) {
        if let Some(keys) = self.desks.layers.past.pop() {
            self.desks.layers.future.push(Keys::of(&self.state.recipe));
            keys.put(&mut self.state.recipe);
        }
    }

    pub fn redo_layers(&mut self) {
        if let Some(keys) = self.desks.layers.future.pop() {
            self.desks.layers.past.push(Keys::of(&self.state.recipe));
            keys.put(&mut self.state.recipe);
        }
    }

    pub fn zoom_layers(&mut self, factor: f32) {
        let zoom = &mut self.desks.layers.zoom;
        *zoom = if factor == 0.0 { 1.0 } else { (*zoom * factor).clamp(1.0, 8.0) };
    }

    /// The run whose measurements are shown.
    pub fn layers_run(&self) -> Option<&Run> {
        match &self.desks.layers.run {
            Some(id) => self.run_of(id),
            None => self.state.run.as_ref(),
        }
    }

    /// Shows how far the layers of a run from the shelf have moved.
    pub fn show_layers_of(&mut self, id: &str) {
        self.want_events(id);
        self.desks.layers.run = Some(id.to_owned());
        (self.desks.layers.view, self.desks.layers.measurement) = (LayersView::Movement, None);
        self.panel = Panel::Layers;
        self.notes.push(t!("layers.note_run", run = id));
    }

    /// What the run would take if everything the method can train learned from the start.
    pub fn estimate_unfrozen(&self) -> Option<Estimate> {
        let config = &self.state.model.ready()?.config;
        let (workload, machine) = (self.workload()?, self.machine()?);
        let mut last = self.desks.layers.last_open.borrow_mut();
        if let Some(last) = last.as_ref()
            && last.form == self.state.recipe
            && (&last.config, last.workload, last.machine) == (config, workload, machine)
        {
            return last.estimate.clone();
        }
        let form = self.state.recipe.clone();
        let (mut open, length) = (form.clone(), self.layers_length());
        apply(&Edit::Gradual(None), &mut open, config, length);
        apply(&Edit::Preset(Preset::All), &mut open, config, length);
        // Most edits freeze something else and leave this as it was.
        if let Some(last) = last.as_mut()
            && (&last.recipe, &last.config, last.workload, last.machine) == (&open, config, workload, machine)
        {
            last.form = form;
            return last.estimate.clone();
        }
        let estimate = estimate::estimate(&open, config, &workload, &machine).ok();
        *last = Some(Unfrozen {
            form,
            recipe: open,
            config: config.clone(),
            workload,
            machine,
            estimate: estimate.clone(),
        });
        estimate
    }
}
