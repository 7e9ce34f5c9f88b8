//! The way from files to token rows, with a tokenizer that has one token a byte.

use std::ops::ControlFlow;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;

use super::encode::{EncodeOptions, Encoder};
use super::sample::{Dialogue, Sample};
use super::turn::Turn;
use super::*;
use crate::error::{Error, Result};
use crate::protocol::{ChatMessage, DataSource};
use crate::recipe::{MixStrategy, Recipe, Stage};
use crate::tokenizer::TextTokenizer;

pub(super) const CHATML: &str = "{% for m in messages %}{{ '<s>' + m.role + '\n' + m.content + '<e>\n' }}{% endfor %}\
    {% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}";
/// Mistral's: the system message stands in the question that is still to be answered, and nowhere after that.
const MISTRAL: &str = "{% for m in messages %}{% if m.role == 'user' %}[Q]{% if loop.last and messages[0].role == 'system' %}\
    {{ messages[0].content + '|' }}{% endif %}{{ m.content }}[/Q]{% elif m.role == 'assistant' %}{{ ' ' + m.content + '<e>' }}\
    {% endif %}{% endfor %}";
/// Qwen3's: thoughts of earlier turns are left out.
const THINKING: &str = "{% for m in messages %}{{ '<s>' + m.role + '\n' + (m.content if loop.last else m.content.split('</t>')[-1]) \
    + '<e>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<s>assistant\n' }}{% endif %}";
/// Phi-3's: the whole text is closed once more. Gemma's: no system role.
const CLOSED: &str = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system') }}{% endif %}\
    {{ '<s>' + m.role + '\n' + m.content + '<e>\n' }}{% endfor %}{{ '<s>assistant\n' if add_generation_prompt else '<end>' }}";

/// A model folder's tokenizer files. Special tokens: `<end>` (EOS, id 0), `<s>`, `<e>`; " a" is one token.
pub(super) fn tokenizer_files(template: Option<&str>) -> TempDir {
    tokenizer_files_with(&json!({"eos_token": "<end>", "chat_template": template}))
}

fn tokenizer_files_with(config: &Value) -> TempDir {
    let specials = ["<end>", "<s>", "<e>"];
    let mut letters: Vec<String> = ByteLevel::alphabet().iter().map(char::to_string).collect();
    letters.sort();
    let all = specials.iter().map(|text| (*text).to_owned()).chain(letters).chain(["Ġa".to_owned()]);
    let vocab: serde_json::Map<String, Value> = all.enumerate().map(|(id, token)| (token, id.into())).collect();
    let added = |id: usize| {
        json!({"id": id, "content": specials[id], "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true})
    };
    let bytes = json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true});
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [added(0), added(1), added(2)],
        "normalizer": null, "pre_tokenizer": bytes, "post_processor": null, "decoder": bytes,
        "model": {"type": "BPE", "vocab": vocab, "merges": ["Ġ a"]}
    });
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "tokenizer.json", &tokenizer.to_string());
    write(folder.path(), "tokenizer_config.json", &config.to_string());
    folder
}

pub(super) fn tokenizer(template: Option<&str>) -> TextTokenizer {
    TextTokenizer::load(tokenizer_files(template).path()).unwrap()
}

pub(super) fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.to_string_lossy().into_owned()
}

fn options(cutoff_len: usize) -> EncodeOptions {
    EncodeOptions::new(cutoff_len, false)
}

fn conversation(turns: &[(&str, &str)]) -> Sample {
    let turn = |(role, content): &(&str, &str)| {
        let message = ChatMessage { role: (*role).into(), content: (*content).into() };
        Turn { message, learned: *role == "assistant" }
    };
    Sample::Sft(Dialogue::Chat { turns: turns.iter().map(turn).collect(), tools: None })
}

fn plain(prompt: &str, answer: &str) -> Sample {
    Sample::Sft(Dialogue::Plain { prompt: prompt.into(), answer: answer.into() })
}

/// The row's text with learned runs in brackets.
fn shown(template: Option<&str>, options: EncodeOptions, sample: &Sample) -> String {
    let tokenizer = tokenizer(template);
    let coded = Encoder::new(&tokenizer, options).encode(sample).unwrap();
    assert_eq!(coded.input_ids.len(), coded.labels.len());
    let mut text = String::new();
    let mut at = 0;
    for run in coded.labels.chunk_by(|a, b| (*a == IGNORED) == (*b == IGNORED)) {
        let ids = &coded.input_ids[at..at + run.len()];
        let learned = run[0] != IGNORED;
        assert!(!learned || run.iter().zip(ids).all(|(label, id)| *label == *id as i32));
        let part = tokenizer.decode(ids, false);
        text.push_str(&if learned { format!("[{part}]") } else { part });
        at += run.len();
    }
    text
}

