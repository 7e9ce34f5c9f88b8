//! Files of SQLite: opened, brought up to date, or set aside where they are damaged.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use luthier_engine::protocol::Problem;
use rusqlite::{Connection, ErrorCode};

/// A database of ours.
pub(crate) struct Book {
    /// Its name in Luthier's home.
    pub file: &'static str,
    /// What people call it.
    pub called: &'static str,
    /// What codes of its problems begin with.
    pub code: &'static str,
    /// One step of the schema each; `PRAGMA user_version` counts those that have been taken.
    pub migrations: &'static [&'static str],
    /// Looked through for damage whenever it is opened: what is small, and can be made anew.
    pub checked: bool,
    /// What is lost with a damaged file.
    pub lost: &'static str,
}

/// How long one window waits for the other's change.
const PATIENCE: Duration = Duration::from_secs(5);

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

impl Book {
    pub(crate) fn file_in(&self, home: &Path) -> PathBuf {
        home.join(self.file)
    }

    /// Opens it in `home`, made if need be. Where the file was damaged, what became of it comes back beside it.
    ///
    /// # Errors
    /// `…_newer` where a later Luthier has written it; `…_busy`, `…_full` or the code alone where it cannot be opened.
    pub(crate) fn open(&self, home: &Path) -> Result<(Connection, Option<Problem>), Problem> {
        let path = self.file_in(home);
        std::fs::create_dir_all(home).map_err(|error| self.problem("", &path, &error.to_string()))?;
        let damage = match self.attempt(&path) {
            Ok(connection) => return Ok((connection, None)),
            Err(Trouble::Damaged(reason)) => reason,
            Err(trouble) => return Err(self.told(&trouble, &path)),
        };
        let aside = set_aside(&path).map_err(|error| self.problem("", &path, &error.to_string()))?;
        let told = format!(
            "{} was damaged ({damage}) and is now {}. A new one was made; {}.",
            path.display(),
            aside.display(),
            self.lost
        );
        let connection = self.attempt(&path).map_err(|trouble| self.told(&trouble, &path))?;
        Ok((connection, Some(Problem { code: format!("{}_damaged", self.code), message: told })))
    }

    fn attempt(&self, path: &Path) -> Result<Connection, Trouble> {
        let known = self.migrations.len() as i64;
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(PATIENCE)?;
        let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        if version > known {
            return Err(Trouble::Newer(version));
        }
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", "ON")?;
        if self.checked {
            let sound: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if sound != "ok" {
                return Err(Trouble::Damaged(sound));
            }
        }
        // Another window may be at it, so the count is looked at again inside.
        let change = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let version: i64 = change.query_row("PRAGMA user_version", [], |row| row.get(0))?;
        for step in self.migrations.iter().skip(version.max(0) as usize) {
            change.execute_batch(step)?;
        }
        change.pragma_update(None, "user_version", known)?;
        change.commit()?;
        Ok(connection)
    }

    fn told(&self, trouble: &Trouble, path: &Path) -> Problem {
        match trouble {
            Trouble::Newer(version) => {
                let known = self.migrations.len();
                let reason = format!(
                    "it was written by a later Luthier (version {version}, this one knows {known}). The window works \
                     without it; nothing in it was changed"
                );
                self.problem("_newer", path, &reason)
            }
            Trouble::Damaged(reason) => self.problem("_damaged", path, reason),
            Trouble::Sqlite(error) => self.at(path, error),
        }
    }

    /// What SQLite says, as a problem.
    pub(crate) fn failure(&self, home: &Path, error: &rusqlite::Error) -> Problem {
        self.at(&self.file_in(home), error)
    }

    fn at(&self, path: &Path, error: &rusqlite::Error) -> Problem {
        let ending = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "_busy",
            Some(ErrorCode::DiskFull) => "_full",
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => "_damaged",
            _ => "",
        };
        self.problem(ending, path, &error.to_string())
    }

    /// An order that ran into one of these is worth another try.
    pub(crate) fn passes(&self, problem: &Problem) -> bool {
        let ending = problem.code.strip_prefix(self.code).unwrap_or_default();
        ["_busy", "_full"].contains(&ending)
    }

    fn problem(&self, ending: &str, path: &Path, reason: &str) -> Problem {
        Problem {
            code: format!("{}{ending}", self.code),
            message: format!("{}, {}: {reason}", self.called, path.display()),
        }
    }
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
