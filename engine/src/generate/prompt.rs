//! What a model reads before it answers.

use crate::protocol::PromptText;
use crate::tokenizer::TextTokenizer;
use crate::{Error, Result};

/// The prompt as token ids. A chat whose last message is the assistant's is gone on with: that message stays open.
///
/// # Errors
/// `Template` from the chat template, `Refused` for chat without one, for an empty prompt.
pub fn prompt_ids(tokenizer: &TextTokenizer, text: &PromptText) -> Result<Vec<u32>> {
    let ids = match text {
        PromptText::Plain(text) => tokenizer.encode(text)?,
        PromptText::Chat(messages) => {
            if !tokenizer.has_template() {
                return Err(Error::Refused("this model has no chat template: send plain text instead".into()));
            }
            let open = messages.last().filter(|last| last.role == "assistant").map(|last| last.content.trim());
            let mut text = tokenizer.render(messages, open.is_none(), &serde_json::Map::new())?;
            if let Some(said) = open {
                // As transformers' continue_final_message: what the template writes after the answer is taken off.
                let at = text.rfind(said).filter(|_| !said.is_empty()).ok_or_else(|| {
                    Error::Refused("this answer cannot be gone on with: the chat template does not keep it".into())
                })?;
                text.truncate(at + said.len());
            }
            tokenizer.encode_bare(&text)?
        }
    };
    if ids.is_empty() {
        return Err(Error::Refused("the prompt is empty".into()));
    }
    Ok(ids)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::protocol::ChatMessage;

    #[test]
    fn an_answer_that_is_gone_on_with_stays_open() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/models/qwen2-tiny");
        let tokenizer = TextTokenizer::load(&path).unwrap();
        let message = |role: &str, content: &str| ChatMessage { role: role.into(), content: content.into() };
        let ids = |messages: Vec<ChatMessage>| prompt_ids(&tokenizer, &PromptText::Chat(messages));
        let asked = message("user", "What sounds first?");
        let fresh = tokenizer.decode(&ids(vec![asked.clone()]).unwrap(), false);
        let text = tokenizer.decode(&ids(vec![asked.clone(), message("assistant", "The strings ")]).unwrap(), false);
        assert!(text.ends_with("The strings"), "{text:?}");
        assert!(text.starts_with(fresh.trim_end()), "{text:?} does not begin as {fresh:?}");
        assert!(ids(vec![asked, message("assistant", " ")]).is_err(), "there is nothing to go on with");
    }
}