#[test]
fn plain_rows_learn_the_answer_and_its_end() {
    assert_eq!(shown(None, options(99), &plain("q\n", "no")), "q\n[no<end>]");
    assert_eq!(shown(None, options(99), &plain("q\n", "no<end>")), "q\n[no<end>]");
    // The blank of the prompt and the answer's first letter are one token, which is the answer's.
    assert_eq!(shown(None, options(99), &plain("q ", "a")), "q[ a<end>]");
    assert_eq!(shown(None, options(3), &plain("q\n", "no")), "q\n[n]");
    assert_eq!(shown(None, options(2), &plain("q\n", "no")), "q\n");
    let learn_all = EncodeOptions { train_on_prompt: true, ..options(99) };
    assert_eq!(shown(None, learn_all, &plain("q\n", "no")), "[q\nno<end>]");
    assert_eq!(shown(None, options(99), &Sample::Text("all".into())), "[all<end>]");
}

#[test]
fn every_answer_of_a_conversation_is_learned_with_its_end_of_turn() {
    let talk = conversation(&[("user", "q"), ("assistant", "a"), ("user", "r"), ("assistant", "\nb ")]);
    let expected = "<s>user\nq<e>\n<s>assistant\n[a<e>]\n<s>user\nr<e>\n<s>assistant\n[\nb <e>]\n";
    assert_eq!(shown(Some(CHATML), options(99), &talk), expected);
    let last = EncodeOptions { mask_history: true, ..options(99) };
    let expected = "<s>user\nq<e>\n<s>assistant\na<e>\n<s>user\nr<e>\n<s>assistant\n[\nb <e>]\n";
    assert_eq!(shown(Some(CHATML), last, &talk), expected);
    let system = EncodeOptions { default_system: Some("be".into()), ..options(99) };
    assert!(shown(Some(CHATML), system, &talk).starts_with("<s>system\nbe<e>\n<s>user\nq"));
}

#[test]
fn templates_that_rewrite_are_seen_through() {
    let talk = [("system", "s"), ("user", "q"), ("assistant", "<t>x</t>a"), ("user", "r"), ("assistant", "<t>y</t>b")];
    let expected = "<s>user\nq<e>\n<s>assistant\na<e>\n<s>user\nr<e>\n<s>assistant\n[<t>y</t>b<e>]\n";
    assert_eq!(shown(Some(THINKING), options(99), &conversation(&talk[1..])), expected);
    // As the model sees it when it has to answer.
    let expected = "[Q]q[/Q] <t>x</t>a<e>[Q]s|r[/Q][ <t>y</t>b<e>]";
    assert_eq!(shown(Some(MISTRAL), options(99), &conversation(&talk)), expected);
    let expected = "[Q]q[/Q][ <t>x</t>a<e>][Q]r[/Q][ <t>y</t>b<e>]";
    assert_eq!(shown(Some(MISTRAL), options(99), &conversation(&talk[1..])), expected);
    // The system message moves into the first question; what closes the whole text is learned with the last answer.
    let talk = [("system", "s"), ("user", "q"), ("assistant", "a"), ("user", "r"), ("assistant", "b")];
    let expected = "<s>user\ns\n\nq<e>\n<s>assistant\n[a<e>]\n<s>user\nr<e>\n<s>assistant\n[b<e>\n<end>]";
    assert_eq!(shown(Some(CLOSED), options(99), &conversation(&talk)), expected);
}

