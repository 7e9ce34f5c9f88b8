//! What the labels' thread has before it: the file, the queues, what is on the bench.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::thread::JoinHandle;

use luthier_engine::protocol::Problem;
use rusqlite::Connection;

use super::cards::{self, Seen};
use super::claims::Seat;
use super::database::{self, BOOK};
use super::deciding;
use super::making::Making;
use super::reading::Read;
use super::session::Session;
use super::thread::Wake;
use super::{Answer, Lot, QueueCard, QueueId, rows};

pub(super) struct Desk<'a> {
    pub home: PathBuf,
    answers: &'a Sender<Answer>,
    wake: &'a Wake,
    /// Why there is no database, where there is none.
    books: Result<Connection, Problem>,
    pub seat: Seat,
    pub session: Option<Session>,
    /// What was told of the bench last.
    told: Option<Lot>,
    pub cards: Vec<QueueCard>,
    pub read: Read,
    pub making: VecDeque<Making>,
    /// Files that are being read into queues on threads beside this one.
    pub beside: Vec<JoinHandle<Answer>>,
    /// The database's own count of changes by others, when it was last asked.
    version: i64,
    seen: Seen,
}

/// Something that cannot be done, as the window is told.
pub(super) fn problem(ending: &str, message: impl Into<String>) -> Problem {
    Problem { code: format!("{}_{ending}", BOOK.code), message: message.into() }
}

impl<'a> Desk<'a> {
    pub fn open(home: PathBuf, answers: &'a Sender<Answer>, wake: &'a Wake) -> Self {
        let (books, damage) = match database::open(&home) {
            Ok((books, damage)) => (Ok(books), damage),
            Err(problem) => (Err(problem.clone()), Some(problem)),
        };
        let mut desk = Self {
            seat: Seat::take(home.clone()),
            home,
            answers,
            wake,
            books,
            session: None,
            told: None,
            cards: Vec::new(),
            read: Read::default(),
            making: VecDeque::new(),
            beside: Vec::new(),
            version: 0,
            seen: Seen::default(),
        };
        if let Some(problem) = damage {
            desk.answer(Answer::Failed { problem });
        }
        if desk.books.is_ok() {
            desk.tell_first();
        }
        desk
    }

    fn tell_first(&mut self) {
        self.version = self.version();
        self.seen = self.with(|books| Seen::now(books)).unwrap_or_default();
        if let Err(problem) = self.tell_queues() {
            self.answer(Answer::Failed { problem });
        }
    }

    /// Opens the file after all, where it was only busy or the disk full.
    pub fn open_late(&mut self) {
        let Err(problem) = &self.books else { return };
        if BOOK.passes(problem) {
            if let Ok((books, _)) = database::open(&self.home) {
                self.books = Ok(books);
                self.tell_first();
            }
        }
    }

    pub fn answer(&self, answer: Answer) {
        // Nobody listens any more when the window has closed; what is left to do is still done.
        let _ = self.answers.send(answer);
        (self.wake)();
    }

