//! A proposal in words: what each choice is in a recipe, and the rule with its numbers.

use luthier_engine::advice::{Amount, Reason, What};
use luthier_engine::model::ModelConfig;
use luthier_engine::recipe::{FinetuningType, Interval, Recipe};

use crate::format;
use crate::icons;
use crate::text::{say, t};

pub(super) fn name(what: What) -> String {
    say(&format!("what.{}", what.word()))
}

pub(super) const fn icon(what: What) -> char {
    match what {
        What::Stage => icons::GRADUATION_CAP,
        What::Weights => icons::STACK,
        What::FourBits => icons::MEMORY,
        What::Freezing => icons::SNOWFLAKE,
        What::Rank => icons::PAPERCLIP,
        What::Rate => icons::GAUGE,
        What::Batch => icons::ROWS,
        What::Epochs => icons::ARROWS_CLOCKWISE,
        What::Balance => icons::SCALES,
        What::EarlyStopping => icons::STOP,
        What::Replay => icons::SHUFFLE,
        What::Hold => icons::LINK,
        What::CutOff => icons::SCISSORS,
        What::Trial => icons::FLASK,
        What::Check => icons::EXAM,
    }
}

/// The guide's page on it.
pub(super) fn page(what: What, recipe: &Recipe) -> &'static str {
    match what {
        What::Stage => match recipe.stage.as_str() {
            "dpo" => "dpo",
            "kto" => "kto",
            "rm" => "reward-model",
            "ppo" => "ppo",
            _ => "sft",
        },
        What::Weights => match recipe.finetuning_type {
            FinetuningType::Lora => "lora",
            FinetuningType::Oft => "oft",
            FinetuningType::Freeze => "freeze",
            FinetuningType::Full => "full",
        },
        What::FourBits => "qlora",
        What::Freezing if recipe.unfreeze_preset.is_some() => "gradual",
        What::Freezing => "freeze",
        What::Rank if recipe.finetuning_type == FinetuningType::Oft => "oft",
        What::Rank => "lora",
        What::Rate => "learning-rate",
        What::Batch => "batch",
        What::Epochs => "curves",
        What::Balance => "kto",
        What::EarlyStopping => "early-stopping",
        What::Replay => "replay",
        What::Hold | What::Trial => "forgetting",
        What::CutOff => "memory",
        What::Check => "evaluation",
    }
}

/// What `recipe` has there.
pub(super) fn value(what: What, recipe: &Recipe, config: &ModelConfig) -> String {
    match what {
        What::Stage => say(&format!("stage.{}", recipe.stage)),
        What::Weights => say(&format!("weights.{}", recipe.finetuning_type)),
        What::FourBits => match recipe.quantization_bit {
            Some(bits) => t!("advisor.bits", n = bits),
            None => t!("advisor.dense"),
        },
        What::Freezing => freezing(recipe, config),
        What::Rank => match recipe.finetuning_type {
            FinetuningType::Lora => {
                let alpha = recipe.lora_alpha.unwrap_or(2.0 * recipe.lora_rank as f64);
                t!("advisor.rank", rank = recipe.lora_rank, alpha = format::setting(alpha))
            }
            FinetuningType::Oft if recipe.oft_rank > 0 => t!("advisor.oft_blocks", n = recipe.oft_rank),
            FinetuningType::Oft => t!("method.block_size_of", n = recipe.oft_block_size),
            FinetuningType::Freeze | FinetuningType::Full => t!("advisor.no_adapter"),
        },
        What::Rate => {
            let course = say(&format!("choice.{}", recipe.lr_scheduler_type));
            t!("advisor.rate", rate = format::rate(recipe.learning_rate), course = course)
        }
        What::Batch => t!(
            "advisor.batch",
            a = recipe.per_device_train_batch_size,
            b = recipe.gradient_accumulation_steps,
            n = format::count(recipe.rows_per_step() as u64)
        ),
        What::Epochs if recipe.max_steps > 0 => t!("advisor.max_steps", n = recipe.max_steps),
        What::Epochs => t!("advisor.epochs", n = format::setting(recipe.num_train_epochs)),
        What::Balance => {
            let (a, b) = (format::setting(recipe.kto_chosen_weight), format::setting(recipe.kto_rejected_weight));
            t!("advisor.weights", a = a, b = b)
        }
        What::EarlyStopping => match (recipe.early_stopping_steps, recipe.eval_strategy) {
            (Some(n), Interval::Steps | Interval::Epoch) => t!("advisor.stops", n = n),
            (None, Interval::Steps | Interval::Epoch) => t!("advisor.only_evaluates"),
            (_, Interval::No) => t!("advisor.no_stop"),
        },
        What::Replay if recipe.replay_dataset.is_empty() => t!("advisor.no_replay"),
        What::Replay => t!("advisor.percent", n = format::significant(recipe.replay_ratio * 100.0, 3)),
        What::Hold if recipe.kl_penalty > 0.0 => t!("advisor.kl", n = format::setting(recipe.kl_penalty)),
        What::Hold => t!("advisor.no_kl"),
        What::CutOff => t!("advisor.cut", n = format::count(recipe.cutoff_len as u64)),
        What::Trial => match recipe.max_samples {
            Some(n) => t!("advisor.some_rows", n = format::count(n as u64)),
            None => t!("advisor.all_rows"),
        },
        What::Check if recipe.forgetting_dataset.is_empty() => t!("advisor.no_check"),
        What::Check => t!("advisor.check"),
    }
}

