//! Verdicts as the words that annotation tools keep.

use super::{Strength, Verdict};

/// A verdict as one choice and, where the person wrote, a text. Rankings have no word: the tools keep them as lists.
pub(super) fn word(verdict: &Verdict, answer: &str) -> Option<String> {
    Some(match verdict {
        Verdict::Better { answer: better, .. } => format!("{answer}{}", better + 1),
        Verdict::Tie => "tie".into(),
        Verdict::BothGood => "both_good".into(),
        Verdict::BothBad => "both_bad".into(),
        Verdict::Edited { answer, .. } => format!("edited{}", answer + 1),
        Verdict::Written { .. } => "written".into(),
        Verdict::Good => "good".into(),
        Verdict::Bad => "bad".into(),
        Verdict::Ranked { .. } | Verdict::Skipped => return None,
    })
}

pub(super) fn text(verdict: &Verdict) -> Option<&str> {
    match verdict {
        Verdict::Edited { text, .. } | Verdict::Written { text } => Some(text),
        _ => None,
    }
}

pub(super) fn strength(verdict: &Verdict) -> Option<&'static str> {
    match verdict {
        Verdict::Better { strength: Strength::Slightly, .. } => Some("slightly"),
        Verdict::Better { strength: Strength::Clearly, .. } => Some("clearly"),
        _ => None,
    }
}

pub(super) fn strength_of(word: Option<&str>) -> Strength {
    if word == Some("slightly") { Strength::Slightly } else { Strength::Clearly }
}

/// The verdict of a word on one of `names`' answers; `text` is what the person wrote beside it.
///
/// # Errors
/// Why it says nothing here.
pub(super) fn verdict(word: &str, names: &[String], text: Option<&str>, strength: Strength) -> Result<Verdict, String> {
    let plain = word.trim().to_lowercase().replace([' ', '-'], "_");
    if let Some(answer) = names.iter().position(|name| name == word) {
        return Ok(match names.len() {
            1 => Verdict::Good,
            _ => Verdict::Better { answer, strength },
        });
    }
    let wrote = || text.map(str::to_owned).ok_or_else(|| format!("it says {word:?}, and the text is missing"));
    let judged = match plain.as_str() {
        "tie" | "equal" | "same" => Verdict::Tie,
        "both_good" => Verdict::BothGood,
        "both_bad" | "neither" => Verdict::BothBad,
        "written" => Verdict::Written { text: wrote()? },
        edited if edited.starts_with("edited") => {
            let number: usize = edited["edited".len()..].parse().map_err(|_| format!("{word:?} names no answer"))?;
            let answer = number.checked_sub(1).ok_or_else(|| format!("{word:?} names no answer"))?;
            Verdict::Edited { answer, text: wrote()? }
        }
        _ => match crate::data::truth(&word.into()) {
            Some(true) => Verdict::Good,
            Some(false) => Verdict::Bad,
            None => return Err(format!("{word:?} is no verdict on {}", names.join(", "))),
        },
    };
    fits(&judged, names.len())?;
    Ok(judged)
}

/// # Errors
/// Why the verdict cannot be one on so many answers.
pub(super) fn fits(verdict: &Verdict, answers: usize) -> Result<(), String> {
    let sound = match verdict {
        Verdict::Better { answer, .. } => *answer < answers && answers > 1,
        Verdict::Edited { answer, .. } => *answer < answers,
        Verdict::Tie | Verdict::BothGood | Verdict::BothBad => answers == 2,
        Verdict::Good | Verdict::Bad => answers == 1,
        Verdict::Ranked { places } => places.len() == answers && answers > 1,
        Verdict::Written { .. } | Verdict::Skipped => true,
    };
    if sound { Ok(()) } else { Err(format!("the verdict does not fit its {answers} answers")) }
}

/// Places from the best on as groups of answers; what is in one group is tied.
pub(super) fn groups(places: &[usize]) -> Vec<Vec<usize>> {
    let mut levels = places.to_vec();
    levels.sort_unstable();
    levels.dedup();
    let at = |level: &usize| (0..places.len()).filter(|answer| places[*answer] == *level).collect();
    levels.iter().map(at).collect()
}

/// The place of each of `count` answers, from groups of them, the best first.
///
/// # Errors
/// Where one is missing or named twice.
pub(super) fn places(groups: &[Vec<usize>], count: usize) -> Result<Vec<usize>, String> {
    let mut places = vec![None; count];
    for (place, group) in groups.iter().enumerate() {
        for answer in group {
            match places.get_mut(*answer) {
                Some(empty @ None) => *empty = Some(place),
                _ => return Err("the ranking names an answer twice or one that is not there".into()),
            }
        }
    }
    places.into_iter().collect::<Option<Vec<usize>>>().ok_or_else(|| "the ranking leaves an answer out".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_come_back_as_the_verdicts_they_were() {
        let names = ["answer1".to_owned(), "answer2".to_owned()];
        let two = [
            Verdict::Better { answer: 1, strength: Strength::Slightly },
            Verdict::Tie,
            Verdict::BothGood,
            Verdict::BothBad,
            Verdict::Edited { answer: 1, text: "t".into() },
            Verdict::Written { text: "t".into() },
        ];
        for said in two {
            let back = verdict(&word(&said, "answer").unwrap(), &names, text(&said), strength_of(strength(&said)));
            assert_eq!(back, Ok(said));
        }
        for said in [Verdict::Good, Verdict::Bad] {
            assert_eq!(verdict(&word(&said, "answer").unwrap(), &names[..1], None, Strength::Clearly), Ok(said));
        }
        for wrong in ["answer3", "edited3", "edited0", "edited", "good", "perhaps", "written"] {
            assert!(verdict(wrong, &names, None, Strength::Clearly).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rankings_come_back_with_their_ties() {
        assert_eq!(groups(&[3, 0, 3, 1]), [vec![1], vec![3], vec![0, 2]]);
        assert_eq!(places(&groups(&[3, 0, 3, 1]), 4), Ok(vec![2, 0, 2, 1]));
        assert!(places(&[vec![0], vec![0]], 2).is_err() && places(&[vec![0]], 2).is_err());
        assert!(places(&[vec![0, 9]], 2).is_err());
    }
}
