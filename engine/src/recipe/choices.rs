//! The words that a recipe's keys can take, as LLaMA-Factory spells them.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::value::{Setting, choice, shown};

choice! {
    /// What is trained: plain text, answers, a reward model, by reinforcement, on pairs, on likes.
    Stage { Pt = "pt", Sft = "sft", Rm = "rm", Ppo = "ppo", Dpo = "dpo", Kto = "kto" }
}
choice! {
    /// Which weights move: an adapter beside them, some of them, all of them.
    FinetuningType { Lora = "lora", Oft = "oft", Freeze = "freeze", Full = "full" }
}
choice! {
    /// Course of the learning rate. `Constant` ignores the warm-up, as in transformers.
    SchedulerType { Constant = "constant", ConstantWithWarmup = "constant_with_warmup", Linear = "linear", Cosine = "cosine" }
}
choice! {
    /// When to evaluate or save.
    Interval { No = "no", Steps = "steps", Epoch = "epoch" }
}
choice! {
    /// Loss on preference pairs. `Robust` is TRL's; LLaMA-Factory does not have it.
    PrefLoss {
        Sigmoid = "sigmoid", Hinge = "hinge", Ipo = "ipo", KtoPair = "kto_pair", Orpo = "orpo", Simpo = "simpo", Robust = "robust"
    }
}
choice! { RewardModelType { Lora = "lora", Full = "full", Api = "api" } }
choice! {
    /// How several datasets become one: one after the other, or in turns until the first or the last is used up.
    MixStrategy { Concat = "concat", InterleaveUnder = "interleave_under", InterleaveOver = "interleave_over" }
}
choice! { QuantizationType { Nf4 = "nf4", Fp4 = "fp4" } }
choice! { RopeScaling { Linear = "linear", Dynamic = "dynamic", Yarn = "yarn", Llama3 = "llama3" } }

choice! {
    /// A ready-made course of unfreezing: from the top down one layer after the other, or as ULMFiT (Howard and Ruder 2018).
    UnfreezePreset { TopDown = "top_down", Ulmfit = "ulmfit" }
}
choice! {
    /// The estimate of the KL divergence by token (Schulman 2020): log-ratio, or ratio - 1 - log-ratio.
    KlEstimator { K1 = "k1", K3 = "k3" }
}
choice! {
    /// PPO's value function: a head on the policy, or a model of its own.
    ValueModel { Head = "head", Model = "model" }
}

/// From `at` on, these layers train too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnfreezeStage {
    /// A step, or below 1 a part of the whole run.
    pub at: f64,
    /// Layer numbers from 0.
    pub layers: Vec<usize>,
}

/// Settings by a pattern of module paths, as PEFT's rank_pattern: {q_proj: 16, layers.0.mlp.up_proj: 4}. The order is kept: the
/// first pattern that fits counts.
impl<T: Setting> Setting for Vec<(String, T)> {
    fn read(value: &Value) -> Result<Self, String> {
        let Value::Object(entries) = value else {
            return Err(format!("{} is not a table of {{pattern: number}}", shown(value)));
        };
        entries.iter().map(|(key, value)| Ok((key.clone(), T::read(value)?))).collect()
    }

    fn write(&self) -> Value {
        Value::Object(self.iter().map(|(key, value)| (key.clone(), value.write())).collect())
    }
}

impl Setting for Vec<UnfreezeStage> {
    fn read(value: &Value) -> Result<Self, String> {
        let Value::Array(stages) = value else {
            return Err(format!("{} is not a list of {{at, layers}}", shown(value)));
        };
        let read_stage =
            |stage: &Value| serde_json::from_value(stage.clone()).map_err(|error| format!("{}: {error}", shown(stage)));
        stages.iter().map(read_stage).collect()
    }

    fn write(&self) -> Value {
        serde_json::to_value(self).unwrap_or(Value::Null)
    }
}
