//! What a sweep tries: every combination of some values, or points drawn at random. Pure arithmetic.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use luthier_engine::recipe::{KEYS, Recipe};
use serde_json::Value;

/// More runs than this are a slip of the hand.
pub const MOST_RUNS: usize = 512;

/// What values a key takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Number { whole: bool },
    Choice(Vec<String>),
    Truth,
}

/// Keys that a sweep can vary, with what they take, in the order of the recipe.
pub static SWEEPABLE: LazyLock<Vec<(&'static str, Kind)>> = LazyLock::new(|| {
    // Numbers that shape the log or the files and not what is learned.
    const IDLE: [&str; 6] =
        ["logging_steps", "save_steps", "save_total_limit", "overwrite_output_dir", "skip_bad_rows", "max_samples"];
    let whole = serde_json::to_value(Recipe::default()).unwrap_or_default();
    let keys = KEYS.iter().map(|key| key.name).filter(|key| !IDLE.contains(key));
    keys.filter_map(|key| Some((key, kind_of(&whole, key)?))).collect()
});

/// Tried on a recipe: what the key accepts is what it is.
fn kind_of(whole: &Value, key: &str) -> Option<Kind> {
    let takes = |value: Value| {
        let mut changed = whole.clone();
        changed[key] = value;
        serde_json::from_value::<Recipe>(changed).map(drop).map_err(|error| error.to_string())
    };
    if takes(Value::Bool(true)).is_ok() {
        return Some(Kind::Truth);
    }
    if takes(Value::from(1.5)).is_ok() {
        return Some(Kind::Number { whole: false });
    }
    if takes(Value::from(1)).is_ok() {
        return Some(Kind::Number { whole: true });
    }
    // serde names the words that it knows between backquotes, the wrong one first.
    let message = takes(Value::from("?")).err()?;
    let words: Vec<String> = message.split('`').skip(1).step_by(2).skip(1).map(str::to_owned).collect();
    (message.starts_with("unknown variant") && !words.is_empty()).then_some(Kind::Choice(words))
}

/// How the values of a number are given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Given {
    #[default]
    List,
    Range,
}

/// A key that varies, and over what.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    pub key: &'static str,
    pub kind: Kind,
    pub given: Given,
    /// Numbers with commas between them.
    pub list: String,
    pub from: f64,
    pub to: f64,
    /// Values of a grid between `from` and `to`, both included.
    pub count: usize,
    /// Equal factors instead of equal steps.
    pub logarithmic: bool,
    /// Words that are tried.
    pub words: BTreeSet<String>,
}

impl Axis {
    /// Around the value that the form has.
    pub fn around(key: &'static str, kind: Kind, now: &Value) -> Self {
        let value = now.as_f64().unwrap_or(0.0);
        let small = value > 0.0 && value < 0.01;
        let (from, to) = if value > 0.0 { (value / 2.0, value * 2.0) } else { (0.0, 1.0) };
        let (from, to) = match kind {
            Kind::Number { whole: true } => (from.max(1.0).round(), to.max(2.0).round()),
            _ => (from, to),
        };
        let words = match &kind {
            Kind::Choice(words) => words.iter().cloned().collect(),
            Kind::Truth => ["true".to_owned(), "false".to_owned()].into(),
            Kind::Number { .. } => BTreeSet::new(),
        };
        let list = if value > 0.0 {
            [from, value, to].map(crate::format::setting).join(", ")
        } else {
            [from, to].map(crate::format::setting).join(", ")
        };
        Self { key, kind, given: Given::List, list, from, to, count: 3, logarithmic: small, words }
    }

    fn whole(&self) -> bool {
        self.kind == Kind::Number { whole: true }
    }

    fn number(&self, value: f64) -> Value {
        if self.whole() {
            return Value::from(value.round() as i64);
        }
        // Six digits: a recipe that a person reads says 0.0001, not 0.00009999999.
        Value::from(format!("{value:.5e}").parse::<f64>().unwrap_or(value))
    }

