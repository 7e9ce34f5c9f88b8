//! Causal attention on the CPU, forward and backward, over rows that are packed without padding.
//!
//! Queries [rows, heads * dim], keys and values [rows, kv_heads * dim] stay in the layout the projections give;
//! a segment says which rows are one sequence. Scores are made a block of queries at a time (as in FlashAttention,
//! Dao et al. 2022) and made again on the way back, so no [heads, S, S] tensor is ever kept.

use std::sync::Arc;

use gemm::Parallelism;
use rayon::prelude::*;

use super::kernels::{exp, lane_max, lane_sum, multiversion};

/// One sequence: its rows among the queries and among the keys. The last query sees the last key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    pub q_start: usize,
    pub q_len: usize,
    pub k_start: usize,
    pub k_len: usize,
}

/// What attention needs to know besides the tensors.
#[derive(Debug, Clone)]
pub struct AttentionSpec {
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub scale: f32,
    /// A position sees itself and the `window - 1` before it.
    pub window: Option<usize>,
    /// cap * tanh(score / cap) (Gemma 2).
    pub softcap: Option<f32>,
    pub segments: Arc<[Segment]>,
}

const QUERY_BLOCK: usize = 64;

/// A pointer that rayon's tasks may share: each writes rows and columns that no other task writes.
#[derive(Clone, Copy)]
struct Shared(*mut f32);
// SAFETY: see above; every use below writes a (segment, head) region of its own.
unsafe impl Send for Shared {}
unsafe impl Sync for Shared {}

impl Shared {
    fn at(self, offset: usize) -> *mut f32 {
        // SAFETY: callers stay inside the buffer that the pointer was made from.
        unsafe { self.0.add(offset) }
    }
}

/// dst[m, n] = (add ? dst : 0) + a[m, k] * b[k, n], all strided (row, column).
///
/// # Safety
/// The pointers must cover the strided matrices.
#[allow(clippy::too_many_arguments)]
unsafe fn mm(
    (m, n, k): (usize, usize, usize),
    dst: *mut f32,
    dst_rs: usize,
    add: bool,
    a: *const f32,
    (a_rs, a_cs): (usize, usize),
    b: *const f32,
    (b_rs, b_cs): (usize, usize),
) {
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst,
            1,
            dst_rs as isize,
            add,
            a,
            a_cs as isize,
            a_rs as isize,
            b,
            b_cs as isize,
            b_rs as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}

/// The keys that queries `q..q + count` of a segment see at all: first and one past the last.
fn visible(spec: &AttentionSpec, seg: &Segment, q: usize, count: usize) -> (usize, usize) {
    let offset = seg.k_len - seg.q_len;
    let end = offset + q + count;
    let begin = spec.window.map_or(0, |w| (offset + q + 1).saturating_sub(w));
    (begin, end)
}

multiversion! {
    /// Scores of one query to probabilities in place. `from..to` are the keys it sees within the row.
    /// Returns log-sum-exp of the scaled scores.
    fn softmax_row(row: &mut [f32], from: usize, to: usize, scale: f32, softcap: f32) -> f32 {
        let (seen, after) = row.split_at_mut(to);
        let (before, seen) = seen.split_at_mut(from);
        if softcap > 0.0 {
            for v in seen.iter_mut() {
                *v = softcap * (*v * scale / softcap).tanh();
            }
        } else {
            for v in seen.iter_mut() {
                *v *= scale;
            }
        }
        let max = lane_max(seen);
        for v in seen.iter_mut() {
            *v = exp(*v - max);
        }
        let view = &*seen;
        let sum = lane_sum(view.len(), |i| view[i]);
        let inverse = 1.0 / sum;
        for v in seen.iter_mut() {
            *v *= inverse;
        }
        before.fill(0.0);
        after.fill(0.0);
        max + sum.ln()
    }
}

multiversion! {
    /// From raw scores (in `row`), the probabilities' log-sum-exp, dP and D: probabilities into `row`, dS into `ds`.
    fn grad_row(row: &mut [f32], ds: &mut [f32], from: usize, to: usize, scale: f32, softcap: f32, lse: f32, d: f32) {
        let len = row.len();
        row[..from].fill(0.0);
        ds[..from].fill(0.0);
        row[to..len].fill(0.0);
        ds[to..len].fill(0.0);
        let (row, ds) = (&mut row[from..to], &mut ds[from..to]);
        if softcap > 0.0 {
            for i in 0..row.len() {
                let t = (row[i] * scale / softcap).tanh();
                let p = exp(softcap * t - lse);
                row[i] = p;
                ds[i] = p * (ds[i] - d) * scale * (1.0 - t * t);
            }
        } else {
            for i in 0..row.len() {
                let p = exp(row[i] * scale - lse);
                row[i] = p;
                ds[i] = p * (ds[i] - d) * scale;
            }
        }
    }
}

