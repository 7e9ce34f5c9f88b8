//! The files that labels go out in and come back from.

use serde::{Deserialize, Serialize};

use super::Mode;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileFormat {
    /// prompt, chosen and rejected as lists of messages: DPO, ORPO, reward models in TRL.
    #[default]
    TrlPreference,
    /// prompt, completion and label: KTO in TRL.
    TrlUnpaired,
    /// Conversations with chosen and rejected, and their dataset_info.json.
    LlamaFactoryRanking,
    /// The same as instruction, input, chosen, rejected.
    LlamaFactoryAlpaca,
    /// Conversations with a label, and their dataset_info.json.
    LlamaFactoryKto,
    /// OpenAI's preference fine-tuning.
    OpenAi,
    /// Records with everybody's responses.
    Argilla,
    /// Tasks with everybody's annotations.
    LabelStudio,
}

/// What a format's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Pairs,
    Marks,
    /// Items with all that people have said of them.
    Verdicts,
}

impl FileFormat {
    pub const ALL: [Self; 8] = [
        Self::TrlPreference,
        Self::TrlUnpaired,
        Self::LlamaFactoryRanking,
        Self::LlamaFactoryAlpaca,
        Self::LlamaFactoryKto,
        Self::OpenAi,
        Self::Argilla,
        Self::LabelStudio,
    ];

    /// Its name, the same in every language.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TrlPreference => "TRL preference",
            Self::TrlUnpaired => "TRL unpaired preference",
            Self::LlamaFactoryRanking => "LLaMA-Factory ranking (sharegpt)",
            Self::LlamaFactoryAlpaca => "LLaMA-Factory ranking (alpaca)",
            Self::LlamaFactoryKto => "LLaMA-Factory KTO",
            Self::OpenAi => "OpenAI preference",
            Self::Argilla => "Argilla records",
            Self::LabelStudio => "Label Studio tasks",
        }
    }

    /// Its word on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TrlPreference => "trl",
            Self::TrlUnpaired => "trl-kto",
            Self::LlamaFactoryRanking => "llamafactory",
            Self::LlamaFactoryAlpaca => "llamafactory-alpaca",
            Self::LlamaFactoryKto => "llamafactory-kto",
            Self::OpenAi => "openai",
            Self::Argilla => "argilla",
            Self::LabelStudio => "label-studio",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.word() == word)
    }

    pub const fn holds(self) -> Holds {
        match self {
            Self::TrlPreference | Self::LlamaFactoryRanking | Self::LlamaFactoryAlpaca | Self::OpenAi => Holds::Pairs,
            Self::TrlUnpaired | Self::LlamaFactoryKto => Holds::Marks,
            Self::Argilla | Self::LabelStudio => Holds::Verdicts,
        }
    }

    /// Whether it is several files in a folder: the rows beside a dataset_info.json.
    pub const fn is_folder(self) -> bool {
        matches!(self, Self::LlamaFactoryRanking | Self::LlamaFactoryAlpaca | Self::LlamaFactoryKto)
    }

    /// Of the file with the rows.
    pub const fn ending(self) -> &'static str {
        match self {
            Self::TrlPreference | Self::TrlUnpaired | Self::OpenAi => "jsonl",
            _ => "json",
        }
    }

    /// What to offer first for labels of a mode.
    pub const fn usual(mode: Mode) -> Self {
        match mode {
            Mode::Pair | Mode::Rank => Self::TrlPreference,
            Mode::Single => Self::TrlUnpaired,
        }
    }
}
