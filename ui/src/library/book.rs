//! The file `luthier.sqlite`: an index of runs, and what people have said of them.

use crate::database::Book;

pub(super) const BOOK: Book = Book {
    file: "luthier.sqlite",
    called: "the database of runs",
    code: "library",
    migrations: MIGRATIONS,
    checked: true,
    lost: "the runs in their folders are found again, names, tags and notes are not",
};

const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        -- As it is shown, and with every symbolic link followed as on the day of its registration.
        folder TEXT NOT NULL,
        place TEXT NOT NULL UNIQUE,
        name TEXT NOT NULL,
        note TEXT NOT NULL DEFAULT '',
        colour INTEGER NOT NULL,
        starred INTEGER NOT NULL DEFAULT 0,
        archived INTEGER NOT NULL DEFAULT 0,
        deleted_unix_secs INTEGER,
        sweep TEXT,
        sweep_values TEXT,
        registered_unix_secs INTEGER NOT NULL,
        -- Sizes and times of its files when they were last read, what they said (JSON), and their recipe (JSON).
        stamp TEXT NOT NULL,
        reading TEXT NOT NULL,
        recipe TEXT NOT NULL
    );
    CREATE TABLE tags (
        run TEXT NOT NULL REFERENCES runs (id) ON UPDATE CASCADE ON DELETE CASCADE,
        position INTEGER NOT NULL,
        tag TEXT NOT NULL,
        PRIMARY KEY (run, tag)
    );
    CREATE TABLE evaluations (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        made_unix_secs INTEGER NOT NULL,
        run TEXT,
        name TEXT NOT NULL,
        outcome TEXT NOT NULL
    );
    CREATE TABLE queue (
        -- The window that it waits in: the name of its lock.
        window TEXT NOT NULL,
        position INTEGER NOT NULL,
        queued TEXT NOT NULL,
        PRIMARY KEY (window, position)
    );
",
    "
    CREATE TABLE talks (
        id INTEGER PRIMARY KEY,
        -- Counts its changes, so that a window sees whether another one has made some.
        revision INTEGER NOT NULL,
        changed_unix_secs INTEGER NOT NULL,
        -- state::Conversation as JSON.
        body TEXT NOT NULL
    );
",
];
