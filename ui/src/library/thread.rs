//! The library's thread: carries out orders one after the other, and looks around between them.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use luthier_engine::files::write_atomic;
use luthier_engine::protocol::{Outcome, Problem};
use rusqlite::Connection;

use super::book::BOOK;
use super::rows::{self, Recipes};
use super::{Answer, Order, RunStatus, folder, reading, talks};
use crate::state::{Course, Run};
use crate::windows::Window;

/// Between looks at what other windows and the runs of other programs have done.
const LOOK: Duration = Duration::from_secs(2);

pub(super) fn run(home: PathBuf, orders: &Receiver<Order>, answers: &Sender<Answer>, wake: &dyn Fn()) {
    let mut desk = Desk::open(home, answers, wake);
    let mut looked = Instant::now();
    loop {
        match orders.recv_timeout(LOOK.saturating_sub(looked.elapsed())) {
            Ok(order) => desk.carry_out(order),
            Err(RecvTimeoutError::Timeout) => {
                desk.look_around();
                looked = Instant::now();
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    desk.try_again();
}

struct Desk<'a> {
    home: PathBuf,
    answers: &'a Sender<Answer>,
    wake: &'a dyn Fn(),
    /// Why there is no database, where there is none.
    books: Result<Connection, Problem>,
    window: Window,
    recipes: Recipes,
    talks: talks::Known,
    /// The database's own count of changes by others, when it was last asked.
    seen: i64,
    /// A run was going on when the cards were last told.
    any_going: bool,
    /// Orders that a busy database or a full disk has kept from being carried out.
    undone: VecDeque<Order>,
}

/// What has to be told after an order.
enum Told {
    Runs,
    Evaluations,
    Nothing,
}

impl<'a> Desk<'a> {
    fn open(home: PathBuf, answers: &'a Sender<Answer>, wake: &'a dyn Fn()) -> Self {
        let (books, damage) = match BOOK.open(&home) {
            Ok((books, damage)) => (Ok(books), damage),
            Err(problem) => (Err(problem.clone()), Some(problem)),
        };
        let window = Window::open(&home);
        let mut desk = Self {
            home,
            answers,
            wake,
            books,
            window,
            recipes: Recipes::new(),
            talks: talks::Known::new(),
            seen: 0,
            any_going: false,
            undone: VecDeque::new(),
        };
        if let Some(problem) = damage {
            desk.answer(Answer::Failed { problem });
        }
        if desk.books.is_ok() {
            desk.seen = desk.changes_by_others();
            if let Err(problem) = desk.tell_all() {
                desk.answer(Answer::Failed { problem });
            }
        }
        desk
    }

    fn tell_all(&mut self) -> Result<(), Problem> {
        let (name, home) = (self.window.name.clone(), self.home.clone());
        let alive = |window: &str| window == name || Window::is_open(&home, window);
        let waiting = self.with(|books| rows::take_queue(books, &name, alive))?;
        self.answer(Answer::Queue(waiting));
        let mut known = std::mem::take(&mut self.talks);
        let kept = self.with(|books| talks::all(books, &mut known));
        self.talks = known;
        self.answer(Answer::Talks(kept?));
        self.tell(Told::Evaluations)?;
        self.tell(Told::Runs)
    }

    fn answer(&self, answer: Answer) {
        // Nobody listens any more when the window has closed; what is left to do is still done.
        let _ = self.answers.send(answer);
        (self.wake)();
    }

    fn with<T>(&mut self, act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, Problem> {
        let home = self.home.clone();
        let books = self.books.as_mut().map_err(|problem| problem.clone())?;
        act(books).map_err(|error| BOOK.failure(&home, &error))
    }

    fn changes_by_others(&mut self) -> i64 {
        self.with(|books| books.query_row("PRAGMA data_version", [], |row| row.get(0))).unwrap_or(self.seen)
    }

    fn tell(&mut self, what: Told) -> Result<(), Problem> {
        match what {
            Told::Runs => {
                let mut recipes = std::mem::take(&mut self.recipes);
                let cards = self.with(|books| rows::cards(books, &mut recipes));
                self.recipes = recipes;
                let cards = cards?;
                self.any_going = cards.iter().any(|card| card.status == RunStatus::Running);
                self.answer(Answer::Runs(cards));
            }
            Told::Evaluations => {
                let evaluations = self.with(|books| rows::evaluations(books))?;
                self.answer(Answer::Evaluations(evaluations));
            }
            Told::Nothing => {}
        }
        Ok(())
    }

    fn carry_out(&mut self, order: Order) {
        // A conversation that could not be written is not written after a later state of it.
        if let Order::KeepTalk { talk } = &order {
            self.undone.retain(|order| !matches!(order, Order::KeepTalk { talk: earlier } if earlier.id == talk.id));
        }
        self.try_again();
        if let Err((order, problem)) = self.attempt(order) {
            if BOOK.passes(&problem) {
                self.undone.push_back(order);
            }
            self.answer(Answer::Failed { problem });
        }
    }

    fn try_again(&mut self) {
        while let Some(order) = self.undone.pop_front() {
            if let Err((order, _)) = self.attempt(order) {
                self.undone.push_front(order);
                return;
            }
        }
    }

    fn attempt(&mut self, order: Order) -> Result<(), (Order, Problem)> {
        let told = self.act(&order).and_then(|told| self.tell(told));
        told.map_err(|problem| (order, problem))
    }

    fn act(&mut self, order: &Order) -> Result<Told, Problem> {
        match order {
            Order::Refresh => {
                let runs = self.home.join("runs");
                self.with(|books| rows::refresh(books, &runs, false))?;
                return Ok(Told::Runs);
            }
            Order::Register { folder, sweep } => self.register(folder, sweep.as_ref())?,
            Order::Rename { id, name } => {
                self.with(|books| rows::set(books, "name", std::slice::from_ref(id), name))?;
            }
            Order::SetTags { id, tags } => self.with(|books| rows::set_tags(books, id, tags))?,
            Order::SetNote { id, note } => {
                self.with(|books| rows::set(books, "note", std::slice::from_ref(id), note))?;
            }
            Order::SetStarred { ids, starred } => self.with(|books| rows::set(books, "starred", ids, starred))?,
            Order::SetArchived { ids, archived } => self.with(|books| rows::set(books, "archived", ids, archived))?,
            Order::Delete { ids } => {
                self.with(|books| rows::set(books, "deleted_unix_secs", ids, &rows::now()))?;
            }
            Order::Undelete { ids } => {
                self.with(|books| rows::set(books, "deleted_unix_secs", ids, &rusqlite::types::Null))?;
            }
            Order::Destroy { ids } => self.destroy(ids)?,
            Order::Load { id } => {
                let run = self.load(id)?;
                self.answer(Answer::Loaded { id: id.clone(), run: Arc::new(run) });
                return Ok(Told::Nothing);
            }
            Order::KeepEvaluation { run, set, outcome } => {
                self.with(|books| rows::keep_evaluation(books, run.as_deref(), set, outcome))?;
                return Ok(Told::Evaluations);
            }
            Order::RemoveEvaluation { id } => {
                self.with(|books| books.execute("DELETE FROM evaluations WHERE id = ?1", [id]))?;
                return Ok(Told::Evaluations);
            }
            Order::KeepQueue { waiting } => {
                let window = self.window.name.clone();
                self.with(|books| rows::keep_queue(books, &window, waiting))?;
                return Ok(Told::Nothing);
            }
            Order::KeepTalk { talk } => {
                let mut known = std::mem::take(&mut self.talks);
                let kept = self.with(|books| talks::keep(books, &mut known, talk));
                self.talks = known;
                kept?;
                return Ok(Told::Nothing);
            }
            Order::RemoveTalk { id } => {
                let known = std::mem::take(&mut self.talks);
                let removed = self.with(|books| talks::remove(books, &known, *id));
                self.talks = known;
                removed?;
                return Ok(Told::Nothing);
            }
            Order::Write { path, bytes } => {
                write_atomic(path, bytes).map_err(|error| Problem::from(&error))?;
                self.answer(Answer::Written { path: path.clone() });
                return Ok(Told::Nothing);
            }
        }
        Ok(Told::Runs)
    }

    fn register(&mut self, folder: &Path, sweep: Option<&(String, String)>) -> Result<(), Problem> {
        let (folder, place, reading) = look_into(folder)?;
        self.with(|books| rows::change(books, |books| rows::insert(books, &folder, &place, &reading, sweep)).map(drop))
    }

    fn destroy(&mut self, ids: &[String]) -> Result<(), Problem> {
        let mut refused = Vec::new();
        for id in ids {
            let Some(run) = self.with(|books| rows::one_kept(books, id))? else { continue };
            match folder::destroy(&run.folder, &run.place) {
                Ok(()) => self.with(|books| rows::remove(books, id))?,
                Err(reason) => refused.push(reason),
            }
        }
        if refused.is_empty() {
            return Ok(());
        }
        self.tell(Told::Runs)?;
        Err(Problem { code: "library_refused".into(), message: refused.join("\n") })
    }

    fn load(&mut self, id: &str) -> Result<Run, Problem> {
        let no_run = |message: String| Problem { code: "library_load".into(), message };
        let run = self.with(|books| rows::one_kept(books, id))?;
        let kept = run.ok_or_else(|| no_run(format!("there is no run called {id}")))?;
        let path = kept.folder.join("events.jsonl");
        let bytes = std::fs::read(&path).map_err(|error| no_run(format!("{}: {error}", path.display())))?;
        let mut run = Run::replay(String::from_utf8_lossy(&bytes).lines())
            .ok_or_else(|| no_run(format!("{} tells of no run's start", path.display())))?;
        run.id = id.to_owned();
        if let Some(facts) = &mut run.facts {
            facts.output_dir.clone_from(&kept.folder);
        }
        run.recipe.output_dir.clone_from(&kept.folder);
        // A folder may have moved, and older checkpoints are thinned out.
        run.checkpoints = luthier_engine::run_folder::checkpoint_dirs(&kept.folder);
        let status = kept.reading.status(&kept.folder);
        match &mut run.course {
            Course::Finished(Outcome::Completed { result } | Outcome::Stopped { result: Some(result), .. }) => {
                *result = kept.reading.result.clone().unwrap_or_else(|| kept.folder.clone());
            }
            Course::Finished(_) => {}
            course if status != RunStatus::Running => {
                let message = "the program ended in the middle of this run, by a crash, a power cut or by force";
                *course = Course::Finished(Outcome::Failed {
                    problem: Problem { code: "broken".into(), message: message.into() },
                });
            }
            _ => {}
        }
        Ok(run)
    }

    /// What others have changed, and how runs of other programs get on.
    fn look_around(&mut self) {
        self.try_again();
        if self.books.is_err() {
            return;
        }
        let runs = self.home.join("runs");
        let changes = self.changes_by_others();
        let by_others = std::mem::replace(&mut self.seen, changes) != changes;
        let going = self.any_going && self.with(|books| rows::refresh(books, &runs, true)).is_ok();
        // A run that was killed changes nothing in its folder; its card is worked out anew.
        if (by_others || going) && self.tell(Told::Runs).is_ok() && by_others {
            let _ = self.tell(Told::Evaluations);
        }
    }
}

/// A run's folder as it is registered.
///
/// # Errors
/// `library_no_run` where it holds none or cannot be read.
pub(super) fn look_into(folder: &Path) -> Result<(PathBuf, PathBuf, reading::Reading), Problem> {
    let no_run =
        |reason: &str| Problem { code: "library_no_run".into(), message: format!("{}: {reason}", folder.display()) };
    let absolute = std::path::absolute(folder).map_err(|error| no_run(&error.to_string()))?;
    let place = absolute.canonicalize().map_err(|error| no_run(&error.to_string()))?;
    if place.to_str().is_none() || absolute.to_str().is_none() {
        return Err(no_run("its name is not Unicode text"));
    }
    let reading = reading::read(&absolute, None)
        .ok_or_else(|| no_run("this folder holds no run: a run's folder has recipe.yaml and events.jsonl in it"))?;
    Ok((absolute, place, reading))
}
