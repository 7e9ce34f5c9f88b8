//! The Label panel: queues, the bench, what can be trusted, rounds.

mod annotator;
pub(crate) mod bench;
mod exchange;
mod queues;
mod review;
mod rounds;

use egui::{Frame, Margin, Ui};

use crate::bench::Bench;
use crate::desks::LabelPage;
use crate::text::t;
use crate::widgets::segmented;

#[derive(Default)]
pub struct LabelPanel {
    queues: queues::Queues,
    bench: bench::LabelBench,
    review: review::Review,
    rounds: rounds::Rounds,
}

impl LabelPanel {
    pub fn ui(&mut self, ui: &mut Ui, bench: &mut Bench) {
        egui::Panel::top("label-pages")
            .exact_size(if ui.available_height() < 320.0 { 38.0 } else { 48.0 })
            .resizable(false)
            .show_separator_line(false)
            .frame(Frame::NONE.inner_margin(Margin {
                left: 24,
                right: 24,
                top: if ui.available_height() < 320.0 { 4 } else { 14 },
                bottom: 2,
            }))
            .show(ui, |ui| {
                let pages = [
                    (LabelPage::Queues, t!("label.queues")),
                    (LabelPage::Bench, t!("label.bench")),
                    (LabelPage::Review, t!("label.review")),
                    (LabelPage::Rounds, t!("label.rounds")),
                ];
                segmented(ui, &mut bench.desks.label.page, &pages);
            });
        match bench.desks.label.page {
            LabelPage::Queues => self.queues.ui(ui, bench),
            LabelPage::Bench => self.bench.ui(ui, bench),
            LabelPage::Review => self.review.ui(ui, bench),
            LabelPage::Rounds => self.rounds.ui(ui, bench),
        }
        exchange::export_window(ui, bench);
    }
}
