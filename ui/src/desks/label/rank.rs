//! Three to six answers on the bench, put in order: by digits in the order of preference, by dragging, by arrows.

use std::collections::BTreeSet;

use luthier_engine::feedback::Verdict;

use crate::bench::Bench;
use crate::labels::{Item, ItemId};

/// The order as it grows. Answers are named by their side here (from the top, as they are shown), by their place in the
/// verdict.
#[derive(Debug, Default)]
pub struct RankDesk {
    /// The item that it is the order of.
    of: Option<(ItemId, u32)>,
    /// All sides from the top of the screen. The first `placed` are in the person's order, the others as they came.
    order: Vec<usize>,
    placed: usize,
    /// For each of `order`: it shares the place of the one above.
    tied: Vec<bool>,
    /// The next answer will share the place of the last.
    tie_next: bool,
    /// In `order`.
    focus: usize,
    /// Sides whose whole text is shown.
    whole: BTreeSet<usize>,
    /// The focus has been moved by a key and should come into sight.
    pub seek: bool,
}

impl RankDesk {
    /// Begins anew where `item` is not the one that was being ordered; one that was ordered before comes in that order.
    pub fn follow(&mut self, item: &Item) {
        let count = item.shown.len();
        if self.of == Some((item.id, item.pass)) && self.order.len() == count {
            return;
        }
        *self = Self {
            of: Some((item.id, item.pass)),
            order: (0..count).collect(),
            tied: vec![false; count],
            seek: true,
            ..Self::default()
        };
        let Some(Verdict::Ranked { places }) = &item.earlier else { return };
        let place = |side: &usize| item.shown.get(*side).and_then(|answer| places.get(*answer)).copied();
        if (0..count).all(|side| place(&side).is_some()) {
            self.order.sort_by_key(place);
            self.placed = count;
            self.tied = (0..count).map(|at| at > 0 && place(&self.order[at]) == place(&self.order[at - 1])).collect();
        }
    }

    pub fn is_of(&self, item: &Item) -> bool {
        self.of == Some((item.id, item.pass))
    }

    /// All sides from the top.
    pub fn order(&self) -> &[usize] {
        &self.order
    }

    /// The place of the answer that is `at`th from the top, from 0; None where it has none yet.
    pub fn place(&self, at: usize) -> Option<usize> {
        (at < self.placed).then(|| (1..=at).filter(|above| !self.tied[*above]).count())
    }

    /// Whether the answer that is `at`th from the top shares the place of the one above.
    pub fn is_tied(&self, at: usize) -> bool {
        at < self.placed && self.tied[at]
    }

    pub fn placed(&self) -> usize {
        self.placed
    }

    pub fn tie_next(&self) -> bool {
        self.tie_next
    }

    pub fn focus(&self) -> usize {
        self.focus
    }

    pub fn is_whole(&self, side: usize) -> bool {
        self.whole.contains(&side)
    }

    /// Shows all of an answer, or its first lines again.
    pub fn unfold(&mut self, side: usize) {
        if !self.whole.remove(&side) {
            self.whole.insert(side);
        }
    }

    pub fn unfold_focused(&mut self) {
        if let Some(side) = self.order.get(self.focus) {
            self.unfold(*side);
            self.seek = true;
        }
    }

    /// Something can be taken back before the last decision is.
    pub fn has_steps(&self) -> bool {
        self.placed > 0 || self.tie_next
    }

    /// One answer may be left over: it comes last.
    pub fn is_done(&self) -> bool {
        !self.order.is_empty() && self.placed + 1 >= self.order.len()
    }

    /// Gives a side the next place. Nothing where it has one.
    pub fn put(&mut self, side: usize) {
        let Some(from) = self.order.iter().position(|s| *s == side).filter(|at| *at >= self.placed) else { return };
        self.order[self.placed..=from].rotate_right(1);
        self.tied[self.placed] = self.tie_next && self.placed > 0;
        self.tie_next = false;
        self.focus = self.placed;
        self.placed += 1;
    }

    /// The next answer shares the place of the last, or does not after all.
    pub fn tie(&mut self) {
        self.tie_next = !self.tie_next && self.placed > 0 && self.placed < self.order.len();
    }

