//! What makes the settings of preference methods impossible, or not what was meant.

use super::choices::*;
use super::{Recipe, problem};
use crate::error::RecipeProblem;

impl Recipe {
    /// Checks the keys of preference methods by themselves, and together for the stages that read them.
    pub(super) fn check_preference(&self, problems: &mut Vec<RecipeProblem>) {
        let mut need = |field: &str, holds: bool, shown: String, remedy: &str| {
            if !holds {
                problems.push(problem(field, format!("{shown} is out of range"), remedy));
            }
        };
        let smoothing = self.dpo_label_smoothing;
        need(
            "dpo_label_smoothing",
            (0.0..0.5).contains(&smoothing),
            smoothing.to_string(),
            "write 0 or more, below 0.5",
        );
        let ld_alpha = self.ld_alpha.unwrap_or(1.0);
        need("ld_alpha", (0.0..=1.0).contains(&ld_alpha), ld_alpha.to_string(), "write a number from 0 to 1, or null");
        for (field, weight) in [
            ("kto_chosen_weight", self.kto_chosen_weight),
            ("kto_rejected_weight", self.kto_rejected_weight),
            ("simpo_gamma", self.simpo_gamma),
        ] {
            need(field, weight >= 0.0 && weight.is_finite(), weight.to_string(), "write 0 or more");
        }
        if self.stage == Stage::Dpo && self.pref_loss == PrefLoss::KtoPair {
            let reason = "TRL gave this form of KTO on pairs up";
            problems.push(problem("pref_loss", reason, "write stage: kto; it takes files of pairs as well"));
        }
        if self.stage == Stage::Dpo && self.ld_alpha.is_some() && !self.compares_with_reference() {
            let reason = format!("LD-DPO is a form of DPO, and pref_loss is {}", self.pref_loss);
            problems.push(problem("ld_alpha", reason, "remove ld_alpha, or write pref_loss: sigmoid"));
        }
        if self.stage == Stage::Rm && self.freeze_modules.iter().any(|name| name.trim_end_matches(".weight") == "score")
        {
            let reason = "the score head of a reward model always learns";
            problems.push(problem("freeze_modules", reason, "remove score"));
        }
        if self.ref_model.is_some() && !self.compares_with_reference() {
            let reason = "nothing is compared with it in this stage or by this loss";
            problems.push(problem("ref_model", reason, "remove ref_model"));
        }
        if self.kl_penalty > 0.0 && !matches!(self.stage, Stage::Pt | Stage::Sft) {
            let reason = format!("stage {} is held to its reference in its own way", self.stage);
            problems.push(problem("kl_penalty", reason, "remove it; pref_beta or ppo_kl_coef does the same"));
        }
    }

    /// Whether the stage's loss looks at a reference model.
    pub fn compares_with_reference(&self) -> bool {
        match self.stage {
            Stage::Kto | Stage::Ppo => true,
            Stage::Dpo => !matches!(self.pref_loss, PrefLoss::Orpo | PrefLoss::Simpo),
            Stage::Pt | Stage::Sft | Stage::Rm => false,
        }
    }

    /// What will not be quite as one may think.
    pub(super) fn preference_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        let preference = matches!(self.stage, Stage::Dpo | Stage::Kto | Stage::Rm | Stage::Ppo);
        for (field, share) in [("lora_dropout", self.lora_dropout), ("module_dropout", self.module_dropout)] {
            if preference && share > 0.0 {
                warnings.push(format!("{field}: stage {} trains without dropout, as TRL does", self.stage));
            }
        }
        if self.stage == Stage::Kto && self.per_device_train_batch_size == 1 {
            warnings.push(
                "per_device_train_batch_size 1: KTO estimates the KL from mismatched answers of a batch, and one row has none"
                    .into(),
            );
        }
        let continues = self.adapter_name_or_path.is_some() && !self.create_new_adapter;
        if continues && matches!(self.stage, Stage::Dpo | Stage::Kto | Stage::Ppo) && self.ref_model.is_none() {
            warnings.push(
                "adapter_name_or_path: the reference is the model without this adapter; create_new_adapter: true merges it first, so that the reference has it"
                    .into(),
            );
        }
        warnings
    }
}
