//! What a family's tensors are called and how large they are, in Hugging Face's names.

use super::{Family, ModelConfig};

/// One linear layer of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinearSpec {
    /// q_proj; unlike any other of its block (GPT-2: attn.c_proj, mlp.c_proj).
    pub name: &'static str,
    /// model.layers.0.self_attn.q_proj; the weight is `PATH.weight`, the bias `PATH.bias`.
    pub path: String,
    pub out: usize,
    pub input: usize,
    pub bias: bool,
    /// The weight is stored as [in, out] (GPT-2), not [out, in].
    pub transposed: bool,
}

impl LinearSpec {
    pub fn weight(&self) -> String {
        format!("{}.weight", self.path)
    }

    /// The weight's shape as it is stored.
    pub fn weight_shape(&self) -> [usize; 2] {
        if self.transposed { [self.input, self.out] } else { [self.out, self.input] }
    }
}

/// The norms of a block, by what they come before or after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BlockNorm {
    BeforeAttention,
    AfterAttention,
    BeforeFeedForward,
    AfterFeedForward,
}

/// Names of a block's linear layers that tell them apart, in the order of the computation.
const SEPARATE: &[&str] = &["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
const FUSED: &[&str] = &["qkv_proj", "o_proj", "gate_up_proj", "down_proj"];
const GPT2: &[&str] = &["c_attn", "attn.c_proj", "c_fc", "mlp.c_proj"];

impl ModelConfig {
    /// Name of the token embedding.
    pub fn embedding_name(&self) -> &'static str {
        if self.family == Family::Gpt2 { "transformer.wte.weight" } else { "model.embed_tokens.weight" }
    }

    /// Name of the learned positions, where the family has them.
    pub fn positions_name(&self) -> Option<&'static str> {
        (self.family == Family::Gpt2).then_some("transformer.wpe.weight")
    }

    /// How many positions were learned; None where any position can be computed.
    pub fn learned_positions(&self) -> Option<usize> {
        self.positions_name().map(|_| self.max_positions)
    }

    /// Name of the gain of the norm before the head.
    pub fn final_norm_name(&self) -> &'static str {
        if self.family == Family::Gpt2 { "transformer.ln_f.weight" } else { "model.norm.weight" }
    }

    /// Name of the matrix that makes logits: the embedding where the head is tied.
    pub fn head_name(&self) -> &'static str {
        if self.tied { self.embedding_name() } else { "lm_head.weight" }
    }

    /// Path of a block, without the dot after it.
    pub(super) fn block_path(&self, layer: usize) -> String {
        let blocks = if self.family == Family::Gpt2 { "transformer.h" } else { "model.layers" };
        format!("{blocks}.{layer}")
    }

    /// Last part of a norm's name; None where the family's blocks do not have it.
    pub(super) fn norm_name(&self, norm: BlockNorm) -> Option<&'static str> {
        Some(match (self.family, norm) {
            (Family::Gpt2, BlockNorm::BeforeAttention) => "ln_1",
            (Family::Gpt2, BlockNorm::BeforeFeedForward) => "ln_2",
            (Family::Gemma2, BlockNorm::AfterAttention) => "post_attention_layernorm",
            (Family::Gemma2, BlockNorm::BeforeFeedForward) => "pre_feedforward_layernorm",
            (Family::Gemma2, BlockNorm::AfterFeedForward) => "post_feedforward_layernorm",
            (_, BlockNorm::AfterAttention | BlockNorm::AfterFeedForward) => return None,
            (_, BlockNorm::BeforeAttention) => "input_layernorm",
            // What comes after attention in Llama's order of the names is what comes before the feed-forward part.
            (_, BlockNorm::BeforeFeedForward) => "post_attention_layernorm",
        })
    }

    /// Names of a block's linear layers that tell them apart, in the order of the computation.
    pub fn linear_names(&self) -> &'static [&'static str] {
        match self.family {
            Family::Phi3 => FUSED,
            Family::Gpt2 => GPT2,
            _ => SEPARATE,
        }
    }

    /// A linear layer of a block; `name` is one of [`ModelConfig::linear_names`].
    ///
    /// # Panics
    /// For a name that the family does not have.
    pub fn linear(&self, layer: usize, name: &str) -> LinearSpec {
        let Some(&name) = self.linear_names().iter().find(|known| **known == name) else {
            unreachable!("{} has no linear layer called {name}", self.family.name())
        };
        let part = match name {
            "gate_proj" | "up_proj" | "gate_up_proj" | "down_proj" | "c_fc" => "mlp.",
            "c_attn" => "attn.",
            "attn.c_proj" | "mlp.c_proj" => "",
            _ => "self_attn.",
        };
        let path = format!("{}.{part}{name}", self.block_path(layer));
        let [out, input] = self.linear_shape(name);
        let (bias, transposed) = (self.linear_has_bias(name), self.family == Family::Gpt2);
        LinearSpec { name, path, out, input, bias, transposed }
    }

    /// All linear layers of all blocks.
    pub fn linears(&self) -> impl Iterator<Item = (usize, LinearSpec)> + '_ {
        (0..self.layers)
            .flat_map(move |layer| self.linear_names().iter().map(move |name| (layer, self.linear(layer, name))))
    }

    /// [out, in] of a block's linear layer.
    fn linear_shape(&self, name: &str) -> [usize; 2] {
        let (q, kv) = (self.heads * self.head_dim, self.kv_heads * self.head_dim);
        match name {
            "q_proj" => [q, self.hidden],
            "k_proj" | "v_proj" => [kv, self.hidden],
            "qkv_proj" | "c_attn" => [q + 2 * kv, self.hidden],
            "o_proj" | "attn.c_proj" => [self.hidden, q],
            "gate_up_proj" => [2 * self.intermediate, self.hidden],
            "down_proj" | "mlp.c_proj" => [self.hidden, self.intermediate],
            _ => [self.intermediate, self.hidden],
        }
    }

    fn linear_has_bias(&self, name: &str) -> bool {
        match name {
            "q_proj" | "k_proj" | "v_proj" | "qkv_proj" | "c_attn" => self.qkv_bias,
            "o_proj" | "attn.c_proj" => self.output_bias,
            _ => self.mlp_bias,
        }
    }

    /// Every tensor that the model has, with its shape as it is stored, in Hugging Face's names.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut all = vec![(self.embedding_name().to_owned(), vec![self.vocab, self.hidden])];
        if let Some(name) = self.positions_name() {
            all.push((name.to_owned(), vec![self.max_positions, self.hidden]));
        }
        let gain = |all: &mut Vec<(String, Vec<usize>)>, weight: String, width: usize| {
            if self.family == Family::Gpt2 {
                all.push((bias_beside(&weight), vec![width]));
            }
            all.push((weight, vec![width]));
        };
        for layer in 0..self.layers {
            let block = self.block_path(layer);
            for norm in [
                BlockNorm::BeforeAttention,
                BlockNorm::AfterAttention,
                BlockNorm::BeforeFeedForward,
                BlockNorm::AfterFeedForward,
            ] {
                if let Some(name) = self.norm_name(norm) {
                    gain(&mut all, format!("{block}.{name}.weight"), self.hidden);
                }
            }
            if self.family == Family::Qwen3 {
                for name in ["q_norm", "k_norm"] {
                    gain(&mut all, format!("{block}.self_attn.{name}.weight"), self.head_dim);
                }
            }
            for name in self.linear_names() {
                let spec = self.linear(layer, name);
                if spec.bias {
                    all.push((format!("{}.bias", spec.path), vec![spec.out]));
                }
                all.push((spec.weight(), spec.weight_shape().to_vec()));
            }
        }
        gain(&mut all, self.final_norm_name().to_owned(), self.hidden);
        if !self.tied {
            all.push(("lm_head.weight".to_owned(), vec![self.vocab, self.hidden]));
        }
        all
    }

    pub fn parameters(&self) -> u64 {
        self.tensors().iter().map(|(_, shape)| shape.iter().map(|n| *n as u64).product::<u64>()).sum()
    }
}

