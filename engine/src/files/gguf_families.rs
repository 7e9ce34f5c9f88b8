//! How GGUF names the model families and their tensors, and how the numbers it keeps differ from Hugging Face's.

/// A model family as GGUF and as Hugging Face name it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Family {
    /// `general.architecture`, and the prefix of its keys.
    pub architecture: &'static str,
    /// `model_type` and `architectures` of config.json.
    pub model_type: &'static str,
    pub class: &'static str,
    /// Whether query and key rows lie in pairs, as llama.cpp's first rotary code wanted them.
    pub paired_rows: bool,
    /// Whether norms are kept with the 1 that Gemma adds to them.
    pub norms_with_one: bool,
    /// Whether Hugging Face has linear weights as [in, out] where GGUF has [out, in].
    pub transposed: bool,
    /// Names that are not those of Llama.
    top: &'static [Pair],
    layer: &'static [Pair],
}

/// GGUF name and Hugging Face name.
type Pair = (&'static str, &'static str);

const LLAMA: Family = Family {
    architecture: "llama",
    model_type: "llama",
    class: "LlamaForCausalLM",
    paired_rows: true,
    norms_with_one: false,
    transposed: false,
    top: TOP,
    layer: &[],
};

pub(super) const FAMILIES: [Family; 7] = [
    LLAMA,
    Family { architecture: "mistral", model_type: "mistral", class: "MistralForCausalLM", ..LLAMA },
    Family { architecture: "qwen2", model_type: "qwen2", class: "Qwen2ForCausalLM", paired_rows: false, ..LLAMA },
    Family { architecture: "qwen3", model_type: "qwen3", class: "Qwen3ForCausalLM", paired_rows: false, ..LLAMA },
    Family {
        architecture: "phi3",
        model_type: "phi3",
        class: "Phi3ForCausalLM",
        paired_rows: false,
        layer: &[("attn_qkv", "self_attn.qkv_proj"), ("ffn_up", "mlp.gate_up_proj")],
        ..LLAMA
    },
    Family {
        architecture: "gemma2",
        model_type: "gemma2",
        class: "Gemma2ForCausalLM",
        paired_rows: false,
        norms_with_one: true,
        layer: &[
            ("post_attention_norm", "post_attention_layernorm"),
            ("ffn_norm", "pre_feedforward_layernorm"),
            ("post_ffw_norm", "post_feedforward_layernorm"),
        ],
        ..LLAMA
    },
    Family {
        architecture: "gpt2",
        model_type: "gpt2",
        class: "GPT2LMHeadModel",
        paired_rows: false,
        transposed: true,
        top: &[
            ("token_embd.weight", "transformer.wte.weight"),
            ("position_embd.weight", "transformer.wpe.weight"),
            ("output_norm.weight", "transformer.ln_f.weight"),
            ("output_norm.bias", "transformer.ln_f.bias"),
            ("output.weight", "lm_head.weight"),
        ],
        layer: &[
            ("attn_norm", "ln_1"),
            ("attn_qkv", "attn.c_attn"),
            ("attn_output", "attn.c_proj"),
            ("ffn_norm", "ln_2"),
            ("ffn_up", "mlp.c_fc"),
            ("ffn_down", "mlp.c_proj"),
        ],
        ..LLAMA
    },
];

/// GGUF name to Hugging Face name, outside the layers.
const TOP: &[Pair] = &[
    ("token_embd.weight", "model.embed_tokens.weight"),
    ("output_norm.weight", "model.norm.weight"),
    ("output.weight", "lm_head.weight"),
    // Factors of the rotary frequencies (Llama 3.1 and later); Hugging Face computes them from config.json.
    ("rope_freqs.weight", ROPE_FREQS),
];

/// The same within a layer, without `blk.N.` and `.weight` or `.bias`.
const LAYER: &[Pair] = &[
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("attn_q_norm", "self_attn.q_norm"),
    ("attn_k_norm", "self_attn.k_norm"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

/// The name under which `rope_freqs.weight` is offered.
pub(super) const ROPE_FREQS: &str = "rope_freqs";

impl Family {
    pub fn hugging_face_name(&self, name: &str) -> Option<String> {
        let of = |pairs: &[Pair], name: &str| pairs.iter().find(|(gguf, _)| *gguf == name).map(|(_, hf)| *hf);
        if let Some(hf) = of(self.top, name) {
            return Some(hf.to_owned());
        }
        let (layer, part, leaf) = layer_parts(name)?;
        let hf = of(self.layer, part).or_else(|| of(LAYER, part))?;
        let blocks = if self.transposed { "transformer.h" } else { "model.layers" };
        Some(format!("{blocks}.{layer}.{hf}.{leaf}"))
    }

    pub fn embedding_name(&self) -> &'static str {
        self.top[0].1
    }
}

/// "blk.7.attn_q.weight" is (7, "attn_q", "weight").
pub(super) fn layer_parts(name: &str) -> Option<(u32, &str, &str)> {
    let (layer, rest) = name.strip_prefix("blk.")?.split_once('.')?;
    let (part, leaf) = rest.split_once('.')?;
    // "blk.07" must not become layer 7 beside "blk.7".
    let number: u32 = layer.parse().ok().filter(|n: &u32| n.to_string() == layer)?;
    matches!(leaf, "weight" | "bias").then_some((number, part, leaf))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let cases = [
            ("llama", "token_embd.weight", Some("model.embed_tokens.weight")),
            ("llama", "blk.0.attn_q.weight", Some("model.layers.0.self_attn.q_proj.weight")),
            ("qwen2", "blk.11.attn_k.bias", Some("model.layers.11.self_attn.k_proj.bias")),
            ("llama", "blk.3.ffn_norm.weight", Some("model.layers.3.post_attention_layernorm.weight")),
            ("gemma2", "blk.3.ffn_norm.weight", Some("model.layers.3.pre_feedforward_layernorm.weight")),
            ("phi3", "blk.3.ffn_up.weight", Some("model.layers.3.mlp.gate_up_proj.weight")),
            ("gpt2", "blk.3.ffn_norm.bias", Some("transformer.h.3.ln_2.bias")),
            ("gpt2", "position_embd.weight", Some("transformer.wpe.weight")),
            ("llama", "position_embd.weight", None),
            ("llama", "blk.03.ffn_norm.weight", None),
            ("llama", "blk.3.ffn_norm.scale", None),
            ("llama", "blk.x.attn_q.weight", None),
            ("llama", "output", None),
        ];
        for (architecture, gguf, hf) in cases {
            let family = FAMILIES.iter().find(|f| f.architecture == architecture).unwrap();
            assert_eq!(family.hugging_face_name(gguf).as_deref(), hf, "{architecture} {gguf}");
        }
    }
}