/// The templates of twelve families, as the reference has them: where do their answers begin and end?
#[test]
fn answers_are_found_in_the_templates_of_all_families() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/chat_templates.json");
    let families: serde_json::Map<String, Value> = serde_json::from_slice(&std::fs::read(fixtures).unwrap()).unwrap();
    let talk = [("system", "SYS"), ("user", "Q1"), ("assistant", "A1"), ("user", "Q2"), ("assistant", "A2")];
    let Sample::Sft(Dialogue::Chat { turns, .. }) = conversation(&talk) else { unreachable!() };
    let rendered = |family: &str, from: usize| {
        let (template, bos, eos) =
            (&families[family]["template"], &families[family]["bos_token"], &families[family]["eos_token"]);
        let config = json!({"chat_template": template, "bos_token": bos, "eos_token": eos});
        let tokenizer = TextTokenizer::load(tokenizer_files_with(&config).path()).unwrap();
        let turns = chat::Roles::probe(&tokenizer).adapt(&turns[from..]);
        let rendered = chat::render(&tokenizer, &turns, &serde_json::Map::new()).unwrap();
        let answers: Vec<String> =
            rendered.answers.iter().map(|range| rendered.text[range.clone()].to_owned()).collect();
        (rendered, answers)
    };
    let ends = [
        ("chatml", "<|im_end|>\n"),
        ("llama3", "<|eot_id|>"),
        ("llama2", " </s>"),
        ("mistral-v0.3", "</s>"),
        ("qwen2.5", "<|im_end|>\n"),
        ("gemma2", "<end_of_turn>\n"),
        ("zephyr", "</s>\n"),
        ("smollm2", "<|im_end|>\n"),
        ("deepseek-r1-distill", "<｜end▁of▁sentence｜>"),
        ("yi", "<|im_end|>\n"),
    ];
    for (family, end) in ends {
        let blank = if ["llama2", "mistral-v0.3"].contains(&family) { " " } else { "" };
        let expected = [format!("{blank}A1{end}"), format!("{blank}A2{end}")];
        assert_eq!(rendered(family, 1).1, expected, "{family}");
        if family != "mistral-v0.3" {
            let (rendered, answers) = rendered(family, 0);
            assert_eq!(answers, expected, "{family} with a system message");
            assert!(rendered.text.contains("SYS"), "{family}");
        }
    }
    let (text, answers) = rendered("mistral-v0.3", 0);
    assert!(text.last_turn_only && text.text.ends_with("[INST] SYS\n\nQ2[/INST] A2</s>"), "{text:?}");
    assert_eq!(answers, [" A2</s>"]);
    let (text, answers) = rendered("qwen3", 1);
    assert!(text.last_turn_only, "{text:?}");
    assert_eq!(answers, ["<think>\n\n</think>\n\nA2<|im_end|>\n"]);
    // The start of the next turn's mark is in both; no token lies in it.
    assert_eq!(rendered("phi3", 1).1, ["A1<|end|>\n<|", "A2<|end|>\n<|endoftext|>"]);
}

#[test]
fn without_a_template_conversations_take_the_alpaca_layout() {
    let talk = conversation(&[("system", "s"), ("user", "q"), ("assistant", "a"), ("user", "r"), ("assistant", "b")]);
    let turn = |question: &str| format!("### Instruction:\n{question}\n\n### Response:\n");
    let expected = format!("s\n\n{}[a<end>]\n\n{}[b<end>]", turn("q"), turn("r"));
    assert_eq!(shown(None, options(999), &talk), expected);
    let question = [ChatMessage { role: "user".into(), content: "q".into() }];
    assert!(alpaca_layout(&question, "<end>").ends_with("request.\n\n### Instruction:\nq\n\n### Response:\n"));
}

pub(crate) fn recipe(datasets: &[&str]) -> Recipe {
    Recipe { dataset: datasets.iter().map(|name| (*name).to_owned()).collect(), ..Recipe::default() }
}

pub(crate) fn prepared(recipe: &Recipe, template: Option<&str>) -> Result<Prepared> {
    prepare(recipe, &tokenizer(template), &mut |_, _| ControlFlow::Continue(()))
}

pub(super) fn refusal(recipe: &Recipe) -> String {
    prepared(recipe, None).expect_err("accepted").to_string()
}

