//! Text to token ids and back, as the model's own tokenizer.json (or GGUF file) says, with its chat template beside it.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};
use tokenizers::Tokenizer;

use crate::error::{Error, Result};
use crate::template::{self, ChatTemplate};

/// A model's tokenizer. Cheap to share between threads by reference.
pub struct TextTokenizer {
    inner: Tokenizer,
    /// tokenizer.json or the GGUF file, for messages.
    file: PathBuf,
    /// `bos_token`, `eos_token`, ... by name, as the chat template sees them.
    tokens: Map<String, Value>,
    eos_text: Option<String>,
    eos_ids: Vec<u32>,
    pad_id: u32,
    /// Why the template cannot be used is said when it is used.
    template: Option<std::result::Result<ChatTemplate, String>>,
}

impl TextTokenizer {
    /// Reads the tokenizer of a model folder or GGUF file. tokenizer.json is taken as it stands, but for the truncation and
    /// padding that it may carry.
    ///
    /// # Errors
    /// `Io` or `BadModel` with the file that cannot be read, `ModelUnsupported` if there is no tokenizer.json.
    pub fn load(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let file = path.join("tokenizer.json");
        if file.is_file() {
            Self::from_folder(path, file)
        } else if template::holds_gguf(path) {
            let gguf = crate::files::gguf_tokenizer(path)?;
            let config = match gguf.config {
                Value::Object(config) => config,
                _ => Map::new(),
            };
            Self::new(gguf.tokenizer, path, path.to_owned(), &config, &[&config])
        } else if path.exists() {
            let reason = if path.join("tokenizer.model").is_file() || path.join("vocab.json").is_file() {
                "there is no tokenizer.json, only a tokenizer in an older form: convert it with transformers \
                 (AutoTokenizer.from_pretrained(...).save_pretrained(...))"
            } else {
                "there is no tokenizer.json"
            };
            Err(Error::ModelUnsupported { path: path.to_owned(), reason: reason.into() })
        } else {
            Err(Error::Io { path: path.to_owned(), reason: "there is no such model folder or file".into() })
        }
    }

    fn from_folder(dir: &Path, file: PathBuf) -> Result<Self> {
        let bytes = std::fs::read(&file).map_err(|error| Error::io(&file, error))?;
        check_merges(&bytes).map_err(|(place, reason)| Error::model(&file, place, reason))?;
        let tokenizer = Tokenizer::from_bytes(&bytes)
            .map_err(|error| Error::model(&file, "the whole file", format!("this is not a tokenizer: {error}")))?;
        let read = |name: &str| Ok::<_, Error>(template::read_object(&dir.join(name))?.unwrap_or_default());
        let mut config = read("tokenizer_config.json")?;
        // Older folders name the special tokens here only.
        for (name, token) in read("special_tokens_map.json")? {
            if config.get(&name).is_none_or(Value::is_null) {
                config.insert(name, token);
            }
        }
        Self::new(tokenizer, dir, file, &config, &[&read("generation_config.json")?, &read("config.json")?])
    }

    /// `id_sources`: objects that may have `eos_token_id` and `pad_token_id`.
    fn new(
        mut inner: Tokenizer,
        dir: &Path,
        file: PathBuf,
        config: &Map<String, Value>,
        id_sources: &[&Map<String, Value>],
    ) -> Result<Self> {
        let trouble = |error: tokenizers::Error| Error::model(&file, "truncation", error.to_string());
        inner.with_truncation(None).map_err(trouble)?;
        inner.with_padding(None);

        let tokens = template::special_tokens(config);
        let id_of = |name: &str| tokens.get(name).and_then(Value::as_str).and_then(|text| inner.token_to_id(text));
        let mut eos_ids: Vec<u32> = id_of("eos_token").into_iter().collect();
        for id in id_sources.iter().filter_map(|source| source.get("eos_token_id")).flat_map(ids_in) {
            if !eos_ids.contains(&id) {
                eos_ids.push(id);
            }
        }
        let named_eos = tokens.get("eos_token").and_then(Value::as_str).map(str::to_owned);
        let eos_text = named_eos.or_else(|| inner.id_to_token(*eos_ids.first()?));
        let configured_pad = id_sources.iter().filter_map(|source| source.get("pad_token_id")).flat_map(ids_in).next();
        let pad_id = id_of("pad_token").or(configured_pad).or(eos_ids.first().copied()).unwrap_or(0);
        let template = template::find_source(dir, &file.with_file_name("tokenizer_config.json"), config)
            .and_then(|found| found.map(|(source, from)| ChatTemplate::new(&source, tokens.clone(), &from)).transpose())
            .map_err(|error| error.to_string())
            .transpose();
        Ok(Self { inner, file, tokens, eos_text, eos_ids, pad_id, template })
    }

