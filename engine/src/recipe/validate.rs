//! What makes a run impossible, or not what was meant: every problem at once, each with field, reason and remedy.

use std::path::Path;

use super::choices::*;
use super::{Recipe, problem, value};
use crate::error::{Error, RecipeProblem, Result};

mod ignored;
mod limits;

impl Recipe {
    /// Checks the settings and what they name on the disk. Ok carries warnings. An `output_dir` that holds a run is a
    /// problem unless `resume_from_checkpoint` lies in it or `overwrite_output_dir` is on.
    ///
    /// # Errors
    /// `BadRecipe` with every problem.
    pub fn validate(&self) -> Result<Vec<String>> {
        let problems = self.problems();
        if problems.is_empty() { Ok(self.setting_warnings()) } else { Err(Error::BadRecipe(problems)) }
    }

    /// Every problem, on the disk too.
    pub(super) fn problems(&self) -> Vec<RecipeProblem> {
        let mut problems = self.setting_problems();
        self.check_disk(&mut problems);
        self.check_output_dir(&mut problems);
        problems
    }

    /// Every problem that shows without looking at the disk: for forms, at every change.
    pub fn setting_problems(&self) -> Vec<RecipeProblem> {
        let mut problems = Vec::new();
        self.check_missing(&mut problems);
        self.check_ranges(&mut problems);
        self.check_limits(&mut problems);
        self.check_method(&mut problems);
        problems.extend(crate::freeze::setting_problems(self));
        self.check_ppo(&mut problems);
        self.check_preference(&mut problems);
        self.check_contradictions(&mut problems);
        self.check_adapter(&mut problems);
        self.not_in_this_version(&mut problems);
        problems
    }

