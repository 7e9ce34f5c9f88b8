//! Curves made ready to be drawn: smoothed, and with the extremes of every stretch known beforehand, so that fifty
//! thousand points cost as much as five hundred.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Along, Curve, Look};

/// Points that one bucket of the next level sums up.
const FAN: usize = 4;

/// The lowest and the highest of every stretch, level by level.
#[derive(Debug, Default, Clone)]
struct Pyramid {
    /// Places of (lowest, highest) in the values; level 0 has stretches of [`FAN`] points.
    levels: Vec<Vec<(u32, u32)>>,
    known: usize,
}

impl Pyramid {
    /// Takes in values beyond those that are known.
    fn extend(&mut self, values: &[f64]) {
        if self.levels.is_empty() {
            self.levels.push(Vec::new());
        }
        // The last stretch may have been incomplete.
        let first = self.known / FAN;
        self.levels[0].truncate(first);
        for (i, part) in values.chunks(FAN).enumerate().skip(first) {
            let at = |j: usize| (i * FAN + j) as u32;
            let mut pair = (at(0), at(0));
            for j in 0..part.len() {
                pair = wider(values, pair, (at(j), at(j)));
            }
            self.levels[0].push(pair);
        }
        self.known = values.len();
        let mut first = first;
        for level in 1.. {
            if self.levels[level - 1].len() <= FAN {
                self.levels.truncate(level);
                return;
            }
            if self.levels.len() == level {
                self.levels.push(Vec::new());
                first = 0;
            }
            first /= FAN;
            let (below, here) = self.levels.split_at_mut(level);
            here[0].truncate(first);
            for part in below[level - 1].chunks(FAN).skip(first) {
                let pair = part.iter().copied().reduce(|a, b| wider(values, a, b));
                here[0].extend(pair);
            }
        }
    }
}

/// The lower of the lows and the higher of the highs; a NaN is neither.
fn wider(values: &[f64], a: (u32, u32), b: (u32, u32)) -> (u32, u32) {
    let value = |i: u32| values[i as usize];
    let low = if value(b.0) < value(a.0) || value(a.0).is_nan() { b.0 } else { a.0 };
    let high = if value(b.1) > value(a.1) || value(a.1).is_nan() { b.1 } else { a.1 };
    (low, high)
}

/// Exponential mean, started without bias as TensorBoard does: s = w s + (1 - w) x, divided by 1 - w^n (Kingma and Ba
/// 2015, section 3).
#[derive(Debug, Default, Clone)]
pub struct Mean {
    sum: f64,
    trust: f64,
}

impl Mean {
    /// Takes in `value`, a number, with `weight` on what was before. The mean so far.
    pub fn add(&mut self, value: f64, weight: f64) -> f64 {
        self.sum = self.sum * weight + (1.0 - weight) * value;
        self.trust = self.trust * weight + (1.0 - weight);
        self.sum / self.trust
    }
}

/// One curve, ready.
#[derive(Debug, Default, Clone)]
pub struct Prepared {
    pub xs: Vec<f64>,
    /// As drawn: logarithms where the look says so, NaN where there is nothing to draw.
    pub raw: Vec<f64>,
    /// None without smoothing.
    pub smooth: Option<Vec<f64>>,
    /// Where a value was no number.
    pub broken: Vec<f64>,
    /// Values that a logarithm does not have.
    pub below_zero: usize,
    raw_pyramid: Pyramid,
    smooth_pyramid: Pyramid,
    mean: Mean,
    /// Step and value of the last point taken in, to know whether a curve has only grown.
    last: (f64, f64),
    seen: u64,
}

impl Prepared {
    fn extend(&mut self, curve: &Curve, look: &Look) {
        let weight = f64::from(look.smoothing.clamp(0.0, 0.999));
        let xs = curve.xs(look.along);
        let smooth = (weight > 0.0).then(|| self.smooth.take().unwrap_or_default());
        let mut smooth = smooth;
        for i in self.xs.len()..curve.values.len() {
            let value = curve.values[i];
            let drawn = match value {
                value if !value.is_finite() => {
                    self.broken.push(xs[i]);
                    f64::NAN
                }
                value if look.logarithmic && value <= 0.0 => {
                    self.below_zero += 1;
                    f64::NAN
                }
                value if look.logarithmic => value.log10(),
                value => value,
            };
            self.xs.push(xs[i]);
            self.raw.push(drawn);
            if let Some(smooth) = &mut smooth {
                smooth.push(if drawn.is_finite() { self.mean.add(drawn, weight) } else { f64::NAN });
            }
        }
        self.smooth = smooth;
        self.raw_pyramid.extend(&self.raw);
        if let Some(smooth) = &self.smooth {
            self.smooth_pyramid.extend(smooth);
        }
        self.last = last_of(curve, self.xs.len());
    }

