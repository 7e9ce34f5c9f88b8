//! How queues are spoken of: modes, who answers, what generating ahead is doing.

use luthier_engine::feedback::Mode;

use crate::desks::{Ahead, WaitsFor};
use crate::labels::{Author, QueueCard};
use crate::text::t;
use crate::{format, icons};

pub(super) fn mode_name(mode: Mode) -> String {
    match mode {
        Mode::Pair => t!("making.pair"),
        Mode::Single => t!("making.single"),
        Mode::Rank => t!("making.rank"),
    }
}

pub(super) fn mode_icon(mode: Mode) -> char {
    match mode {
        Mode::Pair => icons::SCALES,
        Mode::Single => icons::THUMBS_UP,
        Mode::Rank => icons::RANKING,
    }
}

/// "SmolLM2-135M at 0.7 and 1.0; polite at 0.7": one model with all its temperatures, then the next.
pub(super) fn who(authors: &[Author]) -> String {
    let mut known: Vec<(&Author, Vec<f32>)> = Vec::new();
    for author in authors {
        let same = |other: &&mut (&Author, Vec<f32>)| {
            (&other.0.name, &other.0.model, &other.0.adapter) == (&author.name, &author.model, &author.adapter)
        };
        match known.iter_mut().find(same) {
            Some((_, heats)) => heats.push(author.sampling.temperature),
            None => known.push((author, vec![author.sampling.temperature])),
        }
    }
    let each = known.iter().map(|(author, heats)| {
        let heats: Vec<String> = heats.iter().map(|heat| format::setting(f64::from(*heat))).collect();
        t!("making.at_temperature", model = author.name, heats = listed(&heats))
    });
    each.collect::<Vec<_>>().join(&t!("making.models_between"))
}

/// "0.7, 0.8 and 1.0".
fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => t!("making.and", first = first.join(&t!("making.comma")), last = last),
    }
}

/// Where a queue's answers come from, for its card.
pub(super) fn source(card: &QueueCard) -> String {
    let settings = &card.settings;
    let file = format::short_path(settings.source.as_ref());
    match (settings.authors.is_empty(), settings.source.is_empty()) {
        (true, true) => t!("making.came_answered"),
        (true, false) => t!("making.came_from", file = file),
        (false, true) => who(&settings.authors),
        (false, false) => t!("making.who_and_file", who = who(&settings.authors), file = file),
    }
}

/// None where there is nothing to say.
pub(super) fn ahead(state: &Ahead, left_secs: Option<f64>) -> Option<String> {
    Some(match state {
        Ahead::Finished => return None,
        Ahead::Generating => match left_secs {
            Some(left) => t!("making.generating_left", time = format::duration(left)),
            None => t!("making.generating"),
        },
        Ahead::Scoring => t!("making.scoring"),
        Ahead::Waiting(WaitsFor::Run) => t!("making.waits_run"),
        Ahead::Waiting(WaitsFor::Exam) => t!("making.waits_exam"),
        Ahead::Waiting(WaitsFor::Try) => t!("making.waits_try"),
        Ahead::Waiting(WaitsFor::AnotherQueue) => t!("making.waits_queue"),
        Ahead::Paused => t!("making.paused"),
        Ahead::Resting => t!("making.resting"),
        Ahead::Failed(_) => t!("making.failed"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::labels::author;
    use crate::text::{Language, speak};

    #[test]
    fn models_are_named_once_with_all_their_temperatures() {
        speak(Language::English);
        let mut authors = [author("base", None), author("base", None), author("tuned", Some("run"))];
        for (author, heat) in authors.iter_mut().zip([0.7, 1.0, 0.7]) {
            author.sampling.temperature = heat;
        }
        assert_eq!(who(&authors), "base at temperature 0.7 and 1; tuned at temperature 0.7");
        assert_eq!(listed(&["a".into(), "b".into(), "c".into()]), "a, b and c");
    }
}
