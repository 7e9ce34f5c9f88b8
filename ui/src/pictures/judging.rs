//! Scenes of judging: single answers, answers put in order, finding an item, the keys on screen.

use luthier_engine::feedback::{Mode, Verdict};

use crate::bench::Bench;
use crate::labels::Answer;
use crate::testing::Engine;
use crate::testing::labels::{found, labelling_bench, lot};
use crate::text::Language;

type Scene = fn(Language) -> (Bench, Engine);

pub(super) fn scenes() -> Vec<(&'static str, Scene)> {
    vec![
        ("label_single", |language| single(language, 0)),
        ("label_single_code", |language| single(language, 2)),
        ("label_single_again", again),
        ("label_rank", |language| rank(language, &[])),
        ("label_rank_half", |language| rank(language, &[2, 0])),
        ("label_rank_done", done),
        ("label_finding", |language| finding(language, 500)),
        ("label_finding_nothing", |language| finding(language, 0)),
        ("label_keys", |language| keys(language, Mode::Pair)),
        ("label_keys_rank", |language| keys(language, Mode::Rank)),
    ]
}

fn single(language: Language, at: usize) -> (Bench, Engine) {
    let (mut bench, engine) = labelling_bench(language, Mode::Single, at);
    bench.mark_tag(1);
    bench.mark_tag(3);
    (bench, engine)
}

/// Called back after it was judged.
fn again(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = labelling_bench(language, Mode::Single, 1);
    let mut lot = lot(Mode::Single, 1, 24);
    let item = std::sync::Arc::make_mut(&mut lot.items[0]);
    item.earlier = Some(Verdict::Bad);
    engine.tell_labels(Answer::Lot(Box::new(lot)));
    bench.poll();
    bench.begin_tag();
    (bench, engine)
}

fn rank(language: Language, sides: &[usize]) -> (Bench, Engine) {
    let (mut bench, engine) = labelling_bench(language, Mode::Rank, 1);
    if let Some(desk) = bench.ranking() {
        sides.iter().for_each(|side| desk.put(*side));
        desk.tie();
    }
    (bench, engine)
}

/// Long answers, all in their order, two of them tied.
fn done(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = labelling_bench(language, Mode::Rank, 2);
    if let Some(desk) = bench.ranking() {
        [3, 1, 0, 2].into_iter().for_each(|side| desk.put(side));
        desk.tie_above(1);
    }
    (bench, engine)
}

fn finding(language: Language, count: usize) -> (Bench, Engine) {
    let (mut bench, engine) = labelling_bench(language, Mode::Pair, 0);
    bench.open_finding();
    engine.tell_labels(Answer::Found { queue: 1, found: found(count) });
    bench.poll();
    bench.desks.label.finding.move_choice(1);
    (bench, engine)
}

fn keys(language: Language, mode: Mode) -> (Bench, Engine) {
    let (mut bench, engine) = labelling_bench(language, mode, 0);
    bench.desks.label.keys = true;
    (bench, engine)
}
