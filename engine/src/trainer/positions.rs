//! Learned positions end (GPT-2's at `n_positions`): rows that would reach past them are refused before the first step.

use crate::data::{Encoded, Example, IGNORED, Prepared};
use crate::model::ModelConfig;
use crate::recipe::{Recipe, Stage};
use crate::{Error, Result};

/// # Errors
/// `BadRecipe` for `cutoff_len`, or in PPO `max_new_tokens`, with the length that is too much.
pub(super) fn check(recipe: &Recipe, config: &ModelConfig, prepared: &Prepared) -> Result<()> {
    let learned = config.learned_positions();
    // Sampling stops at the context's end whatever the positions are, so a prompt must leave room in it.
    let Some(limit) = learned.or((recipe.stage == Stage::Ppo).then_some(config.max_positions)) else { return Ok(()) };
    let trained = prepared.train.iter().chain(&prepared.eval).flat_map(Example::sequences);
    let rows: Vec<&Encoded> = trained.chain(&prepared.forgetting).collect();
    let Some(longest) = rows.iter().max_by_key(|row| row.input_ids.len()) else { return Ok(()) };
    let (row, length) = (longest.row, longest.input_ids.len());
    let cut = format!("set cutoff_len to {limit} or less");
    if length > limit {
        let reason = format!("row {row} has {length} tokens, but this model has learned {limit} positions");
        return Err(Error::recipe("cutoff_len", reason, cut));
    }
    match recipe.stage {
        Stage::Ppo if length >= limit || (learned.is_some() && length + recipe.max_new_tokens > limit) => {
            let new = recipe.max_new_tokens;
            let reason = format!(
                "the prompt of row {row} ({length} tokens) and {new} new tokens are more than the {limit} positions this \
                 model has learned"
            );
            let room = limit - length;
            let remedy = match room {
                0 => "set cutoff_len lower, so that an answer fits after the prompt".to_owned(),
                _ => format!("set max_new_tokens to {room} or less"),
            };
            Err(Error::recipe("max_new_tokens", reason, remedy))
        }
        // Each prompt also gets another row's answer.
        Stage::Kto => {
            let prompt = |row: &Encoded| row.labels.iter().take_while(|label| **label == IGNORED).count();
            let prompts = rows.iter().map(|row| prompt(row)).max().unwrap_or(0);
            let answers = rows.iter().map(|row| row.input_ids.len() - prompt(row)).max().unwrap_or(0);
            let together = (prompts + answers).min(recipe.cutoff_len);
            if together <= limit {
                return Ok(());
            }
            let reason = format!(
                "a prompt with another row's answer can have {together} tokens, but this model has learned {limit} positions"
            );
            Err(Error::recipe("cutoff_len", reason, cut))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(prompt: usize, answer: usize) -> Encoded {
        let labels = [vec![IGNORED; prompt], vec![1; answer]].concat();
        Encoded { row: 7, input_ids: vec![1; prompt + answer], labels }
    }

    /// What a GPT-2 of 64 positions says of these rows.
    fn told(stage: Stage, rows: Vec<Example>) -> Option<String> {
        let config = json!({"model_type": "gpt2", "n_embd": 8, "n_layer": 1, "n_head": 2, "vocab_size": 9,
            "n_positions": 64});
        let config = ModelConfig::from_json(&config, std::path::Path::new("config.json")).unwrap();
        let recipe = Recipe { stage, max_new_tokens: 16, ..Recipe::default() };
        let prepared = Prepared {
            train: rows,
            eval: Vec::new(),
            replayed: 0,
            forgetting: Vec::new(),
            dropped: 0,
            warnings: Vec::new(),
        };
        check(&recipe, &config, &prepared).err().map(|error| error.to_string())
    }

    #[test]
    fn a_row_past_the_last_position_is_named() {
        assert_eq!(told(Stage::Sft, vec![Example::Answer(row(40, 24))]), None);
        let told = told(Stage::Sft, vec![Example::Answer(row(3, 4)), Example::Answer(row(40, 25))]).unwrap();
        assert!(["cutoff_len", "row 7", "65", "64"].iter().all(|word| told.contains(word)), "{told}");
    }

    #[test]
    fn both_sides_of_a_pair_count() {
        let pair = |rejected| vec![Example::Pair { chosen: row(4, 4), rejected: row(4, rejected) }];
        assert_eq!(told(Stage::Dpo, pair(60)), None);
        assert!(told(Stage::Dpo, pair(61)).is_some());
    }

    #[test]
    fn a_prompt_leaves_room_for_its_answer() {
        assert_eq!(told(Stage::Ppo, vec![Example::Prompt(row(48, 0))]), None);
        let told = told(Stage::Ppo, vec![Example::Prompt(row(50, 0))]).unwrap();
        assert!(told.contains("max_new_tokens to 14"), "{told}");
    }

    #[test]
    fn another_rows_answer_fits_too() {
        let marked = |prompt, answer| Example::Marked { answer: row(prompt, answer), liked: true };
        assert_eq!(told(Stage::Kto, vec![marked(40, 2), marked(2, 24)]), None);
        assert!(told(Stage::Kto, vec![marked(40, 2), marked(2, 25)]).is_some());
    }
}
