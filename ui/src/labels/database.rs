//! The file `labels.sqlite`.

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
        archived INTEGER NOT NULL DEFAULT 0
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
        UNIQUE (queue, position)
    );
    CREATE TABLE answers (
        id INTEGER PRIMARY KEY,
        item INTEGER NOT NULL REFERENCES items (id),
        place INTEGER NOT NULL,
        text TEXT NOT NULL,
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
        tags TEXT NOT NULL DEFAULT '[]',
        note TEXT NOT NULL DEFAULT '',
        -- The exact texts, who wrote them (labels::Author as JSON) and the order they were shown in.
        shown TEXT NOT NULL DEFAULT '',
        -- The decision that this one takes back.
        undoes INTEGER REFERENCES decisions (id)
    );
    CREATE INDEX decisions_of_queue ON decisions (queue, item);
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
