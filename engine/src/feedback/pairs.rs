//! Pairs of a better and a worse answer: what DPO, ORPO, SimPO and reward models learn from.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Judged, LeftOut, Strength, Verdict, prompt_key, same_words, words};
use crate::protocol::ChatMessage;

/// What becomes of two answers that are equally good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ties {
    #[default]
    LeaveOut,
    /// One pair each way: in sum they say that neither is better.
    Split,
    /// Written as ties where the format can say so; left out elsewhere, with their count told.
    Keep,
}

/// Which pairs a ranking gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ranking {
    /// Every two answers of different places.
    #[default]
    All,
    /// Answers whose places follow each other: fewer pairs, no answer counts much more than another.
    Adjacent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PairRules {
    pub ties: Ties,
    pub ranking: Ranking,
    /// A good and a bad answer to the same prompt, each marked alone, make a pair.
    pub from_marks: bool,
}

impl Default for PairRules {
    fn default() -> Self {
        Self { ties: Ties::default(), ranking: Ranking::default(), from_marks: true }
    }
}

/// What a pair was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PairSource {
    Choice,
    /// One way of a tie.
    Tie,
    Edit,
    Own,
    Ranking,
    Marks,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    pub prompt: Vec<ChatMessage>,
    pub chosen: String,
    pub rejected: String,
    pub strength: Strength,
    pub source: PairSource,
    /// Who wrote the two: models' names, or the annotator's.
    pub chosen_author: String,
    pub rejected_author: String,
    pub annotator: String,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Paired {
    pub pairs: Vec<Pair>,
    pub left_out: LeftOut,
}

/// All pairs of these verdicts, in their order; those of single marks after the others. A verdict is taken as it is:
/// [`super::settle`] first where several people judged an item.
///
/// An own answer is better than each one that was shown, so it makes a pair with each. Marks of one prompt are paired in
/// turn until every marked answer stands in a pair, so that many marks on a prompt do not outweigh the other prompts.
pub fn pairs<J: Borrow<Judged>>(judged: &[J], rules: &PairRules) -> Paired {
    let mut maker = Maker { paired: Paired::default(), seen: HashSet::new() };
    for judged in judged {
        maker.add(judged.borrow(), rules);
    }
    if rules.from_marks {
        maker.add_marks(judged);
    }
    maker.paired
}

struct Maker {
    paired: Paired,
    seen: HashSet<(String, String, String)>,
}

/// A text and who wrote it.
type By<'a> = (&'a str, &'a str);

impl Maker {
    fn add(&mut self, judged: &Judged, rules: &PairRules) {
        let answer =
            |index: usize| judged.answers.get(index).map(|answer| (answer.text.as_str(), answer.author.as_str()));
        let left_out = &mut self.paired.left_out;
        match &judged.verdict {
            Verdict::Better { answer: better, strength } => {
                for (index, _) in judged.answers.iter().enumerate().filter(|(index, _)| index != better) {
                    let (Some(chosen), Some(rejected)) = (answer(*better), answer(index)) else { continue };
                    self.push(judged, chosen, rejected, *strength, PairSource::Choice);
                }
            }
            Verdict::Tie => match (answer(0), answer(1)) {
                (Some(first), Some(second)) => self.tie(judged, first, second, rules.ties),
                _ => left_out.ties += 1,
            },
            Verdict::Edited { answer: edited, text } => {
                if let Some(original) = answer(*edited) {
                    self.push(judged, (text, &judged.annotator), original, Strength::Clearly, PairSource::Edit);
                }
            }
            Verdict::Written { text } => {
                for index in 0..judged.answers.len() {
                    let Some(shown) = answer(index) else { continue };
                    self.push(judged, (text, &judged.annotator), shown, Strength::Clearly, PairSource::Own);
                }
            }
            Verdict::Ranked { places } => {
                let mut levels: Vec<usize> = places.clone();
                levels.sort_unstable();
                levels.dedup();
                let level = |place: usize| levels.binary_search(&place).unwrap_or_default();
                for (i, first) in places.iter().enumerate() {
                    for (j, second) in places.iter().enumerate().skip(i + 1) {
                        let (Some(a), Some(b)) = (answer(i), answer(j)) else { continue };
                        let gap = level(*first).abs_diff(level(*second));
                        match first.cmp(second) {
                            std::cmp::Ordering::Equal => self.tie(judged, a, b, rules.ties),
                            _ if rules.ranking == Ranking::Adjacent && gap > 1 => {}
                            order => {
                                let (chosen, rejected) = if order.is_lt() { (a, b) } else { (b, a) };
                                let strength = if gap > 1 { Strength::Clearly } else { Strength::Slightly };
                                self.push(judged, chosen, rejected, strength, PairSource::Ranking);
                            }
                        }
                    }
                }
            }
            Verdict::BothGood => left_out.both_good += 1,
            Verdict::BothBad => left_out.both_bad += 1,
            Verdict::Skipped => left_out.skipped += 1,
            Verdict::Good | Verdict::Bad if rules.from_marks => {}
            Verdict::Good | Verdict::Bad => left_out.unpaired += 1,
        }
    }