#[test]
fn rows_without_an_answer_are_refused_or_dropped_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let lines = [
        "\n{\"prompt\": \"p\\n\", \"completion\": \"yes\"}",
        "{\"prompt\": \"p\", \"completion\": \"\"}",
        "{\"prompt\": \"a long prompt\", \"completion\": \"c\"}",
        "{\"prompt\": \"q\\n\", \"completion\": \"a longer answer\"}",
    ];
    let file = write(folder.path(), "a.jsonl", &lines.join("\n"));
    let strict = Recipe { cutoff_len: 10, ..recipe(&[&file]) };
    let refused = refusal(&strict);
    assert!(refused.contains("row 2 (line 3): no answer") && refused.contains("skip_bad_rows"), "{refused}");
    let rows = prepared(&Recipe { skip_bad_rows: true, ..strict }, None).unwrap();
    assert_eq!((rows.train.iter().map(Example::row).collect::<Vec<_>>(), rows.dropped), (vec![1, 4], 2));
    let said = rows.warnings.join("\n");
    assert!(said.contains("row 2 (line 3): no answer") && said.contains("1 row longer than cutoff_len 10"), "{said}");

    let empty = write(folder.path(), "b.jsonl", "{\"prompt\": \"p\", \"completion\": \"\"}");
    assert!(refusal(&recipe(&[&empty])).contains("questions with no answers, which stage sft cannot learn"));
}

#[test]
fn evaluation_rows_are_set_aside_the_same_way_every_time() {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<String> = (0..20).map(|index| format!("{{\"text\": \"{index}\"}}")).collect();
    let file = write(folder.path(), "a.jsonl", &lines.join("\n"));
    let numbers = |rows: &[Example]| rows.iter().map(Example::row).collect::<Vec<_>>();
    let share = Recipe { val_size: 0.12, ..recipe(&[&file]) };
    let first = prepared(&share, None).unwrap();
    assert_eq!((first.train.len(), first.eval.len()), (17, 3));
    assert!(numbers(&first.train).is_sorted() && numbers(&first.eval).is_sorted());
    assert_eq!(first, prepared(&share, None).unwrap());
    assert_ne!(numbers(&first.eval), numbers(&prepared(&Recipe { seed: 7, ..share }, None).unwrap().eval));
    let count = Recipe { val_size: 4.0, max_samples: Some(10), ..recipe(&[&file]) };
    let parts = prepared(&count, None).unwrap();
    assert_eq!((parts.train.len(), parts.eval.len()), (6, 4));
    assert!(refusal(&Recipe { val_size: 20.0, ..recipe(&[&file]) }).contains("val_size"));
    let named = Recipe { eval_dataset: vec![file.clone()], ..recipe(&[&file]) };
    assert_eq!(prepared(&named, None).unwrap().eval.len(), 20);
}

#[test]
fn several_datasets_are_joined_or_interleaved() {
    let folder = tempfile::tempdir().unwrap();
    let short = write(folder.path(), "a.txt", "1\n2\n");
    let long = write(folder.path(), "b.txt", "6\n7\n8\n9\n");
    let mixed = |mix_strategy, interleave_probs| {
        let recipe = Recipe { mix_strategy, interleave_probs, ..recipe(&[&short, &long]) };
        let rows = prepared(&recipe, None).unwrap().train;
        rows.iter().map(|row| tokenizer(None).decode(&row.first().input_ids[..1], true)).collect::<String>()
    };
    assert_eq!(mixed(MixStrategy::Concat, vec![]), "126789");
    assert_eq!(mixed(MixStrategy::InterleaveUnder, vec![]), "1627");
    assert_eq!(mixed(MixStrategy::InterleaveOver, vec![]), "16271829");
    let drawn = mixed(MixStrategy::InterleaveOver, vec![0.5, 0.5]);
    assert!(
        "126789".chars().all(|row| drawn.contains(row)) && drawn == mixed(MixStrategy::InterleaveOver, vec![0.5, 0.5])
    );
}

#[test]
fn what_a_stage_cannot_learn_is_refused_with_a_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = write(folder.path(), "a.jsonl", "{\"prompt\": \"p\", \"chosen\": \"a\", \"rejected\": \"b\"}");
    assert!(refusal(&recipe(&[&pairs])).contains("or write stage: dpo"));
    let likes = write(folder.path(), "b.jsonl", "{\"prompt\": \"p\", \"completion\": \"a\", \"label\": true}");
    assert!(refusal(&recipe(&[&likes])).contains("or write stage: kto"));
    let rows = write(folder.path(), "c.jsonl", "{\"instruction\": \"p\", \"output\": \"a\"}");
    assert!(refusal(&Recipe { stage: Stage::Pt, ..recipe(&[&rows]) }).contains("stage: sft"));
    let odd = write(folder.path(), "d.jsonl", "{\"x\": 1}");
    assert!(refusal(&recipe(&[&odd])).contains("the columns x do not tell"));
    write(
        folder.path(),
        "dataset_info.json",
        "{\"c\": {\"file_name\": \"c.jsonl\", \"columns\": {\"prompt\": \"question\"}}}",
    );
    let named = Recipe { dataset_dir: folder.path().into(), ..recipe(&["c"]) };
    let said = refusal(&named);
    assert!(
        said.contains("c.jsonl") && said.contains("\"question\"") && said.contains("instruction, output"),
        "{said}"
    );
}

