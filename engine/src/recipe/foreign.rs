//! Keys that LLaMA-Factory and transformers know and Luthier has no use for. Those that would not change the numbers are
//! passed over, most with a warning; those that would are refused unless they are off.

use serde_json::Value;

/// What a foreign key means for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// True of every run here; not worth a word.
    Silent,
    /// Accepted with a warning.
    NoEffect,
    /// Would change the result, and Luthier cannot do it.
    MustBeOff,
    /// An older name of a key.
    Renamed(&'static str),
}

const SILENT: &[&str] = &["do_train", "do_eval", "overwrite_cache", "plot_loss", "report_to", "save_safetensors"];

const RENAMED: &[(&str, &str)] = &[
    ("evaluation_strategy", "eval_strategy"),
    ("checkpoint_dir", "adapter_name_or_path"),
    ("dpo_beta", "pref_beta"),
    ("dpo_ftx", "pref_ftx"),
    ("dpo_loss", "pref_loss"),
    ("num_layer_trainable", "freeze_trainable_layers"),
    ("name_module_trainable", "freeze_trainable_modules"),
];

/// What other programs call our keys: not read, but named in the message.
pub(super) const OTHER_NAMES: &[(&str, &str)] = &[
    ("model", "model_name_or_path"),
    ("base_model", "model_name_or_path"),
    ("adapter", "adapter_name_or_path"),
    ("datasets", "dataset"),
    ("train_dataset", "dataset"),
    ("batch_size", "per_device_train_batch_size"),
    ("micro_batch_size", "per_device_train_batch_size"),
    ("epochs", "num_train_epochs"),
    ("num_epochs", "num_train_epochs"),
    ("lr", "learning_rate"),
    ("lr_scheduler", "lr_scheduler_type"),
    ("lora_r", "lora_rank"),
    ("target_modules", "lora_target"),
    ("lora_target_modules", "lora_target"),
    ("sequence_len", "cutoff_len"),
    ("max_seq_length", "cutoff_len"),
    ("output", "output_dir"),
];

/// A trailing `*` stands for any ending.
const NO_EFFECT: &[&str] = &[
    // Distribution, kernels, memory: Luthier decides for itself.
    "accelerator_config",
    "asft_alpha",
    "compute_dtype",
    "device_map",
    "eaft_alpha",
    "enable_torch_profiler",
    "fp8_*",
    "hyper_parallel_*",
    "init_special_tokens",
    "loraplus_lr_embedding",
    "master_addr",
    "master_port",
    "max_length",
    "megatron_bridge_args",
    "model_max_length",
    "profile*",
    "auto_find_batch_size",
    "ddp_*",
    "debug",
    "deepspeed",
    "dispatch_batches",
    "enable_liger_kernel",
    "flash_attn",
    "fsdp*",
    "full_determinism",
    "gradient_checkpointing",
    "gradient_checkpointing_kwargs",
    "jit_mode_eval",
    "local_rank",
    "low_cpu_mem_usage",
    "mp_parameters",
    "no_cuda",
    "offload_folder",
    "parallelism_config",
    "ray_*",
    "split_batches",
    "tf32",
    "torch_compile*",
    "torchdynamo",
    "tpu_*",
    "upcast_layernorm",
    "upcast_lmhead_output",
    "use_cpu",
    "use_ipex",
    "use_kv_cache",
    "use_legacy_prediction_loop",
    "use_liger_kernel",
    "use_mps_device",
    "use_ray",
    "use_reentrant_gc",
    "use_unsloth",
    "use_unsloth_gc",
    "use_v1_kernels",
    "quantization_device_map",
    "fp16_backend",
    "fp16_full_eval",
    "fp16_opt_level",
    "bf16_full_eval",
    "half_precision_backend",
    "torch_empty_cache_steps",
    "past_index",
    // Files, logging, the hub.
    "cache_dir",
    "data_seed",
    "data_shared_file_system",
    "disable_tqdm",
    "hf_hub_token",
    "hub_*",
    "ms_hub_token",
    "om_hub_token",
    "push_to_hub*",
    "image_dir",
    "log_level*",
    "log_on_each_node",
    "logging_dir",
    "logging_first_step",
    "logging_nan_inf_filter",
    "logging_strategy",
    "media_dir",
    "model_revision",
    "print_param_status",
    "project",
    "run_name",
    "save_on_each_node",
    "save_only_model",
    "skip_memory_metrics",
    "swanlab_*",
    "use_swanlab",
    "trackio_*",
    "trust_remote_code",
    "include_*",
    "remove_unused_columns",
    "restore_callback_states_from_checkpoint",
    "ignore_data_skip",
    "enable_jit_checkpoint",
    "save_hf_model_interval",
    // Data loading.
    "buffer_size",
    "dataloader_*",
    "eval_num_beams",
    "ignore_pad_token_for_loss",
    "label_names",
    "length_column_name",
    "preprocessing_*",
    "streaming",
    "tokenized_path",
    "tool_format",
    "use_fast_tokenizer",
    "preserve_thinking",
    "train_sampling_strategy",
    "group_by_length",
    // Evaluation, prediction, export, serving.
    "batch_eval_metrics",
    "compute_accuracy",
    "do_predict",
    "eval_accumulation_steps",
    "eval_delay",
    "eval_do_concat_batches",
    "eval_on_each_dataset",
    "eval_on_start",
    "eval_use_gather_object",
    "export_*",
    "generation_config",
    "generation_max_length",
    "generation_num_beams",
    "greater_is_better",
    "infer_*",
    "adapter_folder",
    "kt_*",
    "use_kt",
    "load_best_model_at_end",
    "metric_for_best_model",
    "predict_with_generate",
    "prediction_loss_only",
    "sglang_*",
    "vllm_*",
    "do_sample",
    "num_beams",
    "repetition_penalty",
    "length_penalty",
    "skip_special_tokens",
    "sortish_sampler",
    "per_gpu_eval_batch_size",
    "use_cache",
    "save_dir",
    "score_dir",
    "task",
    "task_dir",
    "lang",
    "n_shot",
    // Images and sound: Luthier trains on text.
    "audio_*",
    "crop_to_patches",
    "freeze_language_model",
    "freeze_multi_modal_projector",
    "freeze_vision_tower",
    "image_*",
    "use_audio_in_video",
    "video_*",
    // Models that are not built with these keys in mind.
    "moe_aux_loss_coef",
    "apollo_*",
    "badam_*",
    "galore_*",
    "reward_model_adapters",
    "reward_model_quantization_bit",
    "ref_model_adapters",
    "ref_model_quantization_bit",
    "pissa_convert",
    "pissa_iter",
];

