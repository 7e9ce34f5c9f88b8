//! Conversations outlive the window, and two windows do not overwrite each other's.

use super::*;
use crate::state::{Conversation, Turn};

fn talk(id: i64, asked: &[&str]) -> Box<Conversation> {
    let turns = asked.iter().map(|asked| Turn { asked: (*asked).into(), ..Turn::default() }).collect();
    Box::new(Conversation { id, turns, changed_unix_secs: 1_795_000_000, ..Conversation::default() })
}

impl Reader {
    fn talks(&mut self) -> Vec<Conversation> {
        let mut talks = self.next(|answer| if let Answer::Talks(talks) = answer { Some(talks) } else { None });
        talks.sort_by_key(|talk| talk.id);
        talks
    }

    /// Waits until the orders before have been carried out.
    fn settle(&mut self) {
        self.library.order(Order::Refresh);
        self.runs();
    }
}

fn asked(talks: &[Conversation]) -> Vec<Vec<&str>> {
    talks.iter().map(|talk| talk.turns.iter().map(|turn| turn.asked.as_str()).collect()).collect()
}

#[test]
fn conversations_are_kept_whole_and_removed_ones_are_gone() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut reader = Reader::of(home.path());
    assert_eq!(reader.talks(), []);
    reader.library.order(Order::KeepTalk { talk: talk(1, &["One?"]) });
    reader.library.order(Order::KeepTalk { talk: talk(2, &["Two?"]) });
    reader.library.order(Order::KeepTalk { talk: talk(1, &["One?", "琴？"]) });
    reader.library.order(Order::RemoveTalk { id: 2 });
    reader.settle();
    // Without closing the first: what was answered is on the disk.
    assert_eq!(Reader::of(home.path()).talks(), [*talk(1, &["One?", "琴？"])]);
    reader.library.order(Order::KeepTalk { talk: talk(2, &["Two?"]) });
    drop(reader);
    assert_eq!(asked(&Reader::of(home.path()).talks()), [vec!["One?", "琴？"], vec!["Two?"]], "deleting was undone");
}

#[test]
fn two_windows_in_one_conversation_both_keep_theirs() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut first = Reader::of(home.path());
    first.library.order(Order::KeepTalk { talk: talk(1, &["One?"]) });
    first.settle();
    let mut second = Reader::of(home.path());
    second.talks();
    first.library.order(Order::KeepTalk { talk: talk(1, &["One?", "Of the first?"]) });
    first.settle();
    second.library.order(Order::KeepTalk { talk: talk(1, &["One?", "Of the second?"]) });
    second.library.order(Order::KeepTalk { talk: talk(1, &["One?", "Of the second?", "More?"]) });
    second.settle();
    first.library.order(Order::KeepTalk { talk: talk(1, &["One?", "Of the first?", "And?"]) });
    first.settle();
    let mut after = Reader::of(home.path()).talks();
    assert_eq!(asked(&after), [vec!["One?", "Of the first?", "And?"], vec!["One?", "Of the second?", "More?"]]);
    assert_ne!(after[0].id, after[1].id);
    // One deletes what the other still speaks in: it stays.
    let mut third = Reader::of(home.path());
    third.talks();
    first.library.order(Order::KeepTalk { talk: talk(1, &["Still here?"]) });
    first.settle();
    third.library.order(Order::RemoveTalk { id: 1 });
    third.settle();
    after = Reader::of(home.path()).talks();
    assert_eq!(asked(&after)[0], ["Still here?"]);
}

#[test]
fn a_database_of_before_gets_the_table() {
    let home = tempfile::tempdir().expect("a temporary folder");
    drop(Reader::of(home.path()));
    let books = rusqlite::Connection::open(home.path().join("luthier.sqlite")).expect("it opens");
    books.execute_batch("DROP TABLE talks; PRAGMA user_version = 1;").expect("as the first version left it");
    drop(books);
    let mut reader = Reader::of(home.path());
    assert_eq!(reader.talks(), []);
    reader.library.order(Order::KeepTalk { talk: talk(1, &["One?"]) });
    reader.settle();
    assert_eq!(Reader::of(home.path()).talks().len(), 1);
}