/// Returns the mixed values [q rows, heads * dim] and log-sum-exp by [q rows, heads].
pub(super) fn forward(q: &[f32], k: &[f32], v: &[f32], spec: &AttentionSpec) -> (Vec<f32>, Vec<f32>) {
    let AttentionSpec { heads, kv_heads, head_dim: dim, .. } = *spec;
    let (q_rs, k_rs) = (heads * dim, kv_heads * dim);
    let mut out = vec![0f32; q.len()];
    let mut lse = vec![0f32; q.len() / dim.max(1)];
    let (out_ptr, lse_ptr) = (Shared(out.as_mut_ptr()), Shared(lse.as_mut_ptr()));
    tasks(spec).into_par_iter().for_each(|(seg, head)| {
        let kv = head / (heads / kv_heads);
        let mut scores = Vec::new();
        for i in (0..seg.q_len).step_by(QUERY_BLOCK) {
            let count = QUERY_BLOCK.min(seg.q_len - i);
            let (begin, end) = visible(spec, &seg, i, count);
            let width = end - begin;
            scores.resize(count * width, 0.0);
            let q_at = (seg.q_start + i) * q_rs + head * dim;
            let k_at = (seg.k_start + begin) * k_rs + kv * dim;
            // SAFETY: offsets and strides stay inside q, k and v by the segments' bounds (checked by the caller);
            // each task writes its own head's columns of its own segment's rows.
            unsafe {
                let (q, k, v) = (q.as_ptr().add(q_at), k.as_ptr().add(k_at), v.as_ptr().add(k_at));
                mm((count, width, dim), scores.as_mut_ptr(), width, false, q, (q_rs, 1), k, (1, k_rs));
                for (r, row) in scores.chunks_exact_mut(width).enumerate() {
                    let (from, to) = visible(spec, &seg, i + r, 1);
                    let total = softmax_row(row, from - begin, to - begin, spec.scale, spec.softcap.unwrap_or(0.0));
                    *lse_ptr.at((seg.q_start + i + r) * heads + head) = total;
                }
                mm((count, dim, width), out_ptr.at(q_at), q_rs, false, scores.as_ptr(), (width, 1), v, (k_rs, 1));
            }
        }
    });
    (out, lse)
}

/// Gradients by q, k and v. `out` and `lse` are what [`forward`] returned.
pub(super) fn backward(
    (q, k, v): (&[f32], &[f32], &[f32]),
    out: &[f32],
    lse: &[f32],
    grad: &[f32],
    spec: &AttentionSpec,
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let AttentionSpec { heads, kv_heads, head_dim: dim, .. } = *spec;
    let (q_rs, k_rs) = (heads * dim, kv_heads * dim);
    let mut dq = vec![0f32; q.len()];
    let dq_ptr = Shared(dq.as_mut_ptr());
    let parts: Vec<(Segment, usize, Vec<f32>, Vec<f32>)> = tasks(spec)
        .into_par_iter()
        .map(|(seg, head)| {
            let kv = head / (heads / kv_heads);
            let (mut dk, mut dv) = (vec![0f32; seg.k_len * dim], vec![0f32; seg.k_len * dim]);
            let (mut p, mut ds) = (Vec::new(), Vec::new());
            for i in (0..seg.q_len).step_by(QUERY_BLOCK) {
                let count = QUERY_BLOCK.min(seg.q_len - i);
                let (begin, end) = visible(spec, &seg, i, count);
                let width = end - begin;
                p.resize(count * width, 0.0);
                ds.resize(count * width, 0.0);
                let q_at = (seg.q_start + i) * q_rs + head * dim;
                let k_at = (seg.k_start + begin) * k_rs + kv * dim;
                // SAFETY: as in `forward`; dk and dv belong to this task.
                unsafe {
                    let (q, k, v) = (q.as_ptr().add(q_at), k.as_ptr().add(k_at), v.as_ptr().add(k_at));
                    let (o, g) = (&out[q_at..], &grad[q_at..]);
                    mm((count, width, dim), p.as_mut_ptr(), width, false, q, (q_rs, 1), k, (1, k_rs));
                    mm((count, width, dim), ds.as_mut_ptr(), width, false, g.as_ptr(), (q_rs, 1), v, (1, k_rs));
                    for (r, (p, ds)) in p.chunks_exact_mut(width).zip(ds.chunks_exact_mut(width)).enumerate() {
                        let (from, to) = visible(spec, &seg, i + r, 1);
                        let at = r * q_rs;
                        let d = lane_sum(dim, |c| o[at + c] * g[at + c]);
                        let total = lse[(seg.q_start + i + r) * heads + head];
                        let cap = spec.softcap.unwrap_or(0.0);
                        grad_row(p, ds, from - begin, to - begin, spec.scale, cap, total, d);
                    }
                    let (dk, dv) = (dk.as_mut_ptr().add(begin * dim), dv.as_mut_ptr().add(begin * dim));
                    mm((width, dim, count), dv, dim, true, p.as_ptr(), (1, width), g.as_ptr(), (q_rs, 1));
                    mm((width, dim, count), dk, dim, true, ds.as_ptr(), (1, width), q, (q_rs, 1));
                    mm((count, dim, width), dq_ptr.at(q_at), q_rs, false, ds.as_ptr(), (width, 1), k, (k_rs, 1));
                }
            }
            (seg, kv, dk, dv)
        })
        .collect();
    let (mut dk, mut dv) = (vec![0f32; k.len()], vec![0f32; v.len()]);
    for (seg, kv, part_k, part_v) in parts {
        for row in 0..seg.k_len {
            let to = (seg.k_start + row) * k_rs + kv * dim;
            for c in 0..dim {
                dk[to + c] += part_k[row * dim + c];
                dv[to + c] += part_v[row * dim + c];
            }
        }
    }
    (dq, dk, dv)
}