    /// Ids of a text, with what the tokenizer itself adds (a BOS, where its post-processor says so).
    ///
    /// # Errors
    /// `BadModel` if the tokenizer cannot write this text, as one without bytes or an unknown token.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>> {
        self.ids(text, true)
    }

    /// Where another tokenizer gives a token another id; None: both mean the same by every id.
    pub fn first_difference(&self, other: &Self) -> Option<String> {
        let (mine, theirs) = (self.inner.get_vocab(true), other.inner.get_vocab(true));
        if mine.len() != theirs.len() {
            return Some(format!("{} tokens instead of {}", theirs.len(), mine.len()));
        }
        let differs = mine.iter().find(|(token, id)| theirs.get(*token) != Some(id));
        differs.map(|(token, id)| format!("the token {token:?} is not {id}"))
    }

    /// Ids of a text and nothing else: for rendered chat text, which has its own BOS.
    ///
    /// # Errors
    /// As `encode`.
    pub fn encode_bare(&self, text: &str) -> Result<Vec<u32>> {
        self.ids(text, false)
    }

    fn ids(&self, text: &str, with_additions: bool) -> Result<Vec<u32>> {
        let encoding = self.inner.encode_fast(text, with_additions);
        let encoding = encoding.map_err(|error| Error::model(&self.file, "encoding a text", error.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// Text of ids. Bytes that are no UTF-8 become U+FFFD; ids that the tokenizer does not know are left out.
    pub fn decode(&self, ids: &[u32], skip_special: bool) -> String {
        self.inner.decode(ids, skip_special).unwrap_or_default()
    }

    /// One token for display: its text, or its entry in the vocabulary where it is only a part of a character.
    pub fn token_text(&self, id: u32) -> String {
        let text = self.decode(&[id], false);
        if text.is_empty() || text.contains('\u{fffd}') { self.inner.id_to_token(id).unwrap_or(text) } else { text }
    }

    /// The text that ends an answer.
    pub fn eos_text(&self) -> Option<&str> {
        self.eos_text.as_deref()
    }

    pub fn bos_text(&self) -> Option<&str> {
        self.tokens.get("bos_token").and_then(Value::as_str)
    }

    /// Every id that ends an answer, the tokenizer's own first.
    pub fn eos_ids(&self) -> &[u32] {
        &self.eos_ids
    }

    /// The pad token's id; else EOS, else 0.
    pub fn pad_id(&self) -> u32 {
        self.pad_id
    }

    /// One more than the largest id, added tokens included.
    pub fn vocab_size(&self) -> usize {
        self.largest().map_or(0, |(_, id)| id as usize + 1)
    }

    fn largest(&self) -> Option<(String, u32)> {
        self.inner.get_vocab(true).into_iter().max_by_key(|(_, id)| *id)
    }

    /// Checks that the model has a row for every id.
    ///
    /// # Errors
    /// `BadModel` naming the token that has none.
    pub fn check_fits(&self, vocab_size_of_model: usize) -> Result<()> {
        match self.largest() {
            Some((token, id)) if id as usize >= vocab_size_of_model => {
                let reason = format!(
                    "its id is {id}, but the model's vocabulary has only {vocab_size_of_model} entries: this tokenizer \
                     belongs to another model"
                );
                Err(Error::model(&self.file, format!("token {token:?}"), reason))
            }
            _ => Ok(()),
        }
    }

    pub fn has_template(&self) -> bool {
        self.template.is_some()
    }

    /// Messages as the model sees them; encode the text with `encode_bare`. See [`ChatTemplate::render`].
    ///
    /// # Errors
    /// `Template`; `ModelUnsupported` if the model has no chat template.
    pub fn render(
        &self,
        messages: &[impl Serialize],
        add_generation_prompt: bool,
        kwargs: &Map<String, Value>,
    ) -> Result<String> {
        match &self.template {
            Some(Ok(template)) => template.render(messages, add_generation_prompt, kwargs),
            Some(Err(reason)) => Err(Error::Template(reason.clone())),
            None => Err(Error::ModelUnsupported {
                path: self.file.clone(),
                reason: "this model has no chat template: use plain text".into(),
            }),
        }
    }

    /// A decoder for tokens as they are sampled.
    pub fn stream(&self, skip_special: bool) -> StreamDecoder<'_> {
        StreamDecoder { tokenizer: self, skip_special, ids: Vec::new(), shown: 0 }
    }
}

/// The tokenizers crate panics on a merge whose result the vocabulary does not have: such files are refused first.
fn check_merges(bytes: &[u8]) -> std::result::Result<(), (String, String)> {
    let Ok(json) = serde_json::from_slice::<Value>(bytes) else { return Ok(()) }; // its own reader says it better
    let model = &json["model"];
    let (Some(vocab), Some(merges)) = (model["vocab"].as_object(), model["merges"].as_array()) else { return Ok(()) };
    let prefix = model["continuing_subword_prefix"].as_str().unwrap_or_default();
    for (rank, merge) in merges.iter().enumerate() {
        let pair = match merge {
            Value::String(text) => text.split_once(' '),
            Value::Array(parts) => parts.first().and_then(Value::as_str).zip(parts.get(1).and_then(Value::as_str)),
            _ => None,
        };
        let place = format!("model.merges[{rank}]");
        let Some((left, right)) = pair else { return Err((place, "is not a pair of tokens".into())) };
        let union = format!("{left}{}", right.strip_prefix(prefix).unwrap_or(right));
        if let Some(stranger) = [left, right, &union].into_iter().find(|token| !vocab.contains_key(*token)) {
            return Err((place, format!("needs the token {stranger:?}, which the vocabulary does not have")));
        }
    }
    Ok(())
}

/// One id, or a list of them.
fn ids_in(value: &Value) -> Vec<u32> {
    let id = |value: &Value| value.as_u64().and_then(|id| u32::try_from(id).ok());
    match value {
        Value::Array(list) => list.iter().filter_map(id).collect(),
        one => id(one).into_iter().collect(),
    }
}

/// Turns sampled ids into text, never cutting a character in two.
pub struct StreamDecoder<'a> {
    tokenizer: &'a TextTokenizer,
    skip_special: bool,
    /// The last ids whose text is out, needed because a token's text can depend on the one before, and those held back.
    ids: Vec<u32>,
    /// How many of `ids` are out.
    shown: usize,
}

