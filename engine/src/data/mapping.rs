//! What the columns of a data file mean: a format, the column that plays each part, the words that mark the speakers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::recipe::Stage;

/// What can be learned from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// Plain text, all of it learned.
    Text,
    /// Questions and answers; the answers are learned.
    Sft,
    /// A better and a worse answer to the same question.
    Preference,
    /// Answers marked as liked or not.
    Kto,
    /// Questions without answers: the policy answers them.
    Prompts,
}

impl DataKind {
    /// In a sentence's end, English.
    pub fn about(self) -> &'static str {
        match self {
            Self::Text => "plain text",
            Self::Sft => "questions and answers",
            Self::Preference => "pairs of a preferred and a rejected answer",
            Self::Kto => "answers marked as liked or disliked",
            Self::Prompts => "questions with no answers",
        }
    }

    /// Stages that can learn from such a file, the most natural first. Pairs serve kto as one liked and one disliked
    /// answer each; ppo reads the questions and leaves the answers.
    pub fn stages(self) -> &'static [Stage] {
        match self {
            Self::Text => &[Stage::Pt, Stage::Sft],
            Self::Sft => &[Stage::Sft, Stage::Ppo],
            Self::Preference => &[Stage::Dpo, Stage::Rm, Stage::Kto, Stage::Ppo],
            Self::Kto => &[Stage::Kto, Stage::Ppo],
            Self::Prompts => &[Stage::Ppo],
        }
    }
}

/// How a row is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One column of text (TRL's language modelling, plain text files).
    Text,
    /// A column for the task, one for its material, one for the answer.
    #[default]
    Alpaca,
    /// A list of turns in ShareGPT's words: from, value, human, gpt.
    Sharegpt,
    /// A list of turns in OpenAI's words: role, content, user, assistant.
    Messages,
    /// TRL's prompt and completion, as texts (joined as they stand, no chat template) or as lists of messages.
    PromptCompletion,
}

impl Format {
    pub const ALL: [Self; 5] = [Self::Text, Self::Alpaca, Self::Sharegpt, Self::Messages, Self::PromptCompletion];

    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Alpaca => "alpaca",
            Self::Sharegpt => "sharegpt",
            Self::Messages => "messages (OpenAI)",
            Self::PromptCompletion => "prompt and completion (TRL)",
        }
    }

    /// The parts that a column can play, those that matter most first.
    pub fn parts(self) -> &'static [Part] {
        use Part::*;
        match self {
            Self::Text => &[Text],
            Self::Alpaca => &[Prompt, Query, Response, System, History, Chosen, Rejected, KtoTag],
            Self::Sharegpt | Self::Messages => &[Messages, System, Tools, Chosen, Rejected, KtoTag],
            Self::PromptCompletion => &[Prompt, Response, System, Tools, Chosen, Rejected, KtoTag],
        }
    }
}

/// What a column is for. The names are LLaMA-Factory's, `text` beside them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// All of the row's text.
    Text,
    /// The task or question.
    Prompt,
    /// Material for the task, set on a new line after it.
    Query,
    /// The answer: TRL's completion.
    Response,
    /// Earlier turns: a list of [question, answer].
    History,
    /// The system message.
    System,
    /// Descriptions of the tools, for the chat template.
    Tools,
    /// The list of turns.
    Messages,
    /// The better answer.
    Chosen,
    /// The worse answer.
    Rejected,
    /// True where the answer is liked.
    KtoTag,
}

impl Part {
    pub const ALL: [Self; 11] = [
        Self::Text,
        Self::Prompt,
        Self::Query,
        Self::Response,
        Self::History,
        Self::System,
        Self::Tools,
        Self::Messages,
        Self::Chosen,
        Self::Rejected,
        Self::KtoTag,
    ];

    /// As `columns` in dataset_info.json spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Prompt => "prompt",
            Self::Query => "query",
            Self::Response => "response",
            Self::History => "history",
            Self::System => "system",
            Self::Tools => "tools",
            Self::Messages => "messages",
            Self::Chosen => "chosen",
            Self::Rejected => "rejected",
            Self::KtoTag => "kto_tag",
        }
    }
}

/// The words in which a list of turns is written: keys of a turn, and names of the speakers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    pub role: String,
    pub content: String,
    pub user: String,
    pub assistant: String,
    pub observation: String,
    pub function: String,
    pub system: String,
}

impl Tags {
    fn new(words: [&str; 7]) -> Self {
        let [role, content, user, assistant, observation, function, system] = words.map(str::to_owned);
        Self { role, content, user, assistant, observation, function, system }
    }

