//! A queue as it is being put together.

use std::collections::HashSet;
use std::path::Path;

use luthier_engine::feedback::Mode;
use luthier_engine::protocol::{ChatMessage, Sampling};

use super::PromptsRead;
use crate::bench::Bench;
use crate::desks::Subject;
use crate::format;
use crate::labels::{Again, Author, ItemOrder, QueueSettings};
use crate::text::t;

/// How many answers can be ranked.
pub const RANKED: std::ops::RangeInclusive<usize> = 3..=6;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PromptsFrom {
    #[default]
    File,
    /// The dataset that is loaded in Data.
    Loaded,
    /// One a line.
    Typed,
    /// A file whose rows have their answers.
    Answered,
}

/// Who gives one of the answers, and how freely it draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Voice {
    pub subject: Option<Subject>,
    pub temperature: f32,
    pub seed: u64,
}

#[derive(Debug, Clone, PartialEq)]
pub struct QueueDraft {
    pub from: PromptsFrom,
    /// As typed or chosen.
    pub file: String,
    pub typed: String,
    /// Empty: after the prompts.
    pub name: String,
    pub mode: Mode,
    /// One for each answer of an item.
    pub voices: Vec<Voice>,
    /// Of all of them; each has its own temperature and seed.
    pub sampling: Sampling,
    /// Prompts at most; the first ones are taken.
    pub most: Option<usize>,
    /// A prompt that stands twice is asked twice.
    pub keep_twins: bool,
    pub order: ItemOrder,
    pub again_share: f64,
    pub again_by: Again,
    pub tags: Vec<String>,
}

impl Default for QueueDraft {
    fn default() -> Self {
        let settings = QueueSettings::default();
        Self {
            from: PromptsFrom::default(),
            file: String::new(),
            typed: String::new(),
            name: String::new(),
            mode: Mode::default(),
            voices: Vec::new(),
            // Long enough for an answer, short enough to be read a few hundred times.
            sampling: Sampling { max_new_tokens: 256, top_p: 0.95, ..Sampling::default() },
            // An evening's work.
            most: Some(500),
            keep_twins: false,
            order: settings.order,
            again_share: settings.again_share,
            again_by: settings.again_by,
            tags: t!("making.tags").split(',').map(|tag| tag.trim().to_owned()).collect(),
        }
    }
}

/// What a draft comes to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    pub prompts: usize,
    /// Left out because they stand there twice.
    pub twins: usize,
    /// Rows of the file without a question, and why the first has none.
    pub left_out: usize,
    pub reason: String,
    /// Answers to be generated.
    pub answers: usize,
}

impl QueueDraft {
    /// As many voices as the mode has answers. New ones draw more freely and by another seed than the one before.
    pub fn fit_voices(&mut self) {
        let wanted = match self.mode {
            Mode::Single => 1,
            Mode::Pair => 2,
            Mode::Rank => self.voices.len().clamp(*RANKED.start(), *RANKED.end()),
        };
        self.voices.truncate(wanted);
        while self.voices.len() < wanted {
            self.add_voice();
        }
    }

    pub fn add_voice(&mut self) {
        let subject = self.voices.last().and_then(|voice| voice.subject.clone());
        let at = self.voices.len();
        let temperature = [0.7, 1.0, 0.8, 0.9, 0.6, 1.1][at % 6];
        self.voices.push(Voice { subject, temperature, seed: at as u64 + 1 });
    }

    /// The prompts with their rows, from 1: those of the file, or those that are typed.
    fn all_prompts(&self, read: Option<&PromptsRead>) -> Vec<(usize, Vec<ChatMessage>)> {
        match self.from {
            PromptsFrom::Typed => {
                let lines = self.typed.lines().map(str::trim).filter(|line| !line.is_empty());
                let message = |line: &str| vec![ChatMessage { role: "user".into(), content: line.to_owned() }];
                lines.enumerate().map(|(at, line)| (at + 1, message(line))).collect()
            }
            PromptsFrom::File | PromptsFrom::Loaded => {
                read.and_then(|read| read.read.as_ref().ok()).map(|read| read.rows.clone()).unwrap_or_default()
            }
            PromptsFrom::Answered => Vec::new(),
        }
    }

    /// Those that come into the queue.
    pub fn chosen_prompts(&self, read: Option<&PromptsRead>) -> Vec<(usize, Vec<ChatMessage>)> {
        let mut prompts = self.all_prompts(read);
        if !self.keep_twins {
            let mut seen = HashSet::new();
            prompts.retain(|(_, prompt)| seen.insert(prompt.clone()));
        }
        prompts.truncate(self.most.unwrap_or(usize::MAX));
        prompts
    }

