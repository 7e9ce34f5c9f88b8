//! The tables that are counted out rather than written: sums, differences, products, neighbours and pairs; and nonsense,
//! words that mean nothing (columns en, zh), so that the model learns to admit it.
//! Columns a, b, c in digits, a_en ... in English words, a_zh ... in Chinese numerals.

use std::collections::BTreeMap;

use crate::sources::Table;

const ENGLISH: [&str; 21] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
];
const CHINESE: [&str; 21] = [
    "零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二", "十三", "十四", "十五", "十六",
    "十七", "十八", "十九", "二十",
];

/// Sums up to 10 + 10, differences within 12, products up to 5 x 10, neighbours to 30, pairs below 16.
pub fn add_tables(tables: &mut BTreeMap<String, Table>) {
    let both = |first: std::ops::RangeInclusive<usize>, second: std::ops::RangeInclusive<usize>| {
        first.flat_map(move |a| second.clone().map(move |b| (a, b)))
    };
    let mut add = |name: &str, triples: Vec<(usize, usize, usize)>| {
        let columns = ["a", "b", "c", "a_en", "b_en", "c_en", "a_zh", "b_zh", "c_zh"].map(str::to_owned).to_vec();
        let word = |list: &[&str; 21], n: usize| list.get(n).map_or("-".to_owned(), |word| (*word).to_owned());
        let row = |(a, b, c): (usize, usize, usize)| {
            let mut cells = [a, b, c].map(|n| n.to_string()).to_vec();
            cells.extend([a, b, c].map(|n| word(&ENGLISH, n)));
            cells.extend([a, b, c].map(|n| word(&CHINESE, n)));
            cells
        };
        tables.insert(name.to_owned(), Table { columns, rows: triples.into_iter().map(row).collect() });
    };
    add("sums", both(0..=10, 0..=10).map(|(a, b)| (a, b, a + b)).collect());
    add("differences", both(0..=12, 0..=12).filter(|(a, b)| b <= a).map(|(a, b)| (a, b, a - b)).collect());
    add("products", both(1..=5, 1..=10).map(|(a, b)| (a, b, a * b)).collect());
    add("neighbours", (0..30).map(|a| (a, a + 1, a + 2)).collect());
    add("pairs", both(1..=15, 1..=15).filter(|(a, b)| a < b).map(|(a, b)| (a, b, a + b)).collect());
    let nonsense = (0..WORDS).map(|n| vec![nonsense_english(n), nonsense_chinese(n)]).collect();
    tables.insert("nonsense".into(), Table { columns: vec!["en".into(), "zh".into()], rows: nonsense });
}

const WORDS: usize = 320;
const ONSETS: [&str; 16] = ["b", "bl", "ch", "d", "dr", "f", "gl", "k", "kr", "m", "n", "pl", "sk", "tr", "v", "z"];
const RIMES: [&str; 20] = [
    "ab", "ack", "alm", "arp", "eb", "eek", "elm", "ent", "ib", "ilt", "int", "ock", "olm", "onk", "oop", "orp", "ub",
    "ulp", "unt", "urm",
];
const CHARACTERS: &str = "波锡岚棱琮骥漠澜蒲荻翎铎戈砚苔萤渊珂霖瑜峤篁槐桢沅汀漪菁";

/// "zorp", "blintock": one or two syllables.
fn nonsense_english(n: usize) -> String {
    let syllable =
        |n: usize| format!("{}{}", ONSETS[n % ONSETS.len()], RIMES[(n * 7 + n / ONSETS.len()) % RIMES.len()]);
    if n.is_multiple_of(3) { syllable(n) + RIMES[n % RIMES.len()] } else { syllable(n) }
}

/// Two characters that do not make a word.
fn nonsense_chinese(n: usize) -> String {
    let characters: Vec<char> = CHARACTERS.chars().collect();
    let count = characters.len();
    [characters[n % count], characters[(n * 5 + n / count + 3) % count]].iter().collect()
}