    /// What will not be quite as the recipe says.
    pub fn setting_warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.bf16 || self.fp16 || self.pure_bf16 {
            warnings.push("bf16, fp16 and pure_bf16: this version computes in f32".into());
        }
        if let Some(template) = &self.template {
            warnings
                .push(format!("template: the model's own chat template is used, not LLaMA-Factory's \"{template}\""));
        }
        if self.warmup_steps > 0 && self.warmup_ratio > 0.0 {
            warnings.push("warmup_steps overrides warmup_ratio".into());
        }
        let warms_up = self.warmup_steps > 0 || self.warmup_ratio > 0.0;
        if warms_up && self.lr_scheduler_type == SchedulerType::Constant {
            warnings.push("lr_scheduler_type constant ignores the warm-up; constant_with_warmup does not".into());
        }
        if self.eval_strategy == Interval::Steps && self.eval_steps.is_none() && self.logging_steps < 10 {
            warnings.push(format!(
                "eval_steps is not set, so the evaluation runs every {} steps, as logging_steps says",
                self.logging_steps
            ));
        }
        if self.eval_strategy == Interval::No && self.has_eval_data() {
            warnings.push("eval_strategy is no: the evaluation rows are set aside and never looked at".into());
        }
        if self.unfreeze_every > 0 && self.unfreeze_preset != Some(UnfreezePreset::TopDown) {
            warnings.push("unfreeze_every counts for unfreeze_preset: top_down only".into());
        }
        if self.train_on_prompt && !matches!(self.stage, Stage::Sft | Stage::Pt) {
            warnings.push(format!("train_on_prompt is for sft: stage {} learns answers only", self.stage.as_str()));
        }
        if self.max_steps == 0 {
            warnings.push("max_steps 0 means the same as -1: num_train_epochs decides".into());
        }
        self.adapter_warnings(&mut warnings);
        warnings.extend(self.preference_warnings());
        self.ignored_warnings(&mut warnings);
        warnings
    }

    fn check_missing(&self, problems: &mut Vec<RecipeProblem>) {
        if self.model_name_or_path.as_os_str().is_empty() {
            problems.push(problem(
                "model_name_or_path",
                "no model is named",
                "write the path of a model folder or .gguf file",
            ));
        }
        if self.dataset.is_empty() {
            problems.push(problem(
                "dataset",
                "no dataset is named",
                "write the path of a .json, .jsonl, .csv or .parquet file",
            ));
        }
        if self.output_dir.as_os_str().is_empty() {
            problems.push(problem("output_dir", "no folder for the result is named", "write the path of a new folder"));
        }
    }

    fn check_ranges(&self, problems: &mut Vec<RecipeProblem>) {
        let mut need = |field: &str, holds: bool, shown: String, remedy: &str| {
            if !holds {
                problems.push(problem(field, format!("{shown} is out of range"), remedy));
            }
        };
        for (field, count) in [
            ("per_device_train_batch_size", self.per_device_train_batch_size),
            ("per_device_eval_batch_size", self.per_device_eval_batch_size),
            ("gradient_accumulation_steps", self.gradient_accumulation_steps),
            ("logging_steps", self.logging_steps),
            ("save_steps", self.save_steps),
            ("forgetting_steps", self.forgetting_steps),
            ("max_new_tokens", self.max_new_tokens),
        ] {
            need(field, count >= 1, count.to_string(), "write 1 or more");
        }
        for (field, count) in [
            ("eval_steps", self.eval_steps),
            ("max_samples", self.max_samples),
            ("save_total_limit", self.save_total_limit),
            ("early_stopping_steps", self.early_stopping_steps),
        ] {
            need(field, count != Some(0), "0".into(), "write 1 or more, or null");
        }
        let layer_stats = self.layer_stats_steps;
        need("layer_stats_steps", layer_stats >= -1, layer_stats.to_string(), "write a number of steps, 0 or -1");
        for (field, share) in [("lora_dropout", self.lora_dropout), ("module_dropout", self.module_dropout)] {
            need(field, (0.0..1.0).contains(&share), share.to_string(), "write 0 or more and less than 1");
        }
        let rises = self.warmup_ratio;
        need("warmup_ratio", (0.0..=1.0).contains(&rises), rises.to_string(), "write a number from 0 to 1");
        let replayed = self.replay_ratio;
        need("replay_ratio", (0.0..=0.99).contains(&replayed), replayed.to_string(), "write 0 or more, at most 0.99");
        if let Some(limit) = self.forgetting_limit {
            let remedy = "write a share above 0, such as 0.2, or null";
            need("forgetting_limit", limit > 0.0 && limit.is_finite(), limit.to_string(), remedy);
        }
        for (field, share) in [("adam_beta1", self.adam_beta1), ("adam_beta2", self.adam_beta2)] {
            need(field, (0.0..1.0).contains(&share), share.to_string(), "write 0 or more and less than 1");
        }
        for (field, number) in [
            ("weight_decay", self.weight_decay),
            ("max_grad_norm", self.max_grad_norm),
            ("kl_penalty", self.kl_penalty),
            ("pref_ftx", self.pref_ftx),
            ("temperature", self.temperature),
        ] {
            need(field, number >= 0.0 && number.is_finite(), number.to_string(), "write 0 or more");
        }
        for (field, number) in [
            ("learning_rate", self.learning_rate),
            ("adam_epsilon", self.adam_epsilon),
            ("pref_beta", self.pref_beta),
            ("lora_alpha", self.lora_alpha.unwrap_or(1.0)),
        ] {
            need(field, number > 0.0 && number.is_finite(), number.to_string(), "write a number above 0");
        }
        let epochs_fit = self.max_steps > 0 || (self.num_train_epochs > 0.0 && self.num_train_epochs.is_finite());
        need("num_train_epochs", epochs_fit, self.num_train_epochs.to_string(), "write a number above 0");
        need("max_steps", self.max_steps >= -1, self.max_steps.to_string(), "write -1 to let num_train_epochs decide");
        need("cutoff_len", self.cutoff_len >= 2, self.cutoff_len.to_string(), "write 2 or more; 2048 is usual");
        need(
            "top_p",
            self.top_p > 0.0 && self.top_p <= 1.0,
            self.top_p.to_string(),
            "write a number above 0, at most 1",
        );
        let whole_or_share = self.val_size >= 0.0 && (self.val_size < 1.0 || self.val_size.fract() == 0.0);
        let remedy = "write a share below 1 or a whole number of rows";
        need("val_size", whole_or_share && self.val_size.is_finite(), self.val_size.to_string(), remedy);
        if !is_device(&self.device) {
            let reason = format!("\"{}\" is not a device", self.device);
            problems.push(problem("device", reason, "write auto, cpu, gpu or cuda, the last two with :N if you like"));
        }
    }

    fn check_method(&self, problems: &mut Vec<RecipeProblem>) {
        let no_target = "no layer is named";
        match self.finetuning_type {
            FinetuningType::Lora => {
                if self.lora_rank == 0 {
                    problems.push(problem("lora_rank", "0 is out of range", "write 1 or more; 8 is usual"));
                }
                if self.lora_target.is_empty() {
                    problems.push(problem("lora_target", no_target, "write all, or names such as q_proj,v_proj"));
                }
            }
            FinetuningType::Oft => {
                if self.oft_target.is_empty() {
                    problems.push(problem("oft_target", no_target, "write all, or names such as q_proj,v_proj"));
                }
                if (self.oft_rank == 0) == (self.oft_block_size == 0) {
                    let reason = "exactly one of oft_rank and oft_block_size must be above 0";
                    problems.push(problem("oft_block_size", reason, "set the other one to 0"));
                }
            }
            FinetuningType::Freeze => {
                let others = !self.freeze_extra_modules.is_empty() || !self.unfreeze_schedule.is_empty();
                if self.freeze_trainable_layers == 0 && !others {
                    let remedy = "write n for the last n layers, -n for the first n, or name freeze_extra_modules";
                    problems.push(problem("freeze_trainable_layers", "0 leaves nothing to train", remedy));
                }
                if self.freeze_trainable_modules.is_empty() {
                    problems.push(problem(
                        "freeze_trainable_modules",
                        no_target,
                        "write all, or names such as mlp,self_attn",
                    ));
                }
            }
            FinetuningType::Full => {}
        }
    }

    fn check_contradictions(&self, problems: &mut Vec<RecipeProblem>) {
        let evaluates = self.eval_strategy != Interval::No;
        if evaluates && !self.has_eval_data() {
            let remedy = "set val_size or eval_dataset, or eval_strategy: no";
            problems.push(problem("eval_strategy", "there is nothing to evaluate on", remedy));
        }
        if self.early_stopping_steps.is_some() && !evaluates {
            let remedy = "set eval_strategy: steps, or remove early_stopping_steps";
            problems.push(problem("early_stopping_steps", "early stopping needs evaluations", remedy));
        }
        let adapts = matches!(self.finetuning_type, FinetuningType::Lora | FinetuningType::Oft);
        self.check_quantisation(problems);
        if self.quantization_bit.is_some() && !adapts {
            let reason = format!("quantised weights cannot train, and finetuning_type is {}", self.finetuning_type);
            problems.push(problem("quantization_bit", reason, "set finetuning_type: lora, or remove quantization_bit"));
        }
        if self.adapter_name_or_path.is_some() && !adapts && !self.create_new_adapter {
            let reason = format!("an adapter is not trained with finetuning_type {}", self.finetuning_type);
            problems.push(problem("adapter_name_or_path", reason, "set finetuning_type: lora, or remove the adapter"));
        }
        if self.bf16 && self.fp16 {
            problems.push(problem("fp16", "bf16 and fp16 are both on", "turn one of them off"));
        }
        if !self.interleave_probs.is_empty() && self.interleave_probs.len() != self.dataset.len() {
            let (chances, sets) = (self.interleave_probs.len(), self.dataset.len());
            let reason = format!("{chances} chances for {sets} datasets");
            problems.push(problem("interleave_probs", reason, "write one for each dataset"));
        }
        if self.max_samples.is_some() && self.val_size >= 1.0 && self.max_samples.unwrap_or(0) as f64 <= self.val_size {
            let reason = "max_samples leaves no row to train on after val_size took its rows";
            problems.push(problem("val_size", reason, "lower val_size or raise max_samples"));
        }
        if !self.replay_dataset.is_empty() && !matches!(self.stage, Stage::Sft | Stage::Pt) {
            let reason = format!("rows are mixed in for sft and pt, and stage is {}", self.stage.as_str());
            problems.push(problem("replay_dataset", reason, "remove replay_dataset; in stage dpo pref_ftx holds too"));
        }
        if self.forgetting_limit.is_some() && self.forgetting_dataset.is_empty() {
            let remedy = "name a forgetting_dataset, or remove forgetting_limit";
            problems.push(problem("forgetting_limit", "there is nothing to measure forgetting on", remedy));
        }
        let same = |path: &Path| !self.output_dir.as_os_str().is_empty() && path == self.output_dir;
        if same(&self.model_name_or_path) || self.adapter_name_or_path.as_deref().is_some_and(same) {
            let reason = "the result would overwrite the model or adapter that the run starts from";
            problems.push(problem("output_dir", reason, "write the path of another folder"));
        }
    }

    fn check_quantisation(&self, problems: &mut Vec<RecipeProblem>) {
        let Some(bits) = self.quantization_bit else { return };
        if bits != 4 {
            let reason = format!("{bits} bits are not supported, 4 are");
            problems.push(problem("quantization_bit", reason, "write 4, or null to keep the weights as they are"));
        }
        if self.quantization_type != QuantizationType::Nf4 {
            let reason = format!("{} is not supported, nf4 is", self.quantization_type);
            problems.push(problem("quantization_type", reason, "write nf4: it is also the more exact of the two"));
        }
    }

    /// What DESIGN.md promises and this version cannot run yet. Later versions take lines away here, nowhere else.
    fn not_in_this_version(&self, problems: &mut Vec<RecipeProblem>) {
        let mut later = |field: &str, asked: bool, what: &str, remedy: &str| {
            if asked {
                problems.push(problem(field, format!("{what}: not in this version yet"), remedy));
            }
        };
        later("rope_scaling", self.rope_scaling.is_some(), "stretching positions", "remove rope_scaling");
        let packs = self.packing == Some(true) || self.neat_packing;
        later("packing", packs, "packed sequences", "set packing and neat_packing to false");
    }

    fn check_disk(&self, problems: &mut Vec<RecipeProblem>) {
        let hint = "relative paths count from the recipe file";
        let models = [("model_name_or_path", Some(&self.model_name_or_path)), ("ref_model", self.ref_model.as_ref())];
        for (field, model) in models.into_iter().filter_map(|(field, model)| Some((field, model?))) {
            if model.as_os_str().is_empty() || is_model(model) {
                continue;
            }
            let (reason, remedy) = match (model.is_dir(), model.is_file()) {
                (true, _) => (
                    "is a folder without config.json or a .gguf file",
                    "choose the folder that holds config.json and the weights",
                ),
                (_, true) => ("is neither a model folder nor a .gguf file", "choose a model folder or a .gguf file"),
                _ => ("does not exist", "relative paths count from the recipe file; names on a hub are not downloaded"),
            };
            problems.push(problem(field, format!("{} {reason}", model.display()), remedy));
        }
        let adapters = [("adapter_name_or_path", &self.adapter_name_or_path)];
        for (field, folder) in adapters.into_iter().filter_map(|(field, folder)| Some((field, folder.as_ref()?))) {
            if !folder.join("adapter_config.json").is_file() {
                let reason = format!("{} has no adapter_config.json", folder.display());
                problems.push(problem(field, reason, format!("choose a PEFT folder; {hint}")));
            }
        }
        self.check_reward_model(problems);
        self.check_datasets("dataset", &self.dataset, problems);
        self.check_datasets("eval_dataset", &self.eval_dataset, problems);
        self.check_datasets("replay_dataset", &self.replay_dataset, problems);
        self.check_datasets("forgetting_dataset", &self.forgetting_dataset, problems);
        if let Some(checkpoint) = self.resume_from_checkpoint.as_ref().filter(|path| !path.is_dir()) {
            let reason = format!("{} is not a folder", checkpoint.display());
            problems.push(problem(
                "resume_from_checkpoint",
                reason,
                format!("choose a checkpoint-N or run folder; {hint}"),
            ));
        }
    }

    fn check_datasets(&self, field: &str, names: &[String], problems: &mut Vec<RecipeProblem>) {
        let is_path = |name: &&String| Path::new(name.as_str()).is_absolute();
        for path in names.iter().filter(is_path).filter(|path| !Path::new(path.as_str()).is_file()) {
            let remedy = "choose a .json, .jsonl, .csv or .parquet file; relative paths count from the recipe file";
            problems.push(problem(field, format!("{path} does not exist or is not a file"), remedy));
        }
        let named: Vec<&String> = names.iter().filter(|name| !is_path(name)).collect();
        if named.is_empty() {
            return;
        }
        let list = self.dataset_dir.join("dataset_info.json");
        let entries = match std::fs::read(&list).map(|bytes| serde_json::from_slice(&bytes)) {
            Ok(Ok(serde_json::Value::Object(entries))) => entries,
            Ok(_) => {
                let reason = format!("{} is not a JSON object", list.display());
                return problems.push(problem(
                    "dataset_dir",
                    reason,
                    "mend the file, or write the paths of data files",
                ));
            }
            Err(_) => {
                let names = named.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
                let reason = format!("no file is called {names}, and there is no {}", list.display());
                let remedy = "write the path of a data file, or set dataset_dir to the folder of dataset_info.json";
                return problems.push(problem(field, reason, remedy));
            }
        };
        for name in named.into_iter().filter(|name| !entries.contains_key(name.as_str())) {
            let near = value::nearest(name, entries.keys().map(String::as_str));
            let remedy =
                near.map(|near| format!("did you mean {near}?")).unwrap_or("add it there, or write a path".into());
            problems.push(problem(field, format!("{name} is not in {}", list.display()), remedy));
        }
    }

    fn check_output_dir(&self, problems: &mut Vec<RecipeProblem>) {
        let dir = &self.output_dir;
        if dir.as_os_str().is_empty() {
            return;
        }
        if dir.exists() && !dir.is_dir() {
            let reason = format!("{} is a file", dir.display());
            problems.push(problem("output_dir", reason, "write the path of a folder"));
            return;
        }
        let goes_on = self.resume_from_checkpoint.as_ref().is_some_and(|from| from.starts_with(dir));
        if self.overwrite_output_dir || goes_on {
            return;
        }
        if let Some(found) = crate::run_folder::traces_of_a_run(dir) {
            let reason = format!("{} already holds a run ({found})", dir.display());
            let remedy = "choose another folder, resume the run, or set overwrite_output_dir: true";
            problems.push(problem("output_dir", reason, remedy));
        }
    }
}

/// A folder with config.json, or a GGUF file or a folder with one.
fn is_model(path: &Path) -> bool {
    path.join("config.json").is_file() || (path.exists() && crate::template::holds_gguf(path))
}

pub fn is_device(name: &str) -> bool {
    match name.split_once(':') {
        None => ["auto", "cpu", "gpu", "cuda"].contains(&name),
        Some((kind, number)) => ["gpu", "cuda"].contains(&kind) && number.parse::<u16>().is_ok(),
    }
}
