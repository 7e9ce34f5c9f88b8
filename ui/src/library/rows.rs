//! The tables: runs with what the person has said of them, evaluations, the queue.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use luthier_engine::eval::EvalOutcome;
use luthier_engine::recipe::Recipe;
use rusqlite::{Connection, OptionalExtension, Result, Row, Transaction, TransactionBehavior, params};

use super::reading::{self, Reading};
use super::{RunCard, StoredEval, folder};
use crate::desks::Queued;

/// Colours that runs take in turn (theme::series).
const COLOURS: i64 = 7;

/// A run as the table has it.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub id: String,
    pub folder: PathBuf,
    pub place: PathBuf,
    stamp: String,
    pub reading: Reading,
}

pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64)
}

/// A change that is made whole or not at all, with nobody else in between.
pub(super) fn change<T>(books: &mut Connection, make: impl FnOnce(&Transaction<'_>) -> Result<T>) -> Result<T> {
    let transaction = books.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let made = make(&transaction)?;
    transaction.commit()?;
    Ok(made)
}

// What folders tell ----------------------------------------------------------------------------------------------

const KEPT: &str = "SELECT id, folder, place, stamp, reading, recipe FROM runs";

fn kept(row: &Row<'_>) -> Result<Kept> {
    let text = |column: &str| row.get::<_, String>(column);
    let reading = serde_json::from_str::<Reading>(&text("reading")?);
    let recipe = serde_json::from_str::<Recipe>(&text("recipe")?);
    let (folder, place) = (text("folder")?.into(), text("place")?.into());
    // What another version has written differently is read from the folder again.
    let (stamp, reading) = match (reading, recipe) {
        (Ok(reading), Ok(recipe)) => (text("stamp")?, Reading { recipe: Arc::new(recipe), ..reading }),
        _ => (String::new(), Reading { id: text("id")?, ..Reading::default() }),
    };
    Ok(Kept { id: text("id")?, folder, place, stamp, reading })
}

fn all_kept(books: &Connection) -> Result<Vec<Kept>> {
    books.prepare(KEPT)?.query_map([], kept)?.collect()
}

pub(super) fn one_kept(books: &Connection, id: &str) -> Result<Option<Kept>> {
    books.prepare(&format!("{KEPT} WHERE id = ?1"))?.query_row([id], kept).optional()
}

/// Reads again what has changed in the registered folders, and takes in new ones below `runs`. True: something is new.
pub(super) fn refresh(books: &mut Connection, runs: &Path, only_going: bool) -> Result<bool> {
    let registered = all_kept(books)?;
    let mut new = Vec::new();
    if !only_going {
        let known: std::collections::HashSet<&Path> = registered.iter().map(|run| run.place.as_path()).collect();
        for folder in folder::below(runs) {
            let Ok(place) = folder.canonicalize() else { continue };
            if !known.contains(place.as_path())
                && let Some(reading) = reading::read(&folder, None)
            {
                new.push((folder, place, reading));
            }
        }
        new.sort_by_key(|(_, _, reading)| reading.started_unix_secs);
    }
    let mut changed = Vec::new();
    for run in &registered {
        if only_going && run.reading.end.is_some() {
            continue;
        }
        // A folder that is gone keeps what it told last.
        let Some(stamp) = reading::stamp(&run.folder).filter(|stamp| *stamp != run.stamp) else { continue };
        if let Some(reading) = reading::read(&run.folder, Some(&run.reading)) {
            changed.push((run.id.clone(), stamp, reading));
        }
    }
    if new.is_empty() && changed.is_empty() {
        return Ok(false);
    }
    change(books, |books| {
        for (id, stamp, reading) in &changed {
            update(books, id, stamp, reading)?;
        }
        for (folder, place, reading) in &new {
            insert(books, folder, place, reading, None)?;
        }
        Ok(true)
    })
}

fn update(books: &Connection, id: &str, stamp: &str, reading: &Reading) -> Result<()> {
    let sql = "UPDATE runs SET stamp = ?2, reading = ?3, recipe = ?4 WHERE id = ?1";
    books.prepare(sql)?.execute(params![id, stamp, json(reading), json(&*reading.recipe)])?;
    // Its folder was used for another run: the old one is no more, and the new one has nothing said of it yet.
    if plain_id(id) != reading.id {
        let free = free_id(books, &reading.id)?;
        let sql = "UPDATE runs SET id = ?2, note = '', starred = 0, archived = 0, deleted_unix_secs = NULL, \
                   sweep = NULL, sweep_values = NULL WHERE id = ?1";
        books.execute("DELETE FROM tags WHERE run = ?1", [id])?;
        books.execute(sql, params![id, free])?;
    }
    Ok(())
}

/// Takes a run's folder in. Returns its id, also where it was known already.
pub(super) fn insert(
    books: &Connection,
    folder: &Path,
    place: &Path,
    reading: &Reading,
    sweep: Option<&(String, String)>,
) -> Result<String> {
    let shown = |path: &Path| path.to_string_lossy().into_owned();
    let stamp = reading::stamp(folder).unwrap_or_default();
    let there = "SELECT id FROM runs WHERE place = ?1";
    if let Some(id) = books.query_row(there, [shown(place)], |row| row.get::<_, String>(0)).optional()? {
        update(books, &id, &stamp, reading)?;
        let id: String = books.query_row(there, [shown(place)], |row| row.get(0))?;
        tell_sweep(books, &id, sweep)?;
        return Ok(id);
    }
    // The same run from a place that is empty now: it was moved, and keeps what was said of it.
    if let Some(moved) = one_kept(books, &reading.id)?.filter(|run| !run.folder.exists()) {
        let sql = "UPDATE runs SET folder = ?2, place = ?3 WHERE id = ?1";
        books.execute(sql, params![moved.id, shown(folder), shown(place)])?;
        update(books, &moved.id, &stamp, reading)?;
        return Ok(moved.id);
    }
    let id = free_id(books, &reading.id)?;
    let last = "SELECT colour FROM runs ORDER BY rowid DESC LIMIT 1";
    let last: Option<i64> = books.query_row(last, [], |row| row.get(0)).optional()?;
    let colour = last.map_or(0, |last| (last + 1) % COLOURS);
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let sql = "INSERT INTO runs (id, folder, place, name, colour, registered_unix_secs, stamp, reading, recipe) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    books.prepare(sql)?.execute(params![
        id,
        shown(folder),
        shown(place),
        name,
        colour,
        now(),
        stamp,
        json(reading),
        json(&*reading.recipe)
    ])?;
    tell_sweep(books, &id, sweep)?;
    Ok(id)
}

