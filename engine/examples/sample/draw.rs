//! Draws questions and answers from the blocks, with a fixed seed.
//!
//! References in a text: `{column}` of the row, `{o.column}` of another row that differs in the block's `other`
//! column, `{next.column}` and `{prev.column}` of the neighbouring rows (round the end), `{group}` the value of a
//! group and `{1.column}`, `{2.column}`, ... of distinct rows in it, `{table.column}` of a random row, the same one
//! throughout one draw, and `{table#2.column}` of a second one. `{a x}` puts a or an before it, `{s x}` makes a
//! plural, `{^x}` a capital.

use std::collections::BTreeMap;

use rand::Rng;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};

use crate::sources::{Block, Lang, Over, Sources, Table};

/// One question with its answer.
#[derive(Clone)]
pub struct Turn {
    pub lang: Lang,
    pub question: String,
    pub answer: String,
    /// The question asks for a length or a role.
    pub styled: bool,
}

/// One draw: usually a single turn, two where a follow-up ("And Spain?") leans on the first.
pub type Exchange = Vec<Turn>;

/// Every block once, as often as its count says.
pub fn pass(sources: &Sources, rng: &mut StdRng) -> Vec<Exchange> {
    let mut out = Vec::new();
    for block in &sources.blocks {
        match &block.over {
            Over::Free => {
                for _ in 0..times(block.count, rng) {
                    out.extend(exchange(sources, block, Spot::default(), None, rng));
                }
            }
            Over::Each { tables, other } => {
                for table in tables.iter().filter_map(|name| sources.tables.get(name)) {
                    for row in 0..table.rows.len() {
                        for _ in 0..times(block.count, rng) {
                            let spot = Spot::row(table, row, other.as_deref(), rng);
                            let next = Spot::row(table, rng.random_range(0..table.rows.len()), other.as_deref(), rng);
                            out.extend(exchange(sources, block, spot, Some(next), rng));
                        }
                    }
                }
            }
            Over::Group { table, column } => {
                let Some(table) = sources.tables.get(table) else { continue };
                let mut groups: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
                for row in 0..table.rows.len() {
                    if let Some(value) = table.cell(row, column) {
                        groups.entry(value).or_default().push(row);
                    }
                }
                for (value, rows) in groups {
                    for _ in 0..times(block.count, rng) {
                        let mut picks = rows.clone();
                        picks.shuffle(rng);
                        let spot = Spot { table: Some(table), group: Some(value), picks, ..Spot::default() };
                        out.extend(exchange(sources, block, spot, None, rng));
                    }
                }
            }
        }
    }
    out
}

/// A fractional count is a chance.
fn times(count: f64, rng: &mut StdRng) -> usize {
    count.trunc() as usize + usize::from(rng.random_bool(count.fract()))
}

/// Where in the tables one draw stands.
#[derive(Default)]
struct Spot<'a> {
    table: Option<&'a Table>,
    row: Option<usize>,
    other: Option<usize>,
    group: Option<&'a str>,
    picks: Vec<usize>,
    bound: BTreeMap<String, usize>,
}

impl<'a> Spot<'a> {
    fn row(table: &'a Table, row: usize, other: Option<&str>, rng: &mut StdRng) -> Self {
        let differs = |column: &str, at: usize| match (table.cell(row, column), table.cell(at, column)) {
            (Some(here), Some(there)) => here != there,
            _ => false,
        };
        let others: Vec<usize> =
            other.map_or(Vec::new(), |column| (0..table.rows.len()).filter(|&at| differs(column, at)).collect());
        Self { table: Some(table), row: Some(row), other: others.choose(rng).copied(), ..Self::default() }
    }

    /// The text behind a reference without its modifier; nothing where the cell is empty.
    fn cell(&mut self, sources: &'a Sources, path: &str, rng: &mut StdRng) -> Option<&'a str> {
        let Some((head, column)) = path.split_once('.') else {
            return if path == "group" { self.group } else { self.table?.cell(self.row?, path) };
        };
        let count = self.table.map_or(0, |table| table.rows.len());
        match head {
            "o" => self.table?.cell(self.other?, column),
            "next" => self.table?.cell((self.row? + 1) % count, column),
            "prev" => self.table?.cell((self.row? + count - 1) % count, column),
            _ => {
                if let Ok(nth) = head.parse::<usize>() {
                    return self.table?.cell(*self.picks.get(nth.checked_sub(1)?)?, column);
                }
                let table = sources.tables.get(head.split('#').next()?)?;
                let taken: Vec<usize> = self.bound.values().copied().collect();
                let row = *self.bound.entry(head.to_owned()).or_insert_with(|| {
                    let free: Vec<usize> = (0..table.rows.len()).filter(|row| !taken.contains(row)).collect();
                    free.choose(rng).copied().unwrap_or(0)
                });
                table.cell(row, column)
            }
        }
    }
}

fn exchange<'a>(
    sources: &'a Sources,
    block: &Block,
    mut spot: Spot<'a>,
    next: Option<Spot<'a>>,
    rng: &mut StdRng,
) -> Option<Exchange> {
    let fact = !matches!(block.over, Over::Free);
    let first = turn(sources, block, &block.questions, &mut spot, fact, rng)?;
    let mut turns = vec![first];
    if let Some(mut next) = next.filter(|_| !block.follow_ups.is_empty() && rng.random_bool(0.15)) {
        turns.extend(turn(sources, block, &block.follow_ups, &mut next, false, rng));
    }
    Some(turns)
}

