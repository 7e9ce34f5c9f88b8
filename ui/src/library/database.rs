//! The file `luthier.sqlite`: opened, brought up to date, or set aside where it is damaged.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use luthier_engine::protocol::Problem;
use rusqlite::{Connection, ErrorCode};

/// One step of the schema each; `PRAGMA user_version` counts those that have been taken.
const MIGRATIONS: &[&str] = &["
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
"];

const KNOWN: i64 = MIGRATIONS.len() as i64;

/// How long one window waits for the other's change.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn file_in(home: &Path) -> PathBuf {
    home.join("luthier.sqlite")
}

enum Trouble {
    Newer(i64),
    Damaged(String),
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged(error.to_string()),
            _ => Self::Sqlite(error),
        }
    }
}

/// Opens the database in `home`, made if need be. Where the file was damaged, what became of it comes back beside it.
///
/// # Errors
/// `library_newer` where a later Luthier has written it; `library_busy`, `library_full` or `library` where it cannot be
/// opened.
pub(super) fn open(home: &Path) -> Result<(Connection, Option<Problem>), Problem> {
    let path = file_in(home);
    std::fs::create_dir_all(home).map_err(|error| problem("library", &path, &error.to_string()))?;
    let damage = match attempt(&path) {
        Ok(connection) => return Ok((connection, None)),
        Err(Trouble::Damaged(reason)) => reason,
        Err(trouble) => return Err(trouble.told(&path)),
    };
    let aside = set_aside(&path).map_err(|error| problem("library", &path, &error.to_string()))?;
    let told = format!(
        "{} was damaged ({damage}) and is now {}. A new one was made; the runs in their folders are found again, \
         names, tags and notes are not.",
        path.display(),
        aside.display()
    );
    let connection = attempt(&path).map_err(|trouble| trouble.told(&path))?;
    Ok((connection, Some(Problem { code: "library_damaged".into(), message: told })))
}

fn attempt(path: &Path) -> Result<Connection, Trouble> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(PATIENCE)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version > KNOWN {
        return Err(Trouble::Newer(version));
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if sound != "ok" {
        return Err(Trouble::Damaged(sound));
    }
    // Another window may be at it, so the count is looked at again inside.
    let change = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let version: i64 = change.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    for step in MIGRATIONS.iter().skip(version.max(0) as usize) {
        change.execute_batch(step)?;
    }
    change.pragma_update(None, "user_version", KNOWN)?;
    change.commit()?;
    Ok(connection)
}

/// Renames the file, and what SQLite keeps beside it. Returns its new name.
fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
    let with = |ending: &str| PathBuf::from(format!("{}{ending}", path.display()));
    let aside = with(&format!(".damaged-{now}"));
    std::fs::rename(path, &aside)?;
    for ending in ["-wal", "-shm"] {
        let beside = with(ending);
        if beside.exists() {
            std::fs::rename(&beside, with(&format!(".damaged-{now}{ending}")))?;
        }
    }
    Ok(aside)
}

impl Trouble {
    fn told(&self, path: &Path) -> Problem {
        match self {
            Self::Newer(version) => {
                let reason = format!(
                    "it was written by a later Luthier (version {version}, this one knows {KNOWN}). The window works \
                     without it; nothing in it was changed"
                );
                problem("library_newer", path, &reason)
            }
            Self::Damaged(reason) => problem("library_damaged", path, reason),
            Self::Sqlite(error) => failure(path, error),
        }
    }
}

/// What SQLite says, as a problem.
pub(super) fn failure(path: &Path, error: &rusqlite::Error) -> Problem {
    let code = match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "library_busy",
        Some(ErrorCode::DiskFull) => "library_full",
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => "library_damaged",
        _ => "library",
    };
    problem(code, path, &error.to_string())
}

/// An order that ran into one of these is worth another try.
pub(super) fn passes(problem: &Problem) -> bool {
    ["library_busy", "library_full"].contains(&problem.code.as_str())
}

fn problem(code: &str, path: &Path, reason: &str) -> Problem {
    Problem { code: code.into(), message: format!("the database of runs, {}: {reason}", path.display()) }
}
