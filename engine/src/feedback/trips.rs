//! Every format out and back: on LLaMA-Factory's own demo files, on verdicts of every kind, and through our data loader.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::tests::{judged, on};
use super::*;
use crate::data::tests::{prepared, recipe};
use crate::data::{DataKind, Example, inspect};
use crate::files::write_atomic;
use crate::protocol::DataSource;
use crate::recipe::Stage;

const PAIR_FORMATS: [FileFormat; 6] = [
    FileFormat::TrlPreference,
    FileFormat::LlamaFactoryRanking,
    FileFormat::LlamaFactoryAlpaca,
    FileFormat::OpenAi,
    FileFormat::Argilla,
    FileFormat::LabelStudio,
];
const MARK_FORMATS: [FileFormat; 4] =
    [FileFormat::TrlUnpaired, FileFormat::LlamaFactoryKto, FileFormat::Argilla, FileFormat::LabelStudio];

/// One of LLaMA-Factory's demo files. They are not part of this repository.
fn demo(name: &str) -> Option<PathBuf> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    let found = above.map(|folder| folder.join("shared/data/llamafactory").join(name)).find(|file| file.is_file());
    if found.is_none() {
        eprintln!("{name} is not on this machine; the test is passed over");
    }
    found
}

fn said(judged: &[Judged]) -> Vec<Said<'_>> {
    judged.iter().enumerate().map(|(item, judged)| Said { item: item as i64, last_word: false, judged }).collect()
}

/// Writes decisions into `folder`; the file with the rows that are learned.
fn export(folder: &Path, said: &[Said<'_>], how: &Exporting) -> (Records, PathBuf) {
    let records = records(said, how);
    let target = match how.format.is_folder() {
        true => folder.to_owned(),
        false => folder.join(format!("{}.{}", how.format.word(), how.format.ending())),
    };
    let files = records.files(how.format, &target, how.format.word()).unwrap();
    for (path, bytes) in &files {
        write_atomic(path, bytes).unwrap();
    }
    (records, files[0].0.clone())
}

fn all(imported: &Imported) -> Vec<Judged> {
    imported.items.iter().flat_map(|item| item.judged.clone()).collect()
}

/// Prompts, answers and verdicts: what a round trip keeps.
fn kept(judged: &[Judged]) -> Vec<(Vec<ChatMessage>, Vec<String>, Verdict)> {
    let texts = |judged: &Judged| judged.answers.iter().map(|answer| answer.text.clone()).collect();
    judged.iter().map(|judged| (judged.prompt.clone(), texts(judged), judged.verdict.clone())).collect()
}

#[test]
fn real_pairs_survive_every_format() {
    for (name, format) in
        [("dpo_en_demo.json", FileFormat::LlamaFactoryRanking), ("dpo_zh_demo.json", FileFormat::LlamaFactoryRanking)]
    {
        let Some(file) = demo(name) else { continue };
        let first = import(&file).unwrap();
        assert_eq!((first.mode, first.format), (Some(Mode::Pair), Some(format)));
        assert_eq!(first.items.len() + first.left_out, 300);
        assert!(first.left_out <= 3, "{name}: {:?}", first.reasons);
        let judged = all(&first);
        for format in PAIR_FORMATS {
            let folder = tempfile::tempdir().unwrap();
            let how = Exporting::to(format);
            let (records, written) = export(folder.path(), &said(&judged), &how);
            assert_eq!(records.train.len() + records.left_out.total(), judged.len(), "{name} {format:?}");
            // One of the files has rows twice; nothing else is lost.
            let twice = LeftOut { twice: records.left_out.twice, ..LeftOut::default() };
            assert_eq!(records.left_out, twice, "{name} {format:?}");
            let back = import(&written).unwrap();
            assert_eq!((back.format, back.mode, back.left_out), (Some(format), Some(Mode::Pair), 0));
            let mut seen = std::collections::HashSet::new();
            let mut first = |row: &&Judged| {
                seen.insert((prompt_key(&row.prompt), words(&row.answers[0].text), words(&row.answers[1].text)))
            };
            let all_rows = format.holds() == Holds::Verdicts;
            let expected: Vec<Judged> = judged.iter().filter(|row| first(row) || all_rows).cloned().collect();
            assert_eq!(kept(&all(&back)), kept(&expected), "{name} {format:?}");
        }
    }
}

#[test]
fn real_marks_survive_every_format() {
    let Some(file) = demo("kto_en_demo.json") else { return };
    let first = import(&file).unwrap();
    assert_eq!((first.mode, first.format), (Some(Mode::Single), Some(FileFormat::LlamaFactoryKto)));
    let judged = all(&first);
    assert_eq!((judged.len(), first.left_out), (300, 0), "{:?}", first.reasons);
    for format in MARK_FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let (records, written) = export(folder.path(), &said(&judged), &Exporting::to(format));
        assert_eq!((records.train.len(), records.left_out.total()), (300, 0), "{format:?}");
        let back = import(&written).unwrap();
        assert_eq!((back.format, back.mode, back.left_out), (Some(format), Some(Mode::Single), 0));
        assert_eq!(kept(&all(&back)), kept(&judged), "{format:?}");
    }
}

