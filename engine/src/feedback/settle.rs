//! One verdict an item where several people judged it, or one person twice.

use std::collections::HashMap;

use super::{Judged, Verdict};

/// A decision that stands, as far as its verdict's weight is concerned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Said<'a> {
    /// Decisions on the same item belong together.
    pub item: i64,
    /// Made on the review list: it counts before all others.
    pub last_word: bool,
    pub judged: &'a Judged,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settled<'a> {
    /// One for each item that is settled, in the order of the items' first decisions.
    pub judged: Vec<&'a Judged>,
    /// Items on which there is no majority and nobody's last word.
    pub disagreed: Vec<i64>,
    /// Items that everybody passed over.
    pub skipped: usize,
}

/// Decisions by item, in the order of the items' first ones.
pub(super) fn grouped<'a>(said: impl IntoIterator<Item = Said<'a>>) -> Vec<(i64, Vec<Said<'a>>)> {
    let mut order: Vec<(i64, Vec<Said<'a>>)> = Vec::new();
    let mut places: HashMap<i64, usize> = HashMap::new();
    for said in said {
        let place = *places.entry(said.item).or_insert_with(|| {
            order.push((said.item, Vec::new()));
            order.len() - 1
        });
        order[place].1.push(said);
    }
    order
}

/// What counts of decisions that were made in this order: the latest last word; else what most people say, one vote a
/// person. What a file said without naming anybody counts only until a person has judged. A person who has judged an item twice and differently has no vote on it. Skips are no votes. How strong a
/// preference is makes no other vote; the latest of the winning decisions is taken. A text that a person wrote contradicts
/// nothing: where the plain verdicts agree, or there are none, the latest text is what counts.
pub fn settle<'a>(said: impl IntoIterator<Item = Said<'a>>) -> Settled<'a> {
    let mut settled = Settled::default();
    for (item, said) in grouped(said) {
        if let Some(last) = said.iter().rev().find(|said| said.last_word) {
            settled.add(last.judged);
            continue;
        }
        let mut votes: Vec<&Judged> =
            said.iter().map(|said| said.judged).filter(|judged| judged.verdict != Verdict::Skipped).collect();
        if votes.iter().any(|judged| !judged.is_of_file()) {
            votes.retain(|judged| !judged.is_of_file());
        }
        if votes.is_empty() {
            settled.skipped += 1;
            continue;
        }
        let (texts, plain): (Vec<&Judged>, Vec<&Judged>) =
            votes.into_iter().partition(|judged| is_text(&judged.verdict));
        match (texts.last(), majority(&plain)) {
            (Some(text), plain_word) if plain.is_empty() || plain_word.is_some() => settled.add(text),
            (None, Some(judged)) => settled.add(judged),
            _ => settled.disagreed.push(item),
        }
    }
    settled
}

impl<'a> Settled<'a> {
    fn add(&mut self, judged: &'a Judged) {
        if judged.verdict == Verdict::Skipped { self.skipped += 1 } else { self.judged.push(judged) }
    }
}

