//! All methods side by side for one model, its data and its device: the numbers are the estimate's, the grades ours.

use super::freezing::{Depth, freeze};
use super::{DataClass, Proposal, Situation, pace, weights};
use crate::estimate::Estimate;
use crate::recipe::{FinetuningType, Interval, Recipe, Stage};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    Full,
    Freeze,
    Lora,
    Qlora,
    Oft,
    Dpo,
    Kto,
    Reward,
    Ppo,
}

impl Method {
    pub const ALL: [Self; 9] =
        [Self::Full, Self::Freeze, Self::Lora, Self::Qlora, Self::Oft, Self::Dpo, Self::Kto, Self::Reward, Self::Ppo];

    /// Its name in texts, and of its page in the guide.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Freeze => "freeze",
            Self::Lora => "lora",
            Self::Qlora => "qlora",
            Self::Oft => "oft",
            Self::Dpo => "dpo",
            Self::Kto => "kto",
            Self::Reward => "reward-model",
            Self::Ppo => "ppo",
        }
    }

    fn stage(self) -> Option<Stage> {
        match self {
            Self::Dpo => Some(Stage::Dpo),
            Self::Kto => Some(Stage::Kto),
            Self::Reward => Some(Stage::Rm),
            Self::Ppo => Some(Stage::Ppo),
            _ => None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    Low,
    Fair,
    Good,
    High,
}

impl Grade {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Fair => "fair",
            Self::Good => "good",
            Self::High => "high",
        }
    }
}

/// One method here.
#[derive(Debug, Clone, PartialEq)]
pub struct Compared {
    pub method: Method,
    pub recipe: Recipe,
    /// None where the method does not fit the model's shapes.
    pub estimate: Option<Estimate>,
    /// Whether rows of this kind can serve it.
    pub serves: bool,
    /// What can be hoped for with so many rows.
    pub quality: Grade,
    pub difficulty: Grade,
}

/// Every method with the batch and the epochs of `proposal`, so that the numbers can be compared; nothing frozen but by
/// Freeze itself.
pub fn compare(situation: &Situation, proposal: &Proposal) -> Vec<Compared> {
    let one = |method| {
        let recipe = recipe(situation, proposal, method);
        Compared {
            method,
            estimate: situation.estimate(&recipe),
            serves: situation.kind.stages().contains(&recipe.stage),
            quality: quality(method, situation),
            difficulty: difficulty(method),
            recipe,
        }
    };
    Method::ALL.map(one).into()
}

fn recipe(situation: &Situation, proposal: &Proposal, method: Method) -> Recipe {
    let mut recipe = proposal.recipe.clone();
    let plain = if situation.kind.stages().contains(&Stage::Pt) { Stage::Pt } else { Stage::Sft };
    recipe.stage = method.stage().unwrap_or(plain);
    recipe.finetuning_type = match method {
        Method::Full => FinetuningType::Full,
        Method::Freeze => FinetuningType::Freeze,
        Method::Oft => FinetuningType::Oft,
        _ => FinetuningType::Lora,
    };
    freeze(&mut recipe, Depth::Nothing, situation.config.layers);
    recipe.unfreeze_preset = None;
    let layers = situation.config.layers;
    recipe.freeze_trainable_layers = (layers - Depth::Most.layers(layers)).max(1) as i64;
    recipe.quantization_bit = (method == Method::Qlora).then_some(4);
    if method == Method::Oft {
        recipe.oft_block_size = weights::oft_block(&situation.config).unwrap_or(recipe.oft_block_size);
    }
    weights::settle_adapter(&mut recipe);
    if !matches!(recipe.stage, Stage::Pt | Stage::Sft) {
        recipe.kl_penalty = 0.0;
        recipe.replay_dataset.clear();
    }
    if method == Method::Kto
        && let Some(weights) = situation.balance.and_then(super::stage::kto_weights)
    {
        (recipe.kto_chosen_weight, recipe.kto_rejected_weight) = weights;
    }
    if method == Method::Ppo {
        (recipe.eval_strategy, recipe.early_stopping_steps) = (Interval::No, None);
        recipe.eval_steps = None;
        recipe.val_size = 0.0;
        recipe.max_new_tokens = recipe.max_new_tokens.min(256);
        if recipe.reward_model.is_none() && recipe.reward_rule.is_none() {
            recipe.reward_rule = Some("length:200".into());
        }
    }
    recipe.learning_rate = pace::rate(situation, &recipe).0;
    recipe
}

/// As the rules on data and alignment rank them.
fn quality(method: Method, situation: &Situation) -> Grade {
    let class = situation.data_class();
    match method {
        Method::Full => [Grade::Low, Grade::Good, Grade::High][class as usize],
        Method::Freeze => [Grade::Fair, Grade::Good, Grade::Good][class as usize],
        Method::Lora | Method::Oft => [Grade::Good, Grade::High, Grade::Good][class as usize],
        Method::Qlora => [Grade::Good, Grade::Good, Grade::Fair][class as usize],
        Method::Dpo => [Grade::Good, Grade::High, Grade::High][class as usize],
        Method::Kto => Grade::Good,
        Method::Reward => [Grade::Fair, Grade::Good, Grade::High][class as usize],
        Method::Ppo if !situation.reward_model => Grade::Fair,
        Method::Ppo => {
            if class == DataClass::Small {
                Grade::Fair
            } else {
                Grade::High
            }
        }
    }
}

/// How much there is to get wrong.
fn difficulty(method: Method) -> Grade {
    match method {
        Method::Lora | Method::Qlora | Method::Oft => Grade::Low,
        Method::Freeze | Method::Dpo | Method::Kto | Method::Reward => Grade::Fair,
        Method::Full => Grade::Good,
        Method::Ppo => Grade::High,
    }
}