    /// What is drawn between `from` and `to` on a plot `width` points wide: at most two points a column, and one beyond
    /// each end so that lines leave the picture. `smoothed`: of the mean, where there is one.
    pub fn thinned(&self, smoothed: bool, from: f64, to: f64, width: usize) -> Vec<[f64; 2]> {
        let (values, pyramid) = match &self.smooth {
            Some(smooth) if smoothed => (smooth, &self.smooth_pyramid),
            _ => (&self.raw, &self.raw_pyramid),
        };
        let first = self.xs.partition_point(|x| *x < from).saturating_sub(1);
        let end = (self.xs.partition_point(|x| *x <= to) + 1).min(self.xs.len());
        let point = |i: usize| [self.xs[i], values[i]];
        let width = width.max(16);
        if end.saturating_sub(first) <= 2 * width {
            return (first..end).map(point).collect();
        }
        // The highest level that still has a stretch for every column.
        let mut level = 0;
        let mut stretch = FAN;
        while level + 1 < pyramid.levels.len() && (end - first) / (stretch * FAN) >= width {
            level += 1;
            stretch *= FAN;
        }
        let buckets = &pyramid.levels[level][first / stretch..end.div_ceil(stretch).min(pyramid.levels[level].len())];
        let per_column = buckets.len().div_ceil(width).max(1);
        let mut kept = Vec::with_capacity(2 * width + 4);
        kept.push(point(first));
        for column in buckets.chunks(per_column) {
            if let Some((low, high)) = column.iter().copied().reduce(|a, b| wider(values, a, b)) {
                let (a, b) = (low.min(high) as usize, low.max(high) as usize);
                kept.extend([a, b].into_iter().filter(|i| (first..end).contains(i)).map(point));
            }
        }
        kept.push(point(end - 1));
        kept.retain(|p| p[1].is_finite());
        kept.dedup_by(|a, b| a[0] == b[0] && a[1] == b[1]);
        kept
    }

    /// The value nearest to `x`, with its own x.
    pub fn at(&self, x: f64) -> Option<(f64, f64)> {
        let after = self.xs.partition_point(|known| *known < x);
        let near = [after.checked_sub(1), Some(after)].into_iter().flatten().filter(|i| *i < self.xs.len());
        let i = near.min_by(|a, b| (self.xs[*a] - x).abs().total_cmp(&(self.xs[*b] - x).abs()))?;
        let value = self.smooth.as_ref().map_or(self.raw[i], |smooth| smooth[i]);
        Some((self.xs[i], value))
    }
}

fn last_of(curve: &Curve, len: usize) -> (f64, f64) {
    match len.checked_sub(1).and_then(|i| Some((*curve.steps.get(i)?, *curve.values.get(i)?))) {
        Some(last) => last,
        None => (f64::NAN, f64::NAN),
    }
}

/// What a prepared curve was made for: the curve's place in memory, and the look as far as it shapes the numbers.
type Key = (usize, Along, u32, bool);

/// Prepared curves, kept as long as they are looked at.
#[derive(Debug, Default)]
pub struct Ready {
    known: HashMap<Key, Prepared>,
    frame: u64,
}

impl Ready {
    pub fn get(&mut self, curve: &Arc<Curve>, look: &Look) -> &Prepared {
        let key = (Arc::as_ptr(curve) as usize, look.along, look.smoothing.to_bits(), look.logarithmic);
        let prepared = self.known.entry(key).or_default();
        let known = prepared.xs.len();
        let same = |a: (f64, f64), b: (f64, f64)| a.0.to_bits() == b.0.to_bits() && a.1.to_bits() == b.1.to_bits();
        if known > curve.values.len() || (known > 0 && !same(last_of(curve, known), prepared.last)) {
            *prepared = Prepared::default(); // another curve lies in the same place now
        }
        if prepared.xs.len() < curve.values.len() {
            prepared.extend(curve, look);
        }
        prepared.seen = self.frame;
        prepared
    }