/// Every verdict on two answers, by two people, in a conversation with an odd text in it.
fn many() -> Vec<Judged> {
    let verdicts = [
        Verdict::Better { answer: 1, strength: Strength::Slightly },
        Verdict::Better { answer: 0, strength: Strength::Clearly },
        Verdict::Tie,
        Verdict::BothGood,
        Verdict::BothBad,
        Verdict::Edited { answer: 1, text: "better \u{202e}text\u{0}".into() },
        Verdict::Written { text: "my own".into() },
    ];
    let mut all = Vec::new();
    for (index, verdict) in verdicts.into_iter().enumerate() {
        let mut row = on(&format!("<b>{index}</b> 琴？"), &["first\n\n```rust\nfn f() {}\n```", "  second "], verdict);
        row.prompt.insert(0, ChatMessage { role: "system".into(), content: "Be brief.".into() });
        (row.tags, row.note) = (vec!["too long".into()], "look again".into());
        all.push(row);
    }
    all
}

#[test]
fn the_tools_that_keep_everybodys_word_keep_all_of_it() {
    let mut rows = many();
    let other = Judged { annotator: "Bo".into(), verdict: Verdict::BothGood, ..rows[0].clone() };
    rows.insert(1, other);
    let items = [0, 0, 1, 2, 3, 4, 5, 6];
    let said: Vec<Said<'_>> =
        rows.iter().zip(items).map(|(judged, item)| Said { item, last_word: false, judged }).collect();
    for format in [FileFormat::Argilla, FileFormat::LabelStudio] {
        let folder = tempfile::tempdir().unwrap();
        let (_, written) = export(folder.path(), &said, &Exporting::to(format));
        let back = import(&written).unwrap();
        assert_eq!((back.items.len(), back.left_out), (7, 0), "{:?}", back.reasons);
        assert_eq!(back.items[0].judged.len(), 2);
        for (back, row) in all(&back).iter().zip(&rows) {
            assert_eq!(
                (&back.verdict, &back.annotator, &back.answers, &back.tags, &back.note),
                (&row.verdict, &row.annotator, &row.answers, &row.tags, &row.note),
                "{format:?}"
            );
        }
        // Left out, a tie takes its record with it.
        let without = records(&said, &Exporting { format, ..Exporting::default() });
        assert_eq!((without.train.len(), without.left_out.ties), (6, 1));
    }
}

#[test]
fn rankings_and_own_answers_come_back() {
    let rows = [
        judged(&["a", "b", "c", "d"], Verdict::Ranked { places: vec![2, 0, 3, 1] }),
        on("q", &["a", "b", "c", "d"], Verdict::Ranked { places: vec![1, 0, 1, 0] }),
        on("r", &["a", "b", "c", "d"], Verdict::Written { text: "mine".into() }),
    ];
    for format in [FileFormat::Argilla, FileFormat::LabelStudio] {
        let folder = tempfile::tempdir().unwrap();
        let (_, written) = export(folder.path(), &said(&rows), &Exporting::to(format));
        let back = import(&written).unwrap();
        assert_eq!((back.mode, kept(&all(&back))), (Some(Mode::Rank), kept(&rows)), "{format:?}");
    }
}

#[test]
fn ties_are_left_out_split_or_kept() {
    let rows = many();
    let with = |format, ties| {
        let rules = PairRules { ties, ..PairRules::default() };
        let records = records(&said(&rows), &Exporting { format, rules, ..Exporting::default() });
        (records.train.len(), records.left_out.ties)
    };
    // Two choices, one edit, an own answer against two; the tie makes two more.
    assert_eq!(with(FileFormat::TrlPreference, Ties::LeaveOut), (5, 1));
    assert_eq!(with(FileFormat::TrlPreference, Ties::Keep), (5, 1));
    assert_eq!(with(FileFormat::TrlPreference, Ties::Split), (7, 0));
    assert_eq!(with(FileFormat::Argilla, Ties::Keep), (7, 0));
    assert_eq!(with(FileFormat::LabelStudio, Ties::LeaveOut), (6, 1));
}