/// How often a factual question is asked politely, asks for brevity, for length, for a role; and how often the answer
/// is short or long-winded unasked, which leaves preference tuning something to move.
const POLITE: f64 = 0.06;
const BRIEF: f64 = 0.06;
const WORDY: f64 = 0.05;
const ROLE: f64 = 0.06;
const SHORT_UNASKED: f64 = 0.06;
const LONG_UNASKED: f64 = 0.04;

fn turn<'a>(
    sources: &'a Sources,
    block: &Block,
    questions: &[String],
    spot: &mut Spot<'a>,
    fact: bool,
    rng: &mut StdRng,
) -> Option<Turn> {
    let lang = block.lang;
    let question = drawn(sources, questions, spot, rng)?;
    let plain = drawn(sources, &block.answers, spot, rng)?;
    let short = drawn(sources, &block.shorts, spot, rng);
    let manner = |kind: &str, text: &str, rng: &mut StdRng| {
        let list = sources.manners.get(&(lang, kind.to_owned()));
        let frame = list.and_then(|list| list.choose(rng)).map_or("{}", String::as_str);
        frame.replace("{}", text)
    };
    let luck: f64 = rng.random();
    let roles = sources.roles(lang);
    let (question, answer, styled) = match (short, roles.choose(rng)) {
        (Some(short), _) if fact && luck < BRIEF => (manner("brief", &capital(&question), rng), short, true),
        _ if fact && luck < BRIEF + WORDY => {
            (manner("wordy", &capital(&question), rng), manner("long", &capital(&plain), rng), true)
        }
        (_, Some((role, frame))) if fact && luck < BRIEF + WORDY + ROLE => {
            let question = manner("ask as", &capital(&question), rng).replace("{role}", role);
            (question, frame.replace("{}", &capital(&plain)), true)
        }
        (short, _) => {
            let question = if fact && rng.random_bool(POLITE) { manner("polite", &question, rng) } else { question };
            let luck: f64 = rng.random();
            let answer = match short {
                Some(short) if fact && luck < SHORT_UNASKED => short,
                _ if fact && luck > 1.0 - LONG_UNASKED => manner("long", &capital(&plain), rng),
                _ => plain,
            };
            (question, answer, false)
        }
    };
    Some(Turn { lang, question: as_typed(&capital(&question), lang, rng), answer: capital(&answer), styled })
}

/// One text of the list with its references filled; tries others where a cell is empty.
fn drawn<'a>(sources: &'a Sources, list: &[String], spot: &mut Spot<'a>, rng: &mut StdRng) -> Option<String> {
    let mut order: Vec<&String> = list.iter().collect();
    order.shuffle(rng);
    order.into_iter().find_map(|text| filled(sources, &chosen(text, rng), spot, rng))
}

/// Replaces each `[this|that]` by one of its parts.
fn chosen(text: &str, rng: &mut StdRng) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let Some((choices, after)) = after.split_once(']') else { break };
        let parts: Vec<&str> = choices.split('|').collect();
        out.push_str(before);
        out.push_str(parts.choose(rng).copied().unwrap_or(""));
        rest = after;
    }
    out.push_str(rest);
    out.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn filled<'a>(sources: &'a Sources, text: &str, spot: &mut Spot<'a>, rng: &mut StdRng) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (reference, after) = after.split_once('}')?;
        out.push_str(before);
        if let Some(path) = reference.strip_prefix('^') {
            out.push_str(&capital(spot.cell(sources, path, rng)?));
        } else if let Some(path) = reference.strip_prefix("a ") {
            let word = spot.cell(sources, path, rng)?;
            out.push_str(&format!("{} {word}", article(word)));
        } else if let Some(path) = reference.strip_prefix("s ") {
            out.push_str(&plural(spot.cell(sources, path, rng)?));
        } else {
            out.push_str(spot.cell(sources, reference, rng)?);
        }
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

fn article(word: &str) -> &'static str {
    let an = word.starts_with(['a', 'e', 'i', 'o']) || word.starts_with("umb") || word.starts_with("f-");
    if an { "an" } else { "a" }
}

fn plural(word: &str) -> String {
    if word.ends_with("fish") { word.to_owned() } else { format!("{word}s") }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_ascii_uppercase().to_string() + letters.as_str())
}

/// People type without capitals and without the last mark.
fn as_typed(question: &str, lang: Lang, rng: &mut StdRng) -> String {
    let mut text = question.to_owned();
    if rng.random_bool(0.25) {
        let kept = text.trim_end_matches(['?', '.', '!', '？', '。', '！']);
        if !kept.is_empty() {
            text.truncate(kept.len());
        }
    }
    match lang {
        Lang::En if rng.random_bool(0.15) => text.to_ascii_lowercase(),
        Lang::Zh if rng.random_bool(0.15) => text.replace('？', "?").replace('，', ","),
        _ => text,
    }
}
