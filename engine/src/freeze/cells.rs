//! The parts of a decoder as a person sees them, told by tensor names: the cells of the layer picture.

use std::collections::BTreeMap;

use super::layer_of;
use crate::model::ModelConfig;
use crate::protocol::{Cell, CellPart};

/// The cell that a tensor is in, by its name in the model or, beside it, in an adapter. The norms of queries and keys
/// are part of attention; learned positions are part of the embedding; a score head is a head. The last norm is the one
/// norm outside the layers.
pub fn cell_of(name: &str) -> Cell {
    let has = |wanted: &[&str]| name.split('.').any(|part| wanted.contains(&part));
    let layer = layer_of(name);
    let part = match layer {
        Some(_) if has(&["self_attn", "attn"]) => CellPart::Attention,
        Some(_) if has(&["mlp"]) => CellPart::Mlp,
        None if has(&["embed_tokens", "wte", "wpe"]) => CellPart::Embedding,
        None if has(&["lm_head", "score"]) => CellPart::Head,
        _ => CellPart::Norm,
    };
    Cell { layer, part }
}

/// Every cell of a model with its number of parameters, from the input to the output: embedding, the layers, the last
/// norm, the head. A head that is the embedding is not counted again and has no cell.
pub fn cells(config: &ModelConfig) -> Vec<(Cell, u64)> {
    let mut sizes: BTreeMap<Cell, u64> = BTreeMap::new();
    for (name, shape) in config.tensors() {
        *sizes.entry(cell_of(&name)).or_default() += shape.iter().map(|n| *n as u64).product::<u64>();
    }
    let mut all: Vec<(Cell, u64)> = sizes.into_iter().collect();
    all.sort_by_key(|(cell, _)| match (cell.layer, cell.part) {
        (None, CellPart::Embedding) => (0, 0, cell.part),
        (Some(layer), part) => (1, layer, part),
        (None, part) => (2, 0, part),
    });
    all
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::files::WeightFiles;
    use crate::model::Family;

    fn tiny(family: Family) -> ModelConfig {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/models");
        let folder = models.join(format!("{}-tiny", family.model_type()));
        let files = WeightFiles::open(&folder).unwrap();
        ModelConfig::from_json(&files.config_json().unwrap(), &folder).unwrap()
    }

    #[test]
    fn the_cells_of_every_family_are_the_whole_model_in_its_order() {
        for family in Family::ALL {
            let config = tiny(family);
            let all = cells(&config);
            assert_eq!(all.iter().map(|(_, n)| n).sum::<u64>(), config.parameters(), "{family:?}");
            let parts: Vec<(Option<usize>, CellPart)> = all.iter().map(|(c, _)| (c.layer, c.part)).collect();
            let inside = |layer| [CellPart::Attention, CellPart::Mlp, CellPart::Norm].map(|part| (Some(layer), part));
            let mut expected = vec![(None, CellPart::Embedding)];
            expected.extend((0..config.layers).flat_map(inside));
            expected.push((None, CellPart::Norm));
            expected.extend((!config.tied).then_some((None, CellPart::Head)));
            assert_eq!(parts, expected, "{family:?}");
        }
    }

    #[test]
    fn adapters_belong_to_the_cell_they_change() {
        let cell = |layer, part| Cell { layer, part };
        for (name, expected) in [
            ("base_model.model.model.layers.3.self_attn.q_proj.lora_A.weight", cell(Some(3), CellPart::Attention)),
            ("base_model.model.model.layers.3.mlp.up_proj.lora_magnitude_vector", cell(Some(3), CellPart::Mlp)),
            ("base_model.model.transformer.h.0.attn.c_proj.oft_R.weight", cell(Some(0), CellPart::Attention)),
            ("base_model.model.model.embed_tokens.weight", cell(None, CellPart::Embedding)),
            ("base_model.model.score.weight", cell(None, CellPart::Head)),
            ("model.layers.2.self_attn.k_norm.weight", cell(Some(2), CellPart::Attention)),
            ("model.layers.2.post_feedforward_layernorm.weight", cell(Some(2), CellPart::Norm)),
            ("transformer.h.1.ln_2.bias", cell(Some(1), CellPart::Norm)),
            ("transformer.wpe.weight", cell(None, CellPart::Embedding)),
            ("transformer.ln_f.bias", cell(None, CellPart::Norm)),
            ("lm_head.weight", cell(None, CellPart::Head)),
        ] {
            assert_eq!(cell_of(name), expected, "{name}");
        }
    }
}
