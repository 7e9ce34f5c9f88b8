//! `luthier logits`: a model's logits for given token ids, file to file.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::path::Path;

use crate::files::{self, FloatFormat};
use crate::model::Model;
use crate::{Error, Result, device, ops};

/// Reads `input_ids` [B, T] and, if there, `attention_mask` [B, T] from a safetensors file; writes `logits`
/// [B, T, V] in f32, zero at masked positions. Masked tokens are left out of the computation.
///
/// # Errors
/// `BadData` for a missing or misshapen tensor or an id outside the vocabulary; the model's and device's errors.
pub fn run(model: &Path, adapter: Option<&Path>, device: &str, input: &Path, output: &Path) -> Result<()> {
    let (shape, ids) = files::read_safetensors_i64(input, "input_ids")?
        .ok_or_else(|| Error::data(input, "input_ids", "there is no tensor of this name"))?;
    let [batch, width] = *shape.as_slice() else {
        return Err(Error::data(input, "input_ids", format!("must have the shape [batch, tokens], not {shape:?}")));
    };
    let mask = match files::read_safetensors_i64(input, "attention_mask")? {
        Some((mask_shape, _)) if mask_shape != shape => {
            return Err(Error::data(input, "attention_mask", format!("has shape {mask_shape:?}, input_ids {shape:?}")));
        }
        Some((_, mask)) => mask,
        None => vec![1; ids.len()],
    };
    let (device, _) = device::open(device)?;
    let mut model = Model::load(model, &device, &mut |_, _| ControlFlow::Continue(()))?;
    if let Some(folder) = adapter {
        model.load_adapter(folder)?;
    }
    model.require_language_head()?;
    let values = of_batch(&model, &ids, &mask, batch, width, input)?;
    let tensors = BTreeMap::from([("logits".to_owned(), (vec![batch, width, model.config.vocab], values))]);
    files::write_safetensors(output, &tensors, FloatFormat::F32, &BTreeMap::new())
}

/// Logits [batch, width, vocabulary], flat; zero where the mask is.
pub fn of_batch(
    model: &Model,
    ids: &[i64],
    mask: &[i64],
    batch: usize,
    width: usize,
    place: &Path,
) -> Result<Vec<f32>> {
    let vocab = model.config.vocab;
    let mut out = vec![0f32; batch * width * vocab];
    for row in 0..batch {
        let kept: Vec<usize> = (row * width..(row + 1) * width).filter(|&at| mask[at] != 0).collect();
        if kept.is_empty() {
            continue;
        }
        let row_ids = kept
            .iter()
            .map(|&at| {
                u32::try_from(ids[at]).ok().filter(|id| (*id as usize) < vocab).ok_or_else(|| {
                    let reason = format!("token id {} is outside the vocabulary of {vocab}", ids[at]);
                    Error::data(place, format!("input_ids[{row}, {}]", at - row * width), reason)
                })
            })
            .collect::<Result<Vec<u32>>>()?;
        model.check_length(row_ids.len(), place, &format!("input_ids[{row}]"))?;
        let logits = ops::read(model.logits(&row_ids, &[row_ids.len()]), "computing logits")?;
        for (values, at) in logits.chunks_exact(vocab).zip(kept) {
            out[at * vocab..(at + 1) * vocab].copy_from_slice(values);
        }
    }
    Ok(out)
}
