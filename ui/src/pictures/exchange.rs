//! Labels out: the window in which an export is put together.

use std::path::PathBuf;

use luthier_engine::data::Balance;
use luthier_engine::feedback::{FileFormat, LeftOut, Mode};

use super::full;
use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::labels::{Answer, Parcel};
use crate::panels::Panel;
use crate::testing::Engine;
use crate::testing::labels::{exported, queue_card};
use crate::text::Language;

type Scene = (&'static str, fn(Language) -> (Bench, Engine));

pub(super) fn scenes() -> Vec<Scene> {
    vec![
        ("label_export", pairs),
        ("label_export_kto", marks),
        ("label_export_written", written),
        ("label_export_nothing", nothing),
        ("label_imported", imported),
    ]
}

fn open(language: Language, mode: Mode) -> (Bench, Engine) {
    let (mut bench, engine) = full(language);
    bench.panel = Panel::Label;
    bench.desks.label.page = LabelPage::Queues;
    engine.tell_labels(Answer::Queues(vec![queue_card(mode)]));
    bench.poll();
    bench.begin_export(1);
    (bench, engine)
}

fn parcel() -> Parcel {
    let example = r#"{
  "prompt": [
    {
      "role": "user",
      "content": "Which part of a violin sounds first? 琴的哪一部分最先发声？"
    }
  ],
  "chosen": [
    {
      "role": "assistant",
      "content": "The strings do. The bow makes them move, and the bridge carries that to the top plate."
    }
  ],
  "rejected": [
    {
      "role": "assistant",
      "content": "It depends on the violin."
    }
  ]
}"#;
    Parcel {
        train: 387,
        eval: 43,
        balance: None,
        left_out: LeftOut { ties: 21, both_bad: 9, skipped: 12, disagreed: 4, ..LeftOut::default() },
        example: example.into(),
        files: Vec::new(),
    }
}

fn pairs(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = open(language, Mode::Rank);
    if let Some(desk) = &mut bench.desks.label.exchange.export {
        desk.how.eval_share = 0.1;
    }
    exported(&mut bench, &engine, parcel());
    exported(&mut bench, &engine, parcel());
    (bench, engine)
}

fn marks(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = open(language, Mode::Single);
    if let Some(desk) = &mut bench.desks.label.exchange.export {
        desk.choose(FileFormat::LlamaFactoryKto);
    }
    let example = "{\n  \"messages\": [\n    {\n      \"role\": \"user\",\n      \"content\": \"琴的哪一部分最先发声？\"\n    },\n    {\n      \
        \"role\": \"assistant\",\n      \"content\": \"琴弦。\"\n    }\n  ],\n  \"label\": true\n}";
    let balance = Some(Balance { liked: 251, disliked: 136 });
    let parcel = Parcel { balance, eval: 0, example: example.into(), ..parcel() };
    exported(&mut bench, &engine, parcel.clone());
    exported(&mut bench, &engine, parcel);
    (bench, engine)
}

fn written(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = pairs(language);
    bench.export_labels("/data/labels.jsonl".into());
    let files = ["/data/labels.jsonl", "/data/labels-eval.jsonl"].map(PathBuf::from).to_vec();
    exported(&mut bench, &engine, Parcel { files, ..parcel() });
    (bench, engine)
}

fn nothing(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = open(language, Mode::Pair);
    let left_out = LeftOut { ties: 3, ..LeftOut::default() };
    exported(&mut bench, &engine, Parcel { train: 0, eval: 0, left_out, example: String::new(), ..parcel() });
    (bench, engine)
}

fn imported(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = open(language, Mode::Pair);
    bench.close_export();
    bench.import_labels("/data/dpo_zh_demo.json".into());
    let reason = "row 17 (line 240): the chosen and the rejected answer are the same".into();
    engine.tell_labels(Answer::Imported { queue: 1, items: 299, left_out: 1, reason });
    bench.poll();
    (bench, engine)
}