fn freezing(recipe: &Recipe, config: &ModelConfig) -> String {
    let of = config.layers;
    let mut parts = Vec::new();
    if recipe.finetuning_type == FinetuningType::Freeze {
        parts.push(t!("advisor.learn_n", n = recipe.freeze_trainable_layers.abs(), of = of));
    } else if recipe.freeze_layers.is_empty() {
        let own = recipe.freeze_modules.iter().any(|module| module == "embed_tokens");
        let beside = matches!(recipe.finetuning_type, FinetuningType::Lora | FinetuningType::Oft);
        parts.push(if own || beside { t!("advisor.embeddings_only") } else { t!("advisor.frozen_none") });
    } else {
        // Words that the model does not have are told where they are typed.
        let spans = recipe.freeze_layers.iter().filter_map(|word| luthier_engine::freeze::Span::read_all(word).ok());
        let ranges = spans.flatten().filter_map(|span| span.range(of).ok()).flatten();
        let frozen: std::collections::BTreeSet<usize> = ranges.collect();
        parts.push(t!("advisor.frozen_n", n = frozen.len(), of = of));
    }
    if recipe.unfreeze_preset.is_some() || !recipe.unfreeze_schedule.is_empty() {
        parts.push(t!("advisor.gradual"));
    }
    parts.join(", ")
}

/// The rule in a sentence, its numbers filled in.
pub fn because(reason: &Reason) -> String {
    let mut text = say(&format!("because.{}", reason.rule.word()));
    for (name, amount) in &reason.values {
        let shown = match amount {
            Amount::Count(n) => format::count(*n as u64),
            Amount::Bytes(n) => format::bytes(*n),
            Amount::Number(n) => format::setting(*n),
            Amount::Rate(n) => format::rate(*n),
        };
        text = text.replace(&format!("%{{{name}}}"), &shown);
    }
    text
}

#[cfg(test)]
mod tests {
    use luthier_engine::advice::{Goal, Lengths, Rule, Situation, Station, advise};
    use luthier_engine::data::{Balance, DataKind};
    use luthier_engine::estimate::Machine;
    use luthier_engine::protocol::DeviceKind;

    use super::*;
    use crate::text::{Language, speak, try_say};

    #[test]
    fn every_rule_and_choice_has_words_in_both_languages() {
        for language in Language::ALL {
            speak(language);
            for rule in Rule::ALL {
                assert!(try_say(&format!("because.{}", rule.word())).is_some(), "because.{}", rule.word());
            }
            for what in What::ALL {
                assert!(try_say(&format!("what.{}", what.word())).is_some(), "what.{}", what.word());
                assert!(crate::guide::page(page(*what, &Recipe::default())).is_some(), "{what:?}");
            }
        }
        speak(Language::English);
    }

    #[test]
    fn no_reason_leaves_a_blank_unfilled() {
        for language in Language::ALL {
            speak(language);
            let kinds = [DataKind::Text, DataKind::Sft, DataKind::Preference, DataKind::Kto, DataKind::Prompts];
            for (kind, goal) in kinds.into_iter().flat_map(|kind| Goal::ALL.map(|goal| (kind, goal))) {
                for (rows, memory) in [(20, 4e8), (20_000, 9e9), (200_000, 3e10), (200_000, 1e11)] {
                    for station in [None, Some(if rows > 100 { Station::Adapt } else { Station::Refine })] {
                        let situation = Situation {
                            goal,
                            station,
                            base: Recipe { replay_dataset: vec!["general".into()], ..Recipe::default() },
                            config: crate::testing::config(),
                            rows,
                            kind,
                            balance: (kind == DataKind::Kto).then_some(Balance { liked: 1, disliked: 3 }),
                            lengths: Lengths { mean: 150.0, longest: 1000, learned_share: 0.5 },
                            machine: Machine { kind: DeviceKind::Cpu, memory_bytes: Some(memory as u64), flops: 5e10 },
                            reward_model: rows == 20_000,
                        };
                        let proposal = advise(&situation);
                        let reasons = proposal.choices.iter().flat_map(|choice| &choice.reasons);
                        for reason in reasons.chain([&proposal.next.reason]) {
                            let text = because(reason);
                            assert!(!text.contains("%{"), "{text}");
                        }
                        for choice in &proposal.choices {
                            assert!(!value(choice.what, &proposal.recipe, &situation.config).is_empty());
                        }
                    }
                }
            }
        }
        speak(Language::English);
    }
}