    /// What a grid tries, each value once. Err: what is wrong, as a word of the texts (`sweep.…`).
    pub fn values(&self) -> Result<Vec<Value>, &'static str> {
        let mut values: Vec<Value> = match (&self.kind, self.given) {
            (Kind::Truth, _) => self.words.iter().map(|word| Value::Bool(word == "true")).collect(),
            (Kind::Choice(known), _) => {
                known.iter().filter(|word| self.words.contains(*word)).map(|word| Value::from(word.as_str())).collect()
            }
            (Kind::Number { .. }, Given::List) => {
                let parts = self.list.split([',', ' ', '，', '、', ';']).filter(|part| !part.is_empty());
                let number = |part: &str| part.parse::<f64>().ok().filter(|x| x.is_finite());
                let numbers: Option<Vec<f64>> = parts.map(number).collect();
                let numbers = numbers.ok_or("not_numbers")?;
                if self.whole() && numbers.iter().any(|x| x.fract() != 0.0) {
                    return Err("not_whole");
                }
                numbers.into_iter().map(|x| self.number(x)).collect()
            }
            (Kind::Number { .. }, Given::Range) => {
                self.check_range()?;
                spaced(self.from, self.to, self.count, self.logarithmic).map(|x| self.number(x)).collect()
            }
        };
        let mut seen = Vec::new();
        values.retain(|value| {
            !seen.contains(value) && {
                seen.push(value.clone());
                true
            }
        });
        if values.is_empty() { Err("no_values") } else { Ok(values) }
    }

    fn check_range(&self) -> Result<(), &'static str> {
        match () {
            () if !(self.from.is_finite() && self.to.is_finite() && self.from < self.to) => Err("bad_range"),
            () if self.logarithmic && self.from <= 0.0 => Err("log_above_zero"),
            () => Ok(()),
        }
    }

    fn draw(&self, values: &[Value], dice: &mut Dice) -> Value {
        if self.given == Given::List || !matches!(self.kind, Kind::Number { .. }) {
            return values[(dice.roll() * values.len() as f64) as usize % values.len()].clone();
        }
        let at = dice.roll();
        self.number(between(self.from, self.to, at, self.logarithmic))
    }
}

fn between(from: f64, to: f64, at: f64, logarithmic: bool) -> f64 {
    if logarithmic { from * (to / from).powf(at) } else { from + (to - from) * at }
}

fn spaced(from: f64, to: f64, count: usize, logarithmic: bool) -> impl Iterator<Item = f64> {
    let count = count.clamp(1, MOST_RUNS);
    let last = (count - 1).max(1) as f64;
    (0..count).map(move |n| between(from, to, n as f64 / last, logarithmic))
}

/// SplitMix64 (Steele, Lea and Flood 2014), written here so that a seed gives the same search in every version.
struct Dice(u64);

impl Dice {
    /// 0 to 1, the end left out.
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// Every combination.
    Grid,
    Random {
        samples: usize,
        seed: u64,
    },
}

