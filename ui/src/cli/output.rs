//! Writing to stdout without the panic that `println!` makes of a closed pipe.

use std::io::{self, Write};

use luthier_engine::{Error, Result};

/// Writes and flushes. False when nobody reads any more (`luthier ... | head`), which is no error.
///
/// # Errors
/// `Io` for anything else, a full disk behind a redirection for one.
pub fn write(text: &str) -> Result<bool> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::io("standard output", error)),
    }
}

/// Writes a value as indented JSON and a line end.
///
/// # Errors
/// As [`write`].
pub fn write_json(value: &impl serde::Serialize) -> Result<()> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Error::Internal(error.to_string()))?;
    write(&format!("{text}\n")).map(|_| ())
}
