//! Rows by stage, against the first batches that TRL's trainers saw and by hand.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::tests::{CHATML, prepared, recipe, refusal, source, tokenizer, write};
use super::*;
use crate::generate::prompt_ids;
use crate::protocol::{ChatMessage, PromptText};
use crate::recipe::{Recipe, Stage};
use crate::tokenizer::TextTokenizer;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures").join(name)
}

/// The first four examples of a fixture's file, and the first batch of a case.
fn first_rows(file: &str, stage: Stage, case: &str) -> (Vec<Example>, Value) {
    let tokenizer = TextTokenizer::load(&fixture("models/llama-tiny")).unwrap();
    let path = fixture(file);
    let recipe = Recipe { stage, cutoff_len: 64, ..recipe(&[path.to_str().unwrap()]) };
    let rows = prepare(&recipe, &tokenizer, &mut |_, _| ControlFlow::Continue(())).unwrap().train;
    let batches = std::fs::read(fixture("data/first_batches.json")).unwrap();
    let mut batches: Value = serde_json::from_slice(&batches).unwrap();
    (rows.into_iter().take(4).collect(), batches[case].take())
}

/// Padded as the reference pads (0, and no answer), and which tokens are the answer's.
fn padded(rows: &[Encoded], width: usize) -> (Value, Value) {
    let fill = |mut list: Vec<u32>| {
        list.resize(width, 0);
        list
    };
    let ids: Vec<_> = rows.iter().map(|row| fill(row.input_ids.clone())).collect();
    let answer = |row: &Encoded| row.labels.iter().map(|label| u32::from(*label != IGNORED)).collect();
    (json!(ids), json!(rows.iter().map(|row| fill(answer(row))).collect::<Vec<_>>()))
}

fn width(rows: &Value) -> usize {
    rows[0].as_array().unwrap().len()
}

fn sides(rows: &[Example]) -> (Vec<Encoded>, Vec<Encoded>) {
    let side = |row: &Example| match row {
        Example::Pair { chosen, rejected } => (chosen.clone(), rejected.clone()),
        other => panic!("{other:?}"),
    };
    rows.iter().map(side).unzip()
}

#[test]
fn pairs_are_those_of_the_reference() {
    for (case, stage) in [("dpo-sigmoid-lora", Stage::Dpo), ("dpo-sigmoid-full", Stage::Dpo), ("rm-lora", Stage::Rm)] {
        let (rows, batch) = first_rows("data/pairs.jsonl", stage, case);
        let (chosen, rejected) = sides(&rows);
        let (ids, answers) = padded(&[chosen, rejected].concat(), width(&batch["input_ids"]));
        assert_eq!(ids, batch["input_ids"], "{case}");
        if stage == Stage::Dpo {
            assert_eq!(answers, batch["completion_mask"], "{case}");
        }
    }
    for case in ["orpo", "simpo"] {
        let (rows, batch) = first_rows("data/pairs.jsonl", Stage::Dpo, case);
        let (chosen, rejected) = sides(&rows);
        for (side, rows) in [("chosen", chosen), ("rejected", rejected)] {
            let (expected, labels) = (&batch[format!("{side}_input_ids")], &batch[format!("{side}_labels")]);
            let (ids, _) = padded(&rows, width(expected));
            assert_eq!(&ids, expected, "{case} {side}");
            let fill = |row: &Encoded| {
                let mut labels = row.labels.clone();
                labels.resize(width(expected), IGNORED);
                labels
            };
            assert_eq!(&json!(rows.iter().map(fill).collect::<Vec<_>>()), labels, "{case} {side}");
        }
    }
}

#[test]
fn marks_and_mismatched_answers_are_those_of_the_reference() {
    let (rows, batch) = first_rows("data/marks.jsonl", Stage::Kto, "kto-lora");
    let marked = |row: &Example| match row {
        Example::Marked { answer, liked } => (answer.clone(), *liked),
        other => panic!("{other:?}"),
    };
    let (answers, liked): (Vec<Encoded>, Vec<bool>) = rows.iter().map(marked).unzip();
    assert_eq!(json!(liked), batch["label"]);
    let (ids, mask) = padded(&answers, width(&batch["input_ids"]));
    assert_eq!((&ids, &mask), (&batch["input_ids"], &batch["completion_mask"]));
    let turned: Vec<Encoded> = (0..4).map(|row| mismatched(&answers[row], &answers[(row + 3) % 4], 64)).collect();
    let (ids, mask) = padded(&turned, width(&batch["KL_input_ids"]));
    assert_eq!((&ids, &mask), (&batch["KL_input_ids"], &batch["KL_completion_mask"]));
    let prompt = answers[0].labels.iter().position(|label| *label != IGNORED).unwrap();
    let cut = mismatched(&answers[0], &answers[3], prompt + 2);
    assert_eq!((cut.input_ids.len(), cut.learned_tokens(), cut.labels.len()), (prompt + 2, 2, prompt + 2));
}

