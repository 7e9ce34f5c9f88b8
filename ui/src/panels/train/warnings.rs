//! What the engine warned of during the run, in sight above the curves: a margin that does not move, a loss that stays.

use egui::Ui;

use crate::state::Run;
use crate::text::t;
use crate::widgets::Notice;

/// Different warnings shown; the log has all of them.
const SHOWN: usize = 4;

pub(super) fn ui(ui: &mut Ui, run: &Run) {
    let all = counted(&run.warnings);
    let left_out = all.len().saturating_sub(SHOWN);
    for (message, times) in all.iter().skip(left_out) {
        let text =
            if *times > 1 { t!("train.warned_times", message = message, n = times) } else { (*message).to_owned() };
        Notice::warn(text).show(ui);
    }
    if left_out > 0 {
        ui.label(crate::theme::soft(ui, t!("train.more_warnings", n = left_out)));
    }
}

/// Each warning once, with how often it came, in the order of their last time.
fn counted(warnings: &[String]) -> Vec<(&str, usize)> {
    let mut order: Vec<(&str, usize)> = Vec::new();
    for warning in warnings {
        let before = order.iter().position(|(message, _)| message == warning).map(|at| order.remove(at).1);
        order.push((warning, before.unwrap_or(0) + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_that_comes_again_is_counted_and_moves_to_the_end() {
        let warnings = ["a", "b", "a", "c", "b"].map(str::to_owned);
        assert_eq!(counted(&warnings), [("a", 2), ("c", 1), ("b", 2)]);
    }
}
