//! The conversation of the Try panel: one prompt, one or two models that answer it.

use std::collections::VecDeque;
use std::path::PathBuf;

use luthier_engine::protocol::{ChatMessage, FinishReason, Problem, Prompt, PromptText, RequestId, Sampling};
use luthier_engine::recipe::{FinetuningType, Stage};

use super::Run;

/// Which of the two columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Base,
    Tuned,
}

/// A model that answers: a folder or GGUF file, and the adapter on it.
#[derive(Debug, Clone, PartialEq)]
pub struct Speaker {
    pub model: PathBuf,
    pub adapter: Option<PathBuf>,
}

/// How an answer came to its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Ending {
    pub new_tokens: usize,
    pub elapsed_secs: f64,
    pub reason: FinishReason,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turn {
    pub asked: String,
    pub answer: String,
    pub ending: Option<Ending>,
    pub problem: Option<Problem>,
}

/// One column: its turns, and the answer it owes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Side {
    pub turns: Vec<Turn>,
    pub request: Option<RequestId>,
    /// The owed answer belongs to a conversation that was cleared: what comes is thrown away.
    pub dropped: bool,
}

#[derive(Debug, Clone)]
pub struct Talk {
    pub base: Side,
    pub tuned: Side,
    /// The result of the last run, or an adapter that the person chose.
    pub tuned_speaker: Option<Speaker>,
    /// Sides whose answer has not begun; the engine answers one after the other.
    pub waiting: VecDeque<Who>,
    pub sampling: Sampling,
    pub system: String,
    /// Through the chat template, or continued as it stands.
    pub as_chat: bool,
    /// What is being typed.
    pub draft: String,
}

impl Default for Talk {
    fn default() -> Self {
        Self {
            base: Side::default(),
            tuned: Side::default(),
            tuned_speaker: None,
            waiting: VecDeque::new(),
            sampling: Sampling { max_new_tokens: 256, ..Sampling::default() },
            system: String::new(),
            as_chat: true,
            draft: String::new(),
        }
    }
}

impl Talk {
    pub fn side(&self, who: Who) -> &Side {
        match who {
            Who::Base => &self.base,
            Who::Tuned => &self.tuned,
        }
    }

    fn side_mut(&mut self, who: Who) -> &mut Side {
        match who {
            Who::Base => &mut self.base,
            Who::Tuned => &mut self.tuned,
        }
    }

    /// An answer is being written or waited for.
    pub fn busy(&self) -> bool {
        !self.waiting.is_empty() || self.base.request.is_some() || self.tuned.request.is_some()
    }

    /// Answers that are being written.
    pub fn requests(&self) -> impl Iterator<Item = RequestId> {
        [self.base.request, self.tuned.request].into_iter().flatten()
    }

    pub fn is_empty(&self) -> bool {
        self.base.turns.is_empty() && self.tuned.turns.is_empty()
    }

    /// Puts the prompt to both sides, or to the base alone while nothing is trained.
    pub fn ask(&mut self, text: &str) {
        let sides: &[Who] = if self.tuned_speaker.is_some() { &[Who::Base, Who::Tuned] } else { &[Who::Base] };
        for who in sides {
            self.side_mut(*who).turns.push(Turn { asked: text.to_owned(), ..Turn::default() });
            self.waiting.push_back(*who);
        }
    }

    /// The next prompt that the engine should get, once it is free; `base` is what the base column speaks with.
    pub fn next_prompt(&mut self, request: RequestId, base: &Speaker, device: &str) -> Option<Prompt> {
        if self.base.request.is_some() || self.tuned.request.is_some() {
            return None;
        }
        let who = self.waiting.pop_front()?;
        let speaker = match who {
            Who::Base => base.clone(),
            Who::Tuned => self.tuned_speaker.clone()?,
        };
        let text = self.prompt_text(who);
        self.side_mut(who).request = Some(request);
        let Speaker { model, adapter } = speaker;
        Some(Prompt { model, adapter, device: device.to_owned(), text, sampling: self.sampling.clone() })
    }

    fn prompt_text(&self, who: Who) -> PromptText {
        let turns = &self.side(who).turns;
        if !self.as_chat {
            return PromptText::Plain(turns.last().map(|turn| turn.asked.clone()).unwrap_or_default());
        }
        let message = |role: &str, content: &str| ChatMessage { role: role.to_owned(), content: content.to_owned() };
        let mut messages = Vec::new();
        if !self.system.trim().is_empty() {
            messages.push(message("system", self.system.trim()));
        }
        for (i, turn) in turns.iter().enumerate() {
            let last = i + 1 == turns.len();
            // An answer that failed is left out, together with its question.
            if !last && turn.answer.is_empty() {
                continue;
            }
            messages.push(message("user", &turn.asked));
            if !last {
                messages.push(message("assistant", turn.answer.trim()));
            }
        }
        PromptText::Chat(messages)
    }

    fn answering(&mut self, request: RequestId) -> Option<&mut Side> {
        [&mut self.base, &mut self.tuned].into_iter().find(|side| side.request == Some(request))
    }

    pub(super) fn token(&mut self, request: RequestId, text: &str) {
        let side = self.answering(request).filter(|side| !side.dropped);
        if let Some(turn) = side.and_then(|side| side.turns.last_mut()) {
            turn.answer.push_str(text);
        }
    }

    pub(super) fn finished(&mut self, request: RequestId, ending: Ending) {
        let Some(side) = self.answering(request) else { return };
        side.request = None;
        if std::mem::take(&mut side.dropped) {
            return;
        }
        let cancelled = ending.reason == FinishReason::Cancelled;
        if let Some(turn) = side.turns.last_mut() {
            turn.ending = Some(ending);
        }
        if cancelled {
            self.waiting.clear();
        }
    }

    pub(super) fn failed(&mut self, request: RequestId, problem: Problem) {
        let Some(side) = self.answering(request) else { return };
        side.request = None;
        if std::mem::take(&mut side.dropped) {
            return;
        }
        if let Some(turn) = side.turns.last_mut() {
            turn.problem = Some(problem);
        }
    }

    /// A run's result becomes the tuned side, unless it is a reward model, which answers with numbers. The conversation
    /// starts afresh: it was another model's.
    pub(super) fn offer(&mut self, run: &Run) {
        let Some(result) = run.result().filter(|_| run.recipe.stage != Stage::Rm) else { return };
        self.tuned_speaker = Some(match run.recipe.finetuning_type {
            FinetuningType::Lora | FinetuningType::Oft => {
                Speaker { model: run.recipe.model_name_or_path.clone(), adapter: Some(result.clone()) }
            }
            FinetuningType::Full | FinetuningType::Freeze => Speaker { model: result.clone(), adapter: None },
        });
        self.clear();
    }

    pub fn clear(&mut self) {
        self.waiting.clear();
        for side in [&mut self.base, &mut self.tuned] {
            side.turns.clear();
            side.dropped = side.request.is_some();
        }
    }
}
