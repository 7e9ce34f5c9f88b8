//! Rounds: the same prompts to the next model, and whether it won against the old one.

use std::collections::HashSet;

use luthier_engine::feedback::{Mode, Verdict, prompt_key};
use rusqlite::{Connection, OptionalExtension, Result};

use super::trust::wilson;
use super::{Author, Draft, ItemId, NewItem, QueueId, QueueSettings, rows};

/// The next round of a queue: its prompts in their order, in pairs of answers by `authors`; with `held_out` those of these
/// items and of items that nobody has judged, where the same prompt was not judged elsewhere in the queue. `None` where there is no such queue.
pub(super) fn next_round(
    books: &Connection,
    parent: QueueId,
    name: String,
    authors: Vec<Author>,
    held_out: Option<&[ItemId]>,
) -> Result<Option<Draft>> {
    let Some(settings) = rows::settings(books, parent)? else { return Ok(None) };
    let learned = held_out.map(|items| learned(books, parent, items)).transpose()?.unwrap_or_default();
    let mut find = books.prepare("SELECT prompt, row FROM items WHERE queue = ?1 ORDER BY position")?;
    let mut items = Vec::new();
    let mut found = find.query([parent])?;
    while let Some(row) = found.next()? {
        let prompt = rows::messages(&row.get::<_, String>(0)?);
        if !learned.contains(&prompt_key(&prompt)) {
            let row = row.get::<_, Option<i64>>(1)?.and_then(|row| usize::try_from(row).ok());
            items.push(NewItem { prompt, row, ..NewItem::default() });
        }
    }
    Ok(Some(Draft { name, settings: settings_of(settings, authors, held_out.is_some()), parent: Some(parent), items }))
}

/// Prompts that were judged in this round or one before it, but for those of `held_out` and what was held out before.
fn learned(books: &Connection, queue: QueueId, held_out: &[ItemId]) -> Result<HashSet<String>> {
    let mut held_out: HashSet<ItemId> = held_out.iter().copied().collect();
    let mut learned = HashSet::new();
    let mut at = Some(queue);
    while let Some(queue) = at {
        let mut find = books.prepare(
            "SELECT DISTINCT items.id, prompt FROM items JOIN decisions ON decisions.item = items.id
             WHERE items.queue = ?1 AND decisions.counts",
        )?;
        let mut judged = find.query([queue])?;
        while let Some(row) = judged.next()? {
            if !held_out.contains(&row.get(0)?) {
                learned.insert(prompt_key(&rows::messages(&row.get::<_, String>(1)?)));
            }
        }
        let parent = books.query_row("SELECT parent FROM queues WHERE id = ?1", [queue], |row| row.get(0));
        // Older than its children, or the file is damaged and would be followed in circles.
        at = parent.optional()?.flatten().filter(|parent: &QueueId| *parent < queue);
        if let Some(settings) = at.map(|parent| rows::settings(books, parent)).transpose()?.flatten() {
            held_out.extend(settings.held_out);
        }
    }
    Ok(learned)
}

/// Two models are compared in pairs. Sides are drawn anew, or whoever remembers the last round would know who is who.
fn settings_of(parent: QueueSettings, authors: Vec<Author>, only_held_out: bool) -> QueueSettings {
    let mode = if authors.len() == 2 { Mode::Pair } else { parent.mode };
    let (round, seed) = (parent.round + 1, parent.seed.wrapping_add(1));
    QueueSettings { mode, authors, round, seed, only_held_out, held_out: Vec::new(), ..parent }
}

/// How the answers of one author did against those of another, by one verdict an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WinRate {
    pub wins: usize,
    pub ties: usize,
    pub losses: usize,
}

/// What a win rate proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    Better,
    Worse,
    /// Chance explains it. `more`: so many more decisions at the same share would tell; None where the share is too even.
    Open {
        more: Option<usize>,
    },
}

/// More decisions than this are nobody's evening: the two are as good as each other.
const TOO_MANY: f64 = 5000.0;
/// The square of the normal distribution's 97.5th percentile.
const Z2: f64 = 3.841_458_820_694_124;

impl WinRate {
    /// Of the answer in place `new` against the one in place `old`. What was rewritten or written anew compares neither.
    pub fn of<'a>(verdicts: impl IntoIterator<Item = &'a Verdict>, new: usize, old: usize) -> Self {
        let mut rate = Self::default();
        for verdict in verdicts {
            let (better, worse) = match verdict {
                Verdict::Better { answer, .. } => (*answer == new, *answer == old),
                Verdict::Ranked { places } => match (places.get(new), places.get(old)) {
                    (Some(new), Some(old)) => (new < old, new > old),
                    _ => continue,
                },
                Verdict::Tie | Verdict::BothGood | Verdict::BothBad => (false, false),
                _ => continue,
            };
            match (better, worse) {
                (true, _) => rate.wins += 1,
                (_, true) => rate.losses += 1,
                _ => rate.ties += 1,
            }
        }
        rate
    }

    pub fn decided(&self) -> usize {
        self.wins + self.ties + self.losses
    }

    /// Wins and half of the ties.
    pub fn won(&self) -> f64 {
        self.wins as f64 + self.ties as f64 / 2.0
    }

    /// 0 to 1; a half where nothing is decided.
    pub fn share(&self) -> f64 {
        if self.decided() == 0 { 0.5 } else { self.won() / self.decided() as f64 }
    }

    /// 95 %, Wilson's.
    pub fn interval(&self) -> (f64, f64) {
        wilson(self.won(), self.decided() as f64)
    }

    pub fn finding(&self) -> Finding {
        let (low, high) = self.interval();
        if low > 0.5 {
            return Finding::Better;
        }
        if high < 0.5 {
            return Finding::Worse;
        }
        // Wilson's interval is free of one half where n (share - 1/2)² > z² / 4.
        let needed = (Z2 / 4.0 / (self.share() - 0.5).powi(2)).floor() + 1.0;
        let more = needed - self.decided() as f64;
        Finding::Open { more: (self.decided() > 0 && needed <= TOO_MANY).then_some(more.max(1.0) as usize) }
    }
}