fn lines(rows: &[Value]) -> String {
    rows.iter().map(|row| format!("{row}\n")).collect()
}

fn pair(prompt: &str, chosen: &str, rejected: &str) -> Value {
    json!({"prompt": prompt, "chosen": chosen, "rejected": rejected})
}

#[test]
fn pairs_longer_than_the_limit() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [
        pair("q\n", "yes", "no"),
        pair("q\n", "a longer answer", "no"),
        pair("a long question\n", "yes", "no"),
        pair("q\n", "the same start, then this", "the same start, then that"),
    ];
    let file = write(folder.path(), "a.jsonl", &lines(&rows));
    let dpo = prepared(&Recipe { stage: Stage::Dpo, cutoff_len: 10, ..recipe(&[&file]) }, None).unwrap();
    assert_eq!(dpo.train.iter().map(Example::row).collect::<Vec<_>>(), [1, 2]);
    assert_eq!((dpo.dropped, dpo.train[1].tokens()), (2, 10 + 5));
    let said = dpo.warnings.join("\n");
    assert!(said.contains("no token of the answer lies within cutoff_len 10 (row 3 (line 3))"), "{said}");
    assert!(said.contains("are the same within cutoff_len 10 (row 4 (line 4))"), "{said}");
    let rm = prepared(&Recipe { stage: Stage::Rm, cutoff_len: 10, ..recipe(&[&file]) }, None).unwrap();
    assert_eq!((rm.train.len(), rm.dropped), (1, 3));
    assert!(rm.warnings.join("\n").contains("row 2 (line 2); row 3 (line 3); row 4 (line 4)"), "{:?}", rm.warnings);
    let rm = Recipe { stage: Stage::Rm, cutoff_len: 4, ..recipe(&[&file]) };
    assert!(refusal(&rm).contains("all are longer than cutoff_len 4"));
    // What is learned of a pair is never its question.
    let whole = Recipe { stage: Stage::Dpo, train_on_prompt: true, ..recipe(&[&file]) };
    assert_eq!(prepared(&whole, None).unwrap().train[0].first().learned_tokens(), "yes".len() + 1);
}

#[test]
fn sides_that_say_the_same_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for (chosen, rejected, reason) in [
        ("a", "a", "are the same"),
        ("a b", "a  b\n", "white space only"),
        ("", "b", "no answer: the chosen is empty"),
        ("a", " ", "no answer: the rejected is empty"),
        ("a", "a<end>", "the same tokens"),
    ] {
        let file = write(folder.path(), "a.jsonl", &lines(&[pair("q\n", "1", "2"), pair("q\n", chosen, rejected)]));
        let said = refusal(&Recipe { stage: Stage::Dpo, ..recipe(&[&file]) });
        assert!(said.contains("row 2 (line 2): ") && said.contains(reason), "{said}");
        let left = Recipe { stage: Stage::Dpo, skip_bad_rows: true, ..recipe(&[&file]) };
        assert_eq!(prepared(&left, None).unwrap().train.len(), 1);
    }
}

#[test]
fn sides_without_a_question_column_share_their_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let text = |answer: &str| format!("Human: hi\n\nAssistant: {answer}");
    let user = json!({"role": "user", "content": "q"});
    let turns = |answer: &str| json!([user, {"role": "assistant", "content": "a"}, user, {"role": "assistant", "content": answer}]);
    let plain = write(folder.path(), "a.jsonl", &lines(&[json!({"chosen": text("yes"), "rejected": text("no")})]));
    let talk = write(folder.path(), "b.jsonl", &lines(&[json!({"chosen": turns("yes"), "rejected": turns("no")})]));
    let learned = |file: &str| {
        let rows = prepared(&Recipe { stage: Stage::Dpo, ..recipe(&[file]) }, Some(CHATML)).unwrap().train;
        let (chosen, rejected) = sides(&rows);
        let answer = |row: &Encoded| {
            let ids: Vec<u32> = row.labels.iter().filter(|label| **label != IGNORED).map(|id| *id as u32).collect();
            tokenizer(Some(CHATML)).decode(&ids, false)
        };
        (answer(&chosen[0]), answer(&rejected[0]))
    };
    assert_eq!(learned(&plain), (" yes<end>".into(), " no<end>".into()));
    assert_eq!(learned(&talk), ("yes<e>".into(), "no<e>".into()));
}

