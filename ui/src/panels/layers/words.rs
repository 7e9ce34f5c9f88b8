//! What is said of the picture: under the pointer, and to screen readers.

use luthier_engine::protocol::{Cell, CellPart};

use super::canvas::Look;
use super::geometry::{Column, Geometry, Row, Spot};
use super::picture::{CellView, Picture, State};
use crate::format;
use crate::text::{say, t};

pub fn part(part: CellPart) -> String {
    say(&format!("layers.{}", key(part)))
}

fn key(part: CellPart) -> &'static str {
    match part {
        CellPart::Embedding => "part_embedding",
        CellPart::Attention => "part_attention",
        CellPart::Mlp => "part_mlp",
        CellPart::Norm => "part_norm",
        CellPart::Head => "part_head",
    }
}

/// Layer 3, MLP.
pub fn cell(cell: Cell) -> String {
    match (cell.layer, cell.part) {
        (Some(layer), part_of) => t!("layers.cell", layer = layer, part = part(part_of)),
        (None, CellPart::Norm) => t!("layers.last_norm"),
        (None, part_of) => part(part_of),
    }
}

pub fn state(view: &CellView, picture: &Picture) -> String {
    let word = match view.state {
        State::Frozen => t!("layers.is_frozen"),
        State::Trains => t!("layers.is_training"),
        State::Adapter => t!("layers.is_adapted"),
        State::Joins(step) if picture.length.known => t!("layers.is_joining", step = format::count(step as u64)),
        State::Joins(step) => t!("layers.is_joining_at", percent = step),
        State::Unreached => t!("layers.is_unreached"),
    };
    if view.partial { format!("{word} ({})", t!("layers.is_partial")) } else { word }
}

/// A whole column in a line.
pub fn of_column(column: &Column, picture: &Picture) -> String {
    let name = match column.layer {
        Some(layer) => t!("layers.layer", layer = layer),
        None if column.mirror => t!("layers.tied_head"),
        None => column.cells.first().map(|(one, _)| cell(*one)).unwrap_or_default(),
    };
    let views: Vec<&CellView> = column.cells.iter().filter_map(|(cell, _)| picture.cell(*cell)).collect();
    let same = views.windows(2).all(|pair| pair[0].state == pair[1].state);
    let states = match views.first() {
        Some(first) if same => state(first, picture),
        _ => {
            let each = |view: &&CellView| format!("{} {}", part(view.cell.part), state(view, picture));
            views.iter().map(each).collect::<Vec<_>>().join(", ")
        }
    };
    format!("{name}: {states}")
}

pub fn of_spot(spot: Spot, picture: &Picture, geometry: &Geometry, look: &Look) -> String {
    let Some(column) = geometry.columns.get(spot.column) else { return String::new() };
    if let (Some(measured), false) = (look.measured, spot.row == Row::Time) {
        let cells =
            column.cells.iter().enumerate().filter(|(at, _)| spot.row == Row::Whole || spot.row == Row::Part(*at));
        return cells.map(|(_, (one, _))| measured.word(*one)).collect::<Vec<_>>().join("\n");
    }
    match spot.row {
        Row::Whole => format!("{}\n{}", of_column(column, picture), t!("layers.hint_whole")),
        Row::Time => {
            let Some(layer) = column.layer else { return String::new() };
            let name = t!("layers.layer", layer = layer);
            let when = match picture.joins_at(layer) {
                None if picture.unreached(layer) => t!("layers.is_unreached"),
                None => t!("layers.never"),
                Some(0) => t!("layers.from_start"),
                Some(step) => {
                    let share = step as f32 / picture.length.total.max(1) as f32;
                    super::lanes::place_word(share, picture, picture.length.known)
                }
            };
            format!("{name}: {when}\n{}", t!("layers.hint_lane"))
        }
        Row::Part(at) => {
            let Some(view) = column.cells.get(at).and_then(|(cell, _)| picture.cell(*cell)) else {
                return String::new();
            };
            let mut lines = vec![cell(view.cell)];
            if column.mirror {
                lines = vec![t!("layers.tied_head")];
            }
            lines.push(t!("layers.has", n = format::short_count(view.parameters)));
            lines.push(state(view, picture));
            if view.learns() {
                lines.push(t!("layers.learning", n = format::short_count(view.learning)));
            }
            if view.packed {
                lines.push(t!("layers.is_packed"));
            }
            lines.push(if view.able { t!("layers.hint_cell") } else { t!("layers.not_able") });
            lines.join("\n")
        }
    }
}
