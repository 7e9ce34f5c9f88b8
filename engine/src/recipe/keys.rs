//! Every key of a recipe, once: its name, type, default and meaning. Names and defaults are LLaMA-Factory's (and, for
//! the training keys, transformers'); `@ours` marks Luthier's own. One default differs on purpose: `logging_steps` is 1
//! (transformers: 500, which would leave a short run without a curve).

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::choices::*;
use super::value::Setting;

/// Where a key belongs in a form and in a written recipe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    Model,
    Method,
    Lora,
    Oft,
    Freeze,
    Preference,
    Ppo,
    Data,
    Training,
    Evaluation,
    Generation,
}

/// What can be told about a key.
#[derive(Clone, Copy, Debug)]
pub struct KeyInfo {
    pub name: &'static str,
    pub group: Group,
    /// Luthier's own: LLaMA-Factory does not know it.
    pub ours: bool,
    /// Meaning in a sentence or two, English.
    pub about: &'static str,
}

macro_rules! recipe_keys {
    ($($group:ident { $($(#[doc = $about:literal])+ $(@$ours:ident)? $name:ident: $type:ty = $default:expr;)+ })+) => {
        /// A run, whole: see DESIGN.md "The recipe". Paths are absolute once a recipe was read from a file; an empty
        /// path or list means that the key is not set.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Recipe {
            $($($(#[doc = $about])+ pub $name: $type,)+)+
        }

        impl Default for Recipe {
            fn default() -> Self {
                Self { $($($name: $default,)+)+ }
            }
        }

        /// All keys in the order in which a recipe is written.
        pub static KEYS: &[KeyInfo] = &[$($(KeyInfo {
            name: stringify!($name),
            group: Group::$group,
            ours: !concat!("", $(stringify!($ours))?).is_empty(),
            about: concat!($($about),+).trim_ascii(),
        },)+)+];

        impl Recipe {
            /// Sets one key from its YAML value. None: there is no such key.
            pub(super) fn set(&mut self, key: &str, value: &Value) -> Option<Result<(), String>> {
                match key {
                    $($(stringify!($name) => Some(if value.is_null() && !<$type as Setting>::NULLABLE {
                        self.$name = Self::default().$name;
                        Ok(())
                    } else {
                        <$type as Setting>::read(value).map(|setting| self.$name = setting)
                    }),)+)+
                    _ => None,
                }
            }

            /// All keys with their values, in the order of [`KEYS`].
            pub(super) fn values(&self) -> Vec<Value> {
                vec![$($(Setting::write(&self.$name),)+)+]
            }
        }
    };
}

recipe_keys! {
    Model {
        /// Model folder (Hugging Face) or .gguf file to start from.
        model_name_or_path: PathBuf = PathBuf::new();
        /// PEFT folder of an adapter to continue from.
        adapter_name_or_path: Option<PathBuf> = None;
        /// Where to compute: auto, cpu, gpu or cuda, with :N for the N-th.
        @ours device: String = "auto".into();
        /// Keep the frozen weights in 4 bits; null: as they are stored.
        quantization_bit: Option<usize> = None;
        /// The 4-bit code: nf4 or fp4.
        quantization_type: QuantizationType = QuantizationType::Nf4;
        /// Quantise the scales of the 4-bit blocks as well.
        double_quantization: bool = true;
        /// Stretch the positions of the model; null: as its config says.
        rope_scaling: Option<RopeScaling> = None;
        /// Always keep every block's graph: faster, needs more memory.
        disable_gradient_checkpointing: bool = false;
    }
    Method {
        /// What is trained: pt, sft, rm, ppo, dpo or kto.
        stage: Stage = Stage::Sft;
        /// Which weights move: lora, oft, freeze or full.
        finetuning_type: FinetuningType = FinetuningType::Lora;
        /// Train in bfloat16 throughout. On the CPU everything is computed in f32.
        pure_bf16: bool = false;
    }
    Lora {
        /// Rank of the update: more can learn more and costs more memory.
        lora_rank: usize = 8;
        /// The update is scaled by alpha / rank; null: alpha is twice the rank.
        lora_alpha: Option<f64> = None;
        /// Share of the adapter's inputs that is dropped at random while training.
        lora_dropout: f64 = 0.0;
        /// Linear layers that get an adapter: all, or names such as q_proj,v_proj.
        lora_target: Vec<String> = vec!["all".into()];
        /// LoRA+: how much faster B learns than A.
        loraplus_lr_ratio: Option<f64> = None;
        /// Scale by alpha / sqrt(rank) instead (rank-stabilised LoRA).
        use_rslora: bool = false;
        /// Train direction and magnitude apart (DoRA).
        use_dora: bool = false;
        /// Start from the main directions of the weights (PiSSA).
        pissa_init: bool = false;
        /// Other ranks for some layers: {pattern of the path: rank}, PEFT's rank_pattern. The first that fits counts.
        @ours lora_rank_pattern: Vec<(String, usize)> = Vec::new();
        /// Other alphas for some layers: {pattern of the path: alpha}, PEFT's alpha_pattern. The first that fits counts.
        @ours lora_alpha_pattern: Vec<(String, f64)> = Vec::new();
        /// Other modules that train whole beside the adapter and are saved with it.
        additional_target: Vec<String> = Vec::new();
        /// Merge adapter_name_or_path into the model and start a new adapter.
        create_new_adapter: bool = false;
    }
    Oft {
        /// Number of OFT blocks for a layer; 0: oft_block_size decides.
        oft_rank: usize = 0;
        /// Size of the rotated blocks.
        oft_block_size: usize = 32;
        /// Linear layers that get a rotation: all, or names.
        oft_target: Vec<String> = vec!["all".into()];
        /// Share of the rotations that is dropped at random while training.
        module_dropout: f64 = 0.0;
        /// Approximate the rotation by a short series; the two forms turn opposite ways.
        @ours oft_use_cayley_neumann: bool = true;
        /// All blocks of a layer share one rotation.
        @ours oft_block_share: bool = false;
    }
    Freeze {
        /// n: the last n layers train; -n: the first n.
        freeze_trainable_layers: i64 = 2;
        /// Parts of those layers that train: all, or names such as mlp,self_attn.
        freeze_trainable_modules: Vec<String> = vec!["all".into()];
        /// Modules outside the layers that train too, such as norm,lm_head.
        freeze_extra_modules: Vec<String> = Vec::new();
        /// Layers that stay as they are, with any finetuning_type: numbers and ranges (0-5,11), first:N, last:N or half.
        @ours freeze_layers: Vec<String> = Vec::new();
        /// Kinds of modules that stay as they are, with any finetuning_type: embed_tokens, self_attn, mlp, norm, lm_head or names.
        @ours freeze_modules: Vec<String> = Vec::new();
        /// Layers that join the training later: a list of {at: step or fraction, layers: [..]}.
        @ours unfreeze_schedule: Vec<UnfreezeStage> = Vec::new();
        /// A ready-made unfreeze_schedule: top_down (one layer after the other from the top) or ulmfit (one an epoch).
        @ours unfreeze_preset: Option<UnfreezePreset> = None;
        /// Steps between two layers of top_down; 0: evenly over the first half of the run.
        @ours unfreeze_every: usize = 0;
    }
    Preference {
        /// How strictly the model is held to its reference.
        pref_beta: f64 = 0.1;
        /// Weight of an SFT loss on the chosen answers, added to the preference loss.
        pref_ftx: f64 = 0.0;
        /// Loss on the pairs: sigmoid, hinge, ipo, orpo, simpo or robust.
        pref_loss: PrefLoss = PrefLoss::Sigmoid;
        /// Assumed share of wrong labels (conservative DPO), for pref_loss sigmoid and robust.
        dpo_label_smoothing: f64 = 0.0;
        /// KTO: weight of liked answers.
        kto_chosen_weight: f64 = 1.0;
        /// KTO: weight of disliked answers.
        kto_rejected_weight: f64 = 1.0;
        /// SimPO: the margin that is asked for.
        simpo_gamma: f64 = 0.5;
        /// LD-DPO: weight of the tokens beyond the shorter answer's length.
        ld_alpha: Option<f64> = None;
        /// Model to compare with; null: the starting model.
        ref_model: Option<PathBuf> = None;
        /// Weight of a penalty on the distance to the starting model, for pt and sft.
        @ours kl_penalty: f64 = 0.0;
    }
    Ppo {
        /// Batches to collect before an update.
        ppo_buffer_size: usize = 1;
        /// Passes over the collected answers.
        ppo_epochs: usize = 4;
        /// KL that the adaptive controller (ppo_adaptive_kl) aims at.
        ppo_target: f64 = 6.0;
        /// Normalise the scores.
        ppo_score_norm: bool = false;
        /// Whiten the rewards before advantages are computed.
        ppo_whiten_rewards: bool = false;
        /// Model that scores the answers.
        reward_model: Option<PathBuf> = None;
        /// Kind of the reward model: lora, full or api.
        reward_model_type: RewardModelType = RewardModelType::Lora;
        /// A rule that scores instead of a reward model: length:N, contains:TEXT, regex:PATTERN or json.
        @ours reward_rule: Option<String> = None;
        /// Where values come from: head (on the policy, little memory) or model (one of its own).
        @ours ppo_value_model: ValueModel = ValueModel::Head;
        /// Weight of the KL penalty on the rewards.
        @ours ppo_kl_coef: f64 = 0.05;
        /// Move ppo_kl_coef towards ppo_target while training.
        @ours ppo_adaptive_kl: bool = false;
        /// How KL is estimated by token: k1 or k3.
        @ours ppo_kl_estimator: KlEstimator = KlEstimator::K1;
        /// Parts that the collected answers are cut into for the steps of one pass.
        @ours ppo_mini_batches: usize = 1;
        /// Discount of later rewards.
        @ours ppo_gamma: f64 = 1.0;
        /// Lambda of the generalised advantage estimate.
        @ours ppo_lambda: f64 = 0.95;
        /// How far the policy's probabilities may move in an update.
        @ours ppo_cliprange: f64 = 0.2;
        /// How far the values may move in an update.
        @ours ppo_cliprange_value: f64 = 0.2;
        /// Weight of the value loss.
        @ours ppo_vf_coef: f64 = 0.1;
        /// Taken from the score of an answer that does not end by itself.
        @ours ppo_missing_eos_penalty: Option<f64> = None;
    }
    Data {
        /// Names in dataset_info.json or paths of .json, .jsonl, .csv or .parquet files.
        dataset: Vec<String> = Vec::new();
        /// Folder of dataset_info.json.
        dataset_dir: PathBuf = "data".into();
        /// LLaMA-Factory's template name. Luthier uses the model's own chat template.
        template: Option<String> = None;
        /// Longest row in tokens; the rest is cut off.
        cutoff_len: usize = 2048;
        /// Learn the prompts too, not only the answers.
        train_on_prompt: bool = false;
        /// In a conversation learn the last answer only.
        mask_history: bool = false;
        /// How several datasets are joined: concat, interleave_under or interleave_over.
        mix_strategy: MixStrategy = MixStrategy::Concat;
        /// Chances of the datasets when interleaving, each at least a millionth of their sum.
        interleave_probs: Vec<f64> = Vec::new();
        /// Leave rows out that cannot be used, such as those without an answer; false: a file with such rows is refused.
        @ours skip_bad_rows: bool = false;
        /// Rows taken from each dataset at most.
        max_samples: Option<usize> = None;
        /// Put several rows into one sequence: not in this version yet. Null and false: each row stands alone.
        packing: Option<bool> = None;
        /// Packing without attention across rows.
        neat_packing: bool = false;
        /// System message for rows that have none.
        default_system: Option<String> = None;
        /// Let reasoning models think before they answer.
        enable_thinking: Option<bool> = Some(true);
        /// Data mixed in against forgetting.
        @ours replay_dataset: Vec<String> = Vec::new();
        /// Share of the rows that comes from replay_dataset.
        @ours replay_ratio: f64 = 0.1;
        /// Data on which forgetting is measured.
        @ours forgetting_dataset: Vec<String> = Vec::new();
        /// Steps between two such measurements.
        @ours forgetting_steps: usize = 100;
        /// Stop where perplexity on forgetting_dataset has risen by this share: 0.2 is 20 %.
        @ours forgetting_limit: Option<f64> = None;
    }
    Training {
        /// Folder for log, checkpoints and result.
        output_dir: PathBuf = PathBuf::new();
        /// Start afresh in a folder that already holds a run.
        overwrite_output_dir: bool = false;
        /// Checkpoint or run folder to go on from; true: the newest checkpoint in output_dir.
        resume_from_checkpoint: Option<PathBuf> = None;
        /// Rows (or pairs) that go through the model at once.
        per_device_train_batch_size: usize = 8;
        /// Batches whose gradients are added up for one step.
        gradient_accumulation_steps: usize = 1;
        /// Highest learning rate of the run.
        learning_rate: f64 = 5e-5;
        /// Passes over the data.
        num_train_epochs: f64 = 3.0;
        /// Steps to take whatever num_train_epochs says; -1: off.
        max_steps: i64 = -1;
        /// Course of the learning rate: constant, constant_with_warmup, linear or cosine.
        lr_scheduler_type: SchedulerType = SchedulerType::Linear;
        /// Share of the steps over which the learning rate rises.
        warmup_ratio: f64 = 0.0;
        /// Steps over which the learning rate rises; above 0 it overrides warmup_ratio.
        warmup_steps: usize = 0;
        /// Decay of the weights towards zero at each step (AdamW).
        weight_decay: f64 = 0.0;
        /// Longer gradients are shortened to this norm; 0: never.
        max_grad_norm: f64 = 1.0;
        /// AdamW's first moment.
        adam_beta1: f64 = 0.9;
        /// AdamW's second moment.
        adam_beta2: f64 = 0.999;
        /// AdamW's guard against dividing by zero.
        adam_epsilon: f64 = 1e-8;
        /// Compute in bfloat16 where the device can. On the CPU everything is computed in f32.
        bf16: bool = false;
        /// Compute in float16 where the device can. On the CPU everything is computed in f32.
        fp16: bool = false;
        /// Start of all random numbers: same seed, same run.
        seed: u64 = 42;
        /// Take the rows in the order of the file.
        disable_shuffling: bool = false;
        /// Steps between two lines of the log.
        logging_steps: usize = 1;
        /// Steps between two measurements of how far each layer has moved; 0: about twenty over the run, -1: never.
        @ours layer_stats_steps: i64 = 0;
        /// When checkpoints are saved: no, steps or epoch.
        save_strategy: Interval = Interval::Steps;
        /// Steps between two checkpoints.
        save_steps: usize = 500;
        /// Checkpoints to keep; older ones are removed. null: all.
        save_total_limit: Option<usize> = None;
    }
    Evaluation {
        /// Share (below 1) or number of rows set aside for evaluation.
        val_size: f64 = 0.0;
        /// Data for evaluation: names or paths, as for dataset.
        eval_dataset: Vec<String> = Vec::new();
        /// When to evaluate: no, steps or epoch.
        eval_strategy: Interval = Interval::No;
        /// Steps between two evaluations; null: logging_steps.
        eval_steps: Option<usize> = None;
        /// Rows that are evaluated at once.
        per_device_eval_batch_size: usize = 8;
        /// Stop after so many evaluations without improvement.
        early_stopping_steps: Option<usize> = None;
    }
    Generation {
        /// Below 1 the likely tokens get likelier; 0: always the most likely one.
        temperature: f64 = 0.95;
        /// Sample among the most likely tokens that together have this probability.
        top_p: f64 = 0.7;
        /// Sample among so many most likely tokens; 0: all.
        top_k: usize = 50;
        /// Longest answer in tokens.
        max_new_tokens: usize = 1024;
        /// Questions that are answered at the start, every so often and at the end, to see how the answers change. A list.
        @ours sample_prompts: Vec<String> = Vec::new();
        /// Steps between two rounds of answers to sample_prompts; 0: with each evaluation, without one ten times a run.
        @ours sample_steps: usize = 0;
        /// Longest answer to sample_prompts, in tokens.
        @ours sample_max_new_tokens: usize = 64;
    }
}
