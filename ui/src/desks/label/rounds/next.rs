//! The next round: the same prompts, answered by the model before and after the training.

use luthier_engine::recipe::{FinetuningType, Recipe, Stage};

use super::super::LabelPage;
use crate::bench::Bench;
use crate::format;
use crate::labels::{Author, Order, QueueCard, QueueId, QueueSettings};
use crate::panels::Panel;
use crate::text::t;

/// From so many prompts on that the run has not learned from they alone are proposed: enough to tell 70 % from chance.
const ENOUGH_HELD_OUT: usize = 20;

/// A round to come, as it is put together.
#[derive(Debug, Clone, PartialEq)]
pub struct NextDesk {
    pub parent: QueueId,
    pub run: String,
    /// Only prompts that the run was not trained on.
    pub held_out: bool,
}

impl Bench {
    /// The queue whose labels this run was trained on.
    pub fn labels_of_run(&self, run: &str) -> Option<&QueueCard> {
        let mut cards = self.desks.label.cards.iter();
        // Its own recipe knows it best: another run on the same labels may have begun since.
        let recipe = self.shelf.card(run).map(|card| &*card.recipe);
        let queue = recipe.and_then(|recipe| self.queue_of_recipe(recipe));
        cards.find(|card| card.run.as_deref() == Some(run) || Some(card.id) == queue)
    }

    /// The recipe of a run and what it made, where that is a model that answers.
    fn made_by(&self, run: &str) -> Option<(&Recipe, &std::path::PathBuf)> {
        let card = self.shelf.card(run).and_then(|card| Some((&*card.recipe, card.result.as_ref()?)));
        let own = self.state.run.as_ref().filter(|own| own.id == run);
        let made = card.or_else(|| own.and_then(|own| Some((&own.recipe, own.result()?))));
        made.filter(|(recipe, _)| recipe.stage != Stage::Rm)
    }

    /// Whether the model of this run can be set against the one before it.
    pub fn can_label_new(&self, run: &str) -> bool {
        self.labels_of_run(run).is_some() && self.made_by(run).is_some()
    }

    /// "Label the new model": puts the next round together.
    pub fn label_new_model(&mut self, run: &str) {
        if !self.can_label_new(run) {
            return;
        }
        let Some(card) = self.labels_of_run(run) else { return };
        let (parent, held_out) = (card.id, card.unlearned() >= ENOUGH_HELD_OUT);
        let desk = &mut self.desks.label;
        desk.rounds.chain = Some(desk.root_of(parent));
        desk.rounds.lesson = None;
        desk.rounds.next = Some(NextDesk { parent, run: run.to_owned(), held_out });
        desk.page = LabelPage::Rounds;
        self.panel = Panel::Label;
    }

    /// [`Self::label_new_model`] for the run that the Train panel shows.
    pub fn label_new_in_view(&mut self) {
        if let Some(run) = self.run_in_view().map(|run| run.id.clone()) {
            self.label_new_model(&run);
        }
    }

    /// The model before the training and the one after it.
    pub fn old_and_new(&self, next: &NextDesk) -> Option<[Author; 2]> {
        let (recipe, result) = self.made_by(&next.run)?;
        let authors = &self.desks.label.card(next.parent)?.settings.authors;
        let from = &recipe.adapter_name_or_path;
        let began = authors.iter().find(|author| author.model == recipe.model_name_or_path && author.adapter == *from);
        let sampling = began.or(authors.first()).map(|author| author.sampling.clone()).unwrap_or_default();
        let old = began.cloned().unwrap_or_else(|| Author {
            name: format::short_path(from.as_ref().unwrap_or(&recipe.model_name_or_path)),
            model: recipe.model_name_or_path.clone(),
            adapter: from.clone(),
            run: None,
            sampling: sampling.clone(),
            stamp: String::new(),
        });
        let whole = matches!(recipe.finetuning_type, FinetuningType::Full | FinetuningType::Freeze);
        let (model, adapter) = match whole {
            true => (result.clone(), None),
            false => (recipe.model_name_or_path.clone(), Some(result.clone())),
        };
        let (name, run) = (self.run_name(&next.run), Some(next.run.clone()));
        Some([old, Author { name, model, adapter, run, sampling, stamp: String::new() }])
    }

    /// Begins the round that was put together.
    pub fn begin_next_round(&mut self) {
        let Some(next) = self.desks.label.rounds.next.clone() else { return };
        let Some(authors) = self.old_and_new(&next) else { return };
        let desk = &self.desks.label;
        let Some(parent) = desk.card(next.parent) else { return };
        let root = desk.card(desk.root_of(next.parent)).unwrap_or(parent);
        let name = t!("rounds.next_name", name = root.name, n = parent.settings.round + 1);
        let only = next.held_out.then(|| parent.settings.held_out.clone());
        self.labels.order(Order::NextRound { parent: next.parent, name, authors: authors.into(), only });
        self.desks.label.rounds.next = None;
    }

    fn queue_of_recipe(&self, recipe: &Recipe) -> Option<QueueId> {
        recipe.dataset.iter().find_map(|name| super::files::queue_of(&self.home, &recipe.dataset_dir.join(name)))
    }

    /// A run begins: where it learns from files of a queue's labels, the queue remembers it, and what is held out. A reward model answers
    /// nothing, so no round follows it.
    pub(crate) fn note_trained(&mut self, id: &str, recipe: &Recipe) {
        if recipe.stage == Stage::Rm {
            return;
        }
        if let Some(queue) = self.queue_of_recipe(recipe) {
            let learned =
                |file: &std::path::Path| recipe.dataset.iter().any(|name| recipe.dataset_dir.join(name) == file);
            let written = self.desks.label.rounds.written.as_ref();
            let held_out =
                written.filter(|(of, file, _)| *of == queue && learned(file)).map(|(.., items)| items.clone());
            if let Some((card, held_out)) = self.desks.label.card(queue).zip(held_out)
                && card.settings.held_out != held_out
            {
                let settings = Box::new(QueueSettings { held_out, ..card.settings.clone() });
                self.labels.order(Order::ChangeQueue { queue, settings });
            }
            self.labels.order(Order::Trained { queue, run: id.to_owned() });
        }
    }
}
