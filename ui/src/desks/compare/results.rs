//! What came of runs: numbers side by side, the best of each marked.

use crate::desks::{EvalTable, Sort, best, direction};
use crate::export::csv;
use crate::format;
use crate::library::{RunCard, Shelf};
use crate::text::t;

/// Something that is known of a finished run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measure {
    FinalLoss,
    BestEval,
    /// Rise of the perplexity on the general dataset, as a share.
    Forgetting,
    Time,
    Memory,
    Trainable,
    /// A metric of an evaluation set.
    Set {
        set: String,
        metric: String,
    },
}

impl Measure {
    pub const OF_RUNS: [Self; 6] =
        [Self::FinalLoss, Self::BestEval, Self::Forgetting, Self::Time, Self::Memory, Self::Trainable];

    pub fn label(&self) -> String {
        match self {
            Self::FinalLoss => t!("compare.final_loss"),
            Self::BestEval => t!("compare.best_eval"),
            Self::Forgetting => t!("compare.forgetting"),
            Self::Time => t!("compare.time"),
            Self::Memory => t!("compare.memory"),
            Self::Trainable => t!("compare.trainable"),
            Self::Set { set, metric } => format!("{set}: {metric}"),
        }
    }

    /// 1: more is better; -1: less is; 0: neither.
    pub fn direction(&self) -> i8 {
        match self {
            Self::Trainable => 0,
            Self::Set { metric, .. } => direction(metric),
            _ => -1,
        }
    }

    pub fn show(&self, value: f64) -> String {
        match self {
            Self::FinalLoss | Self::BestEval => format::loss(value),
            Self::Forgetting => percent(value),
            Self::Time => format::duration(value),
            Self::Memory => format::bytes(value as u64),
            Self::Trainable => format::short_count(value as u64),
            Self::Set { .. } => format::significant(value, 4),
        }
    }

    /// Of what the run itself has told; None where it has not, and for evaluation sets.
    pub fn of_run(&self, card: &RunCard) -> Option<f64> {
        match self {
            Self::FinalLoss => card.last_loss.map(f64::from),
            Self::BestEval => card.best_eval_loss.map(f64::from),
            Self::Forgetting => card.forgetting.map(|(base, now)| f64::from(now / base - 1.0)),
            Self::Time => Some(card.elapsed_secs),
            Self::Memory => (card.peak_memory_bytes > 0).then_some(card.peak_memory_bytes as f64),
            Self::Trainable => (card.trainable_parameters > 0).then_some(card.trainable_parameters as f64),
            Self::Set { .. } => None,
        }
        .filter(|value| value.is_finite())
    }
}

