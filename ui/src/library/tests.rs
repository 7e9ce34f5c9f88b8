use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use luthier_engine::eval::EvalOutcome;
use luthier_engine::protocol::{Outcome, Problem};
use luthier_engine::recipe::Recipe;

use super::*;
use crate::testing::cards::{events, lines};

mod books;
mod folders;
mod talks;

/// A run's folder as the engine leaves it.
fn write_run(folder: &Path, id: &str, steps: usize, end: Option<Outcome>) -> Recipe {
    std::fs::create_dir_all(folder).expect("a folder is made");
    let recipe = Recipe {
        model_name_or_path: "/models/SmolLM2-135M".into(),
        dataset: vec!["/data/alpaca_zh.jsonl".into()],
        output_dir: folder.to_owned(),
        ..Recipe::default()
    };
    let text = lines(&events(id, &recipe, steps, end));
    std::fs::write(folder.join("recipe.yaml"), recipe.to_yaml()).expect("a recipe is written");
    std::fs::write(folder.join("events.jsonl"), text).expect("events are written");
    recipe
}

fn completed(folder: &Path) -> Option<Outcome> {
    Some(Outcome::Completed { result: folder.to_owned() })
}

/// A library whose answers the test waits for.
struct Reader {
    library: Library,
}

impl Reader {
    fn of(home: &Path) -> Self {
        Self { library: Library::system(home.to_owned(), || {}) }
    }

    /// The next answer that `want` makes something of.
    fn next<T>(&mut self, want: impl Fn(Answer) -> Option<T>) -> T {
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(20) {
            match self.library.answer() {
                Some(answer) => {
                    if let Some(wanted) = want(answer) {
                        return wanted;
                    }
                }
                None => std::thread::sleep(Duration::from_millis(2)),
            }
        }
        panic!("the library never answered");
    }

    fn runs(&mut self) -> Vec<RunCard> {
        self.next(|answer| if let Answer::Runs(runs) = answer { Some(runs) } else { None })
    }

    fn failed(&mut self) -> Problem {
        self.next(|answer| if let Answer::Failed { problem } = answer { Some(problem) } else { None })
    }

    /// Orders, and returns the cards that come of it. What was told before is thrown away.
    fn after(&mut self, order: Order) -> Vec<RunCard> {
        self.library.order(order);
        // The thread answers in order: this one comes after the other's.
        let mark = PathBuf::from(format!("{}/mark", std::env::temp_dir().display()));
        self.library.order(Order::Write { path: mark.clone(), bytes: Vec::new() });
        let mut last = None;
        loop {
            let answer = self.next(Some);
            match answer {
                Answer::Runs(runs) => last = Some(runs),
                Answer::Failed { problem } => panic!("{}", problem.message),
                Answer::Written { path } if path == mark => return last.expect("the cards are told"),
                _ => {}
            }
        }
    }
}

fn status(runs: &[RunCard], id: &str) -> RunStatus {
    runs.iter().find(|card| card.id == id).unwrap_or_else(|| panic!("{id} is not there")).status
}
