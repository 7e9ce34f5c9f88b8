//! What makes PPO's settings impossible.

use super::choices::*;
use super::{Recipe, problem};
use crate::error::{Error, RecipeProblem};
use crate::method::ppo::rule::RewardRule;

impl Recipe {
    /// Answers that are sampled before an update: `ppo_buffer_size` steps' rows.
    pub fn answers_per_update(&self) -> usize {
        self.rows_per_step().saturating_mul(self.ppo_buffer_size)
    }

    /// Checks the keys of PPO by themselves, and for stage ppo together.
    pub(super) fn check_ppo(&self, problems: &mut Vec<RecipeProblem>) {
        let mut need = |field: &str, holds: bool, shown: String, remedy: &str| {
            if !holds {
                problems.push(problem(field, format!("{shown} is out of range"), remedy));
            }
        };
        for (field, count) in [
            ("ppo_buffer_size", self.ppo_buffer_size),
            ("ppo_epochs", self.ppo_epochs),
            ("ppo_mini_batches", self.ppo_mini_batches),
        ] {
            need(field, count >= 1, count.to_string(), "write 1 or more");
        }
        for (field, number) in [
            ("ppo_target", self.ppo_target),
            ("ppo_cliprange", self.ppo_cliprange),
            ("ppo_cliprange_value", self.ppo_cliprange_value),
        ] {
            need(field, number > 0.0 && number.is_finite(), number.to_string(), "write a number above 0");
        }
        for (field, number) in [
            ("ppo_kl_coef", self.ppo_kl_coef),
            ("ppo_vf_coef", self.ppo_vf_coef),
            ("ppo_missing_eos_penalty", self.ppo_missing_eos_penalty.unwrap_or(0.0)),
        ] {
            need(field, number >= 0.0 && number.is_finite(), number.to_string(), "write 0 or more");
        }
        for (field, share) in [("ppo_gamma", self.ppo_gamma), ("ppo_lambda", self.ppo_lambda)] {
            need(field, (0.0..=1.0).contains(&share), share.to_string(), "write a number from 0 to 1");
        }
        if let Some(Err(Error::BadRecipe(found))) = self.reward_rule.as_deref().map(RewardRule::parse) {
            problems.extend(found);
        }
        if self.stage == Stage::Ppo {
            self.check_ppo_run(problems);
        }
    }

    fn check_ppo_run(&self, problems: &mut Vec<RecipeProblem>) {
        if self.eval_strategy != Interval::No {
            let reason = "stage ppo makes its own answers and has no loss on rows set aside";
            problems.push(problem("eval_strategy", reason, "write eval_strategy: no; objective/scores tells the gain"));
        }
        match (&self.reward_model, &self.reward_rule) {
            (None, None) => {
                let remedy = "name a reward_model, or a reward_rule such as length:200";
                problems.push(problem("reward_model", "nothing scores the answers", remedy));
            }
            (Some(_), Some(_)) => {
                let reason = "a reward model is named as well, and only one of the two can score";
                problems.push(problem("reward_rule", reason, "remove reward_rule or reward_model"));
            }
            (Some(_), None) if self.reward_model_type == RewardModelType::Api => {
                let reason = "scores from a server are not possible here";
                problems.push(problem("reward_model_type", reason, "write lora or full, or use a reward_rule"));
            }
            _ => {}
        }
        let answers = self.answers_per_update();
        if self.ppo_mini_batches >= 1 && !answers.is_multiple_of(self.ppo_mini_batches) {
            let reason =
                format!("the {answers} answers of an update cannot be cut into {} parts", self.ppo_mini_batches);
            let remedy =
                "choose a divisor of per_device_train_batch_size x gradient_accumulation_steps x ppo_buffer_size";
            problems.push(problem("ppo_mini_batches", reason, remedy));
        }
        if self.temperature == 0.0 {
            let reason = "0 samples the same answer every time, and PPO learns from differences";
            problems.push(problem("temperature", reason, "write a number above 0; 0.7 to 1 is usual"));
        }
    }

