//! Rows set aside for evaluation, by prompt: none stands on both sides.

use std::collections::HashMap;

use super::{Judged, Mark, Pair};
use crate::protocol::ChatMessage;

/// A row that answers something.
pub trait Asked {
    fn prompt(&self) -> &[ChatMessage];
}

impl Asked for Pair {
    fn prompt(&self) -> &[ChatMessage] {
        &self.prompt
    }
}

impl Asked for Mark {
    fn prompt(&self) -> &[ChatMessage] {
        &self.prompt
    }
}

impl Asked for Judged {
    fn prompt(&self) -> &[ChatMessage] {
        &self.prompt
    }
}

impl<T: Asked> Asked for &T {
    fn prompt(&self) -> &[ChatMessage] {
        (*self).prompt()
    }
}

/// A conversation up to its question without regard to white space and case: equal for prompts that are the same to a
/// reader. All turns count.
pub fn prompt_key(prompt: &[ChatMessage]) -> String {
    let mut key = String::new();
    for message in prompt {
        key.push_str(&message.role);
        for word in message.content.split_whitespace() {
            key.push(' ');
            key.extend(word.chars().flat_map(char::to_lowercase));
        }
        key.push('\n');
    }
    key
}

/// Rows to learn from and rows set aside, each in their order. About `eval_share` (0 to 1) of the rows are set aside;
/// prompts go whole. Each prompt has its own place in a draw that depends on `seed` alone, so what is set aside stays so
/// while labels are added, but for a few at the edge. With a share above 0 and two prompts or more, neither side is
/// empty.
pub fn split<T: Asked>(rows: Vec<T>, eval_share: f64, seed: u64) -> (Vec<T>, Vec<T>) {
    let keys: Vec<String> = rows.iter().map(|row| prompt_key(row.prompt())).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for key in &keys {
        *counts.entry(key).or_default() += 1;
    }
    let wanted = (rows.len() as f64 * eval_share.clamp(0.0, 1.0)).round() as usize;
    if eval_share <= 0.0 || counts.len() < 2 {
        return (rows, Vec::new());
    }
    let mut drawn: Vec<(u64, &str, usize)> =
        counts.into_iter().map(|(key, count)| (place(key, seed), key, count)).collect();
    drawn.sort_unstable();
    let (prompts, mut taken) = (drawn.len(), 0);
    let mut aside: HashMap<String, ()> = HashMap::new();
    for (index, (_, key, count)) in drawn.into_iter().enumerate() {
        // Half a prompt over is nearer than half a prompt short.
        let fits = taken + count.div_ceil(2) <= wanted;
        if index == prompts - 1 || !(fits || aside.is_empty()) {
            break;
        }
        taken += count;
        aside.insert(key.to_owned(), ());
    }
    let mut sides = (Vec::with_capacity(rows.len() - taken), Vec::with_capacity(taken));
    for (row, key) in rows.into_iter().zip(&keys) {
        if aside.contains_key(key) { sides.1.push(row) } else { sides.0.push(row) }
    }
    sides
}

/// FNV-1a of seed and key through SplitMix64's finalizer: the same in every version, unlike the standard hasher.
fn place(key: &str, seed: u64) -> u64 {
    let bytes = seed.to_le_bytes().into_iter().chain(key.bytes());
    let hash = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mixed = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::tests::{judged, on};
    use super::super::{Answer, Verdict};
    use super::*;

    fn keys(rows: &[Judged]) -> HashSet<String> {
        rows.iter().map(|row| prompt_key(&row.prompt)).collect()
    }

    #[test]
    fn no_prompt_is_on_both_sides() {
        // 40 prompts, each two to eight times, in other spellings.
        let spelled = |prompt: usize, time: usize| match time % 3 {
            0 => format!("What is  {prompt}?"),
            1 => format!("what IS {prompt}?\n"),
            _ => format!(" What is {prompt}?"),
        };
        let prompt = |n: usize| if n < 80 { n % 40 } else { n % 7 };
        let rows: Vec<Judged> =
            (0..120).map(|n| on(&spelled(prompt(n), n), &[&format!("answer {n}")], Verdict::Good)).collect();
        for seed in 0..20 {
            let (train, eval) = split(rows.clone(), 0.2, seed);
            assert!(keys(&train).is_disjoint(&keys(&eval)), "seed {seed}");
            assert_eq!(train.len() + eval.len(), 120);
            assert!((14..=34).contains(&eval.len()), "seed {seed}: {}", eval.len());
            assert_eq!(split(rows.clone(), 0.2, seed), (train, eval));
        }
        assert_ne!(split(rows.clone(), 0.2, 1).1, split(rows, 0.2, 2).1);
    }

    #[test]
    fn conversations_are_compared_whole() {
        let talk = |first: &str| {
            let mut row = judged(&["a", "b"], Verdict::Tie);
            let say = |role: &str, content: &str| ChatMessage { role: role.into(), content: content.into() };
            row.prompt = vec![say("user", first), say("assistant", "yes"), say("user", "Why?")];
            row.answers[0] = Answer { text: first.into(), author: String::new() };
            row
        };
        assert_ne!(prompt_key(&talk("one").prompt), prompt_key(&talk("two").prompt));
        let (train, eval) = split(vec![talk("one"), talk("two"), talk("one"), talk("two")], 0.5, 3);
        assert_eq!((train.len(), eval.len()), (2, 2));
        assert!(keys(&train).is_disjoint(&keys(&eval)));
    }

    #[test]
    fn what_is_set_aside_stays_so_as_labels_come() {
        let row = |n: usize| on(&format!("prompt {n}"), &["a"], Verdict::Good);
        let (before, after): (Vec<_>, Vec<_>) = ((0..200).map(row).collect(), (0..220).map(row).collect());
        let before = keys(&split(before, 0.1, 7).1);
        let trained: HashSet<String> = keys(&split(after, 0.1, 7).0);
        assert!(before.intersection(&trained).count() <= 4, "of {} now trained on", before.len());
    }

    #[test]
    fn neither_side_is_empty_unless_it_must_be() {
        let rows = |count: usize| (0..count).map(|n| on(&n.to_string(), &["a"], Verdict::Good)).collect::<Vec<_>>();
        let sizes = |count, share| {
            let (train, eval) = split(rows(count), share, 1);
            (train.len(), eval.len())
        };
        assert_eq!((sizes(10, 0.0), sizes(1, 0.5), sizes(0, 0.5)), ((10, 0), (1, 0), (0, 0)));
        assert_eq!((sizes(2, 0.1), sizes(2, 0.9), sizes(10, 0.3)), ((1, 1), (1, 1), (7, 3)));
    }
}
