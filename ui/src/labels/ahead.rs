//! What is generated ahead of the labelling: items that want answers, answers that have come, margins.

use std::path::Path;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use luthier_engine::data::{FilePrompts, Mapping, file_prompts};
use luthier_engine::protocol::Problem;
use rusqlite::{Connection, Result, params};

use super::making::answers_wanted;
use super::session::Session;
use super::{Author, Draft, Generated, Item, ItemId, QueueId, Wanted, rows};

/// Files that make a model what it is.
const WEIGHTS: [&str; 4] = ["safetensors", "gguf", "bin", "json"];

/// The questions of a file. Runs on a thread of its own.
///
/// # Errors
/// Those of the engine's reading; `labels_prompts` where reading broke off.
pub(super) fn read_prompts(path: &Path, mapping: Option<&Mapping>) -> Result<Arc<FilePrompts>, Problem> {
    let broke = |_| Problem {
        code: "labels_prompts".into(),
        message: format!("{}: reading it broke off; try it as another kind of file", path.display()),
    };
    let read = std::panic::catch_unwind(|| file_prompts(path, mapping)).map_err(broke)?;
    read.map(Arc::new).map_err(|error| Problem::from(&error))
}

/// The draft, each author with its stamp where it has none.
pub(super) fn stamped(mut draft: Draft) -> Draft {
    draft.settings.authors.iter_mut().filter(|author| author.stamp.is_empty()).for_each(|author| {
        author.stamp = stamp(author);
    });
    draft
}

/// Bytes of the model's files and when the latest of them was written, in seconds; the same of the adapter's behind a
/// plus: `269060552@1795000000+8412@1795003600`. Empty where there are none.
fn stamp(author: &Author) -> String {
    let of = |path: &Path| {
        let mut files = vec![path.to_owned()];
        let listed = std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
        files.extend(listed.filter(|file| file.extension().is_some_and(|e| WEIGHTS.iter().any(|known| *known == e))));
        let facts = files.iter().filter_map(|file| file.metadata().ok()).filter(|facts| facts.is_file());
        let written = |facts: &std::fs::Metadata| {
            let since = facts.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            since.map_or(0, |since| since.as_secs())
        };
        let (bytes, latest) =
            facts.fold((0, 0), |(bytes, latest), facts| (bytes + facts.len(), latest.max(written(&facts))));
        (bytes > 0).then(|| format!("{bytes}@{latest}"))
    };
    let parts = [Some(author.model.as_path()), author.adapter.as_deref()];
    let parts: Vec<String> = parts.into_iter().flatten().filter_map(of).collect();
    parts.join("+")
}

/// Items whose answers are still to be generated, those that are needed first in front.
pub(super) fn wanted(
    books: &Connection,
    session: Option<&Session>,
    queue: QueueId,
    most: usize,
) -> Result<Vec<Wanted>> {
    let Some(settings) = rows::settings(books, queue)? else { return Ok(Vec::new()) };
    let items: Vec<ItemId> = match session.filter(|session| session.queue == queue) {
        Some(session) => session.waiting().take(most).collect(),
        None => {
            let mut find =
                books.prepare("SELECT id FROM items WHERE queue = ?1 AND answered = 0 ORDER BY position LIMIT ?2")?;
            find.query_map(params![queue, most as i64], |row| row.get(0))?.collect::<Result<_>>()?
        }
    };
    let mut wanted = Vec::new();
    for item in items {
        let Some(texts) = rows::texts(books, queue, item)? else { continue };
        let mut find = books.prepare("SELECT place FROM answers WHERE item = ?1")?;
        let there = find.query_map([item], |row| row.get::<_, i64>(0))?.collect::<Result<Vec<_>>>()?;
        let places = (0..settings.authors.len()).filter(|place| !there.contains(&(*place as i64))).collect();
        wanted.push(Wanted { item, prompt: texts.prompt, places });
    }
    Ok(wanted)
}