    pub fn with<T>(&mut self, act: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T, Problem> {
        let books = self.books.as_mut().map_err(|problem| problem.clone())?;
        act(books).map_err(|error| BOOK.failure(&self.home, &error))
    }

    /// The same, with what is on the bench.
    pub fn at_bench<T>(
        &mut self,
        act: impl FnOnce(&mut Connection, &Seat, &mut Session) -> rusqlite::Result<T>,
    ) -> Result<T, Problem> {
        let books = self.books.as_mut().map_err(|problem| problem.clone())?;
        let session = self.session.as_mut().ok_or_else(|| problem("closed", "no queue is on the bench"))?;
        act(books, &self.seat, session).map_err(|error| BOOK.failure(&self.home, &error))
    }

    fn version(&mut self) -> i64 {
        self.with(|books| books.query_row("PRAGMA data_version", [], |row| row.get(0))).unwrap_or(self.version)
    }

    // What is told ------------------------------------------------------------------------------------------------

    pub fn tell_queues(&mut self) -> Result<(), Problem> {
        let known = std::mem::take(&mut self.cards);
        self.cards = self.with(|books| cards::all(books, &known))?;
        self.answer(Answer::Queues(self.cards.clone()));
        Ok(())
    }

    /// The lot, and the card of the queue as it has become by it.
    pub fn tell_lot(&mut self, elsewhere: &[i64]) -> Result<(), Problem> {
        let lot = self.at_bench(|books, _, session| session.lot(books, elsewhere))?;
        self.told = Some(lot.clone());
        self.answer(Answer::Lot(Box::new(lot.clone())));
        if let Some(card) = self.cards.iter_mut().find(|card| card.id == lot.queue) {
            cards::counted(card, &lot.progress);
            self.answer(Answer::Queues(self.cards.clone()));
        }
        Ok(())
    }

    /// A decision was made just now.
    pub fn stamp(&mut self, queue: QueueId) {
        if let Some(card) = self.cards.iter_mut().find(|card| card.id == queue) {
            card.last_unix_ms = Some(rows::now());
        }
    }

    /// Counts one queue anew.
    pub fn recount(&mut self, queue: QueueId) -> Result<(), Problem> {
        self.cards.retain(|card| card.id != queue);
        self.tell_queues()
    }

    // The bench ---------------------------------------------------------------------------------------------------

    /// Puts a queue on the bench, where another one is there.
    pub fn put_on(&mut self, queue: QueueId, annotator: &str) -> Result<(), Problem> {
        let there = self.session.as_ref();
        if there.is_some_and(|session| session.queue == queue && session.annotator == annotator) {
            return Ok(());
        }
        let session = self.with(|books| Session::open(books, queue, annotator))?;
        self.session = Some(session.ok_or_else(|| problem("no_queue", format!("there is no queue {queue}")))?);
        Ok(())
    }

    /// Sees to it that something is in front, and that other windows know. Where the file is busy the person can look at
    /// it all the same.
    pub fn show(&mut self) -> Result<Vec<i64>, Problem> {
        let shown = self.at_bench(|books, seat, session| deciding::together(books, seat, session, |_, _, _| Ok(())));
        match shown {
            Err(problem) if BOOK.passes(&problem) => self.at_bench(|books, seat, session| {
                let elsewhere = seat.elsewhere(books)?;
                session.choose(&elsewhere);
                Ok(elsewhere)
            }),
            shown => shown,
        }
    }

    /// The queue's settings have changed: the same item stays in front.
    pub fn reopen(&mut self) -> Result<(), Problem> {
        let Some(before) = self.session.take() else { return Ok(()) };
        let (queue, annotator, front) = (before.queue, before.annotator, before.front);
        self.put_on(queue, &annotator)?;
        if let Some(session) = &mut self.session {
            session.front = front;
        }
        let elsewhere = self.show()?;
        self.tell_lot(&elsewhere)
    }

    // Between orders ----------------------------------------------------------------------------------------------

    pub fn is_making(&self) -> bool {
        !self.making.is_empty()
    }

    /// One step of the oldest queue that is being filled.
    pub fn make_on(&mut self) {
        let Some(mut making) = self.making.pop_front() else { return };
        match self.with(|books| making.step(books)) {
            Ok(None) => self.making.push_front(making),
            Ok(Some(queue)) => {
                if let Err(problem) = self.tell_queues() {
                    self.answer(Answer::Failed { problem });
                }
                self.answer(Answer::Made(queue));
            }
            Err(problem) if BOOK.passes(&problem) && making.tries_again() => self.making.push_front(making),
            Err(problem) => self.answer(Answer::Failed { problem }),
        }
    }

    pub fn is_reading(&self) -> bool {
        !self.beside.is_empty()
    }

    /// Tells of files that have been read.
    pub fn read_on(&mut self) {
        let (ended, going): (Vec<_>, Vec<_>) = self.beside.drain(..).partition(JoinHandle::is_finished);
        self.beside = going;
        for thread in ended {
            self.tell_read(thread);
        }
    }

    fn tell_read(&mut self, thread: JoinHandle<Answer>) {
        // A panic there is a mistake in reading a strange file; the file is untouched, and so is the database.
        let broken = || Answer::Failed { problem: problem("import", "this file cannot be read; it is left as it was") };
        let told = thread.join().unwrap_or_else(|_| broken());
        if matches!(told, Answer::Imported { .. }) {
            let _ = self.tell_queues();
        }
        self.answer(told);
    }

    /// What others have changed.
    pub fn look_around(&mut self) {
        if self.books.is_err() {
            return;
        }
        let version = self.version();
        if std::mem::replace(&mut self.version, version) != version {
            let _ = self.take_in();
        } else if self.session.as_ref().is_some_and(|session| session.front.is_none()) {
            // A window that showed the last item may have closed.
            let _ = self.show_again();
        }
        // In a quiet moment, so that no decision has to wait for it.
        let _ = self.with(|books| books.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())));
    }

    fn take_in(&mut self) -> Result<(), Problem> {
        let seen = self.seen;
        let touched = self.with(|books| seen.touched(books))?;
        self.seen = self.with(|books| Seen::now(books))?;
        let open = self.session.as_ref().map(|session| session.queue);
        self.cards.retain(|card| Some(card.id) == open || !touched.contains(&card.id));
        if let Some(open) = open.filter(|open| touched.contains(open)) {
            self.stamp(open);
        }
        let before = self.cards.clone();
        self.cards = self.with(|books| cards::all(books, &before))?;
        if let Some(session) = &self.session {
            let card = self.cards.iter().find(|card| card.id == session.queue);
            let changed = card.is_some_and(|card| card.settings != session.settings);
            if changed || self.at_bench(|books, _, session| session.index.has_grown(books))? {
                return self.reopen();
            }
            self.show_again()?;
        }
        self.answer(Answer::Queues(self.cards.clone()));
        Ok(())
    }

    /// Takes in what is new, and puts something in front where nothing is.
    pub fn bring_up(&mut self) -> Result<Vec<i64>, Problem> {
        let (empty, elsewhere) = self.at_bench(|books, seat, session| {
            session.read_on(books)?;
            Ok((session.front.is_none(), seat.elsewhere(books)?))
        })?;
        if empty { self.show() } else { Ok(elsewhere) }
    }

    /// Tells the lot where it has changed.
    fn show_again(&mut self) -> Result<(), Problem> {
        let elsewhere = self.bring_up()?;
        let lot = self.at_bench(|books, _, session| session.lot(books, &elsewhere))?;
        if self.told.as_ref() != Some(&lot) {
            self.tell_lot(&elsewhere)?;
        }
        Ok(())
    }

    /// The window has closed.
    pub fn finish(&mut self) {
        while self.is_making() {
            self.make_on();
        }
        for thread in std::mem::take(&mut self.beside) {
            self.tell_read(thread);
        }
        self.take_off();
    }

    /// Nothing is on the bench any more.
    pub fn take_off(&mut self) {
        self.session = None;
        self.told = None;
        let Self { books, seat, .. } = self;
        if let Ok(books) = books {
            // What stays behind counts as little as the window that is gone.
            let _ = seat.show(books, "", None, &[]);
        }
    }
}
