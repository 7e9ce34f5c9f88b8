//! Models that are kept for more questions.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::WorkerDesk;
use crate::model::Model;
use crate::protocol::{Event, Prompt, RequestId};
use crate::tokenizer::TextTokenizer;
use crate::trainer::Desk;
use crate::{Result, adapter, device, generate};

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

/// Base and tuned side by side are at most two models in memory.
const KEPT_MODELS: usize = 2;

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
    let done = generate::generate(model, tokenizer, &ids, &prompt.sampling, &mut |id| {
        if let Some(text) = id.and_then(|id| stream.push(id)) {
            desk.tell(Event::TokenSampled { request, text });
        }
        !desk.cancelled(request)
    })?;
    if let Some(text) = stream.finish() {
        desk.tell(Event::TokenSampled { request, text });
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
        return Ok(at);
    }
    loaded.retain(|l| l.path != path);
    loaded.truncate(KEPT_MODELS - 1);
    let tokenizer = Arc::new(TextTokenizer::load(path)?);
    let (opened, _) = device::open(device)?;
    let model = Model::load(path, &opened, &mut |_, _| {
        if desk.cancelled(request) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    tokenizer.check_fits(model.config.vocab)?;
    let (path, device) = (path.to_owned(), device.to_owned());
    loaded.insert(0, Loaded { path, device, stamp, model, tokenizer, adapter_stamp: None });
    Ok(0)
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
