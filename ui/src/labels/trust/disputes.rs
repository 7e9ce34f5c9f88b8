//! Items about which people, or one person at two times, disagree.

use luthier_engine::feedback::{Verdict, turned};

use super::agreement::category;
use super::{Decision, ItemId, Sheet};

/// Decisions are named by their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    pub item: ItemId,
    /// Verdicts that stand, in the order in which they were made.
    pub said: Vec<usize>,
    /// The final decision, where there is one.
    pub last_word: Option<usize>,
}

pub(super) fn disputes(sheets: &[Sheet], decisions: &[Decision]) -> Vec<Dispute> {
    let disputed = |sheet: &&Sheet| {
        let verdict = |at: &usize| &decisions[*at].judged.verdict;
        sheet.said.iter().enumerate().any(|(i, a)| sheet.said[i + 1..].iter().any(|b| differ(verdict(a), verdict(b))))
    };
    let list = sheets.iter().filter(disputed);
    list.map(|sheet| Dispute { item: sheet.item, said: sheet.said.clone(), last_word: sheet.last_word }).collect()
}

/// Whether two verdicts contradict each other. Rankings do where two answers change their order; that one of them says
/// tie is no contradiction. A text that a person wrote contradicts nothing.
fn differ(a: &Verdict, b: &Verdict) -> bool {
    if let (Verdict::Ranked { places: a }, Verdict::Ranked { places: b }) = (a, b) {
        return turned(a, b);
    }
    matches!((category(a), category(b)), (Some(a), Some(b)) if a != b)
}
