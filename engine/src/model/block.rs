//! One block of the decoder: attention and the feed-forward part, each behind its norm, in each family's way.

use burn::tensor::Tensor;

use super::names::{BlockNorm, bias_beside};
use super::{Activation, Family, KvCache, Model, Rows, Tape};
use crate::ops::{self, AttentionSpec};

impl Model {
    /// One block: x [rows, hidden] -> [rows, hidden]. With a cache, `rows` are the new positions only.
    pub fn block(
        &self,
        layer: usize,
        x: Tensor<2>,
        rows: &Rows,
        cache: Option<&mut KvCache>,
        tape: &mut Tape,
    ) -> Tensor<2> {
        let h = self.block_norm(layer, BlockNorm::BeforeAttention, x.clone(), tape);
        let mixed = self.attend(layer, h, rows, cache, tape);
        let x = x + self.block_norm(layer, BlockNorm::AfterAttention, mixed, tape);
        let h = self.block_norm(layer, BlockNorm::BeforeFeedForward, x.clone(), tape);
        let y = self.feed_forward(layer, h, tape);
        x + self.block_norm(layer, BlockNorm::AfterFeedForward, y, tape)
    }

    /// The norm before the head.
    pub fn final_norm(&self, x: Tensor<2>, tape: &mut Tape) -> Tensor<2> {
        self.norm(self.config.final_norm_name(), x, tape)
    }

    /// A norm of a block; x itself where the family does not have it.
    fn block_norm(&self, layer: usize, norm: BlockNorm, x: Tensor<2>, tape: &mut Tape) -> Tensor<2> {
        match self.config.norm_name(norm) {
            Some(name) => self.norm(&format!("{}.{name}.weight", self.config.block_path(layer)), x, tape),
            None => x,
        }
    }

    fn norm(&self, name: &str, x: Tensor<2>, tape: &mut Tape) -> Tensor<2> {
        let gain = self.vector(name, tape);
        match self.config.family {
            Family::Gpt2 => {
                let bias = self.vector(&bias_beside(name), tape);
                ops::layer_norm(x, gain, bias, self.config.norm_eps)
            }
            // Gemma keeps gains as their distance from 1.
            Family::Gemma2 => ops::rms_norm(x, gain.add_scalar(1.0), self.config.norm_eps),
            _ => ops::rms_norm(x, gain, self.config.norm_eps),
        }
    }

    /// Attention without its norm and without the residual: h [rows, hidden] -> [rows, hidden].
    fn attend(
        &self,
        layer: usize,
        h: Tensor<2>,
        rows: &Rows,
        cache: Option<&mut KvCache>,
        tape: &mut Tape,
    ) -> Tensor<2> {
        let c = &self.config;
        let (q_width, kv_width) = (c.heads * c.head_dim, c.kv_heads * c.head_dim);
        let (mut q, mut k, mut v) = match c.family {
            Family::Phi3 | Family::Gpt2 => {
                let name = if c.family == Family::Phi3 { "qkv_proj" } else { "c_attn" };
                let all = self.linear(layer, name, h, tape);
                let part = |from, width| all.clone().narrow(1, from, width);
                (part(0, q_width), part(q_width, kv_width), part(q_width + kv_width, kv_width))
            }
            _ => (
                self.linear(layer, "q_proj", h.clone(), tape),
                self.linear(layer, "k_proj", h.clone(), tape),
                self.linear(layer, "v_proj", h, tape),
            ),
        };
        if c.family == Family::Qwen3 {
            q = self.norm_by_head(layer, "q_norm", q, tape);
            k = self.norm_by_head(layer, "k_norm", k, tape);
        }
        if c.rotary_dim > 0 {
            q = ops::rope(q, &rows.cos, &rows.sin, c.head_dim);
            k = ops::rope(k, &rows.cos, &rows.sin, c.head_dim);
        }
        if let Some(cache) = cache {
            (k, v) = cache.extend(layer, k, v, &rows.segments);
        }
        let spec = AttentionSpec {
            heads: c.heads,
            kv_heads: c.kv_heads,
            head_dim: c.head_dim,
            scale: c.attention_scale,
            window: c.windows[layer],
            softcap: c.attention_cap,
            segments: rows.segments.clone(),
        };
        let output = if c.family == Family::Gpt2 { "attn.c_proj" } else { "o_proj" };
        self.linear(layer, output, ops::attention(q, k, v, &spec), tape)
    }

    /// Root-mean-square norm over each head's own numbers (Qwen3), x [rows, heads * head_dim].
    fn norm_by_head(&self, layer: usize, name: &str, x: Tensor<2>, tape: &mut Tape) -> Tensor<2> {
        let ([rows, width], dim) = (x.dims(), self.config.head_dim);
        let name = format!("{}.self_attn.{name}.weight", self.config.block_path(layer));
        let heads = x.reshape([rows * width / dim, dim]);
        self.norm(&name, heads, tape).reshape([rows, width])
    }

    /// The feed-forward part without its norm and without the residual: h [rows, hidden] -> [rows, hidden].
    fn feed_forward(&self, layer: usize, h: Tensor<2>, tape: &mut Tape) -> Tensor<2> {
        let c = &self.config;
        if c.activation == Activation::Gelu {
            let up = self.linear(layer, "c_fc", h, tape);
            return self.linear(layer, "mlp.c_proj", ops::gelu(up), tape);
        }
        let (gate, up) = if c.family == Family::Phi3 {
            let both = self.linear(layer, "gate_up_proj", h, tape);
            (both.clone().narrow(1, 0, c.intermediate), both.narrow(1, c.intermediate, c.intermediate))
        } else {
            (self.linear(layer, "gate_proj", h.clone(), tape), self.linear(layer, "up_proj", h, tape))
        };
        let gated = if c.activation == Activation::GeGlu { ops::geglu(gate, up) } else { ops::swiglu(gate, up) };
        self.linear(layer, "down_proj", gated, tape)
    }
}