    /// The answer that is `at`th from the top shares the place of the one above, or does not after all.
    pub fn tie_above(&mut self, at: usize) {
        if at > 0 && at < self.placed {
            self.tied[at] = !self.tied[at];
        }
    }

    /// Takes the last step back.
    pub fn back(&mut self) {
        if self.tie_next {
            self.tie_next = false;
        } else if self.placed > 0 {
            self.placed -= 1;
            self.tied[self.placed] = false;
            // Those without a place lie as they came.
            self.order[self.placed..].sort_unstable();
            self.focus = self.placed;
        }
    }

    /// Moves an answer up or down the list. The order is then as it lies there, all of it; the moved one ties with nobody.
    pub fn move_to(&mut self, from: usize, to: usize) {
        let count = self.order.len();
        if from >= count || to >= count {
            return;
        }
        (self.placed, self.tie_next) = (count, false);
        self.focus = to;
        if from == to {
            return;
        }
        // Who lay under it in its old place takes over that it was the first of it.
        if from + 1 < count {
            self.tied[from + 1] &= self.tied[from];
        }
        let side = self.order.remove(from);
        self.tied.remove(from);
        self.order.insert(to, side);
        self.tied.insert(to, false);
        if to + 1 < count {
            self.tied[to + 1] = false;
        }
        self.tied[0] = false;
    }

    /// Moves the answer in focus by one.
    pub fn shift(&mut self, down: bool) {
        let last = self.order.len().saturating_sub(1);
        let to = if down { (self.focus + 1).min(last) } else { self.focus.saturating_sub(1) };
        self.move_to(self.focus, to);
        self.seek = true;
    }

    pub fn move_focus(&mut self, down: bool) {
        let last = self.order.len().saturating_sub(1);
        self.focus = if down { (self.focus + 1).min(last) } else { self.focus.saturating_sub(1) };
        self.seek = true;
    }

    /// The place of each answer, by its own place in the item: 0 for the best, the same for a tie.
    pub fn places(&self, item: &Item) -> Option<Vec<usize>> {
        if !self.is_done() || self.order.len() != item.shown.len() {
            return None;
        }
        let last = self.placed.checked_sub(1).and_then(|at| self.place(at)).map_or(0, |place| place + 1);
        let mut places = vec![0; item.answers.len()];
        for (at, side) in self.order.iter().enumerate() {
            let place = match self.place(at) {
                Some(place) => place,
                None => last - usize::from(self.tie_next),
            };
            *places.get_mut(*item.shown.get(*side)?)? = place;
        }
        Some(places)
    }
}

impl Bench {
    /// The order of the item in front.
    pub fn ranking(&mut self) -> Option<&mut RankDesk> {
        let item = self.item_in_front()?.clone();
        let desk = &mut self.desks.label.rank;
        desk.follow(&item);
        Some(desk)
    }

    /// Decides on the item in front with the order as it lies. Nothing while more than one answer has no place.
    pub fn keep_order(&mut self) {
        let Some(item) = self.item_in_front().cloned() else { return };
        if let Some(places) = self.ranking().and_then(|desk| desk.places(&item)) {
            self.decide(Verdict::Ranked { places });
        }
    }
}

#[cfg(test)]
mod tests {
    use luthier_engine::feedback::Mode;

    use super::*;
    use crate::testing::labels::item;

    /// Four answers, shown as 1, 2, 3, 0 from the top.
    fn desk() -> (RankDesk, Item) {
        let item = item(1, Mode::Rank);
        assert_eq!(item.shown, [1, 2, 3, 0]);
        let mut desk = RankDesk::default();
        desk.follow(&item);
        (desk, item)
    }

    fn places_shown(desk: &RankDesk) -> Vec<Option<usize>> {
        (0..desk.order().len()).map(|at| desk.place(at)).collect()
    }

