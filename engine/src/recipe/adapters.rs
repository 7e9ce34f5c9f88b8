//! The adapter's keys: what cannot be, and what will not be as written.

use super::{FinetuningType, Recipe, problem};
use crate::adapter::is_pattern;
use crate::error::RecipeProblem;

impl Recipe {
    pub(super) fn check_adapter(&self, problems: &mut Vec<RecipeProblem>) {
        if self.finetuning_type == FinetuningType::Oft && self.oft_block_size == 1 {
            let reason = "blocks of 1 cannot turn";
            problems.push(problem("oft_block_size", reason, "write 2 or more; 32 is usual"));
        }
        if self.quantization_bit.is_some() && self.create_new_adapter && self.adapter_name_or_path.is_some() {
            let reason =
                "create_new_adapter merges the adapter into the weights, which would have to be dense for that";
            let remedy =
                "merge the adapter without quantization_bit first, or train on with it: create_new_adapter: false";
            problems.push(problem("quantization_bit", reason, remedy));
        }
        if let Some(ratio) = self.loraplus_lr_ratio.filter(|ratio| !(*ratio > 0.0 && ratio.is_finite())) {
            let remedy = "write a number above 0; 16 is usual";
            problems.push(problem("loraplus_lr_ratio", format!("{ratio} is out of range"), remedy));
        }
        for pattern in self.lora_rank_pattern.iter().map(|(pattern, _)| pattern).filter(|pattern| !is_pattern(pattern))
        {
            problems.push(unreadable("lora_rank_pattern", pattern));
        }
        for pattern in self.lora_alpha_pattern.iter().map(|(pattern, _)| pattern).filter(|pattern| !is_pattern(pattern))
        {
            problems.push(unreadable("lora_alpha_pattern", pattern));
        }
        if let Some((pattern, _)) = self.lora_rank_pattern.iter().find(|(_, rank)| *rank == 0) {
            let reason = format!("the rank 0 of '{pattern}' is out of range");
            problems.push(problem("lora_rank_pattern", reason, "write 1 or more"));
        }
        if let Some((pattern, alpha)) =
            self.lora_alpha_pattern.iter().find(|(_, alpha)| !(*alpha > 0.0 && alpha.is_finite()))
        {
            let reason = format!("the alpha {alpha} of '{pattern}' is out of range");
            problems.push(problem("lora_alpha_pattern", reason, "write a number above 0"));
        }
    }

    pub(super) fn adapter_warnings(&self, warnings: &mut Vec<String>) {
        let lora = self.finetuning_type == FinetuningType::Lora;
        let adapts = lora || self.finetuning_type == FinetuningType::Oft;
        let continues = self.adapter_name_or_path.is_some() && !self.create_new_adapter;
        let mut ignored = |field: &str, asked: bool, why: &str| {
            if asked {
                warnings.push(format!("{field} changes nothing: {why}"));
            }
        };
        let only_lora = "it is of finetuning_type lora only";
        for (field, asked) in [
            ("use_dora", self.use_dora),
            ("use_rslora", self.use_rslora),
            ("pissa_init", self.pissa_init),
            ("loraplus_lr_ratio", self.loraplus_lr_ratio.is_some()),
            ("lora_rank_pattern", !self.lora_rank_pattern.is_empty()),
            ("lora_alpha_pattern", !self.lora_alpha_pattern.is_empty()),
        ] {
            ignored(field, asked && !lora, only_lora);
        }
        let given = "the adapter in adapter_name_or_path has its own; create_new_adapter starts another";
        for (field, asked) in
            [("pissa_init", self.pissa_init), ("additional_target", !self.additional_target.is_empty())]
        {
            ignored(field, asked && adapts && continues, given);
        }
        let no_adapter = "no adapter is trained";
        ignored("additional_target", !self.additional_target.is_empty() && !adapts, no_adapter);
        let nothing = "adapter_name_or_path names no adapter to merge";
        ignored("create_new_adapter", self.create_new_adapter && self.adapter_name_or_path.is_none(), nothing);
    }
}

fn unreadable(field: &str, pattern: &str) -> RecipeProblem {
    let remedy = "write the end of a layer's path, such as q_proj, or a regular expression without look-around";
    problem(field, format!("'{pattern}' is not a pattern"), remedy)
}
