use std::path::Path;
use std::time::{Duration, Instant};

use luthier_engine::feedback::{Judged, Mode, Strength, Verdict};
use luthier_engine::protocol::{ChatMessage, Problem, Sampling};
use rusqlite::Connection;

use super::*;

mod adding;
mod bench;
mod order;
mod queues;
mod speed;
mod trouble;
mod windows;

fn asked(text: &str) -> Vec<ChatMessage> {
    vec![ChatMessage { role: "user".into(), content: text.into() }]
}

fn author(name: &str) -> Author {
    Author {
        name: name.into(),
        model: "/models/sample".into(),
        adapter: None,
        run: None,
        sampling: Sampling::default(),
        stamp: "1@2".into(),
    }
}

/// Nothing comes back, so that the order is the items'.
fn plain() -> QueueSettings {
    QueueSettings { again_share: 0.0, source: "pairs.jsonl".into(), ..QueueSettings::default() }
}

/// Pairs with both answers.
fn draft(count: usize, settings: QueueSettings) -> Draft {
    let item = |at: usize| NewItem {
        prompt: asked(&format!("question {at}")),
        answers: vec![format!("first {at}"), format!("second {at}")],
        row: Some(at + 1),
        judged: Vec::new(),
    };
    Draft { name: "pairs".into(), settings, parent: None, items: (0..count).map(item).collect() }
}

fn better(answer: usize) -> Verdict {
    Verdict::Better { answer, strength: Strength::Clearly }
}

/// A window whose answers the test waits for.
struct Desk {
    labels: Labels,
    who: &'static str,
}

impl Desk {
    fn of(home: &Path, who: &'static str) -> Self {
        Self { labels: Labels::system(home.to_owned(), || {}), who }
    }

    /// The next answer that `want` makes something of.
    fn next<T>(&mut self, want: impl Fn(Answer) -> Option<T>) -> T {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(60) {
            match self.labels.answer() {
                Some(answer) => {
                    if let Some(wanted) = want(answer) {
                        return wanted;
                    }
                }
                None => std::thread::sleep(Duration::from_micros(50)),
            }
        }
        panic!("the labels' thread never answered");
    }

    fn lot(&mut self) -> Lot {
        self.next(|answer| match answer {
            Answer::Lot(lot) => Some(*lot),
            Answer::Failed { problem } => panic!("{problem:?}"),
            _ => None,
        })
    }

    fn failed(&mut self) -> Problem {
        self.next(|answer| match answer {
            Answer::Failed { problem } => Some(problem),
            _ => None,
        })
    }

    fn queues(&mut self) -> Vec<QueueCard> {
        self.next(|answer| match answer {
            Answer::Queues(cards) => Some(cards),
            _ => None,
        })
    }

    /// The cards as they are when all orders have been carried out.
    fn cards(&mut self) -> Vec<QueueCard> {
        let nowhere = -1;
        self.labels.order(Order::RenameQueue { queue: nowhere, name: String::new() });
        self.labels.order(Order::Search { queue: nowhere, sought: Sought::default() });
        let mut last = Vec::new();
        while let Some(cards) = self.next(|answer| match answer {
            Answer::Queues(cards) => Some(Some(cards)),
            Answer::Failed { .. } => Some(None),
            _ => None,
        }) {
            last = cards;
        }
        last
    }

    fn card(&mut self, queue: QueueId) -> QueueCard {
        self.cards().into_iter().find(|card| card.id == queue).expect("there is such a queue")
    }

    fn make(&mut self, draft: Draft) -> QueueId {
        self.labels.order(Order::MakeQueue(Box::new(draft)));
        self.made()
    }

    fn made(&mut self) -> QueueId {
        self.next(|answer| match answer {
            Answer::Made(queue) => Some(queue),
            Answer::Failed { problem } => panic!("{problem:?}"),
            _ => None,
        })
    }

    fn open(&mut self, queue: QueueId) -> Lot {
        self.labels.order(Order::Open { queue, annotator: self.who.into() });
        self.lot()
    }

    /// About the item in front.
    fn judge(&self, lot: &Lot, verdict: Verdict) -> Order {
        let item = &lot.items[0];
        Order::Decide(Box::new(Judgement {
            queue: lot.queue,
            item: item.id,
            pass: item.pass,
            annotator: self.who.into(),
            verdict,
            tags: Vec::new(),
            note: String::new(),
            seconds: 2.5,
            shown: item.shown.clone(),
        }))
    }

    fn decide(&mut self, lot: &Lot, verdict: Verdict) -> Lot {
        self.labels.order(self.judge(lot, verdict));
        self.lot()
    }

    fn undo(&mut self, queue: QueueId) -> Lot {
        self.labels.order(Order::Undo { queue, annotator: self.who.into() });
        self.lot()
    }

    fn decisions(&mut self, queue: QueueId) -> Arc<Vec<Decision>> {
        self.labels.order(Order::Decisions { queue });
        self.next(|answer| match answer {
            Answer::Decisions { decisions, .. } => Some(decisions),
            Answer::Failed { problem } => panic!("{problem:?}"),
            _ => None,
        })
    }

    fn search(&mut self, queue: QueueId, text: &str, only: Only) -> Vec<Found> {
        self.labels.order(Order::Search { queue, sought: Sought { text: text.into(), only } });
        self.next(|answer| match answer {
            Answer::Found { found, .. } => Some(found),
            Answer::Failed { problem } => panic!("{problem:?}"),
            _ => None,
        })
    }
}

/// The file itself, as another program sees it.
fn file(home: &Path) -> Connection {
    Connection::open(home.join("labels.sqlite")).expect("the file is opened")
}

fn rows(home: &Path, only: &str) -> i64 {
    file(home)
        .query_row(&format!("SELECT count(*) FROM decisions WHERE {only}"), [], |row| row.get(0))
        .expect("decisions are counted")
}

fn home() -> tempfile::TempDir {
    tempfile::tempdir().expect("a home")
}

fn positions(lot: &Lot) -> Vec<usize> {
    lot.items.iter().map(|item| item.position).collect()
}