    #[test]
    fn digits_in_the_order_of_preference_become_places_by_answer() {
        let (mut desk, item) = desk();
        assert_eq!(desk.places(&item), None);
        for side in [2, 0, 3] {
            desk.put(side);
        }
        assert_eq!(desk.order(), [2, 0, 3, 1]);
        // Sides 2, 0, 3, 1 show the answers 3, 1, 0, 2; the one that is left comes last.
        assert_eq!(desk.places(&item), Some(vec![2, 1, 3, 0]));
        desk.put(1);
        assert_eq!(desk.places(&item), Some(vec![2, 1, 3, 0]));
        // A digit twice changes nothing.
        desk.put(2);
        assert_eq!(desk.order(), [2, 0, 3, 1]);
    }

    #[test]
    fn ties_share_a_place_and_the_next_place_follows() {
        let (mut desk, item) = desk();
        // Nothing to tie with.
        desk.tie();
        desk.put(3);
        desk.tie();
        desk.put(1);
        desk.put(0);
        assert_eq!(places_shown(&desk), [Some(0), Some(0), Some(1), None]);
        desk.tie();
        // Also for the one that is left over.
        assert_eq!(desk.places(&item), Some(vec![0, 1, 0, 1]));
        desk.put(2);
        assert_eq!(places_shown(&desk), [Some(0), Some(0), Some(1), Some(1)]);
        assert_eq!(desk.places(&item), Some(vec![0, 1, 0, 1]));
        desk.tie_above(1);
        assert_eq!(places_shown(&desk), [Some(0), Some(1), Some(2), Some(2)]);
        desk.tie_above(0);
        assert_eq!(places_shown(&desk), [Some(0), Some(1), Some(2), Some(2)]);
    }

    #[test]
    fn steps_are_taken_back_one_by_one() {
        let (mut desk, item) = desk();
        desk.put(3);
        desk.put(2);
        desk.tie();
        assert!(desk.tie_next());
        desk.back();
        assert!(!desk.tie_next());
        assert_eq!(desk.placed(), 2);
        desk.back();
        assert_eq!(desk.order(), [3, 0, 1, 2]);
        desk.back();
        assert!(!desk.has_steps());
        assert_eq!(desk.order(), [0, 1, 2, 3]);
        assert_eq!(desk.places(&item), None);
    }

    #[test]
    fn moving_takes_the_list_as_it_lies() {
        let (mut desk, item) = desk();
        desk.move_to(3, 0);
        assert_eq!(desk.order(), [3, 0, 1, 2]);
        // Side 3 shows answer 0.
        assert_eq!(desk.places(&item), Some(vec![0, 1, 2, 3]));
        desk.tie_above(1);
        desk.tie_above(2);
        // 3, 0 and 1 share the first place; the first of them goes to the end.
        desk.move_to(0, 3);
        assert_eq!(desk.order(), [0, 1, 2, 3]);
        assert_eq!(places_shown(&desk), [Some(0), Some(0), Some(1), Some(2)]);
        // The middle of a tie leaves the rest of it together.
        desk.tie_above(2);
        desk.move_to(1, 3);
        assert_eq!(desk.order(), [0, 2, 3, 1]);
        assert_eq!(places_shown(&desk), [Some(0), Some(0), Some(1), Some(2)]);
        assert_eq!(desk.focus(), 3);
        desk.shift(true);
        assert_eq!(desk.order(), [0, 2, 3, 1]);
        desk.shift(false);
        assert_eq!((desk.order(), desk.focus()), ([0, 2, 1, 3].as_slice(), 2));
    }

    #[test]
    fn an_item_called_back_lies_as_it_was_ordered_and_another_item_begins_anew() {
        let (mut desk, mut item) = desk();
        item.id = 9;
        item.earlier = Some(Verdict::Ranked { places: vec![2, 0, 1, 0] });
        desk.follow(&item);
        assert_eq!(places_shown(&desk), [Some(0), Some(0), Some(1), Some(2)]);
        assert_eq!(desk.places(&item), Some(vec![2, 0, 1, 0]));
        desk.back();
        desk.follow(&item);
        assert_eq!(desk.placed(), 3);
        item.pass = 1;
        item.earlier = None;
        desk.follow(&item);
        assert_eq!((desk.placed(), desk.order()), (0, [0, 1, 2, 3].as_slice()));
    }
}
