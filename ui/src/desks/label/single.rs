//! Single answers on the bench, good or bad; and words for what is wrong with an answer, single or of a pair.

use luthier_engine::feedback::{Mode, Verdict};

use crate::bench::Bench;
use crate::labels::Order;
use crate::text::t;

/// Characters of the longest word that is kept.
const LONGEST_TAG: usize = 40;

#[derive(Debug, Default)]
pub struct SingleDesk {
    /// A new word for what is wrong, while it is being typed.
    pub new_tag: Option<String>,
    /// The words lie beside a pair too, even while none is marked.
    pub tags_shown: bool,
}

/// The words that a queue without its own offers, in the language of the window.
pub fn usual_tags() -> Vec<String> {
    vec![
        t!("judging.tag_wrong"),
        t!("judging.tag_made_up"),
        t!("judging.tag_off_topic"),
        t!("judging.tag_too_long"),
        t!("judging.tag_too_short"),
        t!("judging.tag_rude"),
        t!("judging.tag_unsafe"),
        t!("judging.tag_badly_written"),
    ]
}

/// As it is kept: on one line, without what cannot be seen, not too long.
fn tidy(typed: &str) -> String {
    let visible = |c: char| if c.is_control() { ' ' } else { c };
    let line: String = typed.chars().map(visible).collect();
    let line = line.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().take(LONGEST_TAG).collect::<String>().trim_end().to_owned()
}

impl Bench {
    /// The single answer in front is good or bad.
    pub fn judge_single(&mut self, verdict: Verdict) {
        if self.can_judge(Mode::Single) {
            self.decide(verdict);
        }
    }

    /// The words offered on the bench, in the order of their keys.
    pub fn offered_tags(&self) -> Vec<String> {
        let own = self.desks.label.open_card().map(|card| card.settings.tags.clone()).unwrap_or_default();
        if own.is_empty() { usual_tags() } else { own }
    }

    /// An answer lies there about which a word can be said.
    pub fn can_tag(&self) -> bool {
        self.can_judge(Mode::Single) || self.can_judge(Mode::Pair)
    }

    /// Marks the item in front with the `at`th word, or takes the mark off.
    pub fn mark_tag(&mut self, at: usize) {
        let Some(tag) = self.offered_tags().into_iter().nth(at) else { return };
        let tags = &mut self.desks.label.now.tags;
        match tags.iter().position(|on| *on == tag) {
            Some(on) => drop(tags.remove(on)),
            None => tags.push(tag),
        }
    }

    /// Opens the field for a new word.
    pub fn begin_tag(&mut self) {
        self.desks.label.single.new_tag = Some(String::new());
    }

    /// Marks the item in front with the word that was typed and offers it from now on in this queue; `keep` false: leaves
    /// everything as it was.
    pub fn end_tag(&mut self, keep: bool) {
        let Some(typed) = self.desks.label.single.new_tag.take().filter(|_| keep) else { return };
        let typed = tidy(&typed);
        if typed.is_empty() {
            return;
        }
        let mut offered = self.offered_tags();
        let known = offered.iter().find(|tag| tag.to_lowercase() == typed.to_lowercase()).cloned();
        let desk = &mut self.desks.label;
        let tag = known.clone().unwrap_or(typed);
        if !desk.now.tags.contains(&tag) {
            desk.now.tags.push(tag.clone());
        }
        let Some(card) = desk.open.and_then(|open| desk.cards.iter_mut().find(|card| card.id == open)) else { return };
        if known.is_none() {
            offered.push(tag);
            card.settings.tags = offered;
            let order = Order::ChangeQueue { queue: card.id, settings: Box::new(card.settings.clone()) };
            self.labels.order(order);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::labels::{Answer, Judgement};
    use crate::testing::Engine;
    use crate::testing::labels::{labelling_bench, lot, queue_card};
    use crate::text::Language;

    fn judged(engine: &Engine) -> Judgement {
        let last = engine.label_orders.borrow().last().cloned();
        let Some(Order::Decide(judgement)) = last else { panic!("{last:?}") };
        *judgement
    }

    #[test]
    fn marks_go_with_the_verdict_and_are_gone_with_the_next_item() {
        let (mut bench, engine) = labelling_bench(Language::English, Mode::Single, 0);
        bench.mark_tag(1);
        bench.mark_tag(3);
        bench.mark_tag(1);
        bench.mark_tag(0);
        bench.mark_tag(99);
        assert_eq!(bench.desks.label.now.tags, ["made up", "wrong"]);
        bench.judge_single(Verdict::Bad);
        let judgement = judged(&engine);
        assert_eq!((judgement.verdict, judgement.item), (Verdict::Bad, 1));
        assert_eq!(judgement.tags, ["made up", "wrong"]);
        engine.tell_labels(Answer::Lot(Box::new(lot(Mode::Single, 1, 25))));
        bench.poll();
        bench.judge_single(Verdict::Good);
        assert!(judged(&engine).tags.is_empty());
    }

    #[test]
    fn a_new_word_is_tidied_marked_and_kept_for_the_queue_once() {
        let (mut bench, engine) = labelling_bench(Language::English, Mode::Single, 0);
        bench.begin_tag();
        bench.desks.label.single.new_tag = Some("  not\tour \u{0}style\n".into());
        bench.end_tag(true);
        assert_eq!(bench.desks.label.now.tags, ["not our style"]);
        let last = engine.label_orders.borrow().last().cloned();
        let Some(Order::ChangeQueue { queue: 1, settings }) = last else { panic!("{last:?}") };
        assert_eq!(settings.tags, ["wrong", "too long", "rude", "made up", "not our style"]);
        assert_eq!(settings.authors, queue_card(Mode::Single).settings.authors);
        let orders = engine.label_orders.borrow().len();
        for typed in ["Not Our Style", "RUDE", "  ", "lost"] {
            bench.desks.label.single.new_tag = Some(typed.into());
            bench.end_tag(typed != "lost");
        }
        assert_eq!(bench.desks.label.now.tags, ["not our style", "rude"]);
        assert_eq!(engine.label_orders.borrow().len(), orders);
        bench.desks.label.single.new_tag = Some("长".repeat(100_000));
        bench.end_tag(true);
        assert_eq!(bench.offered_tags()[5].chars().count(), LONGEST_TAG);
    }

    #[test]
    fn a_queue_without_words_offers_the_usual_ones_and_keeps_them_beside_a_new_one() {
        let (mut bench, engine) = labelling_bench(Language::Chinese, Mode::Pair, 0);
        let mut card = queue_card(Mode::Pair);
        card.settings.tags.clear();
        engine.tell_labels(Answer::Queues(vec![card]));
        bench.poll();
        assert_eq!(bench.offered_tags().len(), 8);
        assert!(bench.offered_tags().iter().all(|tag| !tag.is_ascii()));
        bench.desks.label.single.new_tag = Some("离题".into());
        bench.end_tag(true);
        assert_eq!(bench.offered_tags(), [usual_tags(), vec!["离题".to_owned()]].concat());
    }
}
