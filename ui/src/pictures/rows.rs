//! The Data panel's sides, with rows of every kind.

use luthier_engine::data::{PreviewRow, Segment};
use luthier_engine::recipe::MixStrategy;

use super::{Scene, full};
use crate::bench::Bench;
use crate::desks::{RowFilter, RowsPage};
use crate::panels::Panel;
use crate::testing::{Engine, row};
use crate::text::Language;

/// Question, answer, worse answer.
const SAID: [(&str, &str, &str); 4] = [
    ("琴的哪一部分最先发声？", "琴弦。弓毛摩擦琴弦，弦的振动经琴马传到面板。", "面板。弓毛摩擦面板，声音就出来了。"),
    (
        "Name three woods that are used for the backs of violins.",
        "Maple is the most common of them by far; walnut and poplar are found on folk instruments.",
        "Maple is the most common of them by far, and also spruce, which is used on all instruments.",
    ),
    (
        "What is purfling?",
        "A thin inlay along the edge of the plates. It keeps cracks from spreading inwards.",
        "A glue.",
    ),
    (
        "写一个函数，返回两个数中较大的一个。",
        "def larger(a, b):\n    return a if a > b else b",
        "def larger(a, b):\n    return max(a, b, 0)",
    ),
];

fn spoken(index: usize, pair: bool, liked: bool) -> PreviewRow {
    if index == 16 && !pair {
        return row(index);
    }
    let (question, answer, worse) = SAID[index % SAID.len()];
    let segment = |text: String, learned| Segment {
        tokens: text.split_inclusive([' ', '\n', '>', '，', '。', '(', '_']).map(|piece| piece.len() as u32).collect(),
        text,
        learned,
    };
    let side = |answer: &str| {
        let asked = format!("<|im_start|>user\n{question}<|im_end|>\n<|im_start|>assistant\n");
        vec![segment(asked, false), segment(format!("{answer}<|im_end|>"), true), segment("\n".into(), false)]
    };
    PreviewRow {
        row: index + 1,
        segments: side(answer),
        rejected: if pair { side(worse) } else { vec![] },
        liked: liked.then_some(index % 3 != 2),
        tokens: Some(40 + index * 37 % 160),
        question: question.into(),
        answer: answer.into(),
        worse_answer: if pair { worse.into() } else { String::new() },
        problem: None,
    }
}

fn rows(language: Language, data: &str, change: fn(&mut Bench)) -> (Bench, Engine) {
    let (mut bench, engine) = full(language);
    bench.open_data(format!("/data/{data}.jsonl").into());
    engine.answer_all();
    bench.poll();
    bench.state.data.rows = (0..1000).map(|index| (index, spoken(index, data == "pairs", data == "likes"))).collect();
    bench.panel = Panel::Data;
    change(&mut bench);
    (bench, engine)
}

fn mixed(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = rows(language, "alpaca_zh", |_| {});
    for path in ["/data/dialogues/general_conversations.jsonl", "/data/violin_making.parquet"] {
        bench.add_data(path.into());
        bench.sync_data();
        engine.answer_all();
        bench.poll();
    }
    bench.set_mix_strategy(MixStrategy::InterleaveUnder);
    bench.set_weight(0, 2.0);
    bench.set_val_size(0.1);
    bench.state.recipe.replay_dataset = vec!["/data/general.jsonl".into()];
    bench.desks.rows.page = RowsPage::Mix;
    (bench, engine)
}

pub(super) fn scenes(language: Language) -> Vec<Scene> {
    let rows = move |data: &'static str, change: fn(&mut Bench)| -> Box<dyn Fn() -> (Bench, Engine)> {
        Box::new(move || rows(language, data, change))
    };
    vec![
        ("rows", rows("alpaca_zh", |bench| bench.set_val_size(0.1))),
        ("rows_edges", rows("alpaca_zh", |bench| (bench.desks.rows.edges, bench.desks.rows.selected) = (true, 3))),
        ("rows_duplicates", rows("alpaca_zh", |bench| bench.filter_rows(RowFilter::Duplicates))),
        ("rows_unusable", rows("alpaca_zh", |bench| bench.select_row(16))),
        ("rows_columns", rows("alpaca_zh", |bench| bench.desks.rows.columns = true)),
        ("rows_pairs", rows("pairs", |bench| bench.select_row(1))),
        ("rows_likes", rows("likes", |bench| bench.select_row(2))),
        (
            "rows_lengths",
            rows("alpaca_zh", |bench| {
                (bench.state.recipe.cutoff_len, bench.desks.rows.page) = (420, RowsPage::Lengths);
            }),
        ),
        ("rows_limit", rows("alpaca_zh", |bench| bench.desks.rows.page = RowsPage::Lengths)),
        ("rows_mix", Box::new(move || mixed(language))),
        (
            "rows_several",
            Box::new(move || {
                let (mut bench, engine) = mixed(language);
                bench.desks.rows.page = RowsPage::Rows;
                (bench, engine)
            }),
        ),
    ]
}
