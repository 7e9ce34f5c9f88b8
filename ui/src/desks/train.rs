//! How the run in the Train panel is looked at.

use luthier_engine::recipe::{KEYS, Recipe, Stage};

use crate::bench::Bench;
use crate::panels::Panel;
use crate::plot::{Along, Look};
use crate::state::{Run, written_values};
use crate::text::t;

/// The pages of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TrainPage {
    #[default]
    Curves,
    /// What a preference method opens between better and worse answers.
    Margins,
    /// What PPO samples.
    Rollouts,
    /// To the fixed prompts.
    Answers,
    /// Its settings and its log.
    Settings,
}

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug, Default)]
pub struct TrainDesk {
    pub page: TrainPage,
    pub along: Along,
    pub logarithmic: bool,
    pub clipped: bool,
    /// Sought in the list of metrics.
    pub sought: String,
    /// All of the axis should be shown again.
    pub reset_zoom: bool,
}

impl TrainPage {
    /// The pages that this run has.
    pub fn of(run: &Run) -> Vec<Self> {
        let pairs = run.steps.last().is_some_and(|step| step.metrics.contains_key("rewards/margins"));
        let asked = !run.recipe.sample_prompts.is_empty() || !run.answers.is_empty();
        let all = [
            (Self::Curves, true),
            (Self::Margins, pairs),
            (Self::Rollouts, run.recipe.stage == Stage::Ppo),
            (Self::Answers, asked),
            (Self::Settings, true),
        ];
        all.into_iter().filter(|(_, has)| *has).map(|(page, _)| page).collect()
    }
}

/// A key in which two recipes differ, with both values as a recipe file has them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Differing {
    pub key: &'static str,
    pub one: String,
    pub other: String,
}

/// Where two recipes differ; what every run has of its own (its folder) is left out.
pub fn differing(one: &Recipe, other: &Recipe) -> Vec<Differing> {
    if one == other {
        return Vec::new();
    }
    let keys = KEYS.iter().map(|key| key.name).filter(|key| *key != "output_dir" && *key != "skip_bad_rows");
    let (mut one, mut other) = (written_values(one), written_values(other));
    let mut take = |key| (one.remove(key).unwrap_or_default(), other.remove(key).unwrap_or_default());
    let both = keys.map(|key| (key, take(key))).map(|(key, (one, other))| Differing { key, one, other });
    both.filter(|both| both.one != both.other).collect()
}

impl Bench {
    /// How the charts of Train are drawn.
    pub fn train_look(&self) -> Look {
        let desk = &self.desks.train;
        let smoothing = self.settings.smoothing;
        Look { along: desk.along, smoothing, logarithmic: desk.logarithmic, clipped: desk.clipped }
    }

    /// The page in front: the chosen one, where the run has it.
    pub fn train_page(&self) -> TrainPage {
        let page = self.desks.train.page;
        let has = self.run_in_view().is_some_and(|run| TrainPage::of(run).contains(&page));
        if has { page } else { TrainPage::Curves }
    }

    pub fn next_train_page(&mut self) {
        let Some(pages) = self.run_in_view().map(TrainPage::of) else { return };
        let at = pages.iter().position(|page| *page == self.train_page()).unwrap_or(0);
        self.desks.train.page = pages[(at + 1) % pages.len()];
    }

    /// The id of the run in view, as what is done with runs takes it.
    pub fn id_in_view(&self) -> Vec<String> {
        self.run_in_view().map(|run| run.id.clone()).into_iter().collect()
    }

    /// "Again with changes": the form takes the settings of the run in view. The library may not know the run yet.
    pub fn again_in_view(&mut self) {
        let Some(run) = self.run_in_view() else { return };
        let name = run.id.clone();
        let recipe = Recipe {
            output_dir: std::path::PathBuf::new(),
            resume_from_checkpoint: None,
            overwrite_output_dir: false,
            ..run.recipe.clone()
        };
        self.take_recipe(recipe, Vec::new());
        self.panel = Panel::Method;
        self.notes.push(t!("runs.again_note", name = name));
    }

    /// A chart is shown or left out, from now on.
    pub fn show_chart(&mut self, key: &str, shown: bool) {
        let hidden = &mut self.settings.hidden_charts;
        hidden.retain(|known| known != key);
        if !shown {
            hidden.push(key.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_differ_in_what_was_changed_and_not_in_their_folders() {
        let one = Recipe { output_dir: "a".into(), ..Recipe::default() };
        let other = Recipe { output_dir: "b".into(), lora_rank: 32, learning_rate: 1e-4, ..Recipe::default() };
        let keys: Vec<&str> = differing(&one, &other).iter().map(|d| d.key).collect();
        assert_eq!(keys, ["lora_rank", "learning_rate"]);
        assert_eq!(differing(&one, &other)[0], Differing { key: "lora_rank", one: "8".into(), other: "32".into() });
        assert!(differing(&one, &one).is_empty());
    }
}