#[test]
fn labels_in_many_spellings_and_of_one_kind() {
    let folder = tempfile::tempdir().unwrap();
    let marks = |labels: &[Value]| {
        let row = |label: &Value| json!({"prompt": "q\n", "completion": "a", "label": label});
        write(folder.path(), "a.jsonl", &lines(&labels.iter().map(row).collect::<Vec<_>>()))
    };
    let kto = |file: &str| Recipe { stage: Stage::Kto, ..recipe(&[file]) };
    let yes =
        [json!(true), json!(1), json!("1"), json!("True"), json!("yes"), json!("good"), json!("liked"), json!(1.0)];
    let no = [
        json!(false),
        json!(0),
        json!("0"),
        json!("FALSE"),
        json!("no"),
        json!("bad"),
        json!("disliked"),
        json!("0.0"),
    ];
    let file = marks(&[yes.as_slice(), no.as_slice()].concat());
    let rows = prepared(&kto(&file), None).unwrap();
    let liked: Vec<bool> = rows.train.iter().map(|row| matches!(row, Example::Marked { liked: true, .. })).collect();
    assert_eq!(liked, [[true; 8], [false; 8]].concat());
    assert_eq!(rows.warnings, [""; 0]);
    let summary = inspect(&source(&file), &mut |_, _| ControlFlow::Continue(())).unwrap();
    assert_eq!((summary.kind, summary.balance), (DataKind::Kto, Some(Balance { liked: 8, disliked: 8 })));

    let one_kind = prepared(&kto(&marks(&yes)), None).unwrap();
    assert!(one_kind.warnings[0].contains("every row is liked (8 liked, 0 disliked)"), "{:?}", one_kind.warnings);

    // A label that says nothing: the file's other labels tell what the column is, through dataset_info.json here.
    marks(&[json!(true), json!(2)]);
    let columns = json!({"prompt": "prompt", "response": "completion", "kto_tag": "label"});
    let info = json!({"m": {"file_name": "a.jsonl", "formatting": "prompt_completion", "columns": columns}});
    write(folder.path(), "dataset_info.json", &info.to_string());
    let said = refusal(&Recipe { dataset_dir: folder.path().into(), ..kto("m") });
    assert!(said.contains("row 2 (line 2): column \"label\" is 2 where true or false should be"), "{said}");
}

#[test]
fn questions_are_what_generation_reads() {
    let folder = tempfile::tempdir().unwrap();
    let tokenizer = tokenizer(Some(CHATML));
    let ppo = |file: &str| Recipe { stage: Stage::Ppo, ..recipe(&[file]) };
    let message = |role: &str, content: &str| ChatMessage { role: role.into(), content: content.into() };
    let asked = PromptText::Chat(vec![message("user", "q\nm")]);
    let chat = prompt_ids(&tokenizer, &asked).unwrap();
    let plain = prompt_ids(&tokenizer, &PromptText::Plain("q\nm".into())).unwrap();
    let user = json!([{"role": "user", "content": "q\nm"}]);
    let answer = json!([{"role": "assistant", "content": "a"}]);
    let talk = json!([{"role": "user", "content": "q\nm"}, {"role": "assistant", "content": "a"}]);
    for (row, expected) in [
        (json!({"instruction": "q", "input": "m", "output": "a"}), &chat),
        (json!({"instruction": "q", "input": "m", "output": ""}), &chat),
        (json!({"instruction": "q", "input": "m"}), &chat),
        (json!({"instruction": "q", "input": "m", "chosen": "a", "rejected": "b"}), &chat),
        (json!({"messages": talk}), &chat),
        (json!({"messages": talk, "label": true}), &chat),
        (json!({"prompt": user}), &chat),
        (json!({"prompt": user, "completion": answer}), &chat),
        (json!({"prompt": "q\nm"}), &plain),
        (json!({"prompt": "q\nm", "completion": "a"}), &plain),
        (json!({"prompt": "q\nm", "chosen": "a", "rejected": "b"}), &plain),
        (json!({"prompt": "q\nm", "completion": "a", "label": false}), &plain),
        (
            json!({"chosen": talk, "rejected": [{"role": "user", "content": "q\nm"}, {"role": "assistant", "content": "b"}]}),
            &chat,
        ),
    ] {
        let file = write(folder.path(), "a.jsonl", &lines(std::slice::from_ref(&row)));
        let rows = prepared(&ppo(&file), Some(CHATML)).unwrap_or_else(|error| panic!("{row}: {error}")).train;
        let Example::Prompt(prompt) = &rows[0] else { panic!("{rows:?}") };
        assert_eq!(&prompt.input_ids, expected, "{row}");
        assert_eq!(prompt.learned_tokens(), 0);
    }
    let file =
        write(folder.path(), "a.jsonl", &lines(&[json!({"prompt": "short"}), json!({"prompt": "a long question"})]));
    let rows = prepared(&Recipe { cutoff_len: 7, ..ppo(&file) }, None).unwrap();
    assert_eq!((rows.train.len(), rows.dropped), (1, 1));
    assert!(rows.warnings.join("").contains("the question alone fills cutoff_len 7 (row 2 (line 2))"));
    let text = write(folder.path(), "b.txt", "text\n");
    assert!(refusal(&ppo(&text)).contains("plain text, which stage ppo cannot learn: choose a file of questions"));
}

