//! Where everything is: the input at the left, a column for each block, the output at the right; under each block the
//! lane that says when it joins. Points are counted from the canvas's own corner.

use egui::{Pos2, Rangef, Rect, pos2, vec2};
use luthier_engine::protocol::{Cell, CellPart};

use super::picture::{PARTS, Picture};

/// The row of numbers above the blocks.
pub const HEAD: f32 = 20.0;
pub const BODY: f32 = 190.0;
const GAP: f32 = 14.0;
pub const LANES: f32 = 112.0;
/// What is measured has no lanes below it.
pub const HEIGHT: f32 = HEAD + BODY + GAP + LANES;
/// A cell is at least so high and a block at least so wide.
const LEAST_CELL: f32 = 13.0;
const LEAST_BLOCK: f32 = 7.0;
const MOST_BLOCK: f32 = 72.0;
const LAST_NORM: f32 = 12.0;

#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    pub x: Rangef,
    pub layer: Option<usize>,
    /// From above to below, with their places.
    pub cells: Vec<(Cell, Rect)>,
    /// The head that is the embedding, drawn a second time.
    pub mirror: bool,
}

/// A row of the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Row {
    /// The number: the whole column.
    Whole,
    /// A place in the column's cells.
    Part(usize),
    /// When it joins.
    Time,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spot {
    pub column: usize,
    pub row: Row,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Geometry {
    pub columns: Vec<Column>,
    pub width: f32,
    /// With the gap after it.
    pub pitch: f32,
}

impl Geometry {
    /// Fits into `room` points of width at a zoom of 1, unless there are too many layers for that.
    pub fn new(picture: &Picture, room: f32, zoom: f32) -> Self {
        let size = |layer, part| picture.cell(Cell { layer, part }).map_or(0, |view| view.parameters);
        let block: u64 = PARTS.iter().map(|part| size(Some(0), *part)).sum::<u64>().max(1);
        let ends = |part| {
            let n = size(None, part);
            if n == 0 { 0.0 } else { (n as f32 / block as f32 * 22.0).clamp(30.0, 84.0) }
        };
        let (input, norm) = (ends(CellPart::Embedding), LAST_NORM);
        let head = if picture.tied { 30.0 } else { ends(CellPart::Head) };
        let gap = if picture.layers > 48 { 1.0 } else { 3.0 };
        let beside = input + norm + head + 3.0 * 8.0;
        let fitting = (room - beside) / picture.layers.max(1) as f32;
        let pitch = (fitting.clamp(LEAST_BLOCK + gap, MOST_BLOCK + gap) * zoom).min(240.0);
        let mut columns = Vec::with_capacity(picture.layers + 3);
        let mut x = 0.0;
        let body = Rangef::new(HEAD, HEAD + BODY);
        let whole = |x: Rangef, layer, part, mirror| Column {
            x,
            layer,
            cells: vec![(Cell { layer, part }, Rect::from_x_y_ranges(x, body))],
            mirror,
        };
        columns.push(whole(Rangef::new(x, x + input), None, CellPart::Embedding, false));
        x += input + 8.0;
        for layer in 0..picture.layers {
            let range = Rangef::new(x, x + pitch - gap);
            columns.push(block_column(picture, layer, range));
            x += pitch;
        }
        x += 8.0 - gap;
        columns.push(whole(Rangef::new(x, x + norm), None, CellPart::Norm, false));
        x += norm + 8.0;
        let part = if picture.tied { CellPart::Embedding } else { CellPart::Head };
        columns.push(whole(Rangef::new(x, x + head), None, part, picture.tied));
        Self { columns, width: x + head, pitch }
    }

    pub fn hit(&self, at: Pos2) -> Option<Spot> {
        let column = self.column_at(at.x)?;
        let row = match at.y {
            y if y < HEAD => Row::Whole,
            y if y < HEAD + BODY => Row::Part(self.columns[column].cells.iter().position(|(_, r)| y <= r.bottom())?),
            y if y >= lanes().min - 4.0 && self.columns[column].layer.is_some() => Row::Time,
            _ => return None,
        };
        Some(Spot { column, row })
    }

    /// The nearest column.
    pub fn column_at(&self, x: f32) -> Option<usize> {
        let after = self.columns.partition_point(|column| column.x.max < x);
        (x >= -2.0 && after < self.columns.len()).then_some(after)
    }

    /// The cells that a spot stands for, and those of the same row in all columns up to `to`.
    pub fn cells(&self, spot: Spot, to: usize) -> Vec<Cell> {
        let (from, to) = (spot.column.min(to), spot.column.max(to));
        let inside = |column: &Column| column.layer.is_some();
        let one = from == to;
        let chosen = self.columns[from..=to].iter().filter(|column| one || inside(column));
        chosen
            .flat_map(|column| match spot.row {
                Row::Part(at) if inside(column) => {
                    column.cells.get(at).map(|(cell, _)| vec![*cell]).unwrap_or_default()
                }
                _ => column.cells.iter().map(|(cell, _)| *cell).collect(),
            })
            .collect()
    }

    pub fn rect_of(&self, spot: Spot) -> Option<Rect> {
        let column = self.columns.get(spot.column)?;
        Some(match spot.row {
            Row::Whole => Rect::from_x_y_ranges(column.x, Rangef::new(0.0, HEAD - 2.0)),
            Row::Part(at) => column.cells.get(at.min(column.cells.len() - 1))?.1,
            Row::Time => Rect::from_x_y_ranges(column.x, lanes()),
        })
    }

    /// The column of a layer.
    pub fn of_layer(&self, layer: usize) -> usize {
        layer + 1
    }
}

/// From above to below: the run from its start to its end.
pub fn lanes() -> Rangef {
    Rangef::new(HEAD + BODY + GAP, HEIGHT)
}

fn block_column(picture: &Picture, layer: usize, x: Rangef) -> Column {
    let sizes = PARTS.map(|part| picture.at(layer, part).map_or(0, |view| view.parameters) as f32);
    let (gap, all) = (2.0, sizes.iter().sum::<f32>().max(1.0));
    let room = BODY - 2.0 * gap;
    // What is too small to be seen gets the least height, the others share the rest.
    let small: f32 = sizes.iter().filter(|n| **n / all * room < LEAST_CELL).count() as f32;
    let large: f32 = sizes.iter().filter(|n| **n / all * room >= LEAST_CELL).sum();
    let mut y = HEAD;
    let cells = PARTS.iter().zip(sizes).map(|(part, n)| {
        let height = if n / all * room < LEAST_CELL { LEAST_CELL } else { n / large * (room - small * LEAST_CELL) };
        let rect = Rect::from_min_size(pos2(x.min, y), vec2(x.span(), height));
        y += height + gap;
        (Cell { layer: Some(layer), part: *part }, rect)
    });
    Column { x, layer: Some(layer), cells: cells.collect(), mirror: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panels::layers::edit::tests::config;
    use crate::panels::layers::picture::{Length, picture_of};

    fn geometry(layers: usize) -> Geometry {
        let config = config("llama", layers, true);
        let length = Length { total: 100, per_epoch: 25, known: true };
        Geometry::new(&picture_of(&Default::default(), &config, length), 840.0, 1.0)
    }

    #[test]
    fn six_and_thirty_layers_fit_and_a_hundred_scroll_a_little_at_most() {
        for (layers, most) in [(6, 840.0), (30, 841.0), (100, 960.0)] {
            let geometry = geometry(layers);
            assert!(geometry.width <= most, "{layers}: {}", geometry.width);
            let blocks: Vec<&Column> = geometry.columns.iter().filter(|column| column.layer.is_some()).collect();
            assert_eq!(blocks.len(), layers);
            for block in blocks {
                assert!(block.x.span() >= LEAST_BLOCK - 0.01, "{layers}");
                assert!(block.cells.iter().all(|(_, rect)| rect.height() >= LEAST_CELL - 0.01));
                let bottom = block.cells.last().expect("cells").1.bottom();
                assert!((bottom - HEAD - BODY).abs() < 0.1, "{bottom}");
            }
        }
    }

    #[test]
    fn what_is_hit_is_what_is_drawn() {
        let geometry = geometry(30);
        for (column, drawn) in geometry.columns.iter().enumerate() {
            for (part, (_, rect)) in drawn.cells.iter().enumerate() {
                assert_eq!(geometry.hit(rect.center()), Some(Spot { column, row: Row::Part(part) }));
            }
            assert_eq!(geometry.hit(pos2(drawn.x.center(), 5.0)), Some(Spot { column, row: Row::Whole }));
        }
        assert_eq!(geometry.hit(pos2(geometry.width + 40.0, 50.0)), None);
        let spot = Spot { column: geometry.of_layer(4), row: Row::Part(1) };
        let painted: Vec<Option<usize>> = geometry.cells(spot, geometry.of_layer(2)).iter().map(|c| c.layer).collect();
        assert_eq!(painted, [Some(2), Some(3), Some(4)]);
    }
}
