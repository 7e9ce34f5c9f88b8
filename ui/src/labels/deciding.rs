//! What a person does at the bench, each in one transaction with the choice of what is shown next.

use luthier_engine::feedback::Verdict;
use rusqlite::{Connection, Result, TransactionBehavior};

use super::claims::Seat;
use super::index::Slot;
use super::rows::{self, Entry, Kind, Shown, Texts};
use super::session::{Front, Session};
use super::{ItemId, Judgement, QueueSettings};

/// An item as it was, in case that the change comes to nothing.
#[derive(Default)]
pub(super) struct Memory(Option<(usize, Slot)>);

impl Memory {
    fn keep(&mut self, session: &Session, at: usize) {
        self.0 = Some((at, session.index.slots[at].clone()));
    }
}

/// Does something and chooses what is shown then: all of it, on the disk, or nothing. Returns what other windows show.
pub(super) fn together(
    books: &mut Connection,
    seat: &Seat,
    session: &mut Session,
    act: impl FnOnce(&mut Session, &Connection, &mut Memory) -> Result<()>,
) -> Result<Vec<ItemId>> {
    let change = books.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Others' decisions stand, whatever comes of this one.
    session.read_on(&change)?;
    let (mark, course) = (session.index.mark(), session.course());
    let mut memory = Memory::default();
    let done = act(session, &change, &mut memory).and_then(|()| {
        let elsewhere = seat.elsewhere(&change)?;
        session.choose(&elsewhere);
        seat.show(&change, &session.annotator, session.front_item(), &elsewhere)?;
        change.commit()?;
        Ok(elsewhere)
    });
    if done.is_err() {
        session.index.back_to(mark);
        if let Some((at, slot)) = memory.0 {
            session.put_back(at, slot);
            session.given_back(at);
        }
        session.restore(course);
    }
    done
}

/// A judgement of the item at `at`.
pub(super) fn decide(
    session: &mut Session,
    books: &Connection,
    memory: &mut Memory,
    at: usize,
    entry: &Entry<'_>,
) -> Result<()> {
    memory.keep(session, at);
    entry.insert(books)?;
    session.read_on(books)?;
    session.decided(at, entry.pass, !entry.counts);
    Ok(())
}

/// A flag, a note, or the last word.
pub(super) fn add(
    session: &mut Session,
    books: &Connection,
    memory: &mut Memory,
    at: usize,
    entry: &Entry<'_>,
) -> Result<()> {
    memory.keep(session, at);
    entry.insert(books)?;
    session.reread(entry.item);
    session.read_on(books)?;
    if entry.kind == Kind::LastWord {
        session.leave(at);
    }
    Ok(())
}

/// Takes the person's last verdict that stands back, and calls its item to the front.
pub(super) fn undo(session: &mut Session, books: &Connection, memory: &mut Memory) -> Result<()> {
    let Some((id, at)) = session.last_own() else { return Ok(()) };
    let slot = &session.index.slots[at];
    let pass = slot.standing.rows.iter().find(|row| row.id == id).map_or(0, |row| row.pass);
    let item = slot.id;
    memory.keep(session, at);
    let annotator = session.annotator.clone();
    let entry = Entry { pass, undoes: Some(id), ..Entry::about(Kind::Undo, session.queue, item, &annotator) };
    entry.insert(books)?;
    session.read_on(books)?;
    session.call(Front { at, pass, earlier: rows::verdict(books, id)? });
    Ok(())
}

/// Calls an item to the front, with what this person has decided about it.
pub(super) fn call(session: &mut Session, books: &Connection, at: usize) -> Result<()> {
    let mine = session.mine(at);
    let earlier = mine.map(|(id, _)| rows::verdict(books, id)).transpose()?.flatten();
    session.call(Front { at, pass: mine.map_or(0, |(_, pass)| pass), earlier });
    Ok(())
}

/// A judgement as a row, with all that was on the screen.
pub(super) fn entry<'a>(
    kind: Kind,
    judgement: &'a Judgement,
    texts: &Texts,
    settings: &QueueSettings,
) -> std::result::Result<Entry<'a>, String> {
    let count = texts.answers.len();
    fits(&judgement.verdict, &judgement.shown, count)?;
    let shown = Shown::new(&texts.prompt, &texts.answers, &judgement.shown, &settings.authors);
    Ok(Entry {
        pass: judgement.pass,
        seconds: judgement.seconds,
        verdict: rows::json(&judgement.verdict),
        counts: judgement.verdict != Verdict::Skipped,
        tags: &judgement.tags,
        note: &judgement.note,
        shown: rows::json(&shown),
        ..Entry::about(kind, judgement.queue, judgement.item, &judgement.annotator)
    })
}

/// Whether a verdict can be about `count` answers; else why not.
fn fits(verdict: &Verdict, shown: &[usize], count: usize) -> std::result::Result<(), String> {
    let mut sorted = shown.to_vec();
    sorted.sort_unstable();
    if !sorted.into_iter().eq(0..count) {
        return Err(format!("the item has {count} answers, and the order {shown:?} was shown"));
    }
    let fits = match verdict {
        Verdict::Better { answer, .. } | Verdict::Edited { answer, .. } => *answer < count,
        Verdict::Ranked { places } => places.len() == count && places.iter().all(|place| *place < count),
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("the item has {count} answers, and the verdict is {verdict:?}")) }
}