#[test]
fn the_loader_reads_what_was_written() {
    let rows: Vec<Judged> = (0..30)
        .map(|n| {
            let verdict = Verdict::Better { answer: n % 2, strength: Strength::Clearly };
            on(&format!("question {}", n / 2), &[&format!("yes {n}"), &format!("no {n}")], verdict)
        })
        .collect();
    for (format, kind, stage, count) in [
        (FileFormat::TrlPreference, DataKind::Preference, Stage::Dpo, 30),
        (FileFormat::LlamaFactoryRanking, DataKind::Preference, Stage::Dpo, 30),
        (FileFormat::LlamaFactoryAlpaca, DataKind::Preference, Stage::Rm, 30),
        (FileFormat::OpenAi, DataKind::Preference, Stage::Dpo, 30),
        (FileFormat::TrlUnpaired, DataKind::Kto, Stage::Kto, 60),
        (FileFormat::LlamaFactoryKto, DataKind::Kto, Stage::Kto, 60),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let how = Exporting { format, eval_share: 0.2, ..Exporting::default() };
        let (records, written) = export(folder.path(), &said(&rows), &how);
        let aside = records.eval.len();
        assert_eq!((records.train.len() + aside, aside), (count, count / 5), "{format:?}");
        let source =
            DataSource { path: written.clone(), mapping: None, model: None, cutoff_len: 512, train_on_prompt: false };
        let summary = inspect(&source, &mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
        assert_eq!((summary.kind, summary.rows, summary.problem_count), (kind, count - aside, 0), "{format:?}");

        let mut recipe = recipe(&[]);
        recipe.stage = stage;
        recipe.cutoff_len = 512;
        if format.is_folder() {
            recipe.dataset_dir = folder.path().to_owned();
            recipe.dataset = vec![format.word().to_owned()];
            recipe.eval_dataset = vec![format!("{}_eval", format.word())];
        } else {
            recipe.dataset = vec![written.display().to_string()];
        }
        let template = "{% for m in messages %}<s>{{ m.role }}\n{{ m.content }}<e>{% endfor %}\
            {% if add_generation_prompt %}<s>assistant\n{% endif %}";
        let rows = prepared(&recipe, Some(template)).unwrap();
        assert_eq!((rows.train.len(), rows.dropped), (count - aside, 0), "{format:?}: {:?}", rows.warnings);
        assert_eq!(rows.eval.len(), if format.is_folder() { aside } else { 0 });
        let right = |row: &Example| match kind {
            DataKind::Kto => matches!(row, Example::Marked { .. }),
            _ => matches!(row, Example::Pair { .. }),
        };
        assert!(rows.train.iter().all(right), "{format:?}");
    }
}

#[test]
fn other_peoples_entries_stay() {
    let folder = tempfile::tempdir().unwrap();
    let info_file = folder.path().join("dataset_info.json");
    let others = json!({"theirs": {"file_name": "theirs.json"}, "llamafactory": {"file_name": "x.json"}});
    std::fs::write(&info_file, others.to_string()).unwrap();
    std::fs::write(folder.path().join("llamafactory_2.json"), "[]").unwrap();
    let rows = [judged(&["a", "b"], Verdict::Better { answer: 0, strength: Strength::Clearly })];
    let how = Exporting { format: FileFormat::LlamaFactoryRanking, ..Exporting::default() };
    for _ in 0..2 {
        // Written again, our own entry is renewed; theirs, and a file that nobody has declared, are left alone.
        let (_, written) = export(folder.path(), &said(&rows), &how);
        assert_eq!(written.file_name().unwrap(), "llamafactory_3.json");
        let info: Value = serde_json::from_slice(&std::fs::read(&info_file).unwrap()).unwrap();
        assert_eq!((&info["theirs"], &info["llamafactory"]), (&others["theirs"], &others["llamafactory"]));
        assert_eq!((info.as_object().unwrap().len(), &info["llamafactory_3"]["ranking"]), (3, &json!(true)));
        assert_eq!(std::fs::read(folder.path().join("llamafactory_2.json")).unwrap(), b"[]");
    }
    std::fs::write(&info_file, "{\n \"theirs\": ,}").unwrap();
    let error = records(&said(&rows), &how).files(how.format, folder.path(), "x").unwrap_err().to_string();
    assert!(error.contains("dataset_info.json, line 2"), "{error}");
}

#[test]
fn prompts_and_answers_come_without_verdicts() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let utf16: Vec<u8> = [0xff, 0xfe].into_iter().chain("一\n二\n".encode_utf16().flat_map(u16::to_le_bytes)).collect();
    let prompts = [
        file("a.txt", "one\ntwo\n".as_bytes()),
        file("b.txt", &utf16),
        file("c.csv", b"prompt\n\"one, two\"\nthree\n"),
        file("d.jsonl", b"{\"prompt\": \"one\"}\n{\"prompt\": \"two\"}\n"),
        file("e.jsonl", br#"{"prompt": [{"role": "user", "content": "q"}]}"#),
    ];
    for (path, count) in prompts.iter().zip([2, 2, 2, 2, 1]) {
        let found = import(path).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(
            (found.mode, found.items.len(), found.items[0].answers.len()),
            (None, count, 0),
            "{}",
            path.display()
        );
    }
    let answered = file(
        "f.jsonl",
        b"{\"instruction\": \"i\", \"input\": \"m\", \"output\": \"o\"}\n{\"instruction\": \"i\", \"output\": \"\"}\n",
    );
    let found = import(&answered).unwrap();
    assert_eq!((found.mode, found.items.len(), found.left_out), (Some(Mode::Single), 1, 1));
    assert_eq!((found.items[0].judged.len(), found.items[0].answers[0].text.as_str()), (0, "o"));
    assert!(found.reasons[0].starts_with("row 2 (line 2): "), "{:?}", found.reasons);

    let gbk = import(&file("g.txt", b"one\n\xc4\xe3\xba\xc3\n")).unwrap_err().to_string();
    assert!(gbk.contains("g.txt, line 2") && gbk.contains("GBK"), "{gbk}");
    let broken =
        import(&file("h.json", b"[{\"data\": {\"prompt\": \"q\"}, \"annotations\": [}]")).unwrap_err().to_string();
    assert!(broken.contains("h.json, line 1"), "{broken}");
    let useless = file("i.json", br#"[{"data": {"answer1": "a", "answer2": "b"}, "annotations": []}]"#);
    assert!(import(&useless).unwrap_err().to_string().contains("row 1 (line 1): its data has no prompt"));
}

#[test]
fn records_of_other_peoples_tools_are_understood() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, rows: Value| {
        let path = folder.path().join(name);
        std::fs::write(&path, rows.to_string()).unwrap();
        import(&path).unwrap_or_else(|error| panic!("{error}"))
    };
    // Argilla's server: a list of responses, a ranking question on two answers.
    let values = json!({"order": {"value": [{"value": "b", "rank": 1}, {"value": "a", "rank": 2}]}});
    let record = json!({"fields": {"instruction": "q", "a": "one", "b": "two"}, "suggestions": [],
        "responses": [{"user_id": "u1", "values": values, "status": "submitted"},
            {"user_id": "u2", "values": {"order": {"value": "a"}}, "status": "discarded"}]});
    let found = read("argilla.json", json!({"items": [record]}));
    let said = &found.items[0].judged;
    assert_eq!((said.len(), said[0].annotator.as_str()), (1, "u1"));
    assert_eq!(said[0].verdict, Verdict::Better { answer: 1, strength: Strength::Clearly });

    // Label Studio's own export: users by number, texts under other names, a choice by the text's name.
    let pairwise =
        json!({"type": "pairwise", "from_name": "pw", "to_name": ["text1", "text2"], "value": {"selected": "right"}});
    let ranker = json!({"type": "ranker", "from_name": "r", "to_name": "r", "value": {"ranker": ["y", "z", "x"]}});
    let task = |result: &Value| json!([{"id": 9, "completed_by": 4, "result": [result], "was_cancelled": false}]);
    let found = read(
        "pairs.json",
        json!([{"id": 1, "data": {"prompt": "q", "text1": "one", "text2": "two"},
        "annotations": task(&pairwise)}, {"id": 2, "data": {"prompt": "r", "text1": "one", "text2": "two"}, "annotations": []}]),
    );
    assert_eq!((found.items.len(), found.mode), (2, Some(Mode::Pair)));
    assert_eq!(found.items[0].judged[0].verdict, Verdict::Better { answer: 1, strength: Strength::Clearly });
    assert_eq!((found.items[0].judged[0].annotator.as_str(), found.items[1].judged.len()), ("annotator 4", 0));
    let item = |id: &str| json!({"id": id, "title": id, "body": format!("text {id}")});
    let found = read(
        "ranks.json",
        json!([{"id": 1, "data": {"prompt": "q", "items": [item("x"), item("y"), item("z")]},
        "annotations": task(&ranker)}]),
    );
    assert_eq!(found.items[0].judged[0].verdict, Verdict::Ranked { places: vec![2, 0, 1] });
    // A verdict that cannot be one is told with its row.
    let odd = json!({"type": "choices", "from_name": "c", "to_name": "q", "value": {"choices": ["purple"]}});
    let rows = json!([{"data": {"prompt": "q", "text1": "one", "text2": "two"}, "annotations": task(&odd)},
        {"data": {"prompt": "q", "text1": "one", "text2": "two"}, "annotations": task(&pairwise)}]);
    let found = read("odd.json", rows);
    assert_eq!((found.items.len(), found.left_out), (1, 1));
    assert!(found.reasons[0].contains("row 1") && found.reasons[0].contains("purple"), "{:?}", found.reasons);
}