    /// Forgets what was not looked at since the last call.
    pub fn sweep(&mut self) {
        let frame = self.frame;
        self.known.retain(|_, prepared| prepared.seen + 2 > frame);
        self.frame += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(values: Vec<f64>) -> Curve {
        let steps: Vec<f64> = (0..values.len()).map(|i| i as f64).collect();
        Curve { tokens: steps.clone(), secs: steps.clone(), steps, values }
    }

    fn plain() -> Look {
        Look { smoothing: 0.0, ..Look::default() }
    }

    #[test]
    fn thinning_loses_no_extreme_and_growing_equals_making_anew() {
        let n = 50_000;
        let mut values: Vec<f64> = (0..n).map(|i| ((i as f64) * 0.37).sin()).collect();
        (values[31_337], values[7], values[n - 1]) = (9.0, -5.0, 4.0);
        let whole = curve(values.clone());
        let mut made = Prepared::default();
        made.extend(&whole, &plain());
        let drawn = made.thinned(false, 0.0, n as f64, 300);
        assert!(drawn.len() <= 604, "{}", drawn.len());
        assert!(drawn.windows(2).all(|w| w[0][0] <= w[1][0]));
        for extreme in [9.0, -5.0, 4.0] {
            assert!(drawn.iter().any(|p| p[1] == extreme), "{extreme}");
        }
        // A stretch of it: what lies outside is not drawn, but the line reaches the edges.
        let part = made.thinned(false, 31_000.0, 32_000.0, 300);
        assert!(part.iter().any(|p| p[1] == 9.0) && part.first().unwrap()[0] <= 31_000.0);
        assert!(part.last().unwrap()[0] >= 32_000.0 && part.iter().all(|p| (30_990.0..32_010.0).contains(&p[0])));

        let mut grown = Prepared::default();
        for end in [1, 3, 4, 17, 1_000, 20_001, n] {
            grown.extend(&curve(values[..end].to_vec()), &plain());
        }
        assert_eq!(grown.raw_pyramid.levels, made.raw_pyramid.levels);
        assert_eq!(grown.thinned(false, 0.0, n as f64, 300), drawn);
    }

    #[test]
    fn smoothing_starts_at_the_first_value_and_passes_over_what_is_no_number() {
        let mut made = Prepared::default();
        made.extend(&curve(vec![4.0, 2.0, f64::NAN, 2.0]), &Look { smoothing: 0.5, ..Look::default() });
        let smooth = made.smooth.clone().unwrap();
        assert!((smooth[0] - 4.0).abs() < 1e-9 && (smooth[1] - 8.0 / 3.0).abs() < 1e-9);
        assert_eq!(made.broken, [2.0]);
        assert!(smooth[2].is_nan() && (smooth[3] - 16.0 / 7.0).abs() < 1e-9, "{smooth:?}");
        assert_eq!(made.at(0.4), Some((0.0, 4.0)));
    }

    #[test]
    fn a_logarithm_leaves_out_what_it_does_not_have() {
        let mut made = Prepared::default();
        made.extend(&curve(vec![100.0, 0.0, -1.0, 1e-3]), &Look { logarithmic: true, ..plain() });
        assert_eq!((made.raw[0], made.raw[3], made.below_zero), (2.0, -3.0, 2));
        assert!(made.raw[1].is_nan() && made.broken.is_empty());
    }

    #[test]
    fn another_curve_in_the_same_place_is_not_taken_for_the_old_one() {
        let mut ready = Ready::default();
        let mut shared = Arc::new(curve(vec![1.0, 2.0]));
        assert_eq!(ready.get(&shared, &plain()).raw, [1.0, 2.0]);
        *Arc::make_mut(&mut shared) = curve(vec![5.0, 6.0, 7.0]);
        assert_eq!(ready.get(&shared, &plain()).raw, [5.0, 6.0, 7.0]);
        ready.sweep();
        ready.sweep();
        ready.sweep();
        assert!(ready.known.is_empty());
    }
}