    pub fn sharegpt() -> Self {
        Self::new(["from", "value", "human", "gpt", "observation", "function_call", "system"])
    }

    pub fn openai() -> Self {
        Self::new(["role", "content", "user", "assistant", "tool", "function_call", "system"])
    }
}

/// How to read the rows of a file. Detected, written in dataset_info.json, or chosen by the person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mapping {
    pub format: Format,
    /// Column of each part that has one.
    pub columns: BTreeMap<Part, String>,
    pub tags: Tags,
}

impl Mapping {
    /// A format with no columns yet and its usual tags.
    pub fn new(format: Format) -> Self {
        let tags = if format == Format::Sharegpt { Tags::sharegpt() } else { Tags::openai() };
        Self { format, columns: BTreeMap::new(), tags }
    }

    /// The same with `part` read from `column`.
    pub fn with(mut self, part: Part, column: impl Into<String>) -> Self {
        self.columns.insert(part, column.into());
        self
    }

    pub fn column(&self, part: Part) -> Option<&str> {
        self.columns.get(&part).map(String::as_str)
    }

    pub fn has(&self, part: Part) -> bool {
        self.columns.contains_key(&part)
    }

    /// What the mapped columns make of the rows.
    pub fn kind(&self) -> DataKind {
        if self.has(Part::KtoTag) {
            DataKind::Kto
        } else if self.has(Part::Chosen) || self.has(Part::Rejected) {
            DataKind::Preference
        } else if self.format == Format::Text {
            DataKind::Text
        } else if self.keeps_answers_apart() && self.has(Part::Prompt) && !self.has(Part::Response) {
            DataKind::Prompts
        } else {
            DataKind::Sft
        }
    }

    /// Questions and answers stand in columns of their own.
    fn keeps_answers_apart(&self) -> bool {
        matches!(self.format, Format::Alpaca | Format::PromptCompletion)
    }

    /// Parts that need a column and have none.
    pub fn missing(&self) -> Vec<Part> {
        let kind = self.kind();
        let preference = kind == DataKind::Preference;
        let mut needed = match self.format {
            Format::Text => vec![Part::Text],
            Format::Alpaca => vec![Part::Prompt],
            // A preference row may hold whole conversations, the common question inside both.
            Format::Sharegpt | Format::Messages | Format::PromptCompletion if preference => vec![],
            Format::Sharegpt | Format::Messages => vec![Part::Messages],
            Format::PromptCompletion => vec![Part::Prompt],
        };
        if preference {
            needed.extend([Part::Chosen, Part::Rejected]);
        } else if self.keeps_answers_apart() && kind != DataKind::Prompts {
            needed.push(Part::Response);
        }
        needed.retain(|part| !self.has(*part));
        needed
    }

    /// Parts whose column the file does not have, with the column's name.
    pub fn absent<'a>(&'a self, columns: &[String]) -> Vec<(Part, &'a str)> {
        let named = self.columns.iter().filter(|(_, name)| !columns.contains(name));
        named.map(|(part, name)| (*part, name.as_str())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_and_missing_parts_follow_from_the_columns() {
        let alpaca = Mapping::new(Format::Alpaca).with(Part::Prompt, "q");
        assert_eq!((alpaca.kind(), alpaca.missing()), (DataKind::Prompts, vec![]));
        let unasked = Mapping::new(Format::Alpaca).with(Part::Response, "a");
        assert_eq!((unasked.kind(), unasked.missing()), (DataKind::Sft, vec![Part::Prompt]));
        let unanswered = alpaca.clone().with(Part::KtoTag, "label");
        assert_eq!((unanswered.kind(), unanswered.missing()), (DataKind::Kto, vec![Part::Response]));
        let ranked = alpaca.clone().with(Part::Chosen, "good");
        assert_eq!((ranked.kind(), ranked.missing()), (DataKind::Preference, vec![Part::Rejected]));
        let liked = alpaca.with(Part::Response, "a").with(Part::KtoTag, "label");
        assert_eq!((liked.kind(), liked.missing()), (DataKind::Kto, vec![]));
        assert_eq!(liked.absent(&["q".into(), "label".into()]), [(Part::Response, "a")]);
        assert_eq!(Mapping::new(Format::Text).missing(), [Part::Text]);
    }

    #[test]
    fn a_mapping_survives_json() {
        let mapping = Mapping::new(Format::Sharegpt).with(Part::Messages, "conversations");
        let text = serde_json::to_string(&mapping).unwrap();
        assert!(text.contains("\"columns\":{\"messages\":\"conversations\"}"), "{text}");
        assert_eq!(serde_json::from_str::<Mapping>(&text).unwrap(), mapping);
    }
}