    fn tie(&mut self, judged: &Judged, first: By<'_>, second: By<'_>, ties: Ties) {
        if ties == Ties::Split {
            self.push(judged, first, second, Strength::Slightly, PairSource::Tie);
            self.push(judged, second, first, Strength::Slightly, PairSource::Tie);
        } else {
            self.paired.left_out.ties += 1;
        }
    }

    fn add_marks<J: Borrow<Judged>>(&mut self, judged: &[J]) {
        let mut order: Vec<(Vec<&Judged>, Vec<&Judged>)> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        for judged in judged.iter().map(Borrow::borrow) {
            let liked = match judged.verdict {
                Verdict::Good => true,
                Verdict::Bad => false,
                _ => continue,
            };
            let place = *places.entry(prompt_key(&judged.prompt)).or_insert_with(|| {
                order.push((Vec::new(), Vec::new()));
                order.len() - 1
            });
            let (good, bad) = &mut order[place];
            if liked { good.push(judged) } else { bad.push(judged) }
        }
        for (good, bad) in order {
            if good.is_empty() || bad.is_empty() {
                self.paired.left_out.unpaired += good.len() + bad.len();
                continue;
            }
            for turn in 0..good.len().max(bad.len()) {
                let (liked, disliked) = (good[turn % good.len()], bad[turn % bad.len()]);
                let (Some(chosen), Some(rejected)) = (liked.answers.first(), disliked.answers.first()) else {
                    continue;
                };
                let (chosen, rejected) = ((&*chosen.text, &*chosen.author), (&*rejected.text, &*rejected.author));
                self.push(liked, chosen, rejected, Strength::Clearly, PairSource::Marks);
            }
        }
    }

