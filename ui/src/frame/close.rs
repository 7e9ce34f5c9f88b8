//! Closing the window while a run goes on: asks, and saves first.

use egui::{Id, Label, Modal, Ui};

use crate::bench::Bench;
use crate::text::t;
use crate::theme;
use crate::widgets::{Push, progress_bar};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    Now,
    Kept,
}

#[derive(Default)]
enum Stand {
    #[default]
    Open,
    Asking,
    /// Stopped; waiting for the checkpoint.
    Saving,
    Leaving,
}

#[derive(Default)]
pub struct CloseDialog(Stand);

impl CloseDialog {
    pub fn may_close(&mut self, bench: &Bench) -> bool {
        if matches!(self.0, Stand::Leaving) || !bench.state.running() {
            return true;
        }
        if matches!(self.0, Stand::Open) {
            self.0 = Stand::Asking;
        }
        false
    }

    pub fn is_open(&self) -> bool {
        !matches!(self.0, Stand::Open)
    }

    pub fn ui(&mut self, ui: &Ui, bench: &mut Bench) -> Option<Closing> {
        let closing = match self.0 {
            Stand::Open | Stand::Leaving => None,
            // The run may end by itself while we ask.
            _ if !bench.state.running() => Some(Closing::Now),
            Stand::Asking => self.ask(ui, bench),
            Stand::Saving => wait(ui),
        };
        match closing {
            Some(Closing::Now) => self.0 = Stand::Leaving,
            Some(Closing::Kept) => self.0 = Stand::Open,
            None => {}
        }
        closing
    }

    fn ask(&mut self, ui: &Ui, bench: &mut Bench) -> Option<Closing> {
        let mut closing = None;
        let shown = dialog(ui, &t!("close.title"), &t!("close.about"), |ui| {
            if ui.add(Push::primary(t!("close.save_and_quit"))).clicked() {
                bench.stop();
                self.0 = Stand::Saving;
            }
            if ui.add(Push::plain(t!("close.keep_training"))).clicked() {
                closing = Some(Closing::Kept);
            }
            if ui.add(Push::danger(t!("close.quit_without_saving"))).clicked() {
                closing = Some(Closing::Now);
            }
        });
        if shown.should_close() {
            closing = Some(Closing::Kept);
        }
        closing
    }
}

fn wait(ui: &Ui) -> Option<Closing> {
    let mut closing = None;
    dialog(ui, &t!("close.saving"), &t!("close.saving_about"), |ui| {
        if ui.add(Push::danger(t!("close.quit_without_saving"))).clicked() {
            closing = Some(Closing::Now);
        }
        progress_bar(ui, &t!("close.saving"), None);
    });
    closing
}

fn dialog(ui: &Ui, title: &str, about: &str, buttons: impl FnOnce(&mut Ui)) -> egui::ModalResponse<()> {
    let p = theme::palette(ui);
    let frame = egui::Frame::window(ui.style()).inner_margin(20);
    Modal::new(Id::unique("close")).backdrop_color(p.veil).frame(frame).show(ui.ctx(), |ui| {
        ui.set_width(480.0);
        ui.add(Label::new(theme::heading(title)).selectable(false));
        ui.add(Label::new(about).wrap());
        ui.add_space(8.0);
        ui.horizontal(buttons);
    })
}