#[cfg(test)]
mod tests {
    use luthier_engine::feedback::Strength;
    use luthier_engine::protocol::{ChatMessage, Sampling};

    use super::super::{database, making};
    use super::*;

    #[test]
    fn the_next_round_asks_the_same_prompts_or_some_of_them() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let (mut books, _) = database::open(home.path()).expect("it opens");
        let item = |n: usize| NewItem {
            prompt: vec![ChatMessage { role: "user".into(), content: format!("question {n}") }],
            row: Some(n),
            ..NewItem::default()
        };
        let settings = QueueSettings { mode: Mode::Single, held_out: vec![1], ..QueueSettings::default() };
        let draft = Draft { name: "q".into(), settings, parent: None, items: (1..=5).map(item).collect() };
        let parent = making::make(&mut books, draft).expect("it is made");
        let authors = || {
            let author = |name: &str| Author {
                name: name.into(),
                model: "/models/m".into(),
                adapter: None,
                run: None,
                sampling: Sampling::default(),
                stamp: String::new(),
            };
            vec![author("old"), author("new")]
        };
        let ids: Vec<ItemId> = (books.prepare("SELECT id FROM items ORDER BY position").expect("there are items"))
            .query_map([], |row| row.get(0))
            .and_then(Iterator::collect)
            .expect("they have ids");
        let next = |books: &Connection, held_out: Option<&[ItemId]>| {
            next_round(books, parent, "r2".into(), authors(), held_out).expect("it is read")
        };
        let all = next(&books, None).expect("the queue is there");
        assert_eq!((all.items.len(), all.parent, all.settings.round), (5, Some(parent), 2));
        assert_eq!((all.settings.mode, all.settings.seed), (Mode::Pair, 43), "in pairs, on other sides");
        assert!(all.settings.held_out.is_empty() && !all.settings.only_held_out);
        let judge = "INSERT INTO decisions (queue, item, pass, annotator, kind, counts, made_unix_ms, seconds, verdict)
                     VALUES (?1, ?2, 0, 'Ada', 'verdict', ?3, 1, 1.0, '{}')";
        for (at, counts) in [(0, true), (1, true), (2, true), (3, false)] {
            books.execute(judge, (parent, ids[at], counts)).expect("it is judged");
        }
        let some = next(&books, Some(&[ids[1]])).expect("the queue is there");
        assert_eq!(some.items, [item(2), item(4), item(5)], "held out, skipped, and not yet judged");
        assert!(some.settings.only_held_out);
        assert!(next_round(&books, 99, "r".into(), authors(), None).expect("it is read").is_none());
    }

    fn rate(wins: usize, ties: usize, losses: usize) -> WinRate {
        WinRate { wins, ties, losses }
    }

    #[test]
    fn wins_ties_and_losses_are_counted_from_verdicts_that_compare() {
        let better = |answer| Verdict::Better { answer, strength: Strength::Clearly };
        let verdicts = [
            better(1),
            better(1),
            better(0),
            Verdict::Tie,
            Verdict::BothBad,
            Verdict::Ranked { places: vec![2, 0, 1] },
            Verdict::Ranked { places: vec![0, 0, 1] },
            Verdict::Written { text: "mine".into() },
            Verdict::Edited { answer: 1, text: "mended".into() },
            Verdict::Skipped,
        ];
        assert_eq!(WinRate::of(&verdicts, 1, 0), rate(3, 3, 1));
        assert_eq!(WinRate::of(&verdicts, 0, 1), rate(1, 3, 3));
    }

    #[test]
    fn a_win_is_beyond_chance_where_the_interval_is_free_of_one_half() {
        let won = rate(41, 0, 19);
        let (low, high) = won.interval();
        assert_eq!(((low * 100.0).round(), (high * 100.0).round()), (56.0, 79.0));
        assert_eq!(won.finding(), Finding::Better);
        assert_eq!(rate(19, 0, 41).finding(), Finding::Worse);
        assert_eq!(rate(30, 0, 30).finding(), Finding::Open { more: None });
        assert_eq!(rate(0, 0, 0).finding(), Finding::Open { more: None });
        assert!((rate(10, 20, 10).share() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_is_still_wanted_is_just_enough() {
        for (wins, losses) in [(11, 9), (22, 18), (3, 1)] {
            let now = rate(wins, 0, losses);
            let Finding::Open { more: Some(more) } = now.finding() else { panic!("{now:?}") };
            let n = (now.decided() + more) as f64;
            assert!(wilson(n * now.share(), n).0 > 0.5, "{now:?} {more}");
            assert!(wilson((n - 1.0) * now.share(), n - 1.0).0 <= 0.5, "{now:?} {more}");
        }
    }
}