/// The bias that belongs to a weight.
pub(super) fn bias_beside(weight: &str) -> String {
    format!("{}.bias", weight.strip_suffix(".weight").unwrap_or(weight))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::files::WeightFiles;

    fn tiny(family: Family) -> (WeightFiles, ModelConfig) {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/models");
        let folder = models.join(format!("{}-tiny", family.model_type()));
        let files = WeightFiles::open(&folder).unwrap();
        let config = ModelConfig::from_json(&files.config_json().unwrap(), &folder).unwrap();
        assert_eq!(config.family, family);
        (files, config)
    }

    #[test]
    fn names_and_shapes_are_those_of_transformers() {
        for family in Family::ALL {
            let (files, config) = tiny(family);
            let there: BTreeSet<(String, Vec<usize>)> =
                files.names().map(|name| (name.to_owned(), files.shape(name).unwrap().to_vec())).collect();
            let expected = config.tensors();
            assert_eq!(expected.len(), there.len(), "{family:?}: no tensor twice");
            assert_eq!(expected.into_iter().collect::<BTreeSet<_>>(), there);
        }
    }

    /// PEFT picks layers by the ends of their paths.
    #[test]
    fn the_name_of_a_linear_layer_is_the_end_of_one_path_of_its_block() {
        for family in Family::ALL {
            let (_, config) = tiny(family);
            let block: Vec<LinearSpec> = config.linears().filter(|(at, _)| *at == 1).map(|(_, spec)| spec).collect();
            for name in config.linear_names() {
                let hits = block.iter().filter(|spec| spec.path.ends_with(&format!(".{name}")));
                assert_eq!(hits.map(|spec| spec.name).collect::<Vec<_>>(), [*name], "{family:?}");
            }
        }
    }
}
