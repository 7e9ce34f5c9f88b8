//! Formulas in a line of text: `π_{ref}` and `x^2` with real sub- and superscripts, from the bundled fonts.

use egui::text::{LayoutJob, TextFormat};
use egui::{Align, Color32, FontId, Frame, Label, Margin, Response, Ui};

use crate::theme;

/// A formula, what it says in words, and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    /// `_x`, `_{xyz}` and `^x`, `^{xyz}` stand lower and higher; all else as it is.
    pub text: &'static str,
    pub reading: String,
    /// Authors and year.
    pub source: &'static str,
}

impl Formula {
    /// On a ground of its own, the reading under it.
    pub fn show(&self, ui: &mut Ui) -> Response {
        let p = theme::palette(ui);
        let frame = Frame::new().fill(p.inset).corner_radius(theme::RADIUS).inner_margin(Margin::symmetric(12, 8));
        frame
            .show(ui, |ui| {
                ui.take_available_width();
                ui.spacing_mut().item_spacing.y = 4.0;
                self.lines(ui);
            })
            .response
    }

    /// The bare lines, for a tooltip.
    pub fn lines(&self, ui: &mut Ui) {
        let p = theme::palette(ui);
        ui.add(Label::new(typeset(self.text, FontId::monospace(14.0), p.ink)).wrap());
        let words =
            if self.source.is_empty() { self.reading.clone() } else { format!("{} ({})", self.reading, self.source) };
        ui.add(Label::new(typeset(&words, FontId::proportional(12.0), p.ink_soft)).wrap());
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Level {
    Line,
    Low,
    High,
}

fn typeset(text: &str, font: FontId, ink: Color32) -> LayoutJob {
    let mut job = LayoutJob::default();
    for (part, level) in parts(text) {
        let (size, valign) = match level {
            Level::Line => (font.size, Align::Center),
            Level::Low => (font.size * 0.75, Align::BOTTOM),
            Level::High => (font.size * 0.75, Align::TOP),
        };
        let font_id = FontId::new(size, font.family.clone());
        job.append(&part, 0.0, TextFormat { font_id, color: ink, valign, ..TextFormat::default() });
    }
    job
}

/// Runs of the text that stand on one level.
fn parts(text: &str) -> Vec<(String, Level)> {
    let mut parts: Vec<(String, Level)> = Vec::new();
    let mut push = |c: char, level: Level| match parts.last_mut() {
        Some((run, l)) if *l == level => run.push(c),
        _ => parts.push((c.to_string(), level)),
    };
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let level = match c {
            '_' => Level::Low,
            '^' => Level::High,
            c => {
                push(c, Level::Line);
                continue;
            }
        };
        if rest.next_if_eq(&'{').is_some() {
            rest.by_ref().take_while(|c| *c != '}').for_each(|c| push(c, level));
        } else if let Some(c) = rest.next() {
            push(c, level);
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_set_the_level_of_what_follows() {
        let said: Vec<(String, Level)> = parts("log π(y_w)/π_{ref}² + x^2");
        let expected = [
            ("log π(y", Level::Line),
            ("w", Level::Low),
            (")/π", Level::Line),
            ("ref", Level::Low),
            ("² + x", Level::Line),
            ("2", Level::High),
        ];
        assert!(said.iter().map(|(run, level)| (run.as_str(), *level)).eq(expected));
        assert_eq!(parts("a_").len(), 1, "a mark at the end marks nothing");
    }
}