    /// Checks that the reward model is there.
    pub(super) fn check_reward_model(&self, problems: &mut Vec<RecipeProblem>) {
        let Some(folder) = self.reward_model.as_ref().filter(|_| self.stage == Stage::Ppo) else { return };
        let needed = match self.reward_model_type {
            RewardModelType::Lora => "adapter_config.json",
            RewardModelType::Full => "config.json",
            RewardModelType::Api => return,
        };
        if !folder.join(needed).is_file() {
            let reason = format!("{} has no {needed}", folder.display());
            let remedy = "choose the result of a run with stage: rm, and reward_model_type lora or full as it was trained; relative paths count from the recipe file";
            problems.push(problem("reward_model", reason, remedy));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(recipe: &Recipe) -> Vec<String> {
        let mut problems = Vec::new();
        recipe.check_ppo(&mut problems);
        problems.into_iter().map(|problem| problem.field).collect()
    }

    fn ppo() -> Recipe {
        Recipe { stage: Stage::Ppo, reward_rule: Some("json".into()), ..Recipe::default() }
    }

    #[test]
    fn the_defaults_and_a_rule_are_enough() {
        assert!(found(&Recipe::default()).is_empty());
        assert!(found(&ppo()).is_empty());
        let model = Recipe { reward_rule: None, reward_model: Some("reward".into()), ..ppo() };
        assert!(found(&model).is_empty());
    }

    #[test]
    fn numbers_out_of_range_are_named() {
        let wrong = Recipe {
            ppo_buffer_size: 0,
            ppo_epochs: 0,
            ppo_mini_batches: 0,
            ppo_target: 0.0,
            ppo_cliprange: 0.0,
            ppo_cliprange_value: f64::INFINITY,
            ppo_kl_coef: -0.1,
            ppo_vf_coef: f64::NAN,
            ppo_missing_eos_penalty: Some(-1.0),
            ppo_gamma: 1.01,
            ppo_lambda: -0.5,
            reward_rule: Some("regex:(".into()),
            ..Recipe::default()
        };
        let expected = "ppo_buffer_size ppo_epochs ppo_mini_batches ppo_target ppo_cliprange ppo_cliprange_value \
                        ppo_kl_coef ppo_vf_coef ppo_missing_eos_penalty ppo_gamma ppo_lambda reward_rule";
        assert_eq!(found(&wrong).join(" "), expected);
    }

    #[test]
    fn exactly_one_thing_scores() {
        assert_eq!(found(&Recipe { reward_rule: None, ..ppo() }), ["reward_model"]);
        assert_eq!(found(&Recipe { reward_model: Some("reward".into()), ..ppo() }), ["reward_rule"]);
        let api = Recipe {
            reward_rule: None,
            reward_model: Some("http".into()),
            reward_model_type: RewardModelType::Api,
            ..ppo()
        };
        assert_eq!(found(&api), ["reward_model_type"]);
    }

    #[test]
    fn minibatches_divide_the_answers_of_an_update() {
        let recipe = |parts, rows, buffer| Recipe {
            ppo_mini_batches: parts,
            per_device_train_batch_size: rows,
            ppo_buffer_size: buffer,
            ..ppo()
        };
        assert!(found(&recipe(3, 2, 3)).is_empty());
        assert_eq!(found(&recipe(3, 2, 2)), ["ppo_mini_batches"]);
        assert_eq!(found(&recipe(8, 2, 2)), ["ppo_mini_batches"]);
        assert_eq!(found(&Recipe { temperature: 0.0, ..ppo() }), ["temperature"]);
    }

    #[test]
    fn a_reward_model_must_be_there() {
        let folder = tempfile::tempdir().unwrap();
        let model = |reward_model_type| Recipe {
            reward_rule: None,
            reward_model: Some(folder.path().into()),
            reward_model_type,
            ..ppo()
        };
        let problems = |kind| {
            let mut problems = Vec::new();
            model(kind).check_reward_model(&mut problems);
            problems
        };
        assert!(problems(RewardModelType::Lora)[0].reason.contains("adapter_config.json"));
        std::fs::write(folder.path().join("config.json"), "{}").unwrap();
        assert!(problems(RewardModelType::Full).is_empty());
        assert_eq!(problems(RewardModelType::Lora)[0].field, "reward_model");
    }
}
