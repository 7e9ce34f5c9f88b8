//! What the estimate says: memory against the device, time, the share that learns; and how a change moves them.

use egui::accesskit::Role;
use egui::{CornerRadius, FontId, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use luthier_engine::estimate::Estimate;

use crate::format;
use crate::text::t;
use crate::theme;
use crate::widgets::elided;

/// Changes smaller than this share are none.
const SAME: f64 = 0.005;

/// A bar of the memory that a run takes of what the device has, with words beside it.
pub(super) fn memory_bar(ui: &mut Ui, name: &str, peak: u64, has: Option<u64>) {
    let p = theme::palette(ui);
    let (words, share) = match has {
        Some(has) if peak > has => {
            (t!("advisor.too_much", peak = format::bytes(peak), has = format::bytes(has)), peak as f32 / has as f32)
        }
        Some(has) => {
            let share = peak as f32 / has.max(1) as f32;
            let percent = (share * 100.0).round().max(1.0);
            (t!("advisor.fits", peak = format::bytes(peak), has = format::bytes(has), percent = percent), share)
        }
        None => (t!("advisor.takes", peak = format::bytes(peak)), 0.0),
    };
    let width = ui.available_width();
    let (rect, response) = ui.allocate_exact_size(vec2(width, 34.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{name}: {words}")));
    let over = share > 1.0;
    let ink = if over { p.bad } else { p.ink };
    let caption = elided(ui, name, FontId::proportional(12.0), p.ink_soft, width * 0.45);
    ui.painter().galley(rect.min, caption, p.ink_soft);
    let text = elided(ui, &words, theme::strong_font(12.0), ink, width * 0.55);
    ui.painter().galley(pos2(rect.right() - text.size().x, rect.top()), text, ink);
    let bar = Rect::from_min_max(pos2(rect.left(), rect.top() + 19.0), pos2(rect.right(), rect.bottom() - 3.0));
    let radius = CornerRadius::same(3);
    ui.painter().rect(bar, radius, p.inset, Stroke::new(1.0, p.edge), StrokeKind::Inside);
    if share > 0.0 {
        let mut full = bar.shrink(1.0);
        full.set_width((full.width() * share.min(1.0)).max(3.0));
        ui.painter().rect_filled(full, radius, if over { p.bad } else { p.varnish });
    }
}

/// The share of the weights that learns.
pub(super) fn share(estimate: &Estimate) -> String {
    let percent = 100.0 * estimate.trainable_parameters as f64 / estimate.parameters.max(1) as f64;
    t!("advisor.percent", n = format::significant(percent, if percent < 10.0 { 2 } else { 3 }))
}

/// What going from one to the other does: memory, time, the share that learns.
pub(super) fn moved(from: &Estimate, to: &Estimate) -> String {
    let mut parts = Vec::new();
    let (a, b) = (from.peak_bytes() as f64, to.peak_bytes() as f64);
    if (a - b).abs() > SAME * a.max(b) {
        let word = format::bytes((a - b).abs() as u64);
        parts.push(if b > a { t!("advisor.more_memory", n = word) } else { t!("advisor.less_memory", n = word) });
    }
    let (a, b) = (from.total_secs, to.total_secs);
    if (a - b).abs() > SAME * a.max(b) {
        let word = format::duration((a - b).abs());
        parts.push(if b > a { t!("advisor.more_time", n = word) } else { t!("advisor.less_time", n = word) });
    }
    if from.trainable_parameters != to.trainable_parameters {
        parts.push(t!("advisor.other_share", a = share(from), b = share(to)));
    }
    if parts.is_empty() { t!("advisor.no_move") } else { parts.join(&t!("advisor.and")) }
}

#[cfg(test)]
mod tests {
    use luthier_engine::estimate::{MemoryPart, MemoryShare};

    use super::*;

    #[test]
    fn a_change_is_told_in_memory_time_and_share() {
        crate::text::speak(crate::text::Language::English);
        let estimate = |bytes, secs, learns| Estimate {
            memory: vec![MemoryShare { part: MemoryPart::Weights, bytes }],
            trainable_parameters: learns,
            total_secs: secs,
            ..base()
        };
        let from = estimate(1_000_000_000, 60.0, 10);
        assert_eq!(moved(&from, &from), "Memory and time stay the same.");
        let text = moved(&from, &estimate(1_500_000_000, 30.0, 20));
        assert!(text.contains("500 MB more memory") && text.contains("30 s less time"), "{text}");
        assert!(text.contains("1 % learns") || text.contains("2 %"), "{text}");
    }

    fn base() -> Estimate {
        let (mut bench, _engine) = crate::testing::ready_bench(crate::text::Language::English);
        let advice = bench.advice().expect("model and data are there");
        Estimate { parameters: 1000, ..advice.form_estimate.clone().expect("the form fits the model") }
    }
}
