//! Measured on a file as large as they come: `cargo test -p luthier --release labels::tests::speed -- --ignored --nocapture`.

use std::io::Write;

use super::*;

const ITEMS: usize = 100_000;
/// An answer of a few sentences.
const SENTENCE: &str = "The bow makes the strings swing, the bridge carries their movement to the top plate, and the air \
                        inside answers. Ältere Geigen klingen anders; 琴弓的毛一般取自马尾。";

fn millis(times: &mut [Duration], share: f64) -> f64 {
    times.sort_unstable();
    times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0
}

/// Milliseconds of writing 24 kB, what a decision writes, and waiting until it is on the disk.
fn synced(home: &Path, share: f64) -> f64 {
    let mut file = std::fs::File::create(home.join("synced")).expect("a file");
    let mut write = || {
        let began = Instant::now();
        file.write_all(&[7; 24 << 10]).expect("written");
        file.sync_data().expect("synced");
        began.elapsed()
    };
    millis(&mut (0..300).map(|_| write()).collect::<Vec<_>>(), share)
}

#[test]
#[ignore = "makes a file of some hundred megabytes"]
fn a_hundred_thousand_items() {
    let home = home();
    let began = Instant::now();
    let mut ada = Desk::of(home.path(), "Ada");
    let settings = QueueSettings { authors: vec![author("base"), author("tuned")], ..QueueSettings::default() };
    let item = |at: usize| NewItem {
        prompt: asked(&format!("Question {at}: which part of a violin sounds first?")),
        answers: (0..2).map(|side| format!("{at}.{side} {}", SENTENCE.repeat(1 + (at + side) % 4))).collect(),
        row: Some(at + 1),
        // The first half is labelled, so that there is much to take in.
        judged: (0..usize::from(at < ITEMS / 2))
            .map(|_| Judged {
                prompt: asked(&format!("Question {at}: which part of a violin sounds first?")),
                answers: (0..2)
                    .map(|_| luthier_engine::feedback::Answer { text: SENTENCE.repeat(2), author: "base".into() })
                    .collect(),
                verdict: better(at % 2),
                shown: vec![0, 1],
                tags: Vec::new(),
                note: String::new(),
                annotator: "Ada".into(),
                seconds: 3.0,
                judged_unix_ms: 1,
            })
            .collect(),
    };
    let items = (0..ITEMS).map(item).collect();
    let queue = ada.make(Draft { name: "many".into(), settings, parent: None, items });
    println!("made in {:?}", began.elapsed());
    let size = std::fs::metadata(home.path().join("labels.sqlite")).expect("the file").len();
    println!("{} MB", size >> 20);
    for _ in 0..3 {
        let began = Instant::now();
        let lot = ada.open(queue);
        println!("opened in {:?}, {:?}", began.elapsed(), lot.progress);
    }
    drop(ada);
    let began = Instant::now();
    let mut ada = Desk::of(home.path(), "Ada");
    ada.queues();
    println!("cards after a start in {:?}", began.elapsed());
    let mut cards = Vec::new();
    for _ in 0..50 {
        cards.push(ada.make(draft(3, plain())));
    }
    let began = Instant::now();
    let mut lot = ada.open(queue);
    let opened = began.elapsed();
    println!("opened after a start in {opened:?}");
    assert!(opened < Duration::from_secs(1));
    let mut times = Vec::new();
    for at in 0..2000 {
        let began = Instant::now();
        lot = ada.decide(&lot, better(at % 2));
        times.push(began.elapsed());
    }
    let (half, most, longest) = (millis(&mut times, 0.5), millis(&mut times, 0.99), millis(&mut times, 1.0));
    println!("decide to lot: p50 {half:.2} ms, p99 {most:.2} ms, longest {longest:.2} ms");
    println!("the disk alone: p50 {:.2} ms, p99 {:.2} ms", synced(home.path(), 0.5), synced(home.path(), 0.99));
    assert!(most < 50.0);
    for (text, only) in [("QUESTION 99999", Only::All), ("ältere", Only::All), ("nothing like it", Only::Open)] {
        let began = Instant::now();
        let found = ada.search(queue, text, only);
        println!("{text:?}: {} found in {:?}", found.len(), began.elapsed());
    }
    for only in [Only::All, Only::Labelled, Only::Open, Only::Flagged] {
        let began = Instant::now();
        println!("{only:?}: {} found in {:?}", ada.search(queue, "", only).len(), began.elapsed());
    }
    for _ in 0..2 {
        let began = Instant::now();
        let count = ada.decisions(queue).len();
        println!("{count} decisions read in {:?}", began.elapsed());
    }
    lot = ada.decide(&lot, better(0));
    let began = Instant::now();
    ada.decisions(queue);
    println!("decisions read after one more in {:?}", began.elapsed());
    for order in [ItemOrder::Random, ItemOrder::LeastSure] {
        let settings = QueueSettings { order, authors: vec![author("base"), author("tuned")], ..Default::default() };
        let began = Instant::now();
        ada.labels.order(Order::ChangeQueue { queue, settings: Box::new(settings) });
        let again = ada.lot();
        assert_eq!(again.items[0].id, lot.items[0].id);
        println!("ordered anew, {order:?}, in {:?}", began.elapsed());
    }
}
