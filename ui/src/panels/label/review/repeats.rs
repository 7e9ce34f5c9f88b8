//! How many items come back blind, and to whom.

use egui::Ui;

use super::words::percent;
use crate::bench::Bench;
use crate::icons;
use crate::labels::{Again, QueueId};
use crate::text::t;
use crate::widgets::{Card, Setting, segmented};

const SHARES: [f64; 5] = [0.0, 0.05, 0.1, 0.2, 0.5];

pub fn ui(ui: &mut Ui, bench: &mut Bench, queue: QueueId) {
    let Some(card) = bench.desks.label.card(queue) else { return };
    let (mut share, mut by) = (card.settings.again_share, card.settings.again_by);
    Card::new(t!("review.repeats")).icon(icons::ARROWS_CLOCKWISE).about(t!("review.repeats_about")).show(ui, |ui| {
        let mut shares = SHARES.to_vec();
        // A queue may have been made with another.
        if !shares.iter().any(|known| (known - share).abs() < 1e-9) {
            shares.push(share);
            shares.sort_by(f64::total_cmp);
        }
        let shares: Vec<(f64, String)> = shares
            .into_iter()
            .map(|share| (share, if share == 0.0 { t!("review.none") } else { percent(share) }))
            .collect();
        let people = [
            (Again::Anyone, t!("review.by_anyone")),
            (Again::SamePerson, t!("review.by_same")),
            (Again::OtherPerson, t!("review.by_other")),
        ];
        Setting::new("review_share").wide().show(ui, |ui| {
            segmented(ui, &mut share, &shares);
        });
        Setting::new("review_by").wide().enabled(share > 0.0).show(ui, |ui| {
            segmented(ui, &mut by, &people);
        });
    });
    bench.change_repeats(queue, share, by);
}