/// Keeps answers; one that is there already stays as it is. Returns how many items have all of theirs now.
pub(super) fn keep_answers(books: &mut Connection, queue: QueueId, answers: &[Generated]) -> Result<usize> {
    rows::change(books, |books| {
        let Some(settings) = rows::settings(books, queue)? else { return Ok(0) };
        let mut insert = books.prepare(
            "INSERT OR IGNORE INTO answers (item, place, text, author, new_tokens, made_unix_ms)
             SELECT id, ?2, ?3, ?4, ?5, ?6 FROM items WHERE id = ?1 AND queue = ?7",
        )?;
        let mut complete = books.prepare(
            "UPDATE items SET answered = 1 WHERE id = ?1 AND queue = ?2 AND answered = 0
             AND (SELECT count(*) FROM answers WHERE item = ?1) >= ?3",
        )?;
        let mut answered = 0;
        for answer in answers {
            // Of an author that the queue does not have.
            let Some(author) = settings.authors.get(answer.place) else { continue };
            insert.execute(params![
                answer.item,
                answer.place as i64,
                answer.text,
                author.name,
                answer.new_tokens as i64,
                rows::now() as i64,
                queue
            ])?;
            answered += complete.execute(params![answer.item, queue, answers_wanted(&settings) as i64])?;
        }
        Ok(answered)
    })
}

/// Items to be labelled whose margin is not known, with their answers.
pub(super) fn unscored(
    books: &Connection,
    session: Option<&Session>,
    queue: QueueId,
    most: usize,
) -> Result<Vec<Arc<Item>>> {
    let opened;
    let session = match session.filter(|session| session.queue == queue) {
        Some(session) => session,
        None => match Session::open(books, queue, "")? {
            Some(session) => {
                opened = session;
                &opened
            }
            None => return Ok(Vec::new()),
        },
    };
    let items = session.unscored().take(most).map(|at| session.item(books, at, 0, None));
    Ok(items.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
}

/// What is no number is as unsure as can be told: it comes last, and is not asked for again.
pub(super) fn keep_margins(
    books: &mut Connection,
    queue: QueueId,
    margins: &[(ItemId, f32)],
) -> Result<Vec<(ItemId, f32)>> {
    let number = |margin: f32| if margin.is_finite() { margin } else { f32::MAX };
    let margins: Vec<_> = margins.iter().map(|(item, margin)| (*item, number(*margin))).collect();
    rows::change(books, |books| {
        let mut keep = books.prepare("UPDATE items SET margin = ?1 WHERE id = ?2 AND queue = ?3")?;
        for (item, margin) in &margins {
            keep.execute(params![margin, item, queue])?;
        }
        Ok(())
    })?;
    Ok(margins)
}

#[cfg(test)]
mod tests {
    use luthier_engine::protocol::Sampling;

    use super::*;

    #[test]
    fn another_training_into_the_same_folder_is_another_model() {
        let dir = tempfile::tempdir().expect("a folder");
        let author = |adapter: Option<&str>| Author {
            name: "a".into(),
            model: dir.path().to_owned(),
            adapter: adapter.map(|name| dir.path().join(name)),
            run: None,
            sampling: Sampling::default(),
            stamp: String::new(),
        };
        assert_eq!(stamp(&author(None)), "", "no files");
        std::fs::write(dir.path().join("model.safetensors"), [0; 40]).expect("written");
        std::fs::write(dir.path().join("notes.txt"), "not part of it").expect("written");
        let before = stamp(&author(None));
        assert!(before.starts_with("40@"), "{before}");
        std::fs::create_dir(dir.path().join("adapter")).expect("a folder");
        std::fs::write(dir.path().join("adapter/adapter_model.safetensors"), [0; 7]).expect("written");
        let worn = stamp(&author(Some("adapter")));
        assert!(worn.starts_with(&format!("{before}+7@")), "{worn}");
        let file = std::fs::File::options().write(true).open(dir.path().join("model.safetensors")).expect("opened");
        file.set_modified(UNIX_EPOCH + std::time::Duration::from_secs(99)).expect("stamped");
        assert_eq!(stamp(&author(None)), "40@99");
    }
}
