//! Round numbers along the axes.

use egui_plot::{GridInput, GridMark};

use super::Along;
use crate::format;

/// The smallest 1, 2 or 5 times a power of ten that is not below `least`.
pub fn round_step(least: f64) -> f64 {
    if !(least.is_finite() && least > 0.0) {
        return 1.0;
    }
    let power = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= least * 0.999).unwrap_or(10.0 * power)
}

/// Grid lines for about `count` labels; `whole`: never between whole numbers (steps, and powers of ten).
pub fn spaced(count: f64, whole: bool) -> impl Fn(GridInput) -> Vec<GridMark> {
    move |input| {
        let (from, to) = input.bounds;
        let mut step = round_step((to - from) / count.max(1.0));
        if whole {
            step = step.max(1.0);
        }
        let first = (from / step).ceil() as i64;
        let last = ((to / step).floor() as i64).min(first.saturating_add(200));
        (first..=last).map(|i| GridMark { value: i as f64 * step, step_size: step }).collect()
    }
}

/// A number at the side of a plot.
pub fn label(value: f64) -> String {
    if value == 0.0 {
        "0".into()
    } else if value.abs() >= 1e9 {
        format!("{} G", format::significant(value / 1e9, 3))
    } else if value.abs() >= 1e4 {
        format::count(value.round().max(0.0) as u64)
    } else if value.abs() < 1e-2 {
        format::rate(value)
    } else {
        format::significant(value, 4)
    }
}

/// A number along the bottom.
pub fn along_label(along: Along, value: f64) -> String {
    if value < 0.0 {
        return String::new();
    }
    match along {
        Along::Step if value.fract() != 0.0 => String::new(),
        Along::Step => format::count(value as u64),
        Along::Tokens => format::short_count(value as u64).trim().to_owned(),
        Along::Time => format::duration(value),
    }
}

/// What a metric's value is written as.
pub fn written(key: &str, value: f64) -> String {
    let key = key.strip_prefix("eval/").unwrap_or(key);
    match key {
        "learning_rate" => format::rate(value),
        "tokens_per_sec" => format::per_second(value),
        "memory" => format::bytes(value.max(0.0) as u64),
        "loss" | "grad_norm" => format::loss(value),
        _ => format::significant(value, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_of_the_axis_are_round() {
        let expected = [(0.03, 0.05), (0.2, 0.2), (0.21, 0.5), (7.0, 10.0), (1e-4, 1e-4), (f64::NAN, 1.0), (0.0, 1.0)];
        for (least, step) in expected {
            assert!((round_step(least) / step - 1.0).abs() < 1e-9, "{least}: {}", round_step(least));
        }
        let marks = spaced(4.0, true)(GridInput { bounds: (0.0, 2.0), base_step_size: 0.1 });
        assert_eq!(marks.iter().map(|m| m.value).collect::<Vec<_>>(), [0.0, 1.0, 2.0]);
    }
}