/// `+4.2 %`
pub fn percent(share: f64) -> String {
    let text = format::significant(share * 100.0, 2);
    if share > 0.0 { format!("+{text} %") } else { format!("{text} %") }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cell {
    pub value: f64,
    /// Of the model before training.
    pub before: Option<f64>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Results {
    pub measures: Vec<Measure>,
    /// A row for each run, a cell for each measure.
    pub rows: Vec<(String, Vec<Option<Cell>>)>,
    /// The row that is best, for each measure; None where there is nothing to be better than.
    pub best: Vec<Option<usize>>,
}

impl Results {
    pub fn new(shelf: &Shelf, cards: &[&RunCard]) -> Self {
        let mut measures = Measure::OF_RUNS.to_vec();
        let mut sets: Vec<&String> = Vec::new();
        for stored in &shelf.evaluations {
            let of_these = stored.run.as_ref().is_some_and(|run| cards.iter().any(|card| card.id == *run));
            if of_these && !sets.contains(&&stored.set) {
                sets.push(&stored.set);
            }
        }
        let tables: Vec<(&String, EvalTable)> =
            sets.into_iter().map(|set| (set, EvalTable::new(shelf, set, &Sort::default()))).collect();
        for (set, table) in &tables {
            measures.extend(
                table.columns.iter().map(|metric| Measure::Set { set: (*set).clone(), metric: (*metric).into() }),
            );
        }
        let cell = |card: &RunCard, measure: &Measure| match measure {
            Measure::Set { set, metric } => {
                let (_, table) = tables.iter().find(|(name, _)| *name == set)?;
                let line = table.lines.iter().find(|line| line.run.as_deref() == Some(card.id.as_str()))?;
                let (metric, moved) = line.metric(metric)?;
                Some(Cell { value: metric.value, before: moved.map(|moved| metric.value - moved.difference) })
            }
            _ => measure.of_run(card).map(|value| Cell { value, before: None }),
        };
        let rows: Vec<(String, Vec<Option<Cell>>)> = cards
            .iter()
            .map(|card| (card.id.clone(), measures.iter().map(|measure| cell(card, measure)).collect()))
            .collect();
        let mut results = Self { measures, rows, best: Vec::new() };
        results.best = (0..results.measures.len()).map(|at| results.best_of(at)).collect();
        results
    }

    fn best_of(&self, at: usize) -> Option<usize> {
        let direction = self.measures[at].direction();
        let values: Vec<Option<f64>> = self.rows.iter().map(|(_, cells)| cells[at].map(|cell| cell.value)).collect();
        let several = values.iter().flatten().count() > 1 && direction != 0;
        best(&values, direction < 0).filter(|_| several)
    }

    pub fn value(&self, id: &str, measure: &Measure) -> Option<Cell> {
        let at = self.measures.iter().position(|known| known == measure)?;
        self.rows.iter().find(|(row, _)| row == id)?.1[at]
    }

    /// Places of the rows, sorted; what is missing comes last.
    pub fn order(&self, by: Option<&(Measure, bool)>) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        let at = by.and_then(|(measure, rising)| Some((self.measures.iter().position(|m| m == measure)?, *rising)));
        if let Some((at, rising)) = at {
            let value = |row: &usize| self.rows[*row].1[at].map(|cell| if rising { cell.value } else { -cell.value });
            order.sort_by(|a, b| value(a).unwrap_or(f64::INFINITY).total_cmp(&value(b).unwrap_or(f64::INFINITY)));
        }
        order
    }

    pub fn csv(&self, order: &[usize], name: impl Fn(&str) -> String) -> String {
        let titles: Vec<String> =
            std::iter::once(t!("compare.run")).chain(self.measures.iter().map(Measure::label)).collect();
        let line = |row: &usize| {
            let (id, cells) = &self.rows[*row];
            let values = cells.iter().map(|cell| cell.map(|cell| cell.value.to_string()).unwrap_or_default());
            std::iter::once(name(id)).chain(values).collect()
        };
        csv::table(&titles, &order.iter().map(line).collect::<Vec<_>>())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::cards::cards;

    #[test]
    fn the_best_of_each_column_and_the_order() {
        let shelf = Shelf { runs: cards(6), ..Shelf::default() };
        let all: Vec<&RunCard> = shelf.runs.iter().collect();
        let results = Results::new(&shelf, &all);
        let at = |measure: Measure| results.measures.iter().position(|m| *m == measure).unwrap();
        let loss = at(Measure::FinalLoss);
        let lowest = shelf.runs.iter().filter_map(|card| card.last_loss).min_by(f32::total_cmp);
        assert_eq!(results.best[loss].and_then(|row| shelf.runs[row].last_loss), lowest);
        assert_eq!(results.best[at(Measure::Trainable)], None, "more parameters are neither better nor worse");
        let order = results.order(Some(&(Measure::FinalLoss, true)));
        let values: Vec<_> = order.iter().filter_map(|row| shelf.runs[*row].last_loss).collect();
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]), "{values:?}");
        assert_eq!(order.last(), Some(&5), "run 5 has no loss and comes last");
        assert_eq!(results.csv(&order, str::to_owned).lines().count(), 7);
    }
}
