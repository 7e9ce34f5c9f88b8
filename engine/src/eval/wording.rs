//! The words around a multiple-choice question, LLaMA-Factory's in English and Chinese.

use super::questions::{LETTERS, Question};
use super::tokenise::Language;
use crate::protocol::ChatMessage;

/// Text to be continued: plain, or the turns of a conversation.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asked {
    Plain(String),
    Chat(Vec<ChatMessage>),
}

/// How one subject's questions are written.
pub(super) struct Wording<'a> {
    pub language: Language,
    pub subject: &'a str,
    pub chat: bool,
}

impl Wording<'_> {
    fn opening(&self) -> String {
        match self.language {
            Language::En => {
                format!("The following are multiple choice questions (with answers) about {}.\n\n", self.subject)
            }
            Language::Zh => format!("以下是中国关于{}考试的单项选择题，请选出其中的正确答案。\n\n", self.subject),
        }
    }

    /// `lettered`: with the options below it.
    fn question(&self, question: &Question, lettered: bool) -> String {
        let mut text = question.text.clone();
        if lettered {
            for (letter, option) in LETTERS.iter().zip(&question.options) {
                text.push_str(&format!("\n{letter}. {option}"));
            }
        }
        text + match self.language {
            Language::En => "\nAnswer:",
            Language::Zh => "\n答案：",
        }
    }

    /// An answer behind a question.
    pub(super) fn answer(&self, words: &str) -> String {
        match self.language {
            Language::En if !self.chat => format!(" {words}"),
            _ => words.to_owned(),
        }
    }

    /// The right answer, as a letter or in full.
    fn right(&self, question: &Question, lettered: bool) -> String {
        self.answer(if lettered { LETTERS[question.answer] } else { &question.options[question.answer] })
    }

    pub(super) fn ask(&self, question: &Question, shots: &[Question], lettered: bool) -> Asked {
        if !self.chat {
            let mut text = if lettered { self.opening() } else { String::new() };
            for shot in shots {
                text += &format!("{}{}\n\n", self.question(shot, lettered), self.right(shot, lettered));
            }
            return Asked::Plain(text + &self.question(question, lettered));
        }
        let turn = |role: &str, content| ChatMessage { role: role.to_owned(), content };
        let solved = shots.iter().flat_map(|shot| {
            [turn("user", self.question(shot, lettered)), turn("assistant", self.right(shot, lettered))]
        });
        let mut turns: Vec<ChatMessage> = solved.chain([turn("user", self.question(question, lettered))]).collect();
        if lettered {
            turns[0].content.insert_str(0, &self.opening());
        }
        Asked::Chat(turns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(text: &str, answer: usize) -> Question {
        let options = ["one", "two", "three", "four"].map(str::to_owned);
        Question { line: 1, text: text.into(), options, answer }
    }

    #[test]
    fn plain_questions_are_worded_as_mmlu_words_them() {
        let wording = Wording { language: Language::En, subject: "small numbers", chat: false };
        let options = "\nA. one\nB. two\nC. three\nD. four\nAnswer:";
        let wanted = format!(
            "The following are multiple choice questions (with answers) about small numbers.\n\n\
             1+1?{options} B\n\n1+2?{options}"
        );
        assert_eq!(wording.ask(&question("1+2?", 2), &[question("1+1?", 1)], true), Asked::Plain(wanted));
        let bare = Asked::Plain("1+1?\nAnswer: two\n\n1+2?\nAnswer:".into());
        assert_eq!(wording.ask(&question("1+2?", 2), &[question("1+1?", 1)], false), bare);
    }

    #[test]
    fn chinese_questions_are_worded_in_chinese_and_chat_has_turns() {
        let wording = Wording { language: Language::Zh, subject: "数学", chat: true };
        let Asked::Chat(turns) = wording.ask(&question("一加二？", 2), &[question("一加一？", 1)], true) else {
            panic!("not a chat")
        };
        let said: Vec<&str> = turns.iter().map(|turn| turn.content.as_str()).collect();
        let opening = "以下是中国关于数学考试的单项选择题，请选出其中的正确答案。\n\n";
        let options = "\nA. one\nB. two\nC. three\nD. four\n答案：";
        assert_eq!(said, [&format!("{opening}一加一？{options}"), "B", &format!("一加二？{options}")]);
    }
}