/// Ids held back at most: a character has four bytes, so more of them cannot become one.
const HELD_IDS: usize = 8;

impl StreamDecoder<'_> {
    /// The text that `id` completes, if any.
    pub fn push(&mut self, id: u32) -> Option<String> {
        self.ids.push(id);
        let whole = self.tokenizer.decode(&self.ids, self.skip_special);
        let unfinished = whole.ends_with('\u{fffd}') && self.ids.len() - self.shown < HELD_IDS;
        if unfinished { None } else { self.emit(whole) }
    }

    /// What is still held back; at the end of an answer.
    pub fn finish(&mut self) -> Option<String> {
        let whole = self.tokenizer.decode(&self.ids, self.skip_special);
        self.emit(whole)
    }

    fn emit(&mut self, whole: String) -> Option<String> {
        let before = self.tokenizer.decode(&self.ids[..self.shown], self.skip_special);
        // Some decoders write the first token differently; then the common start is what was shown.
        let common = whole.char_indices().zip(before.chars()).find(|((_, a), b)| a != b).map(|((index, _), _)| index);
        let new = whole[common.unwrap_or(before.len().min(whole.len()))..].to_owned();
        self.ids.drain(..self.shown);
        self.shown = self.ids.len();
        (!new.is_empty()).then_some(new)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn merges_without_a_result_are_named_before_the_crate_can_panic() {
        let folder = tempfile::tempdir().unwrap();
        let json =
            r#"{"version":"1.0","added_tokens":[],"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[["a","b"]]}}"#;
        std::fs::write(folder.path().join("tokenizer.json"), json).unwrap();
        let error = TextTokenizer::load(folder.path()).err().expect("refused").to_string();
        assert!(error.contains("model.merges[0]") && error.contains("\"ab\""), "{error}");
    }
    use crate::protocol::ChatMessage;

    /// A byte-level BPE of single letters and three special tokens. "é" is two tokens.
    fn folder(changes: impl FnOnce(&mut Value, &mut Value)) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let letters = ["<eos>", "<pad>", "a", "b", "c", "Ġ", "Ã", "©", "ab", "d"];
        let vocab: Map<String, Value> =
            letters.iter().enumerate().map(|(id, token)| ((*token).into(), id.into())).collect();
        let special = |id: usize| {
            json!({"id": id, "content": letters[id], "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": true})
        };
        let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
        let mut tokenizer = json!({
            "version": "1.0", "truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
            "padding": null, "added_tokens": [special(0), special(1)], "normalizer": null, "pre_tokenizer": bytes,
            "post_processor": {"type": "TemplateProcessing", "single": [{"SpecialToken": {"id": "<pad>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}}], "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
                "special_tokens": {"<pad>": {"id": "<pad>", "ids": [1], "tokens": ["<pad>"]}}},
            "decoder": bytes, "model": {"type": "BPE", "vocab": vocab, "merges": ["a b"]}
        });
        let mut config = json!({"eos_token": {"content": "<eos>"}, "bos_token": null,
            "chat_template": "{{ eos_token }}{{ messages[0].content }}"});
        changes(&mut tokenizer, &mut config);
        std::fs::write(dir.path().join("tokenizer.json"), tokenizer.to_string()).unwrap();
        std::fs::write(dir.path().join("tokenizer_config.json"), config.to_string()).unwrap();
        std::fs::write(dir.path().join("special_tokens_map.json"), r#"{"pad_token": "<pad>", "eos_token": "a"}"#)
            .unwrap();
        std::fs::write(dir.path().join("generation_config.json"), r#"{"eos_token_id": [9, 0], "pad_token_id": 3}"#)
            .unwrap();
        dir
    }

    #[test]
    fn tokenizer_json_is_taken_as_it_stands() {
        let dir = folder(|_, _| {});
        let tokenizer = TextTokenizer::load(dir.path()).unwrap();
        assert_eq!(tokenizer.encode("abca").unwrap(), [1, 8, 4, 2], "the post-processor adds, truncation is off");
        assert_eq!(tokenizer.encode_bare("c<eos>é").unwrap(), [4, 0, 6, 7]);
        assert_eq!(tokenizer.decode(&[4, 0, 6, 7], false), "c<eos>é");
        assert_eq!(tokenizer.decode(&[4, 0, 6, 7], true), "cé");
        assert_eq!((tokenizer.eos_text(), tokenizer.bos_text()), (Some("<eos>"), None));
        assert_eq!((tokenizer.eos_ids(), tokenizer.pad_id(), tokenizer.vocab_size()), (&[0, 9][..], 1, 10));
        assert_eq!([tokenizer.token_text(8), tokenizer.token_text(5), tokenizer.token_text(6)], ["ab", " ", "Ã"]);
    }

    #[test]
    fn stream_waits_for_whole_characters() {
        let dir = folder(|_, _| {});
        let tokenizer = TextTokenizer::load(dir.path()).unwrap();
        let mut stream = tokenizer.stream(true);
        let texts: Vec<_> = [2, 6, 7, 0, 5, 6].into_iter().map(|id| stream.push(id)).collect();
        let expected = [Some("a"), None, Some("é"), None, Some(" "), None].map(|text| text.map(str::to_owned));
        assert_eq!(texts, expected);
        assert_eq!(stream.finish().as_deref(), Some("\u{fffd}"));
        // Bytes that never become a character do not pile up.
        let mut stream = tokenizer.stream(true);
        let held = (0..100).filter(|_| stream.push(6).is_none()).count();
        assert!(held < 100 && stream.ids.len() <= 2 * HELD_IDS, "{held}");
    }

    #[test]
    fn vocabulary_must_fit() {
        let dir = folder(|_, _| {});
        let tokenizer = TextTokenizer::load(dir.path()).unwrap();
        tokenizer.check_fits(10).unwrap();
        let error = tokenizer.check_fits(9).unwrap_err().to_string();
        assert!(error.contains("tokenizer.json, token \"d\": its id is 9"), "{error}");
    }

    #[test]
    fn broken_template_hurts_only_chats() {
        let message = [ChatMessage { role: "user".into(), content: "hi".into() }];
        let dir = folder(|_, _| {});
        assert_eq!(TextTokenizer::load(dir.path()).unwrap().render(&message, true, &Map::new()).unwrap(), "<eos>hi");
        let dir = folder(|_, config| config["chat_template"] = "{% if %}".into());
        let tokenizer = TextTokenizer::load(dir.path()).unwrap();
        assert_eq!(tokenizer.encode_bare("a").unwrap(), [2]);
        let error = tokenizer.render(&message, true, &Map::new()).unwrap_err();
        assert!(error.code() == "template" && error.to_string().contains("tokenizer_config.json"), "{error}");
        let dir = folder(|_, config| config["chat_template"] = Value::Null);
        assert_eq!(
            TextTokenizer::load(dir.path()).unwrap().render(&message, true, &Map::new()).unwrap_err().code(),
            "model_unsupported"
        );
    }

    #[test]
    fn damaged_files_are_named() {
        let dir = folder(|tokenizer, _| tokenizer["model"] = json!({"type": "BPE"}));
        let error = TextTokenizer::load(dir.path()).err().unwrap().to_string();
        assert!(error.contains("tokenizer.json"), "{error}");
        std::fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
        assert_eq!(TextTokenizer::load(dir.path()).err().unwrap().code(), "model_unsupported");
        std::fs::write(dir.path().join("vocab.json"), "{}").unwrap();
        assert!(TextTokenizer::load(dir.path()).err().unwrap().to_string().contains("save_pretrained"));
    }
}