fn tell_sweep(books: &Connection, id: &str, sweep: Option<&(String, String)>) -> Result<()> {
    if let Some((name, values)) = sweep {
        books.execute("UPDATE runs SET sweep = ?2, sweep_values = ?3 WHERE id = ?1", params![id, name, values])?;
    }
    Ok(())
}

/// A copied folder tells the same id as the first; it gets one of its own.
fn free_id(books: &Connection, id: &str) -> Result<String> {
    let mut free = id.to_owned();
    let mut there = books.prepare("SELECT 1 FROM runs WHERE id = ?1")?;
    for n in 2.. {
        if !there.exists([&free])? {
            break;
        }
        free = format!("{id}{COPY}{n}");
    }
    Ok(free)
}

const COPY: char = '~';

/// The id that the events of a run have.
fn plain_id(id: &str) -> &str {
    match id.rsplit_once(COPY) {
        Some((plain, n)) if n.parse::<usize>().is_ok() => plain,
        _ => id,
    }
}

pub(super) fn json(value: &impl serde::Serialize) -> String {
    // Plain data with text keys: it always has a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

// Cards ----------------------------------------------------------------------------------------------------------

/// All runs, newest first. `recipes` keeps those that were parsed before, by run and stamp.
pub(super) fn cards(books: &Connection, recipes: &mut Recipes) -> Result<Vec<RunCard>> {
    let mut tags: HashMap<String, Vec<String>> = HashMap::new();
    let mut all = books.prepare("SELECT run, tag FROM tags ORDER BY run, position")?;
    let mut told = all.query([])?;
    while let Some(row) = told.next()? {
        tags.entry(row.get(0)?).or_default().push(row.get(1)?);
    }
    let sql = "SELECT id, name, folder, note, colour, starred, archived, deleted_unix_secs, sweep, sweep_values, \
               stamp, reading FROM runs";
    let mut all = books.prepare(sql)?;
    let mut rows = all.query([])?;
    let mut recipe_of = books.prepare("SELECT recipe FROM runs WHERE id = ?1")?;
    let mut cards = Vec::new();
    let mut used = Recipes::new();
    while let Some(row) = rows.next()? {
        let (id, stamp): (String, String) = (row.get("id")?, row.get("stamp")?);
        let folder = PathBuf::from(row.get::<_, String>("folder")?);
        let reading: Reading = serde_json::from_str(&row.get::<_, String>("reading")?).unwrap_or_default();
        let recipe = match recipes.remove(&id) {
            Some((of, recipe)) if of == stamp => recipe,
            _ => {
                let text: String = recipe_of.query_row([&id], |row| row.get(0))?;
                Arc::new(serde_json::from_str(&text).unwrap_or_default())
            }
        };
        used.insert(id.clone(), (stamp, recipe.clone()));
        let sweep = row.get::<_, Option<String>>("sweep")?.zip(row.get("sweep_values")?);
        cards.push(RunCard {
            status: reading.status(&folder),
            name: row.get("name")?,
            recipe,
            started_unix_secs: reading.started_unix_secs,
            elapsed_secs: reading.elapsed_secs,
            steps: reading.steps,
            total_steps: reading.total_steps,
            last_loss: reading.last_loss,
            best_eval_loss: reading.best_eval_loss,
            forgetting: reading.forgetting,
            peak_memory_bytes: reading.peak_memory_bytes,
            trainable_parameters: reading.trainable_parameters,
            parameters: reading.parameters,
            result: reading.result,
            tags: tags.remove(&id).unwrap_or_default(),
            note: row.get("note")?,
            starred: row.get("starred")?,
            archived: row.get("archived")?,
            deleted_unix_secs: row.get::<_, Option<i64>>("deleted_unix_secs")?.map(|secs| secs as u64),
            sweep,
            colour: row.get::<_, i64>("colour")? as usize,
            folder,
            id,
        });
    }
    *recipes = used;
    cards.sort_by(|a, b| b.started_unix_secs.cmp(&a.started_unix_secs).then_with(|| b.id.cmp(&a.id)));
    Ok(cards)
}

pub(super) type Recipes = BTreeMap<String, (String, Arc<Recipe>)>;

// What the person says -------------------------------------------------------------------------------------------

pub(super) fn set_tags(books: &mut Connection, id: &str, tags: &[String]) -> Result<()> {
    change(books, |books| {
        books.execute("DELETE FROM tags WHERE run = ?1", [id])?;
        let sql = "INSERT OR IGNORE INTO tags (run, position, tag) SELECT id, ?2, ?3 FROM runs WHERE id = ?1";
        for (position, tag) in tags.iter().map(|tag| tag.trim()).filter(|tag| !tag.is_empty()).enumerate() {
            books.execute(sql, params![id, position as i64, tag])?;
        }
        Ok(())
    })
}

/// Sets one column of these runs.
pub(super) fn set(books: &mut Connection, column: &str, ids: &[String], value: &dyn rusqlite::ToSql) -> Result<()> {
    change(books, |books| {
        let mut set = books.prepare(&format!("UPDATE runs SET {column} = ?2 WHERE id = ?1"))?;
        for id in ids {
            set.execute(params![id, value])?;
        }
        Ok(())
    })
}

pub(super) fn remove(books: &mut Connection, id: &str) -> Result<()> {
    change(books, |books| {
        books.execute("DELETE FROM runs WHERE id = ?1", [id])?;
        books.execute("DELETE FROM evaluations WHERE run = ?1", [id])?;
        Ok(())
    })
}

// Evaluations and the queue --------------------------------------------------------------------------------------

pub(super) fn keep_evaluation(books: &Connection, run: Option<&str>, set: &str, outcome: &EvalOutcome) -> Result<()> {
    let sql = "INSERT INTO evaluations (made_unix_secs, run, name, outcome) VALUES (?1, ?2, ?3, ?4)";
    books.execute(sql, params![now(), run, set, json(outcome)])?;
    Ok(())
}

/// All of them, newest first. What a later version has written differently is passed over.
pub(super) fn evaluations(books: &Connection) -> Result<Vec<StoredEval>> {
    let sql = "SELECT id, made_unix_secs, run, name, outcome FROM evaluations ORDER BY made_unix_secs DESC, id DESC";
    let mut all = books.prepare(sql)?;
    let told = all.query_map([], |row| {
        let outcome = serde_json::from_str(&row.get::<_, String>("outcome")?).ok();
        Ok(outcome.map(|outcome| {
            (row.get("id"), row.get::<_, i64>("made_unix_secs"), row.get("run"), row.get("name"), outcome)
        }))
    })?;
    let mut evaluations = Vec::new();
    for (id, made, run, set, outcome) in told.collect::<Result<Vec<_>>>()?.into_iter().flatten() {
        evaluations.push(StoredEval { id: id?, made_unix_secs: made? as u64, run: run?, set: set?, outcome });
    }
    Ok(evaluations)
}

pub(super) fn keep_queue(books: &mut Connection, window: &str, waiting: &[Queued]) -> Result<()> {
    change(books, |books| {
        books.execute("DELETE FROM queue WHERE window = ?1", [window])?;
        for (position, queued) in waiting.iter().enumerate() {
            let sql = "INSERT INTO queue (window, position, queued) VALUES (?1, ?2, ?3)";
            books.execute(sql, params![window, position as i64, json(queued)])?;
        }
        Ok(())
    })
}

/// Makes the queues of windows that are gone this window's, and returns them.
pub(super) fn take_queue(books: &mut Connection, window: &str, alive: impl Fn(&str) -> bool) -> Result<Vec<Queued>> {
    let waiting = change(books, |books| {
        let mut all = books.prepare("SELECT rowid, window, queued FROM queue ORDER BY window, position")?;
        let told = all.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get(2)?)))?;
        let told = told.collect::<Result<Vec<(i64, String, String)>>>()?;
        let mut taken = Vec::new();
        for (row, _, queued) in told.into_iter().filter(|(_, owner, _)| !alive(owner)) {
            if let Ok(queued) = serde_json::from_str::<Queued>(&queued) {
                books.execute(
                    "UPDATE queue SET window = ?2, position = ?3 WHERE rowid = ?1",
                    params![row, window, taken.len() as i64],
                )?;
                taken.push(queued);
            }
        }
        Ok(taken)
    })?;
    Ok(waiting)
}
