//! What a model is asked, and what is told of its answer's tokens.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ChatMessage {
    pub role: String,
    pub content: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    pub max_new_tokens: usize,
    /// 0: greedy.
    pub temperature: f32,
    pub top_p: f32,
    /// 0: no limit.
    pub top_k: usize,
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { max_new_tokens: 1024, temperature: 0.95, top_p: 0.7, top_k: 50, seed: 42 }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum PromptText {
    /// Continued as it stands.
    Plain(String),
    /// Rendered through the chat template. A last message of the assistant's is gone on with.
    Chat(Vec<ChatMessage>),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    pub model: PathBuf,
    pub adapter: Option<PathBuf>,
    /// auto | cpu | gpu | cuda, with :N
    pub device: String,
    pub text: PromptText,
    pub sampling: Sampling,
    /// How many of the likeliest tokens are told with each that is sampled; 0: none, and no chances at all.
    #[serde(default)]
    pub chances: usize,
}

/// How likely the model held a token: at temperature 1, before anything is cut off, whatever it was sampled with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenChance {
    /// The token alone; its entry in the vocabulary where it is only a part of a character.
    pub text: String,
    /// 0 to 1.
    pub chance: f32,
    /// Tokens that were likelier.
    pub rank: usize,
    /// The likeliest tokens, falling; the sampled one is among them where its rank says so.
    pub likeliest: Vec<(String, f32)>,
}
