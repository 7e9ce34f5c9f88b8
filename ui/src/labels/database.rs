//! The file `labels.sqlite`.

use std::path::Path;
use std::time::Duration;

use luthier_engine::protocol::Problem;
use rusqlite::Connection;

use crate::database::Book;

pub(super) const BOOK: Book = Book {
    file: "labels.sqlite",
    called: "the database of labels",
    code: "labels",
    migrations: MIGRATIONS,
    // It can be large, and is wanted at once.
    checked: false,
    lost: "sqlite3's .recover brings back what can be read of the old one",
};

/// How long a decision waits for another program to be done with the file before the person is told.
const PATIENCE: Duration = Duration::from_secs(2);

/// Pages of the log that are moved into the file by a commit itself, which then takes longer. The thread does it sooner,
/// in a quiet moment.
const LOG_PAGES: i64 = 10_000;

/// Kibibytes, told by the sign: the indices of a large queue stay in memory.
const CACHE: i64 = -64 * 1024;

/// A connection to the labels in `home`. Beside it what was found damaged and set aside.
///
/// # Errors
/// Those of [`Book::open`].
pub(super) fn open(home: &Path) -> Result<(Connection, Option<Problem>), Problem> {
    let (books, damage) = BOOK.open(home)?;
    let tuned = books
        .busy_timeout(PATIENCE)
        .and_then(|()| books.pragma_update(None, "wal_autocheckpoint", LOG_PAGES))
        .and_then(|()| books.pragma_update(None, "cache_size", CACHE));
    tuned.map_err(|error| BOOK.failure(home, &error))?;
    Ok((books, damage))
}

const MIGRATIONS: &[&str] = &["
    CREATE TABLE queues (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        made_unix_ms INTEGER NOT NULL,
        name TEXT NOT NULL,
        -- labels::QueueSettings as JSON.
        settings TEXT NOT NULL,
        parent INTEGER REFERENCES queues (id),
        -- The run that was trained on its labels.
        run TEXT,
        archived INTEGER NOT NULL DEFAULT 0,
        -- All its items are there: it is filled in several steps, and shown when it is whole.
        whole INTEGER NOT NULL DEFAULT 0
    );
    CREATE TABLE items (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        queue INTEGER NOT NULL REFERENCES queues (id),
        position INTEGER NOT NULL,
        -- A list of messages as JSON.
        prompt TEXT NOT NULL,
        -- The same for the same prompt.
        prompt_key INTEGER NOT NULL,
        -- In the file it came from.
        row INTEGER,
        -- How sure the current model is.
        margin REAL,
        -- All its answers are there.
        answered INTEGER NOT NULL DEFAULT 0
    );
    -- All that a queue needs to be opened, without the texts.
    CREATE INDEX items_of_queue ON items (queue, position, answered, prompt_key, margin);
    CREATE TABLE answers (
        id INTEGER PRIMARY KEY,
        item INTEGER NOT NULL REFERENCES items (id),
        place INTEGER NOT NULL,
        text TEXT NOT NULL,
        -- Its name; all about it is in the queue's settings.
        author TEXT NOT NULL,
        new_tokens INTEGER,
        made_unix_ms INTEGER NOT NULL,
        UNIQUE (item, place)
    );
    CREATE TABLE decisions (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        queue INTEGER NOT NULL REFERENCES queues (id),
        item INTEGER NOT NULL REFERENCES items (id),
        pass INTEGER NOT NULL,
        annotator TEXT NOT NULL,
        -- verdict, last_word, undo, flag, note, import.
        kind TEXT NOT NULL,
        made_unix_ms INTEGER NOT NULL,
        seconds REAL NOT NULL,
        -- feedback::Verdict as JSON; true or false of a flag; a note's text.
        verdict TEXT NOT NULL,
        -- 0: a skip, a flag that was taken away, a note that was emptied.
        counts INTEGER NOT NULL,
        tags TEXT NOT NULL DEFAULT '[]',
        note TEXT NOT NULL DEFAULT '',
        -- The exact texts, who wrote them (labels::Author as JSON) and the order they were shown in.
        shown TEXT NOT NULL DEFAULT '',
        -- The decision that this one takes back.
        undoes INTEGER REFERENCES decisions (id)
    );
    -- All that tells what stands, without the texts.
    CREATE INDEX decisions_of_queue
        ON decisions (queue, item, pass, annotator, kind, counts, undoes, made_unix_ms);
    CREATE UNIQUE INDEX taken_back_once ON decisions (undoes) WHERE undoes IS NOT NULL;
    CREATE TRIGGER decisions_are_kept BEFORE DELETE ON decisions
        BEGIN SELECT RAISE(ABORT, 'decisions are never deleted'); END;
    CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions
        BEGIN SELECT RAISE(ABORT, 'decisions are never changed'); END;
    -- What is on the screen of a window, so that two people are not shown the same.
    CREATE TABLE claims (
        item INTEGER PRIMARY KEY REFERENCES items (id),
        window TEXT NOT NULL,
        annotator TEXT NOT NULL,
        made_unix_ms INTEGER NOT NULL
    );
"];
