//! Models that are kept for more questions.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::WorkerDesk;
use crate::generate::Taken;
use crate::model::Model;
use crate::protocol::{Event, Prompt, RequestId, TokenChance};
use crate::tokenizer::TextTokenizer;
use crate::trainer::{Desk, available_bytes};
use crate::{Result, adapter, device, generate, model, ops};

/// A model kept for more questions.
pub(super) struct Loaded {
    path: PathBuf,
    device: String,
    stamp: Option<SystemTime>,
    model: Model,
    tokenizer: Arc<TextTokenizer>,
    adapter_stamp: Option<SystemTime>,
}

/// When a model's or adapter's files were last written: a folder that was trained anew is loaded anew.
fn stamp(path: &Path) -> Option<SystemTime> {
    let names = [adapter::WEIGHTS_FILE, "model.safetensors", "model.safetensors.index.json"];
    let files = names.iter().map(|name| path.join(name)).chain([path.to_owned()]);
    files.filter_map(|file| file.metadata().ok()?.modified().ok()).next()
}

/// Columns that a person can put side by side (ui/src/state/talk); adapters of one base share it.
const KEPT_MODELS: usize = 4;

/// On a device whose free memory the system does not tell: a model as it was, and as it is now.
const KEPT_UNSEEN: usize = 2;

/// Left free beside a model: for the keys and values of an answer, and for everybody else.
const SPARE_BYTES: u64 = 1 << 30;

pub(super) fn answer(
    loaded: &mut Vec<Loaded>,
    request: RequestId,
    prompt: &Prompt,
    desk: &mut WorkerDesk,
) -> Result<()> {
    let at = find_or_load(loaded, (&prompt.model, &prompt.device), request, desk)?;
    let entry = &mut loaded[at];
    wear(entry, prompt.adapter.as_deref())?;
    let Loaded { model, tokenizer, .. } = entry;
    let ids = generate::prompt_ids(tokenizer, &prompt.text)?;
    let began = Instant::now();
    let mut stream = tokenizer.stream(true);
    // Of tokens whose text is held back until the character is whole.
    let mut chances = Vec::new();
    let done = generate::generate_telling(model, tokenizer, &ids, &prompt.sampling, prompt.chances, &mut |taken| {
        if let Some(taken) = taken {
            chances.extend(chance_of(taken, tokenizer));
            if let Some(text) = stream.push(taken.id) {
                desk.tell(Event::TokenSampled { request, text, chances: std::mem::take(&mut chances) });
            }
        }
        !desk.cancelled(request)
    })?;
    let rest = stream.finish();
    if rest.is_some() || !chances.is_empty() {
        desk.tell(Event::TokenSampled { request, text: rest.unwrap_or_default(), chances });
    }
    desk.tell(Event::GenerateFinished {
        request,
        prompt_tokens: done.prompt_tokens,
        new_tokens: done.ids.len(),
        elapsed_secs: began.elapsed().as_secs_f64(),
        reason: done.reason,
    });
    Ok(())
}

fn chance_of(taken: &Taken, tokenizer: &TextTokenizer) -> Option<TokenChance> {
    let odds = taken.odds.as_ref()?;
    Some(TokenChance {
        text: tokenizer.token_text(taken.id),
        chance: odds.chance,
        rank: odds.rank,
        likeliest: odds.likeliest.iter().map(|(id, chance)| (tokenizer.token_text(*id), *chance)).collect(),
    })
}

/// The model with the adapter on, or without one, for work beside that of [`answer`]: what is worn meanwhile by the kept
/// model does not change it. Tensors are shared.
pub(super) fn borrow(
    loaded: &mut Vec<Loaded>,
    (path, device): (&Path, &str),
    adapter: Option<&Path>,
    request: RequestId,
    desk: &mut WorkerDesk,
) -> Result<(Model, Arc<TextTokenizer>)> {
    let at = find_or_load(loaded, (path, device), request, desk)?;
    wear(&mut loaded[at], adapter)?;
    Ok((loaded[at].model.clone(), loaded[at].tokenizer.clone()))
}

