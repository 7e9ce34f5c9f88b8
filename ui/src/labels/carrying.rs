//! What becomes of each order.

use luthier_engine::protocol::Problem;
use rusqlite::Connection;

use super::database::{self, BOOK};
use super::desk::{Desk, problem};
use super::making::{self, Making};
use super::rows::{self, Entry, Kind};
use super::session::Session;
use super::{Answer, ItemId, Judgement, Order, QueueId, QueueSettings, ahead, deciding, exchange, rounds, search};

impl Desk<'_> {
    /// Does it, or tells why not. What comes back is to be tried once more: only what nobody would ask for again.
    pub fn carry_out(&mut self, order: Order) -> Option<Order> {
        let (problem, late) = self.attempt(order)?;
        self.answer(Answer::Failed { problem });
        late
    }

    /// Once more, and quietly: what keeps it from being done is told already.
    pub fn carry_out_late(&mut self, order: Order) -> Option<Order> {
        self.attempt(order).and_then(|(_, late)| late)
    }

    fn attempt(&mut self, order: Order) -> Option<(Problem, Option<Order>)> {
        self.open_late();
        let again = matches!(order, Order::KeepAnswers { .. } | Order::KeepMargins { .. } | Order::Trained { .. });
        let kept = again.then(|| order.clone());
        let problem = self.act(order).err()?;
        let late = kept.filter(|_| BOOK.passes(&problem));
        Some((problem, late))
    }

    fn act(&mut self, order: Order) -> Result<(), Problem> {
        match order {
            Order::MakeQueue(draft) => {
                self.with(|_| Ok(()))?;
                self.making.push_back(Making::new(ahead::stamped(*draft)));
                Ok(())
            }
            Order::AddItems { queue, items } => {
                let there = self.with(|books| making::add(books, queue, &items))?;
                if !there {
                    return Err(problem("no_queue", format!("there is no queue {queue}")));
                }
                self.recount(queue)?;
                if self.is_open(queue) { self.reopen() } else { Ok(()) }
            }
            Order::RenameQueue { queue, name } => self.set(queue, "name", &name),
            Order::ArchiveQueue { queue, archived } => self.set(queue, "archived", &archived),
            Order::ChangeQueue { queue, settings } => self.change(queue, *settings),
            Order::Trained { queue, run } => self.set(queue, "run", &run),
            Order::Open { queue, annotator } => {
                self.session = None;
                self.put_on(queue, &annotator)?;
                let elsewhere = self.show()?;
                self.tell_lot(&elsewhere)
            }
            Order::Close => {
                self.take_off();
                Ok(())
            }
            Order::Decide(judgement) => self.decide(&judgement),
            Order::Undo { queue, annotator } => {
                self.put_on(queue, &annotator)?;
                let elsewhere =
                    self.at_bench(|books, seat, session| deciding::together(books, seat, session, deciding::undo))?;
                self.stamp(queue);
                self.tell_lot(&elsewhere)
            }
            Order::Flag { queue, item, annotator, flagged } => {
                let verdict = flagged.to_string();
                let entry = Entry::about(Kind::Flag, queue, item, &annotator);
                self.add(Entry { verdict, counts: flagged, ..entry })
            }
            Order::Note { queue, item, annotator, note } => {
                let counts = !note.trim().is_empty();
                let entry = Entry::about(Kind::Note, queue, item, &annotator);
                self.add(Entry { verdict: note, counts, ..entry })
            }
            Order::Call { queue, item } => self.call(queue, item),
            Order::Search { queue, sought } => {
                let found = self.in_queue(queue, |books, session| search::search(books, session, &sought))?;
                self.answer(Answer::Found { queue, found });
                Ok(())
            }
            Order::Wanted { queue, most } => {
                let session = self.session.take();
                let wanted = self.with(|books| ahead::wanted(books, session.as_ref(), queue, most));
                self.session = session;
                self.answer(Answer::Wanted { queue, wanted: wanted? });
                Ok(())
            }
            Order::KeepAnswers { queue, answers } => {
                let answered = self.with(|books| ahead::keep_answers(books, queue, &answers))?;
                if self.is_open(queue) {
                    let elsewhere = self.bring_up()?;
                    return self.tell_lot(&elsewhere);
                }
                if let Some(card) = self.cards.iter_mut().find(|card| card.id == queue) {
                    card.answered += answered;
                }
                self.tell_queues()
            }
            Order::Unscored { queue, most } => {
                let session = self.session.take();
                let items = self.with(|books| ahead::unscored(books, session.as_ref(), queue, most));
                self.session = session;
                self.answer(Answer::Unsure { queue, items: items? });
                Ok(())
            }
            Order::KeepMargins { queue, margins } => {
                let kept = self.with(|books| ahead::keep_margins(books, queue, &margins))?;
                if !self.is_open(queue) {
                    return Ok(());
                }
                let elsewhere = self.at_bench(|books, seat, session| {
                    kept.iter().for_each(|(item, margin)| session.set_margin(*item, *margin));
                    seat.elsewhere(books)
                })?;
                self.tell_lot(&elsewhere)
            }
            Order::Decisions { queue } => {
                let (mut read, mut session) = (std::mem::take(&mut self.read), self.session.take());
                let decisions = self.with(|books| {
                    let open = session.as_mut().filter(|session| session.queue == queue);
                    let open = open.map(|session| session.read_on(books).map(|()| &session.index)).transpose()?;
                    read.decisions(books, queue, open)
                });
                (self.read, self.session) = (read, session);
                self.answer(Answer::Decisions { queue, decisions: decisions? });
                Ok(())
            }
            Order::Settle(judgement) => {
                let entry = self.with(|books| judged(books, Kind::LastWord, &judgement))??;
                self.add(entry)
            }
            Order::NextRound { parent, name, authors, only } => {
                let draft = self.with(|books| rounds::next_round(books, parent, name, authors, only.as_deref()))?;
                let draft = draft.ok_or_else(|| problem("no_queue", format!("there is no queue {parent}")))?;
                self.making.push_back(Making::new(ahead::stamped(draft)));
                Ok(())
            }
            Order::Write { files } => {
                if let Some(path) = exchange::write(&files)? {
                    self.answer(Answer::Written { path });
                }
                Ok(())
            }
            Order::ReadPrompts { path, mapping } => {
                let read = move || {
                    let read = ahead::read_prompts(&path, mapping.as_deref());
                    Answer::Prompts { path, read }
                };
                self.do_beside("prompts", read)
            }
            Order::Export { queue, how, to } => {
                let home = self.home.clone();
                let write = move || {
                    let parcel = exchange::export(&home, queue, &how, to.as_deref());
                    Answer::Exported { queue, how, parcel: parcel.map(Box::new) }
                };
                self.do_beside("export", write)
            }
            Order::Import { path, settings, name } => {
                let home = self.home.clone();
                let read = move || {
                    let imported = database::open(&home)
                        .and_then(|(mut books, _)| exchange::import(&mut books, &home, &path, *settings, &name));
                    imported.unwrap_or_else(|problem| Answer::Failed { problem })
                };
                self.do_beside("import", read)
            }
        }
    }

    /// On a thread of its own, which brings its answer home.
    fn do_beside(&mut self, what: &str, work: impl FnOnce() -> Answer + Send + 'static) -> Result<(), Problem> {
        let thread = std::thread::Builder::new().name(format!("labels {what}")).spawn(work);
        self.beside.push(thread.map_err(|error| problem(what, error.to_string()))?);
        Ok(())
    }

    fn is_open(&self, queue: QueueId) -> bool {
        self.session.as_ref().is_some_and(|session| session.queue == queue)
    }

    fn set(&mut self, queue: QueueId, column: &str, value: &dyn rusqlite::ToSql) -> Result<(), Problem> {
        let sql = format!("UPDATE queues SET {column} = ?1 WHERE id = ?2");
        self.with(|books| books.execute(&sql, rusqlite::params![value, queue]))?;
        self.tell_queues()
    }

    /// What an item is made of stays as it is: how it is judged, who answers, which round it is.
    fn change(&mut self, queue: QueueId, settings: QueueSettings) -> Result<(), Problem> {
        let kept = self.with(|books| rows::settings(books, queue))?;
        let kept = kept.ok_or_else(|| problem("no_queue", format!("there is no queue {queue}")))?;
        let settings = QueueSettings {
            mode: kept.mode,
            authors: kept.authors,
            round: kept.round,
            again_share: settings.again_share.clamp(0.0, 0.5),
            ..settings
        };
        self.set(queue, "settings", &rows::json(&settings))?;
        if self.is_open(queue) { self.reopen() } else { Ok(()) }
    }

    fn decide(&mut self, judgement: &Judgement) -> Result<(), Problem> {
        self.put_on(judgement.queue, &judgement.annotator)?;
        let entry = self.with(|books| judged(books, Kind::Verdict, judgement))??;
        let elsewhere = self.at_bench(|books, seat, session| {
            let Some(at) = session.index.at(judgement.item) else { return Ok(Vec::new()) };
            if session.is_doubled(at, judgement.pass) {
                return seat.elsewhere(books);
            }
            deciding::together(books, seat, session, |session, books, memory| {
                deciding::decide(session, books, memory, at, &entry)
            })
        })?;
        self.stamp(judgement.queue);
        self.tell_lot(&elsewhere)
    }

    /// Adds a row that is no verdict of the bench.
    fn add(&mut self, entry: Entry<'_>) -> Result<(), Problem> {
        let at = self.session.as_ref().filter(|session| session.queue == entry.queue);
        let Some(at) = at.and_then(|session| session.index.at(entry.item)) else {
            self.with(|books| rows::change(books, |books| entry.insert(books)))?;
            return self.recount(entry.queue);
        };
        let elsewhere = self.at_bench(|books, seat, session| {
            deciding::together(books, seat, session, |session, books, memory| {
                deciding::add(session, books, memory, at, &entry)
            })
        })?;
        if entry.kind == Kind::LastWord {
            self.stamp(entry.queue);
        }
        self.tell_lot(&elsewhere)
    }

    fn call(&mut self, queue: QueueId, item: ItemId) -> Result<(), Problem> {
        if !self.is_open(queue) {
            return Err(problem("closed", format!("queue {queue} is not on the bench")));
        }
        self.at_bench(|books, _, session| match session.index.at(item) {
            Some(at) if session.index.slots[at].answered => deciding::call(session, books, at),
            _ => Ok(()),
        })?;
        let elsewhere = self.show()?;
        self.tell_lot(&elsewhere)
    }

    /// Looks into a queue, whether it is on the bench or not.
    fn in_queue<T>(
        &mut self,
        queue: QueueId,
        look: impl FnOnce(&Connection, &Session) -> rusqlite::Result<T>,
    ) -> Result<T, Problem> {
        if self.is_open(queue) {
            return self.at_bench(|books, _, session| {
                session.read_on(books)?;
                look(books, session)
            });
        }
        let opened = self.with(|books| Session::open(books, queue, ""))?;
        let session = opened.ok_or_else(|| problem("no_queue", format!("there is no queue {queue}")))?;
        self.with(|books| look(books, &session))
    }
}

/// A judgement as a row, or why it cannot be one.
pub(super) fn judged<'a>(
    books: &Connection,
    kind: Kind,
    judgement: &'a Judgement,
) -> rusqlite::Result<Result<Entry<'a>, Problem>> {
    let (queue, item) = (judgement.queue, judgement.item);
    let texts = rows::texts(books, queue, item)?;
    let settings = rows::settings(books, queue)?;
    let Some((texts, settings)) = texts.zip(settings) else {
        return Ok(Err(problem("no_item", format!("queue {queue} has no item {item}"))));
    };
    Ok(deciding::entry(kind, judgement, &texts, &settings).map_err(|reason| problem("verdict", reason)))
}
