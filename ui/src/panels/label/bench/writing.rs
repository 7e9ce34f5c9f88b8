//! An answer made better, or one of the person's own.

use egui::{Label, ScrollArea, TextEdit, Ui, vec2};

use crate::bench::Bench;
use crate::text::t;
use crate::theme;
use crate::widgets::{Keyed, Push};

#[derive(Default)]
pub struct Editor {
    /// The field has the keyboard already.
    open: bool,
}

impl Editor {
    pub fn close(&mut self) {
        self.open = false;
    }

    /// The field and, below it, the ways out; in all the room of `ui`.
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench, height: f32) {
        let deciding = bench.desks.label.deciding;
        let Some(writing) = &mut bench.desks.label.pair.writing else { return };
        let about = match (&writing.refused, writing.answer) {
            (refused, _) if !refused.is_empty() => refused.clone(),
            (_, Some(_)) => t!("labelling.edit_about"),
            (_, None) => t!("labelling.write_about"),
        };
        let p = theme::palette(ui);
        let ink = if writing.refused.is_empty() { p.ink_soft } else { p.warn };
        let room = (height - 66.0).max(40.0);
        ScrollArea::vertical().id_salt("label-writing").max_height(room).auto_shrink([false, false]).show(ui, |ui| {
            let name = match writing.answer {
                Some(_) => t!("labelling.edit_field"),
                None => t!("labelling.write_field"),
            };
            let field = TextEdit::multiline(&mut writing.text)
                .desired_width(f32::INFINITY)
                .desired_rows(3)
                .hint_text(t!("labelling.write_hint"))
                .font(egui::FontId::proportional(15.0))
                .min_size(vec2(0.0, room - 4.0));
            let field = ui.add_enabled(!deciding, field).accessible_name(name);
            if !std::mem::replace(&mut self.open, true) {
                field.request_focus();
            }
            if field.changed() {
                writing.refused.clear();
            }
        });
        ui.add(Label::new(theme::small(about).color(ink)).selectable(false).truncate());
        let mut out = None;
        ui.horizontal(|ui| {
            let keep = Keyed::new(t!("labelling.text_keep"), &["Ctrl", "Enter"]).small();
            if ui.add_enabled(!deciding, keep).clicked() {
                out = Some(Out::Keep);
            }
            if ui.add(Keyed::new(t!("labelling.text_leave"), &["Esc"]).small().quiet()).clicked() {
                out = Some(Out::Leave);
            }
            if ui.add(Push::quiet(t!("labelling.text_discard")).small()).clicked() {
                out = Some(Out::Discard);
            }
        });
        match out {
            Some(Out::Keep) => bench.keep_text(),
            Some(Out::Leave) => bench.leave_text(),
            Some(Out::Discard) => bench.discard_text(),
            None => {}
        }
    }
}

enum Out {
    Keep,
    Leave,
    Discard,
}
