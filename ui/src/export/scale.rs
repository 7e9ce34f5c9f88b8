//! Round numbers along an axis, and curves as they are looked at.

use crate::plot::{Curve, Look, Mean, round_step};

/// Round values within `low..=high`, about `count` of them: steps of 1, 2 or 5 times a power of ten.
pub fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let span = high - low;
    if !(span.is_finite() && span > 0.0) {
        return vec![low];
    }
    let step = round_step(span / count.max(1) as f64);
    let (first, last) = ((low / step).ceil() as i64, (high / step).floor() as i64);
    (first..=last).map(|n| n as f64 * step).collect()
}

/// [`Mean`] of each value and those before it. What is not a number is left as it is and not carried on.
pub fn smoothed(values: &[f64], weight: f32) -> Vec<f64> {
    let weight = f64::from(weight.clamp(0.0, 0.999));
    let mut mean = Mean::default();
    values.iter().map(|value| if value.is_finite() { mean.add(*value, weight) } else { *value }).collect()
}

/// The points of a curve as `look` shows them; on a logarithmic axis only what is above zero.
pub fn points(curve: &Curve, look: &Look) -> Vec<(f64, f64)> {
    let values = smoothed(&curve.values, look.smoothing);
    let xs = curve.xs(look.along).iter().copied();
    let shown = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite() && (!look.logarithmic || *y > 0.0);
    xs.zip(values).filter(shown).collect()
}

/// Lowest and highest of the values; clipped, those that 1 in 100 lies beyond. A single value gets some room.
pub fn span(values: impl Iterator<Item = f64>, clipped: bool) -> Option<(f64, f64)> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let cut = if clipped { values.len() / 100 } else { 0 };
    let (low, high) = (*values.get(cut)?, *values.get(values.len().checked_sub(cut + 1)?)?);
    if high > low {
        return Some((low, high));
    }
    let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
    Some((low - room, high + room))
}

/// At most `most` points that keep every peak: of each stretch the lowest and the highest.
pub fn thinned(points: &[(f64, f64)], most: usize) -> Vec<(f64, f64)> {
    if points.len() <= most || most < 4 {
        return points.to_vec();
    }
    let stretch = points.len().div_ceil(most / 2);
    let mut kept = Vec::with_capacity(most);
    for part in points.chunks(stretch) {
        let by = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let (low, high) = (part.iter().min_by(by), part.iter().max_by(by));
        if let (Some(low), Some(high)) = (low, high) {
            let (first, second) = if low.0 <= high.0 { (low, high) } else { (high, low) };
            kept.push(*first);
            if first != second {
                kept.push(*second);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(1.03, 1.31, 3), [1.1, 1.2, 1.3].map(|t: f64| (t * 10.0).round() * 0.1));
        assert_eq!(ticks(3.0, 3.0, 4), [3.0]);
    }

    #[test]
    fn smoothing_begins_at_the_first_value_and_passes_over_what_is_no_number() {
        let smooth = smoothed(&[4.0, f64::NAN, 4.0, 4.0], 0.9);
        assert!(smooth[1].is_nan());
        assert!([0, 2, 3].iter().all(|at| (smooth[*at] - 4.0).abs() < 1e-12), "{smooth:?}");
        assert_eq!(smoothed(&[1.0, 3.0], 0.0), [1.0, 3.0]);
    }

    #[test]
    fn thinning_keeps_the_peaks() {
        let mut points: Vec<(f64, f64)> = (0..50_000).map(|n| (f64::from(n), 1.0)).collect();
        points[31_234].1 = 9.0;
        let kept = thinned(&points, 1000);
        assert!(kept.len() <= 1000 && kept.contains(&(31_234.0, 9.0)), "{}", kept.len());
        assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn clipping_leaves_the_outermost_out() {
        let values = (0..200).map(f64::from).chain([1e9]);
        let (low, high) = span(values, true).unwrap();
        assert!(low == 2.0 && high < 200.0, "{low} {high}");
        assert_eq!(span([2.0].into_iter(), false), Some((1.8, 2.2)));
        assert_eq!(span(std::iter::empty(), true), None);
    }
}
