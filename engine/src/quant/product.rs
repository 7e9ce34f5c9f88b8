//! The product with a packed matrix on the CPU. A panel of its rows is made dense at a time, so that besides the packed
//! bytes a few megabytes are needed, on the way back too, and the graph keeps nothing dense.

use std::sync::Arc;

use burn::backend::Flex;
use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::NoCheckpointing};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::tensor::{Tensor, TensorData};
use gemm::Parallelism;

use super::nf4::Nf4;
use crate::ops::fused::{cpu, floats, lifted, plain, row_major, tracked};

/// Numbers of the weight that are dense at a time: 4 MB.
const PANEL: usize = 1 << 20;
/// Multiplications from which threads are worth waking.
const PARALLEL_FROM: usize = 192 * 192 * 192;

/// A packed matrix W [rows, columns].
#[derive(Debug, Clone)]
struct Weight {
    nf4: Arc<Nf4>,
    rows: usize,
    columns: usize,
}

impl Weight {
    /// Calls `product` with each panel: its first row, its number of rows, its numbers row by row.
    fn panels(&self, mut product: impl FnMut(usize, usize, &[f32])) {
        let most = (PANEL / self.columns.max(1)).clamp(1, self.rows.max(1));
        let mut dense = vec![0.0; most * self.columns];
        for first in (0..self.rows).step_by(most) {
            let count = most.min(self.rows - first);
            let panel = &mut dense[..count * self.columns];
            let start = first * self.columns;
            self.nf4.dequantise_range(start..start + panel.len(), panel);
            product(first, count, panel);
        }
    }

    /// x [n, columns] -> x W^T [n, rows]
    fn by_rows(&self, x: &[f32], n: usize) -> Vec<f32> {
        assert_eq!(x.len(), n * self.columns);
        let mut y = vec![0.0; n * self.rows];
        self.panels(|first, count, panel| {
            let (x, w) = (Strided::at(x, 0, [self.columns, 1]), Strided::at(panel, 0, [1, self.columns]));
            mm([n, count, self.columns], &mut y[first..], self.rows, false, x, w);
        });
        y
    }

    /// x [n, rows] -> x W [n, columns]
    fn by_columns(&self, x: &[f32], n: usize) -> Vec<f32> {
        assert_eq!(x.len(), n * self.rows);
        let mut y = vec![0.0; n * self.columns];
        self.panels(|first, count, panel| {
            let (x, w) = (Strided::at(x, first, [self.rows, 1]), Strided::at(panel, 0, [self.columns, 1]));
            mm([n, self.columns, count], &mut y, self.columns, first > 0, x, w);
        });
        y
    }

    fn times(&self, x: &FlexTensor, side: Side) -> FlexTensor {
        let n = x.layout().shape()[0];
        let (y, width) = match side {
            Side::Rows => (self.by_rows(floats(x), n), self.rows),
            Side::Columns => (self.by_columns(floats(x), n), self.columns),
        };
        FlexTensor::from_data(TensorData::new(y, [n, width]))
    }
}

/// Which of the matrix's sides the result has.
#[derive(Debug, Clone, Copy)]
enum Side {
    Rows,
    Columns,
}

impl Side {
    fn other(self) -> Self {
        match self {
            Self::Rows => Self::Columns,
            Self::Columns => Self::Rows,
        }
    }
}

/// A matrix inside a slice: from where, and how far apart its rows and columns are.
struct Strided<'a> {
    values: &'a [f32],
    row: usize,
    column: usize,
}

impl<'a> Strided<'a> {
    fn at(values: &'a [f32], start: usize, [row, column]: [usize; 2]) -> Self {
        Self { values: values.get(start..).unwrap_or_default(), row, column }
    }

    fn covers(&self, rows: usize, columns: usize) -> bool {
        rows == 0 || columns == 0 || (rows - 1) * self.row + (columns - 1) * self.column < self.values.len()
    }
}

/// out [m, n], its rows `stride` apart, = (add ? out : 0) + a [m, k] b [k, n].
fn mm([m, n, k]: [usize; 3], out: &mut [f32], stride: usize, add: bool, a: Strided, b: Strided) {
    if m == 0 || n == 0 {
        return;
    }
    assert!((m - 1) * stride + n <= out.len() && a.covers(m, k) && b.covers(k, n), "a product of {m}x{k} and {k}x{n}");
    let threads = m.saturating_mul(n).saturating_mul(k) >= PARALLEL_FROM;
    let parallelism = if threads { Parallelism::Rayon(0) } else { Parallelism::None };
    // SAFETY: all three matrices lie inside their slices, as was just checked.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            stride as isize,
            add,
            a.values.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.values.as_ptr(),
            b.column as isize,
            b.row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// One product of two square matrices of `side` rows, for measuring the machine by.
pub fn square_product(a: &[f32], out: &mut [f32], side: usize) {
    let whole = |values| Strided::at(values, 0, [side, 1]);
    mm([side, side, side], out, side, false, whole(a), whole(a));
}

#[derive(Debug)]
struct PackedProduct;

impl Backward<Flex, 1> for PackedProduct {
    type State = (Weight, Side);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = row_major(&grads.consume::<Flex>(&ops.node));
        let (weight, side) = ops.state;
        let [node] = ops.parents;
        if let Some(node) = node {
            grads.register::<Flex>(node.id, weight.times(&grad, side.other()));
        }
    }
}

/// x [n, in] -> [n, out] by W [out, in], or W [in, out] if `transposed`.
pub(super) fn project(x: Tensor<2>, nf4: &Arc<Nf4>, shape: [usize; 2], transposed: bool) -> Tensor<2> {
    let weight = Weight { nf4: nf4.clone(), rows: shape[0], columns: shape[1] };
    let side = if transposed { Side::Columns } else { Side::Rows };
    if !x.is_autodiff() {
        return plain(weight.times(&cpu(x), side));
    }
    let x = tracked(x);
    let out = weight.times(&row_major(x.primitive()), side);
    lifted(match PackedProduct.prepare::<NoCheckpointing>([x.node()]).compute_bound().stateful() {
        OpsKind::Tracked(prep) => prep.finish((weight, side), out),
        OpsKind::UnTracked(prep) => prep.finish(out),
    })
}