fn find_or_load(
    loaded: &mut Vec<Loaded>,
    (path, device): (&Path, &str),
    request: RequestId,
    desk: &mut WorkerDesk,
) -> Result<usize> {
    let stamp = stamp(path);
    let same = |l: &Loaded| l.path == path && l.device == device && l.stamp == stamp;
    if let Some(at) = loaded.iter().position(same) {
        // The one that was asked last is the last to be dropped.
        loaded[..=at].rotate_right(1);
        return Ok(0);
    }
    loaded.retain(|l| l.path != path);
    let tokenizer = Arc::new(TextTokenizer::load(path)?);
    let (opened, _) = device::open(device)?;
    make_room(loaded, path, ops::is_cpu(&opened), desk)?;
    let model = Model::load(path, &opened, &mut |_, _| {
        if desk.cancelled(request) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    tokenizer.check_fits(model.config.vocab)?;
    let (path, device) = (path.to_owned(), device.to_owned());
    loaded.insert(0, Loaded { path, device, stamp, model, tokenizer, adapter_stamp: None });
    Ok(0)
}

/// Drops the models that were asked longest ago until this one fits. Tells which, where it was for want of memory: in a
/// conversation of several models they will be loaded again at every question.
fn make_room(loaded: &mut Vec<Loaded>, path: &Path, cpu: bool, desk: &mut WorkerDesk) -> Result<()> {
    loaded.truncate(if cpu { KEPT_MODELS } else { KEPT_UNSEEN } - 1);
    if !cpu || loaded.is_empty() {
        return Ok(());
    }
    // Weights are f32 in memory.
    let needed = model::inspect(path)?.parameters * 4;
    let free = available_bytes();
    let sizes: Vec<u64> = loaded.iter().map(|l| l.model.config.parameters() * 4).collect();
    for dropped in loaded.drain(fitting(&sizes, needed, free)..) {
        let name = |path: &Path| path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        let message = format!(
            "{} was taken out of memory to make room for {}; it is loaded again when it is asked. Fewer models side by \
             side answer faster.",
            name(&dropped.path),
            name(path)
        );
        desk.tell(Event::Warned { id: None, message });
    }
    Ok(())
}

/// How many models of these sizes, the first asked last, can stay beside one that needs so much of what is free.
fn fitting(sizes: &[u64], needed: u64, free: Option<u64>) -> usize {
    let Some(mut free) = free else { return sizes.len().min(KEPT_UNSEEN - 1) };
    let mut kept = sizes.len();
    while kept > 0 && free < needed + SPARE_BYTES {
        kept -= 1;
        free += sizes[kept];
    }
    kept
}

/// Puts the asked-for adapter on, or switches it off.
fn wear(entry: &mut Loaded, folder: Option<&Path>) -> Result<()> {
    let Some(folder) = folder else {
        if let Some(adapter) = &mut entry.model.adapter {
            adapter.enabled = false;
        }
        return Ok(());
    };
    let stamp = stamp(folder);
    match &mut entry.model.adapter {
        Some(adapter) if adapter.source.as_deref() == Some(folder) && entry.adapter_stamp == stamp => {
            adapter.enabled = true;
        }
        _ => {
            entry.model.drop_adapter();
            entry.model.load_adapter(folder)?;
            entry.adapter_stamp = stamp;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_longest_ago_makes_room() {
        const GB: u64 = 1 << 30;
        let sizes = [2 * GB, GB, GB];
        assert_eq!(fitting(&sizes, GB, Some(3 * GB)), 3);
        assert_eq!(fitting(&sizes, 3 * GB, Some(3 * GB)), 2);
        assert_eq!(fitting(&sizes, 4 * GB, Some(3 * GB)), 1);
        assert_eq!(fitting(&sizes, 40 * GB, Some(3 * GB)), 0, "whether it fits at all is found out by loading it");
        assert_eq!(fitting(&sizes, GB, None), 1);
    }
}