    /// None while the prompts are not known.
    pub fn plan(&self, read: Option<&PromptsRead>) -> Option<Plan> {
        let (prompts, twins, left_out, reason) = match self.from {
            PromptsFrom::Answered => return None,
            PromptsFrom::Typed => {
                let lines: Vec<&str> = self.typed.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
                let distinct = lines.iter().collect::<HashSet<_>>().len();
                (lines.len(), lines.len() - distinct, 0, String::new())
            }
            PromptsFrom::File | PromptsFrom::Loaded => {
                let read = read?.read.as_ref().ok()?;
                (read.rows.len(), read.twins, read.left_out, read.reason.clone())
            }
        };
        let twins = if self.keep_twins { 0 } else { twins };
        let prompts = (prompts - twins).min(self.most.unwrap_or(usize::MAX));
        Some(Plan { prompts, twins, left_out, reason, answers: prompts * self.voices.len() })
    }

    pub fn own_name(&self, file: Option<&Path>) -> String {
        match file.and_then(Path::file_stem) {
            Some(stem) => stem.to_string_lossy().into_owned(),
            None => t!("making.typed_name"),
        }
    }

    pub fn own_or_given_name(&self, file: Option<&Path>) -> String {
        let given = self.name.trim();
        if given.is_empty() { self.own_name(file) } else { given.to_owned() }
    }
}

impl Bench {
    /// Who answers by the draft; a voice without a model is left out.
    pub fn drafted_authors(&self) -> Vec<Author> {
        let draft = &self.desks.label.making.draft;
        let all = self.examinees();
        let author = |voice: &Voice| {
            let examinee = all.iter().find(|known| Some(&known.subject) == voice.subject.as_ref())?;
            Some(Author {
                name: examinee.name.clone(),
                model: examinee.model.clone(),
                adapter: examinee.adapter.clone(),
                run: match &examinee.subject {
                    Subject::Run(id) => Some(id.clone()),
                    Subject::Model(_) => None,
                },
                sampling: Sampling { temperature: voice.temperature, seed: voice.seed, ..draft.sampling.clone() },
                stamp: String::new(),
            })
        };
        draft.voices.iter().filter_map(author).collect()
    }

    /// The draft as a queue's settings; the labels' thread adds the stamps of the models' files.
    pub(super) fn drafted_settings(&self, file: Option<&Path>) -> QueueSettings {
        let draft = &self.desks.label.making.draft;
        let answered = draft.from == PromptsFrom::Answered;
        QueueSettings {
            mode: draft.mode,
            authors: if answered { Vec::new() } else { self.drafted_authors() },
            order: draft.order,
            again_share: draft.again_share,
            again_by: draft.again_by,
            device: self.state.recipe.device.clone(),
            source: file.map(format::path).unwrap_or_default(),
            tags: draft.tags.clone(),
            ..QueueSettings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use luthier_engine::data::FilePrompts;

    use super::*;

    fn message(text: &str) -> Vec<ChatMessage> {
        vec![ChatMessage { role: "user".into(), content: text.into() }]
    }

    #[test]
    fn a_plan_counts_what_the_queue_will_have() {
        let rows = ["a", "b", "a", "c"].iter().enumerate().map(|(at, text)| (at + 1, message(text))).collect();
        let read = FilePrompts { rows, twins: 1, left_out: 1, reason: "row 5: no question".into() };
        let read = PromptsRead { path: "/p.txt".into(), read: Ok(Arc::new(read)) };
        let mut draft = QueueDraft::default();
        draft.fit_voices();
        let plan = draft.plan(Some(&read)).expect("a plan");
        assert_eq!((plan.prompts, plan.twins, plan.left_out, plan.answers), (3, 1, 1, 6));
        assert_eq!(draft.chosen_prompts(Some(&read)).iter().map(|(row, _)| *row).collect::<Vec<_>>(), [1, 2, 4]);
        (draft.keep_twins, draft.most, draft.mode) = (true, Some(2), Mode::Rank);
        draft.fit_voices();
        let plan = draft.plan(Some(&read)).expect("a plan");
        assert_eq!((plan.prompts, plan.twins, plan.answers), (2, 0, 6));
        assert_eq!(draft.chosen_prompts(Some(&read)).len(), plan.prompts);
        assert_eq!(draft.plan(None), None, "nothing is read");
        draft.from = PromptsFrom::Typed;
        draft.typed = " one \n\ntwo\none\n".into();
        (draft.keep_twins, draft.most) = (false, None);
        assert_eq!(draft.plan(None).map(|plan| (plan.prompts, plan.twins)), Some((2, 1)));
        assert_eq!(draft.chosen_prompts(None).len(), 2);
    }

    #[test]
    fn voices_follow_the_mode_and_never_draw_alike() {
        let mut draft = QueueDraft::default();
        for (mode, count) in [(Mode::Pair, 2), (Mode::Rank, 3), (Mode::Single, 1), (Mode::Rank, 3)] {
            draft.mode = mode;
            draft.fit_voices();
            assert_eq!(draft.voices.len(), count);
        }
        while draft.voices.len() < *RANKED.end() {
            draft.add_voice();
        }
        draft.fit_voices();
        let seeds: HashSet<u64> = draft.voices.iter().map(|voice| voice.seed).collect();
        assert_eq!(seeds.len(), 6);
    }
}