const MUST_BE_OFF: &[&str] = &[
    "add_special_tokens",
    "block_diag_attn",
    "fp8",
    "pref_bco_weight",
    "use_hyper_parallel",
    "use_megatron_bridge",
    "add_tokens",
    "label_smoothing_factor",
    "lr_scheduler_kwargs",
    "mixture_of_depths",
    "neftune_noise_alpha",
    "new_special_tokens_config",
    "optim_args",
    "optim_target_modules",
    "resize_vocab",
    "shift_attn",
    "split_special_tokens",
    "train_from_scratch",
    "use_adam_mini",
    "use_apollo",
    "use_asft_loss",
    "use_badam",
    "use_dft_loss",
    "use_eaft_loss",
    "use_galore",
    "use_llama_pro",
    "use_mca",
    "use_muon",
    "use_lora_fa",
];

/// Keys whose usual values say what Luthier does anyway; any other value is refused.
const USUAL: &[(&str, &[&str])] = &[
    ("optim", &["adamw_torch", "adamw_torch_fused", "adamw_hf", "adamw"]),
    ("quantization_method", &["bnb", "bitsandbytes", "BNB"]),
];

fn matches(pattern: &str, key: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(start) => key.starts_with(start),
        None => key == pattern,
    }
}

fn is_off(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => ["", "none", "no", "off", "false", "0"].contains(&text.to_ascii_lowercase().as_str()),
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Bool(true) => false,
    }
}

/// What to do with a key that is not Luthier's. None: nobody knows it.
pub(super) fn classify(key: &str, value: &Value) -> Option<Foreign> {
    if let Some((_, new)) = RENAMED.iter().find(|(old, _)| *old == key) {
        return Some(Foreign::Renamed(new));
    }
    if let Some((_, usual)) = USUAL.iter().find(|(name, _)| *name == key) {
        let is_usual = is_off(value) || value.as_str().is_some_and(|text| usual.contains(&text));
        return Some(if is_usual { Foreign::Silent } else { Foreign::MustBeOff });
    }
    if SILENT.contains(&key) {
        Some(Foreign::Silent)
    } else if MUST_BE_OFF.contains(&key) {
        Some(if is_off(value) { Foreign::Silent } else { Foreign::MustBeOff })
    } else if NO_EFFECT.iter().any(|pattern| matches(pattern, key)) {
        Some(Foreign::NoEffect)
    } else {
        None
    }
}
