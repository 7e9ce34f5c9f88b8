//! The mark of the house: the f-hole of a violin, drawn with two curves, two eyes and a nick.

use egui::epaint::CubicBezierShape;
use egui::{Color32, Painter, Pos2, Rect, Stroke, pos2};

/// Draws it inside `rect`, a square.
pub fn f_hole(painter: &Painter, rect: Rect, colour: Color32) {
    let at = |x: f32, y: f32| -> Pos2 { pos2(rect.left() + x * rect.width(), rect.top() + y * rect.height()) };
    let unit = rect.height();
    // Bodies first: the stem is widest in the middle, drawn as three strokes of one curve side by side.
    for (shift, width) in [(-0.018, 0.055), (0.0, 0.085), (0.018, 0.055)] {
        let curve = |a: (f32, f32), b: (f32, f32), c: (f32, f32), d: (f32, f32)| {
            let point = |p: (f32, f32)| at(p.0 + shift, p.1);
            let stroke = Stroke::new(width * unit, colour);
            CubicBezierShape::from_points_stroke([point(a), point(b), point(c), point(d)], false, Color32::TRANSPARENT, stroke)
        };
        painter.add(curve((0.66, 0.17), (0.55, 0.04), (0.47, 0.20), (0.50, 0.42)));
        painter.add(curve((0.50, 0.42), (0.515, 0.52), (0.515, 0.52), (0.50, 0.58)));
        painter.add(curve((0.50, 0.58), (0.53, 0.80), (0.45, 0.96), (0.34, 0.83)));
    }
    painter.circle_filled(at(0.665, 0.205), 0.072 * unit, colour);
    painter.circle_filled(at(0.335, 0.795), 0.085 * unit, colour);
    let nick = Stroke::new(0.04 * unit, colour);
    painter.line_segment([at(0.40, 0.52), at(0.45, 0.505)], nick);
    painter.line_segment([at(0.55, 0.495), at(0.60, 0.48)], nick);
}
