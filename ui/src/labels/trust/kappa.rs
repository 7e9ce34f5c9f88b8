//! Cohen's kappa: agreement beyond what chance would bring.

use super::interval::{Z, wilson};

/// Categories: the first of two better, the second, tie, both good, both bad; good, bad.
const CATEGORIES: usize = 7;

/// How often one rater said the row while the other said the column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Table {
    counts: [[u32; CATEGORIES]; CATEGORIES],
}

/// Kappa with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kappa {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// In words, after Altman 1991, "Practical statistics for medical research", p. 404.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    Poor,
    Fair,
    Moderate,
    Good,
    VeryGood,
}

impl Kappa {
    pub fn reading(self) -> Reading {
        // Two digits, as it is shown.
        match (self.value * 100.0).round() as i32 {
            ..=20 => Reading::Poor,
            21..=40 => Reading::Fair,
            41..=60 => Reading::Moderate,
            61..=80 => Reading::Good,
            _ => Reading::VeryGood,
        }
    }
}

impl Table {
    pub fn add(&mut self, row: usize, column: usize) {
        self.counts[row][column] += 1;
    }

    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.counts.iter_mut().flatten().zip(other.counts.iter().flatten()) {
            *mine += theirs;
        }
    }

    pub fn total(&self) -> usize {
        self.counts.iter().flatten().map(|n| *n as usize).sum()
    }

    pub fn agreed(&self) -> usize {
        (0..CATEGORIES).map(|k| self.counts[k][k] as usize).sum()
    }

    /// Kappa (Cohen 1960, "A coefficient of agreement for nominal scales") with the interval of the asymptotic standard
    /// error of Fleiss, Cohen & Everitt 1969, "Large sample standard errors of kappa and weighted kappa", equation 8.
    ///
    /// `items` is what the comparisons rest on: several on one item (a ranking has many) tell no more than one, so that
    /// the interval is rather too wide than too narrow. Where all agree that error is 0; the interval is then that of
    /// the share that agrees (Wilson's) at the same expected agreement. None where both only ever used one category:
    /// agreement expected by chance is then complete.
    pub fn kappa(&self, items: usize) -> Option<Kappa> {
        let total = self.total() as f64;
        if total == 0.0 || items == 0 {
            return None;
        }
        let share = |row: usize, column: usize| f64::from(self.counts[row][column]) / total;
        let rows: Vec<f64> = (0..CATEGORIES).map(|i| (0..CATEGORIES).map(|j| share(i, j)).sum()).collect();
        let columns: Vec<f64> = (0..CATEGORIES).map(|j| (0..CATEGORIES).map(|i| share(i, j)).sum()).collect();
        let observed: f64 = (0..CATEGORIES).map(|k| share(k, k)).sum();
        let expected: f64 = rows.iter().zip(&columns).map(|(row, column)| row * column).sum();
        if 1.0 - expected < 1e-9 {
            return None;
        }
        let value = (observed - expected) / (1.0 - expected);
        let n = items as f64;
        let (mut same, mut other) = (0.0, 0.0);
        for i in 0..CATEGORIES {
            same += share(i, i) * (1.0 - (rows[i] + columns[i]) * (1.0 - value)).powi(2);
            other +=
                (0..CATEGORIES).filter(|j| *j != i).map(|j| share(i, j) * (columns[i] + rows[j]).powi(2)).sum::<f64>();
        }
        let middle = value - expected * (1.0 - value);
        let variance = (same + (1.0 - value).powi(2) * other - middle.powi(2)) / (n * (1.0 - expected).powi(2));
        let error = variance.max(0.0).sqrt();
        let (low, high) = if error > 1e-9 {
            (value - Z * error, value + Z * error)
        } else {
            let (low, high) = wilson(observed * n, n);
            ((low - expected) / (1.0 - expected), (high - expected) / (1.0 - expected))
        };
        Some(Kappa { value, low: low.max(-1.0), high: high.min(1.0) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(counts: &[&[u32]]) -> Table {
        let mut table = Table::default();
        for (i, row) in counts.iter().enumerate() {
            table.counts[i][..row.len()].copy_from_slice(row);
        }
        table
    }

    fn turned(table: &Table) -> Table {
        let mut other = Table::default();
        for i in 0..CATEGORIES {
            for j in 0..CATEGORIES {
                other.counts[j][i] = table.counts[i][j];
            }
        }
        other
    }

    #[test]
    fn kappa_of_two_readers_of_fifty_grants() {
        // 35 of 50 agree; by chance 0.5 x 0.6 + 0.5 x 0.4 = 0.5.
        let table = table(&[&[20, 5], &[10, 15]]);
        assert_eq!((table.total(), table.agreed()), (50, 35));
        let kappa = table.kappa(50).expect("two categories");
        assert!((kappa.value - 0.4).abs() < 1e-12);
        assert_eq!(kappa.reading(), Reading::Fair);
    }

    /// The table of Fleiss, Levin & Paik 2003, "Statistical methods for rates and proportions", chapter 18, where kappa is
    /// 0.68; the error was worked out apart from this code.
    #[test]
    fn kappa_and_its_error_of_a_hundred_diagnoses() {
        let table = table(&[&[75, 1, 4], &[5, 4, 1], &[0, 0, 10]]);
        let kappa = table.kappa(100).expect("three categories");
        assert!((kappa.value - 0.676).abs() < 5e-4, "{kappa:?}");
        let error = (kappa.high - kappa.low) / (2.0 * Z);
        assert!((error - 0.0877).abs() < 5e-4, "{error}");
    }

    #[test]
    fn who_comes_first_does_not_matter() {
        for table in
            [table(&[&[20, 5], &[10, 15]]), table(&[&[75, 1, 4], &[5, 4, 1], &[0, 0, 10]]), table(&[&[0, 9], &[3, 1]])]
        {
            let (a, b) = (table.kappa(17).expect("defined"), turned(&table).kappa(17).expect("defined"));
            for (a, b) in [(a.value, b.value), (a.low, b.low), (a.high, b.high)] {
                assert!((a - b).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn the_ends_of_the_scale() {
        assert_eq!(Table::default().kappa(0), None);
        assert_eq!(table(&[&[12]]).kappa(12), None, "one category only: chance explains everything");
        let all = table(&[&[6, 0], &[0, 6]]).kappa(12).expect("two categories");
        // Wilson's interval of 12 of 12 begins at 0.7575; expected by chance is 0.5.
        assert!((all.value - 1.0).abs() < 1e-12 && (all.low - 0.515).abs() < 1e-3 && all.high == 1.0, "{all:?}");
        let none = table(&[&[0, 6], &[6, 0]]).kappa(12).expect("two categories");
        assert!((none.value + 1.0).abs() < 1e-12 && none.low >= -1.0);
        let chance = table(&[&[5, 5], &[5, 5]]).kappa(20).expect("two categories");
        assert!(chance.value.abs() < 1e-12 && chance.low < 0.0 && chance.high > 0.0);
    }

    #[test]
    fn fewer_items_widen_the_interval() {
        let table = table(&[&[20, 5], &[10, 15]]);
        let (wide, narrow) = (table.kappa(10).expect("defined"), table.kappa(50).expect("defined"));
        assert!(wide.low < narrow.low && wide.high > narrow.high && wide.value == narrow.value);
    }
}