#[test]
fn break_stops_preparing() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.txt", "1\n2\n");
    let outcome = prepare(&recipe(&[&file]), &tokenizer(None), &mut |_, _| ControlFlow::Break(()));
    assert!(matches!(outcome, Err(Error::Stopped)));
}

pub(super) fn source(path: &str) -> DataSource {
    DataSource { path: path.into(), mapping: None, model: None, cutoff_len: 24, train_on_prompt: false }
}

#[test]
fn a_summary_shows_rows_as_the_model_sees_them() {
    let (folder, model) = (tempfile::tempdir().unwrap(), tokenizer_files(Some(CHATML)));
    let rows = json!([{"instruction": "q", "output": "你好", "id": 1}, {"instruction": "q"}]);
    let file = write(folder.path(), "a.json", &rows.to_string());
    let mut seen = Vec::new();
    let mut report = |done, total| {
        seen.push((done, total));
        ControlFlow::Continue(())
    };
    let with_model = DataSource { model: Some(model.path().into()), ..source(&file) };
    let summary = inspect(&with_model, &mut report).unwrap();
    assert_eq!(
        (summary.format, summary.kind, summary.rows, summary.confidence),
        (Format::Alpaca, DataKind::Sft, 2, 0.5)
    );
    assert_eq!(summary.problems[0].reason, "no answer: column \"output\" is empty");
    let segments: Vec<(&str, bool)> =
        summary.preview[0].segments.iter().map(|part| (part.text.as_str(), part.learned)).collect();
    assert_eq!(
        segments[..2],
        [("<s>user\nq<e>\n<s>assistant\n", false), ("你", true)],
        "cut at 24 tokens: {segments:?}"
    );
    assert_eq!(summary.preview[1].problem.as_deref(), Some("no answer: column \"output\" is empty"));
    let tokens = summary.tokens.as_ref().unwrap();
    assert_eq!((tokens.sampled, tokens.min, tokens.max, tokens.cut_share, tokens.lost_share), (1, 28, 28, 1.0, 0.0));
    assert_eq!(tokens.histogram.iter().sum::<usize>(), 1);
    assert_eq!(seen.last(), Some(&(summary.bytes, summary.bytes)));
    let text = describe(&summary);
    assert!(text.contains("format: alpaca") && text.contains("[[你]]") && text.contains("not used: id"), "{text}");
    let copy: DataSummary = serde_json::from_str(&serde_json::to_string(&summary).unwrap()).unwrap();
    assert_eq!(copy, summary);
}

#[test]
fn a_chosen_mapping_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), "a.csv", "front,back\nq,a\n");
    let quiet = |source: &DataSource| inspect(source, &mut |_, _| ControlFlow::Continue(()));
    assert!(quiet(&source(&file)).unwrap().confidence < 0.3);
    let mapping = Mapping::new(Format::PromptCompletion).with(Part::Prompt, "back").with(Part::Response, "front");
    let chosen = quiet(&DataSource { mapping: Some(mapping.clone()), ..source(&file) }).unwrap();
    assert_eq!((chosen.confidence, chosen.preview[0].segments[1].text.as_str()), (1.0, "q"));
    let unfinished = Mapping::new(Format::Alpaca).with(Part::Response, "front");
    let summary = quiet(&DataSource { mapping: Some(unfinished), ..source(&file) }).unwrap();
    assert_eq!((summary.confidence, summary.warnings), (0.0, vec!["choose the column for prompt".to_owned()]));
    let questions = Mapping::new(Format::Alpaca).with(Part::Prompt, "front");
    let summary = quiet(&DataSource { mapping: Some(questions), ..source(&file) }).unwrap();
    assert!(summary.kind == DataKind::Prompts && summary.warnings[0].contains("the column for response"));
    let wrong = DataSource { mapping: Some(mapping.with(Part::System, "sys")), ..source(&file) };
    let said = quiet(&wrong).unwrap_err().to_string();
    assert!(said.contains("column \"sys\"") && said.contains("front, back"), "{said}");
}
