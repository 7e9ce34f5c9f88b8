//! How sure a share is.

/// The 97.5th percentile of the standard normal distribution: 95 % lie within it on both sides.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// The 95 % score interval of a share (Wilson 1927, "Probable inference, the law of succession, and statistical
/// inference"): `wins` of `n`, halves allowed (a tie counts half for each). Nothing counted: anything is possible, 0 to 1.
pub fn wilson(wins: f64, n: f64) -> (f64, f64) {
    if n <= 0.0 || !wins.is_finite() || !n.is_finite() {
        return (0.0, 1.0);
    }
    let share = (wins / n).clamp(0.0, 1.0);
    let z2 = Z * Z;
    let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let half = Z / (1.0 + z2 / n) * (share * (1.0 - share) / n + z2 / (4.0 * n * n)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3.
    #[test]
    fn wilson_is_newcombes_third_method() {
        for (wins, n, low, high) in
            [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
        {
            let (a, b) = wilson(f64::from(wins), f64::from(n));
            assert!((a - low).abs() < 6e-5 && (b - high).abs() < 6e-5, "{wins}/{n}: {a} {b}");
        }
        let (a, b) = wilson(8.0, 10.0);
        assert!((a - 0.4902).abs() < 1e-4 && (b - 0.9433).abs() < 1e-4, "{a} {b}");
    }

    #[test]
    fn the_interval_mirrors_holds_the_share_and_stays_within_bounds() {
        for n in [1.0, 2.5, 7.0, 1000.0] {
            for tenths in 0..=10 {
                let wins = n * f64::from(tenths) / 10.0;
                let (low, high) = wilson(wins, n);
                let (other_low, other_high) = wilson(n - wins, n);
                assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
                assert!(low <= wins / n + 1e-12 && wins / n <= high + 1e-12);
                assert!((low - (1.0 - other_high)).abs() < 1e-12 && (high - (1.0 - other_low)).abs() < 1e-12);
            }
        }
        assert_eq!(wilson(0.0, 0.0), (0.0, 1.0));
    }
}
