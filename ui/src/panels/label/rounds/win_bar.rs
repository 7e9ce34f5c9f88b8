//! The win rate of the new model: a point with its interval against the line of chance, and what it proves in words.

use egui::accesskit::Role;
use egui::{Align2, FontId, Label, Rect, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use crate::labels::{Finding, WinRate};
use crate::text::t;
use crate::widgets::tag;
use crate::{format, theme};

/// Of the scale's ends, so that their numbers have room.
const MARGIN: f32 = 16.0;

pub(super) fn ui(ui: &mut Ui, win: &WinRate) {
    let p = theme::palette(ui);
    let finding = win.finding();
    let (ink, ground, word) = match finding {
        Finding::Better => (p.good, p.good_soft, t!("rounds.is_better")),
        Finding::Worse => (p.bad, p.bad_soft, t!("rounds.is_worse")),
        Finding::Open { .. } => (p.string, p.string_soft, t!("rounds.is_open")),
    };
    ui.horizontal(|ui| {
        ui.label(theme::strong(t!("rounds.win_rate")).size(13.0));
        tag(ui, &word, ink, ground);
    });
    let said = sentence(win);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), 58.0), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &said));
    let track = Rect::from_min_max(
        pos2(rect.left() + MARGIN, rect.top() + 18.0),
        pos2(rect.right() - MARGIN, rect.top() + 36.0),
    );
    let painter = ui.painter();
    let x = |share: f64| egui::lerp(track.x_range(), share as f32);
    painter.rect(track, 3, p.inset, Stroke::new(1.0, p.edge), StrokeKind::Inside);
    for quarter in [0.25, 0.75] {
        painter.vline(x(quarter), track.y_range(), Stroke::new(1.0, p.edge));
    }
    let (low, high) = win.interval();
    let band = Rect::from_x_y_ranges(x(low)..=x(high), track.top() + 3.0..=track.bottom() - 3.0);
    painter.rect(band, 3, ground, Stroke::new(1.5, ink), StrokeKind::Inside);
    let middle = [pos2(x(0.5), track.top() - 4.0), pos2(x(0.5), track.bottom() + 4.0)];
    painter.extend(Shape::dashed_line(&middle, Stroke::new(1.5, p.ink), 4.0, 3.0));
    let at = pos2(x(win.share()), track.center().y);
    painter.circle(at, 6.0, ink, Stroke::new(1.5, p.board));
    let small = FontId::proportional(11.0);
    let share = t!("rounds.percent", n = percent(win.share()));
    painter.text(pos2(at.x, rect.top()), Align2::CENTER_TOP, share, theme::strong_font(13.0), p.ink);
    let below = track.bottom() + 6.0;
    painter.text(pos2(x(0.5), below), Align2::CENTER_TOP, t!("rounds.percent", n = 50), small.clone(), p.ink_soft);
    painter.text(pos2(rect.left(), below), Align2::LEFT_TOP, t!("rounds.old_wins"), small.clone(), p.ink_soft);
    painter.text(pos2(rect.right(), below), Align2::RIGHT_TOP, t!("rounds.new_wins"), small, p.ink_soft);
    ui.add(Label::new(said).wrap());
}

fn percent(share: f64) -> f64 {
    (share * 100.0).round()
}

/// "The new model won 41 of 60 (68 %, 95 % between 56 % and 79 %): better than before beyond chance."
pub(super) fn sentence(win: &WinRate) -> String {
    let (low, high) = win.interval();
    let mut won = t!(
        "rounds.won",
        won = win.won(),
        n = win.decided(),
        share = percent(win.share()),
        low = percent(low),
        high = percent(high)
    );
    if win.ties > 0 {
        won += &t!("rounds.half_ties", n = win.ties);
    }
    match win.finding() {
        Finding::Better => t!("rounds.better", won = won),
        Finding::Worse => t!("rounds.worse", won = won),
        Finding::Open { more: Some(more) } => t!("rounds.open", won = won, more = format::count(more as u64)),
        Finding::Open { more: None } => t!("rounds.even", won = won),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::{Language, speak};

    #[test]
    fn a_win_rate_says_what_it_proves() {
        speak(Language::English);
        let said = sentence(&WinRate { wins: 41, ties: 0, losses: 19 });
        assert_eq!(
            said,
            "The new model won 41 of 60 (68 %, 95 % between 56 % and 79 %): better than before beyond chance."
        );
        let said = sentence(&WinRate { wins: 10, ties: 3, losses: 7 });
        assert!(said.contains("won 11.5 of 20") && said.contains("count half"), "{said}");
        assert!(said.contains("more decisions at this rate would tell"), "{said}");
    }
}
