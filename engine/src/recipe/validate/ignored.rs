//! Keys that are read and change nothing with the other settings as they are.

use super::super::Recipe;
use super::super::choices::*;

impl Recipe {
    pub(super) fn ignored_warnings(&self, warnings: &mut Vec<String>) {
        let default = Self::default();
        let mut ignored = |field: &str, asked: bool, why: &str| {
            if asked {
                warnings.push(format!("{field} changes nothing: {why}"));
            }
        };
        let (stage, loss) = (self.stage, self.pref_loss);
        let dpo = stage == Stage::Dpo;
        let smooths = dpo && matches!(loss, PrefLoss::Sigmoid | PrefLoss::Robust);
        let why = "it is of stage dpo with pref_loss sigmoid or robust";
        ignored("dpo_label_smoothing", self.dpo_label_smoothing > 0.0 && !smooths, why);
        let margin = dpo && loss == PrefLoss::Simpo;
        let why = "it is of stage dpo with pref_loss simpo";
        ignored("simpo_gamma", self.simpo_gamma != default.simpo_gamma && !margin, why);
        let why = "it is of stage dpo only";
        ignored("ld_alpha", self.ld_alpha.is_some() && !dpo, why);
        ignored("pref_ftx", self.pref_ftx > 0.0 && !dpo, why);
        ignored("pref_loss", loss != default.pref_loss && !dpo, why);
        let (kto, why) = (stage == Stage::Kto, "it is of stage kto only");
        ignored("kto_chosen_weight", self.kto_chosen_weight != default.kto_chosen_weight && !kto, why);
        ignored("kto_rejected_weight", self.kto_rejected_weight != default.kto_rejected_weight && !kto, why);

        let (ppo, why) = (stage == Stage::Ppo, "it is of stage ppo only");
        ignored("reward_model", self.reward_model.is_some() && !ppo, why);
        ignored("reward_rule", self.reward_rule.is_some() && !ppo, why);
        let why = "only ppo_adaptive_kl: true aims at it";
        ignored("ppo_target", ppo && self.ppo_target != default.ppo_target && !self.ppo_adaptive_kl, why);

        let concat = self.mix_strategy == MixStrategy::Concat;
        let why = "mix_strategy concat takes every row once";
        ignored("interleave_probs", !self.interleave_probs.is_empty() && concat, why);
        let why = "no replay_dataset is named";
        let replays = !self.replay_dataset.is_empty();
        ignored("replay_ratio", self.replay_ratio != default.replay_ratio && !replays, why);
        let why = "no forgetting_dataset is named";
        let measures = !self.forgetting_dataset.is_empty();
        ignored("forgetting_steps", self.forgetting_steps != default.forgetting_steps && !measures, why);

        let asks = !self.sample_prompts.is_empty();
        ignored("sample_prompts", asks && stage == Stage::Rm, "a reward model writes no text");
        let why = "no sample_prompts are written";
        ignored("sample_steps", self.sample_steps != default.sample_steps && !asks, why);
        let length = self.sample_max_new_tokens;
        ignored("sample_max_new_tokens", length != default.sample_max_new_tokens && !asks, why);

        let (packs, why) = (self.quantization_bit.is_some(), "quantization_bit is not set");
        ignored("quantization_type", self.quantization_type != default.quantization_type && !packs, why);
        ignored("double_quantization", !self.double_quantization && !packs, why);

        if stage == Stage::Rm {
            let names = |list: &[String]| list.iter().any(|name| is_head(name));
            let why = "a reward model has no language head; its score head always learns";
            let freezes = self.finetuning_type == FinetuningType::Freeze;
            ignored("lm_head in freeze_extra_modules", freezes && names(&self.freeze_extra_modules), why);
            ignored("lm_head in additional_target", names(&self.additional_target), why);
            if names(&self.freeze_modules) {
                // A tied head is the embedding, and that does stay as it is.
                warnings.push(
                    "lm_head in freeze_modules: a reward model has no language head; only a model whose head is its embedding keeps that as it is"
                        .into(),
                );
            }
        }
        if stage == Stage::Pt && self.packing != Some(false) {
            warnings.push("packing: rows longer than cutoff_len are cut off, not continued in a further row".into());
        }
    }
}

fn is_head(name: &str) -> bool {
    matches!(name.trim_end_matches(".weight"), "lm_head" | "head")
}