    fn push(&mut self, judged: &Judged, chosen: By<'_>, rejected: By<'_>, strength: Strength, source: PairSource) {
        let left_out = &mut self.paired.left_out;
        if chosen.0.trim().is_empty() || rejected.0.trim().is_empty() {
            left_out.empty += 1;
            return;
        }
        if same_words(chosen.0, rejected.0) {
            left_out.same_text += 1;
            return;
        }
        if !self.seen.insert((prompt_key(&judged.prompt), words(chosen.0), words(rejected.0))) {
            left_out.twice += 1;
            return;
        }
        self.paired.pairs.push(Pair {
            prompt: judged.prompt.clone(),
            chosen: chosen.0.to_owned(),
            rejected: rejected.0.to_owned(),
            strength,
            source,
            chosen_author: chosen.1.to_owned(),
            rejected_author: rejected.1.to_owned(),
            annotator: judged.annotator.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{judged, on};
    use super::*;

    fn told(paired: &Paired) -> Vec<(&str, &str)> {
        paired.pairs.iter().map(|pair| (pair.chosen.as_str(), pair.rejected.as_str())).collect()
    }

    #[test]
    fn every_verdict_gives_its_pairs() {
        let rules = PairRules::default();
        let one = |verdict| pairs(&[judged(&["a", "b"], verdict)], &rules);
        let better = one(Verdict::Better { answer: 1, strength: Strength::Slightly });
        assert_eq!((told(&better), better.pairs[0].strength), (vec![("b", "a")], Strength::Slightly));
        assert_eq!(told(&one(Verdict::Edited { answer: 0, text: "a+".into() })), [("a+", "a")]);
        let written = one(Verdict::Written { text: "mine".into() });
        assert_eq!(told(&written), [("mine", "a"), ("mine", "b")]);
        assert_eq!((written.pairs[0].chosen_author.as_str(), written.pairs[0].rejected_author.as_str()), ("Ada", "m0"));
        for (verdict, count) in [
            (Verdict::Tie, LeftOut { ties: 1, ..LeftOut::default() }),
            (Verdict::BothGood, LeftOut { both_good: 1, ..LeftOut::default() }),
            (Verdict::BothBad, LeftOut { both_bad: 1, ..LeftOut::default() }),
            (Verdict::Skipped, LeftOut { skipped: 1, ..LeftOut::default() }),
        ] {
            assert_eq!(one(verdict), Paired { pairs: vec![], left_out: count });
        }
    }

    #[test]
    fn ties_are_left_out_or_split() {
        let rows =
            [judged(&["a", "b"], Verdict::Tie), judged(&["c", "d", "e"], Verdict::Ranked { places: vec![0, 0, 1] })];
        let with = |ties| pairs(&rows, &PairRules { ties, ..PairRules::default() });
        let split = with(Ties::Split);
        assert_eq!(told(&split), [("a", "b"), ("b", "a"), ("c", "d"), ("d", "c"), ("c", "e"), ("d", "e")]);
        assert!(split.pairs[..4].iter().all(|pair| pair.source == PairSource::Tie));
        for ties in [Ties::LeaveOut, Ties::Keep] {
            assert_eq!((told(&with(ties)), with(ties).left_out.ties), (vec![("c", "e"), ("d", "e")], 2));
        }
    }

    #[test]
    fn a_ranking_gives_all_pairs_or_neighbours() {
        let rows = [judged(&["c", "a", "b"], Verdict::Ranked { places: vec![4, 0, 2] })];
        let with = |ranking| pairs(&rows, &PairRules { ranking, ..PairRules::default() });
        let all = with(Ranking::All);
        assert_eq!(told(&all), [("a", "c"), ("b", "c"), ("a", "b")]);
        assert_eq!(all.pairs[0].strength, Strength::Clearly);
        assert_eq!(all.pairs[1].strength, Strength::Slightly);
        assert_eq!(told(&with(Ranking::Adjacent)), [("b", "c"), ("a", "b")]);
    }

    #[test]
    fn marks_on_one_prompt_make_pairs() {
        let mut rows = vec![
            on("q", &["good"], Verdict::Good),
            on("Q ", &["bad"], Verdict::Bad),
            on("q", &["worse"], Verdict::Bad),
            on("alone", &["x"], Verdict::Good),
        ];
        let paired = pairs(&rows, &PairRules::default());
        assert_eq!(told(&paired), [("good", "bad"), ("good", "worse")]);
        assert_eq!(paired.left_out, LeftOut { unpaired: 1, ..LeftOut::default() });
        let none = pairs(&rows, &PairRules { from_marks: false, ..PairRules::default() });
        assert_eq!((none.pairs.len(), none.left_out.unpaired), (0, 4));
        // The same text liked and disliked tells nothing.
        rows.truncate(1);
        rows.push(on("q", &[" good\n"], Verdict::Bad));
        assert_eq!(pairs(&rows, &PairRules::default()).left_out.same_text, 1);
    }

    #[test]
    fn what_teaches_nothing_is_counted() {
        let better = |answer| Verdict::Better { answer, strength: Strength::Clearly };
        let rows = [
            judged(&["a  b", "a\nb "], better(0)),
            judged(&["a", " "], better(0)),
            judged(&["x", "y"], better(0)),
            judged(&["y", "x"], better(1)),
            judged(&["x"], better(7)),
        ];
        let paired = pairs(&rows, &PairRules::default());
        assert_eq!(told(&paired), [("x", "y")]);
        assert_eq!(paired.left_out, LeftOut { same_text: 1, empty: 1, twice: 1, ..LeftOut::default() });
        assert_eq!(paired.left_out.total(), 3);
    }
}
