//! How far people agree with themselves and with each other.

use std::collections::BTreeMap;

use luthier_engine::feedback::Verdict;

use super::kappa::{Kappa, Table};
use super::{Decision, Sheet, wilson};

/// Of two people, or of one at two times.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// The same twice: with themself. Both empty: of all together.
    pub people: [String; 2],
    /// Items judged twice.
    pub items: usize,
    /// One an item, or of rankings one a pair of answers.
    pub comparisons: usize,
    pub agreed: usize,
    /// Wilson's 95 % interval of the share that agrees, on the number of items.
    pub low: f64,
    pub high: f64,
    /// None where only one category was ever used.
    pub kappa: Option<Kappa>,
    /// Of rankings: Kendall's tau-b, its mean over the items where it is defined.
    pub tau: Option<f64>,
}

impl Agreement {
    pub fn share(&self) -> f64 {
        self.agreed as f64 / self.comparisons as f64
    }
}

pub(super) struct Agreements {
    pub own: Vec<Agreement>,
    pub own_all: Option<Agreement>,
    pub between: Vec<Agreement>,
    pub between_all: Option<Agreement>,
}

/// Comparisons gathered so far.
#[derive(Default)]
struct Tally {
    items: usize,
    table: Table,
    taus: Vec<f64>,
}

impl Tally {
    fn merge(&mut self, other: &Self) {
        self.items += other.items;
        self.table.merge(&other.table);
        self.taus.extend(&other.taus);
    }

    fn agreement(&self, people: [&str; 2]) -> Option<Agreement> {
        let (comparisons, agreed) = (self.table.total(), self.table.agreed());
        if comparisons == 0 {
            return None;
        }
        let n = self.items as f64;
        let (low, high) = wilson(agreed as f64 / comparisons as f64 * n, n);
        let tau = (!self.taus.is_empty()).then(|| self.taus.iter().sum::<f64>() / self.taus.len() as f64);
        let people = people.map(str::to_owned);
        Some(Agreement {
            people,
            items: self.items,
            comparisons,
            agreed,
            low,
            high,
            kappa: self.table.kappa(self.items),
            tau,
        })
    }
}

/// Each person's earliest pass is held against their later ones, and against the earliest of everybody else.
pub(super) fn all(sheets: &[Sheet], decisions: &[Decision]) -> Agreements {
    let mut own: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut between: BTreeMap<(&str, &str), Tally> = BTreeMap::new();
    for sheet in sheets.iter().filter(|sheet| sheet.said.len() > 1) {
        let mut of_people: BTreeMap<&str, Vec<&Decision>> = BTreeMap::new();
        for at in &sheet.said {
            of_people.entry(&decisions[*at].judged.annotator).or_default().push(&decisions[*at]);
        }
        for said in of_people.values_mut() {
            said.sort_by_key(|decision| decision.pass);
        }
        for (person, said) in &of_people {
            let pairs = said.iter().skip(1).map(|later| (&said[0].judged.verdict, &later.judged.verdict));
            let pairs: Vec<_> = pairs.collect();
            if !pairs.is_empty() {
                hold(own.entry(person).or_default(), &pairs);
            }
        }
        let people: Vec<_> = of_people.iter().map(|(person, said)| (*person, &said[0].judged.verdict)).collect();
        for (at, (one, first)) in people.iter().enumerate() {
            for (other, second) in &people[at + 1..] {
                hold(between.entry((one, other)).or_default(), &[(first, second)]);
            }
        }
    }
    let together = |tallies: &mut dyn Iterator<Item = &Tally>| {
        let mut all = Tally::default();
        tallies.for_each(|tally| all.merge(tally));
        all.agreement(["", ""])
    };
    Agreements {
        own_all: together(&mut own.values()),
        between_all: together(&mut between.values()),
        own: own.iter().filter_map(|(person, tally)| tally.agreement([person, person])).collect(),
        between: between.iter().filter_map(|((one, other), tally)| tally.agreement([one, other])).collect(),
    }
}

/// Adds the comparisons of one item.
fn hold(tally: &mut Tally, pairs: &[(&Verdict, &Verdict)]) {
    let before = tally.table.total();
    for (first, second) in pairs {
        if let (Verdict::Ranked { places: a }, Verdict::Ranked { places: b }) = (first, second) {
            compare_ranks(&mut tally.table, a, b);
            tally.taus.extend(tau_b(a, b));
        } else if let (Some(a), Some(b)) = (category(first), category(second)) {
            tally.table.add(a, b);
        }
    }
    tally.items += usize::from(tally.table.total() > before);
}

/// None for what says nothing about which answer is better: a text that the person wrote, and skips.
pub(super) fn category(verdict: &Verdict) -> Option<usize> {
    match verdict {
        Verdict::Better { answer, .. } if *answer < 2 => Some(*answer),
        Verdict::Tie => Some(2),
        Verdict::BothGood => Some(3),
        Verdict::BothBad => Some(4),
        Verdict::Good => Some(5),
        Verdict::Bad => Some(6),
        _ => None,
    }
}

/// Each pair of answers: the first better, the second, or tie.
fn compare_ranks(table: &mut Table, a: &[usize], b: &[usize]) {
    if a.len() != b.len() {
        return;
    }
    let order = |places: &[usize], i: usize, j: usize| match places[i].cmp(&places[j]) {
        std::cmp::Ordering::Less => 0,
        std::cmp::Ordering::Greater => 1,
        std::cmp::Ordering::Equal => 2,
    };
    for i in 0..a.len() {
        for j in i + 1..a.len() {
            table.add(order(a, i, j), order(b, i, j));
        }
    }
}

/// Kendall's tau-b of two rankings of the same answers (Kendall 1945, "The treatment of ties in ranking problems"): 1 the
/// same order, -1 the reverse. None where one of them says that all are equal, or they are not of the same answers.
pub(super) fn tau_b(a: &[usize], b: &[usize]) -> Option<f64> {
    if a.len() != b.len() {
        return None;
    }
    let (mut score, mut in_a, mut in_b) = (0.0, 0.0, 0.0);
    for i in 0..a.len() {
        for j in i + 1..a.len() {
            let sign = |places: &[usize]| match places[i].cmp(&places[j]) {
                std::cmp::Ordering::Less => 1.0,
                std::cmp::Ordering::Greater => -1.0,
                std::cmp::Ordering::Equal => 0.0_f64,
            };
            let (x, y) = (sign(a), sign(b));
            score += x * y;
            in_a += x.abs();
            in_b += y.abs();
        }
    }
    (in_a > 0.0 && in_b > 0.0).then(|| score / (in_a * in_b).sqrt())
}