fn tasks(spec: &AttentionSpec) -> Vec<(Segment, usize)> {
    spec.segments.iter().flat_map(|seg| (0..spec.heads).map(move |head| (*seg, head))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wave(n: usize, f: f32) -> Vec<f32> {
        (0..n).map(|i| (i as f32 * f).sin()).collect()
    }

    fn spec(window: Option<usize>, softcap: Option<f32>) -> AttentionSpec {
        let segments =
            [(0, 5), (5, 70)].map(|(start, len)| Segment { q_start: start, q_len: len, k_start: start, k_len: len });
        AttentionSpec {
            heads: 4,
            kv_heads: 2,
            head_dim: 8,
            scale: 0.35,
            window,
            softcap,
            segments: Arc::from(segments),
        }
    }

    /// Attention by its definition, one query and head at a time.
    fn plain(q: &[f32], k: &[f32], v: &[f32], s: &AttentionSpec) -> Vec<f64> {
        let mut out = vec![0f64; q.len()];
        for seg in s.segments.iter() {
            for i in 0..seg.q_len {
                for h in 0..s.heads {
                    let kv = h / (s.heads / s.kv_heads);
                    let first = s.window.map_or(0, |w| (i + 1).saturating_sub(w));
                    let score = |j: usize| -> f64 {
                        let dot: f64 = (0..s.head_dim)
                            .map(|c| {
                                f64::from(q[(seg.q_start + i) * s.heads * s.head_dim + h * s.head_dim + c])
                                    * f64::from(k[(seg.k_start + j) * s.kv_heads * s.head_dim + kv * s.head_dim + c])
                            })
                            .sum::<f64>()
                            * f64::from(s.scale);
                        s.softcap.map_or(dot, |cap| f64::from(cap) * (dot / f64::from(cap)).tanh())
                    };
                    let total: f64 = (first..=i).map(|j| score(j).exp()).sum();
                    for j in first..=i {
                        let p = score(j).exp() / total;
                        for c in 0..s.head_dim {
                            out[(seg.q_start + i) * s.heads * s.head_dim + h * s.head_dim + c] +=
                                p * f64::from(v[(seg.k_start + j) * s.kv_heads * s.head_dim + kv * s.head_dim + c]);
                        }
                    }
                }
            }
        }
        out
    }

    #[test]
    fn forward_is_the_definition() {
        let (q, k, v) = (wave(75 * 32, 0.37), wave(75 * 16, 0.73), wave(75 * 16, 0.11));
        for s in [spec(None, None), spec(Some(7), None), spec(None, Some(2.0))] {
            let (out, _) = forward(&q, &k, &v, &s);
            let worst =
                out.iter().zip(plain(&q, &k, &v, &s)).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
            assert!(worst < 2e-6, "{worst}");
        }
    }

    #[test]
    fn backward_is_the_finite_difference() {
        let (q, k, v, g) = (wave(75 * 32, 0.37), wave(75 * 16, 0.73), wave(75 * 16, 0.11), wave(75 * 32, 0.91));
        for s in [spec(None, None), spec(Some(7), None), spec(None, Some(2.0))] {
            let (out, lse) = forward(&q, &k, &v, &s);
            let (dq, dk, dv) = backward((&q, &k, &v), &out, &lse, &g, &s);
            let loss = |q: &[f32], k: &[f32], v: &[f32]| -> f64 {
                plain(q, k, v, &s).iter().zip(&g).map(|(a, b)| a * f64::from(*b)).sum()
            };
            for at in [3, 160, 170, 700, 1100] {
                for (which, exact) in [(0, &dq), (1, &dk), (2, &dv)] {
                    let moved = |by: f32| {
                        let mut all = [q.clone(), k.clone(), v.clone()];
                        all[which][at] += by;
                        loss(&all[0], &all[1], &all[2])
                    };
                    let slope = (moved(1e-2) - moved(-1e-2)) / 2e-2;
                    assert!((slope - f64::from(exact[at])).abs() < 2e-3, "{which} {at}: {slope} {}", exact[at]);
                }
            }
        }
    }
}