/// What one run of a sweep sets.
pub type Combination = Vec<(&'static str, Value)>;

/// As the library keeps it: `lora_rank=16, learning_rate=1e-4`.
pub fn named(combination: &Combination) -> String {
    let one = |(key, value): &(&str, Value)| format!("{key}={}", crate::export::value_text(value));
    combination.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// And back: keys with their values.
pub fn parts(named: &str) -> Vec<(&str, &str)> {
    named.split(", ").filter_map(|part| part.split_once('=')).collect()
}

/// All runs of a sweep, each combination once. Err: the key and what is wrong with its values; no key: there are too many.
pub fn combinations(axes: &[Axis], how: How) -> Result<Vec<Combination>, (Option<&'static str>, &'static str)> {
    let values: Vec<Vec<Value>> =
        axes.iter().map(|axis| axis.values().map_err(|why| (Some(axis.key), why))).collect::<Result<_, _>>()?;
    if axes.is_empty() {
        return Ok(Vec::new());
    }
    match how {
        How::Grid => {
            let count = values.iter().try_fold(1usize, |n, list| n.checked_mul(list.len()));
            if count.is_none_or(|count| count > MOST_RUNS) {
                return Err((None, "too_many"));
            }
            let mut all: Vec<Combination> = vec![Vec::new()];
            for (axis, list) in axes.iter().zip(&values) {
                let with = |done: &Combination| {
                    let done = done.clone();
                    list.iter().map(move |value| [done.clone(), vec![(axis.key, value.clone())]].concat())
                };
                all = all.iter().flat_map(with).collect();
            }
            Ok(all)
        }
        How::Random { samples, seed } => {
            if samples > MOST_RUNS {
                return Err((None, "too_many"));
            }
            let mut dice = Dice(seed);
            let mut all: Vec<Combination> = Vec::new();
            // Few values have few combinations: after enough throws there is nothing new.
            for _ in 0..samples * 50 {
                if all.len() == samples {
                    break;
                }
                let drawn: Combination =
                    axes.iter().zip(&values).map(|(axis, list)| (axis.key, axis.draw(list, &mut dice))).collect();
                if !all.contains(&drawn) {
                    all.push(drawn);
                }
            }
            Ok(all)
        }
    }
}

/// `base` with these settings. Err: why it cannot be run.
pub fn apply(base: &Recipe, combination: &Combination) -> Result<Recipe, String> {
    let mut whole = serde_json::to_value(base).map_err(|e| e.to_string())?;
    for (key, value) in combination {
        whole[*key] = value.clone();
    }
    let recipe: Recipe = serde_json::from_value(whole).map_err(|e| e.to_string())?;
    let own = base.setting_problems();
    let fresh: Vec<String> = recipe
        .setting_problems()
        .into_iter()
        .filter(|problem| !own.contains(problem))
        .map(|problem| format!("{}: {}", problem.field, problem.reason))
        .collect();
    if fresh.is_empty() { Ok(recipe) } else { Err(fresh.join("; ")) }
}

/// The place of the best value; what is not a number is no candidate.
pub fn best(values: &[Option<f64>], lower: bool) -> Option<usize> {
    let known = values.iter().enumerate().filter_map(|(at, value)| Some((at, value.filter(|v| v.is_finite())?)));
    let order = |a: &(usize, f64), b: &(usize, f64)| if lower { a.1.total_cmp(&b.1) } else { b.1.total_cmp(&a.1) };
    known.min_by(order).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(key: &'static str) -> Axis {
        let (key, kind) = SWEEPABLE.iter().find(|(name, _)| *name == key).expect("it can be varied").clone();
        Axis::around(key, kind, &serde_json::to_value(Recipe::default()).unwrap()[key])
    }

    #[test]
    fn keys_tell_what_they_take() {
        let kind = |key: &str| SWEEPABLE.iter().find(|(name, _)| *name == key).map(|(_, kind)| kind.clone());
        assert_eq!(kind("lora_rank"), Some(Kind::Number { whole: true }));
        assert_eq!(kind("learning_rate"), Some(Kind::Number { whole: false }));
        assert_eq!(kind("lora_alpha"), Some(Kind::Number { whole: false }), "it may be null, and is a number");
        assert_eq!(kind("use_dora"), Some(Kind::Truth));
        let Some(Kind::Choice(words)) = kind("lr_scheduler_type") else { panic!("a choice") };
        assert!(words.contains(&"cosine".to_owned()) && !words.contains(&"?".to_owned()), "{words:?}");
        assert!(kind("output_dir").is_none() && kind("dataset").is_none() && kind("device").is_none());
    }

    #[test]
    fn a_grid_has_every_combination_once() {
        let mut rank = axis("lora_rank");
        rank.list = "8, 16，8 32".into();
        let mut rate = axis("learning_rate");
        (rate.given, rate.from, rate.to, rate.count, rate.logarithmic) = (Given::Range, 1e-5, 1e-3, 3, true);
        assert_eq!(rate.values().unwrap(), [1e-5, 1e-4, 1e-3].map(Value::from));
        let all = combinations(&[rank, rate, axis("use_dora")], How::Grid).unwrap();
        assert_eq!(all.len(), 3 * 3 * 2);
        assert_eq!(named(&all[0]), "lora_rank=8, learning_rate=1e-5, use_dora=false");
        assert_eq!(parts("lora_rank=8, learning_rate=1e-5")[1], ("learning_rate", "1e-5"));
    }

    #[test]
    fn a_random_search_follows_its_seed_and_stays_inside() {
        let mut rate = axis("learning_rate");
        (rate.given, rate.from, rate.to, rate.logarithmic) = (Given::Range, 1e-6, 1e-2, true);
        let draw = |seed| combinations(std::slice::from_ref(&rate), How::Random { samples: 200, seed }).unwrap();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let values: Vec<f64> = draw(7).iter().map(|c| c[0].1.as_f64().unwrap()).collect();
        assert_eq!(values.len(), 200);
        assert!(values.iter().all(|v| (1e-6..=1e-2).contains(v)));
        let below = values.iter().filter(|v| **v < 1e-4).count();
        assert!((70..=130).contains(&below), "half of a log-uniform draw lies below the geometric middle: {below}");
        let few = combinations(&[axis("use_dora")], How::Random { samples: 9, seed: 1 }).unwrap();
        assert_eq!(few.len(), 2, "there are only two different ones");
    }

    #[test]
    fn what_cannot_be_is_said() {
        let mut rank = axis("lora_rank");
        rank.list = "8, viele".into();
        assert_eq!(combinations(std::slice::from_ref(&rank), How::Grid), Err((Some("lora_rank"), "not_numbers")));
        rank.list = "8.5".into();
        assert_eq!(rank.values(), Err("not_whole"));
        (rank.given, rank.from, rank.to, rank.logarithmic) = (Given::Range, 0.0, 9.0, true);
        assert_eq!(rank.values(), Err("log_above_zero"));
        (rank.from, rank.to, rank.count, rank.logarithmic) = (1.0, 1000.0, 1000, false);
        assert_eq!(combinations(&[rank.clone(), rank], How::Grid), Err((None, "too_many")));
        let base = Recipe::default();
        assert!(apply(&base, &vec![("lora_rank", Value::from(-3))]).is_err());
        assert!(apply(&base, &vec![("learning_rate", Value::from(-1.0))]).unwrap_err().contains("learning_rate"));
        assert_eq!(apply(&base, &vec![("lora_rank", Value::from(64))]).unwrap().lora_rank, 64);
    }

    #[test]
    fn the_best_passes_over_what_is_missing() {
        assert_eq!(best(&[None, Some(f64::NAN), Some(2.0), Some(1.0)], true), Some(3));
        assert_eq!(best(&[Some(2.0), Some(3.0)], false), Some(1));
        assert_eq!(best(&[None], true), None);
    }
}
