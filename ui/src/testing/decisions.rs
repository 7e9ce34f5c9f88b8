//! Decisions of two people on made-up items.

use std::sync::Arc;

use luthier_engine::feedback::{Judged, Mode, Strength, Verdict};

use super::Engine;
use super::labels::{item, labelling_bench};
use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::labels::{self, Decision};
use crate::text::Language;

pub fn decision(at: usize, mode: Mode, pass: u32, annotator: &str, verdict: Verdict) -> Decision {
    let item = item(at, mode);
    let judged = Judged {
        prompt: item.prompt.clone(),
        answers: item.answers.clone(),
        verdict,
        shown: item.shown.clone(),
        tags: Vec::new(),
        note: String::new(),
        annotator: annotator.into(),
        seconds: 6.0 + (at * 7 % 11) as f64,
        judged_unix_ms: 1_795_000_000_000 + at as u64 * 20_000,
    };
    Decision { id: (at * 10) as i64 + i64::from(pass), item: item.id, pass, last_word: false, judged }
}

/// What somebody says of item `at` on the `turn`th time.
fn verdict(at: usize, mode: Mode, turn: usize) -> Verdict {
    // Every fourth item is seen differently the next time.
    let mood = at * 5 + if at % 4 == 0 { turn } else { 0 };
    match (mode, mood % 7) {
        (Mode::Pair, 0) => Verdict::Tie,
        (Mode::Pair, 3) => Verdict::BothBad,
        (Mode::Pair, n) => {
            let strength = if n == 5 { Strength::Slightly } else { Strength::Clearly };
            Verdict::Better { answer: usize::from((at + turn * usize::from(at % 4 == 0)) % 3 == 0), strength }
        }
        (Mode::Single, n) => {
            if n % 2 == at % 2 {
                Verdict::Good
            } else {
                Verdict::Bad
            }
        }
        (Mode::Rank, n) => {
            let order = [[0, 1, 2, 3], [1, 0, 2, 3], [0, 1, 3, 2], [0, 1, 1, 2]][(at + n) % 4];
            Verdict::Ranked { places: order.to_vec() }
        }
    }
}

/// Ada judges sixty items, every sixth of them twice; Bo every fifth. The disagreement on item 0 is settled.
pub fn decisions(mode: Mode) -> Vec<Decision> {
    let mut all = Vec::new();
    for at in 0..60 {
        all.push(decision(at, mode, 0, "Ada", verdict(at, mode, 0)));
        if at % 6 == 0 {
            all.push(decision(at, mode, 1, "Ada", verdict(at, mode, 1)));
        }
        if at % 5 == 0 {
            all.push(decision(at, mode, 2, "Bo", verdict(at, mode, 2)));
        }
    }
    let mut hasty = decision(60, mode, 0, "Bo", verdict(60, mode, 0));
    hasty.judged.seconds = 0.4;
    all.push(hasty);
    let mut last = decision(0, mode, 3, "Cy", verdict(0, mode, 1));
    last.last_word = true;
    all.push(last);
    all
}

/// The Trust page of a queue with [`decisions`].
pub fn trust_bench(language: Language, mode: Mode) -> (Bench, Engine) {
    let (mut bench, engine) = labelling_bench(language, mode, 24);
    bench.desks.label.page = LabelPage::Review;
    tell(&mut bench, &engine, decisions(mode));
    (bench, engine)
}

/// The page looks, asks, and gets these.
pub fn tell(bench: &mut Bench, engine: &Engine, decisions: Vec<Decision>) {
    bench.watch_trust(1, 0.0);
    engine.tell_labels(labels::Answer::Decisions { queue: 1, decisions: Arc::new(decisions) });
    bench.poll();
}