#[test]
fn files_of_another_kind_are_refused_with_the_stage_that_fits() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = write(folder.path(), "a.jsonl", &lines(&[pair("q\n", "yes", "no")]));
    let marks = write(folder.path(), "b.jsonl", &lines(&[json!({"prompt": "q", "completion": "a", "label": true})]));
    let rows = write(folder.path(), "c.jsonl", &lines(&[json!({"instruction": "q", "output": "a"})]));
    let said = |stage, file: &str| refusal(&Recipe { stage, ..recipe(&[file]) });
    assert!(said(Stage::Dpo, &marks).ends_with("or write stage: kto"), "{}", said(Stage::Dpo, &marks));
    assert!(said(Stage::Rm, &rows).contains("pairs of a preferred and a rejected answer, or write stage: sft"));
    assert!(said(Stage::Kto, &rows).contains("answers marked as liked or disliked, or write stage: sft"));
    let both = prepared(&Recipe { stage: Stage::Kto, ..recipe(&[&pairs]) }, None).unwrap();
    let liked = |row: &Example| matches!(row, Example::Marked { liked: true, .. });
    assert_eq!(both.train.iter().map(liked).collect::<Vec<_>>(), [true, false]);
    assert!(both.warnings[0].contains("one liked and one disliked answer"), "{:?}", both.warnings);
}

#[test]
fn general_rows_are_mixed_in_at_their_share() {
    let folder = tempfile::tempdir().unwrap();
    let own: String = (0..12).map(|_| "o\n").collect();
    let (own, general) = (write(folder.path(), "a.txt", &own), write(folder.path(), "b.txt", "1\n2\n3\n"));
    let replaying = |replay_ratio, disable_shuffling, seed| {
        let names = vec![general.clone()];
        Recipe { replay_dataset: names, replay_ratio, disable_shuffling, seed, ..recipe(&[&own]) }
    };
    let shown = |recipe: &Recipe| {
        let rows = prepared(recipe, None).unwrap();
        let first = |row: &Example| tokenizer(None).decode(&row.first().input_ids[..1], true);
        (rows.train.iter().map(first).collect::<String>(), rows.replayed)
    };
    let (even, count) = shown(&replaying(0.25, true, 1));
    assert_eq!((even.len(), count), (16, 4));
    let places: Vec<usize> = even.match_indices(|letter| letter != 'o').map(|(place, _)| place).collect();
    assert_eq!(places, [3, 7, 11, 15]);
    // Each once before any comes again.
    assert!("123".chars().all(|row| even.contains(row)), "{even}");
    let (drawn, count) = shown(&replaying(0.25, false, 1));
    assert_eq!((drawn.len(), count, drawn == even), (16, 4, false));
    assert_eq!(drawn, shown(&replaying(0.25, false, 1)).0);
    assert_ne!(drawn, shown(&replaying(0.25, false, 2)).0);
    assert_eq!(shown(&replaying(0.0, false, 1)), ("o".repeat(12), 0));
    assert_eq!(shown(&replaying(0.5, true, 1)).0.matches('o').count(), 12);
}

#[test]
fn rows_to_measure_forgetting_are_few_and_of_their_own_kind() {
    let folder = tempfile::tempdir().unwrap();
    let pairs = write(folder.path(), "a.jsonl", &lines(&[pair("q\n", "yes", "no")]));
    let many: String = (0..500).map(|index| format!("text {index}\n")).collect();
    let general = write(folder.path(), "b.txt", &many);
    let recipe = Recipe { stage: Stage::Dpo, forgetting_dataset: vec![general], ..recipe(&[&pairs]) };
    let rows = prepared(&recipe, None).unwrap();
    assert_eq!((rows.train.len(), rows.forgetting.len(), rows.replayed), (1, 200, 0));
    assert!(rows.forgetting.iter().all(|row| row.learned_tokens() + 1 == row.input_ids.len()));
    assert_eq!(rows.forgetting, prepared(&recipe, None).unwrap().forgetting);
    let wrong = Recipe { forgetting_dataset: vec![pairs.clone()], ..recipe };
    assert!(refusal(&wrong).contains("pairs of a preferred"));
}