fn majority<'a>(votes: &[&'a Judged]) -> Option<&'a Judged> {
    let mut people: Vec<(&str, Option<&'a Judged>)> = Vec::new();
    for vote in votes {
        match people.iter_mut().find(|(name, _)| *name == vote.annotator) {
            None => people.push((&vote.annotator, Some(vote))),
            Some((_, latest)) => *latest = latest.filter(|said| same(&said.verdict, &vote.verdict)).map(|_| *vote),
        }
    }
    let mut groups: Vec<(&'a Judged, usize)> = Vec::new();
    for vote in people.into_iter().filter_map(|(_, vote)| vote) {
        match groups.iter_mut().find(|(first, _)| same(&first.verdict, &vote.verdict)) {
            Some((latest, count)) => (*latest, *count) = (vote, *count + 1),
            None => groups.push((vote, 1)),
        }
    }
    let most = groups.iter().map(|(_, count)| *count).max()?;
    let mut winners = groups.iter().filter(|(_, count)| *count == most);
    let winner = winners.next()?.0;
    winners.next().is_none().then_some(winner)
}

fn is_text(verdict: &Verdict) -> bool {
    matches!(verdict, Verdict::Edited { .. } | Verdict::Written { .. })
}

/// Whether two rankings of the same answers put some two of them in opposite orders; that one says tie is no contradiction.
pub fn turned(a: &[usize], b: &[usize]) -> bool {
    let opposite = |i: usize, j: usize| (a[i] < a[j] && b[i] > b[j]) || (a[i] > a[j] && b[i] < b[j]);
    a.len() == b.len() && (0..a.len()).any(|i| (i + 1..a.len()).any(|j| opposite(i, j)))
}

/// Whether two plain verdicts are one vote: what is better, not by how much.
fn same(a: &Verdict, b: &Verdict) -> bool {
    match (a, b) {
        (Verdict::Better { answer: a, .. }, Verdict::Better { answer: b, .. }) => a == b,
        (Verdict::Ranked { places: a }, Verdict::Ranked { places: b }) => !turned(a, b),
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Strength;
    use super::super::tests::judged;
    use super::*;

    fn by(name: &str, verdict: Verdict) -> Judged {
        Judged { annotator: name.into(), ..judged(&["a", "b"], verdict) }
    }

    fn better(answer: usize) -> Verdict {
        Verdict::Better { answer, strength: Strength::Clearly }
    }

    fn outcome(votes: &[(&str, Verdict)]) -> Option<Verdict> {
        let votes: Vec<Judged> = votes.iter().map(|(name, verdict)| by(name, verdict.clone())).collect();
        let settled = settle(votes.iter().map(|judged| Said { item: 1, last_word: false, judged }));
        assert_eq!(settled.judged.len() + settled.disagreed.len() + settled.skipped, 1);
        settled.judged.first().map(|judged| judged.verdict.clone())
    }

    #[test]
    fn most_people_decide_with_one_vote_each() {
        let slightly = Verdict::Better { answer: 0, strength: Strength::Slightly };
        assert_eq!(outcome(&[("Ada", better(0)), ("Bo", better(1)), ("Cy", slightly.clone())]), Some(slightly));
        assert_eq!(outcome(&[("Ada", better(0)), ("Bo", better(1))]), None);
        // Twice the same is one vote, twice differently is none.
        assert_eq!(outcome(&[("Ada", better(0)), ("Ada", better(0)), ("Bo", better(1))]), None);
        assert_eq!(outcome(&[("Ada", better(0)), ("Ada", Verdict::Tie), ("Bo", better(1))]), Some(better(1)));
        assert_eq!(outcome(&[("Ada", better(0)), ("Ada", Verdict::Tie)]), None);
        assert_eq!(outcome(&[("Ada", Verdict::Skipped), ("Bo", better(1))]), Some(better(1)));
        assert_eq!(outcome(&[("Ada", Verdict::Skipped)]), None);
    }

    #[test]
    fn a_written_text_contradicts_nothing_and_counts() {
        let edited = || Verdict::Edited { answer: 0, text: "mended".into() };
        let written = || Verdict::Written { text: "mine".into() };
        assert_eq!(outcome(&[("Ada", edited()), ("Ada", better(1))]), Some(edited()));
        assert_eq!(outcome(&[("Ada", better(1)), ("Bo", edited()), ("Cleo", written())]), Some(written()));
        assert_eq!(outcome(&[("Ada", better(1)), ("Bo", better(0)), ("Cleo", edited())]), None, "two still disagree");
    }

    #[test]
    fn a_tie_in_a_ranking_is_no_other_vote() {
        let ranked = |places: &[usize]| Verdict::Ranked { places: places.to_vec() };
        assert_eq!(outcome(&[("Ada", ranked(&[0, 1, 2])), ("Bo", ranked(&[0, 1, 1]))]), Some(ranked(&[0, 1, 1])));
        assert_eq!(outcome(&[("Ada", ranked(&[0, 1, 2])), ("Bo", ranked(&[1, 0, 2]))]), None);
    }

    #[test]
    fn a_person_overrules_a_file() {
        let file = |verdict| {
            let mut judged = by("pairs.jsonl", verdict);
            judged.answers.iter_mut().for_each(|answer| answer.author = "pairs.jsonl".into());
            judged
        };
        let votes = [file(better(0)), by("Ada", better(1))];
        let said = |count: usize| {
            settle(votes[..count].iter().map(|judged| Said { item: 1, last_word: false, judged })).judged[0]
                .verdict
                .clone()
        };
        assert_eq!((said(1), said(2)), (better(0), better(1)));
    }

    #[test]
    fn the_last_word_counts_before_all() {
        let votes = [by("Ada", better(0)), by("Bo", better(0)), by("Cy", better(1)), by("Ada", Verdict::Tie)];
        let said = |last: [bool; 4]| {
            votes.iter().zip(last).map(|(judged, last_word)| Said { item: 9, last_word, judged }).collect::<Vec<_>>()
        };
        assert_eq!(settle(said([false, false, true, false])).judged[0].verdict, better(1));
        assert_eq!(settle(said([false, true, false, true])).judged[0].verdict, Verdict::Tie);
    }

    #[test]
    fn items_stay_apart_and_in_order() {
        let votes = [by("Ada", better(0)), by("Ada", better(1)), by("Bo", better(0)), by("Bo", better(0))];
        let said = votes.iter().zip([5, 3, 5, 3]).map(|(judged, item)| Said { item, last_word: false, judged });
        let settled = settle(said);
        assert_eq!((settled.judged, settled.disagreed), (vec![&votes[2]], vec![3]));
    }
}
