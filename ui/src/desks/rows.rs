//! The rows of the data as the Data panel shows them: which of them, which one in full, and the reading of those in sight.

use std::ops::Range;
use std::sync::Arc;

use luthier_engine::data::{DataKind, DataSummary, Quality, rows_aside};
use luthier_engine::protocol::Command;
use luthier_engine::recipe::Stage;

use crate::bench::Bench;
use crate::state::Data;

/// Rows that are asked for at once.
const BLOCK: usize = 64;
/// Rows that are kept at hand.
const AT_HAND: usize = 4_000;

/// The three sides of the panel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowsPage {
    #[default]
    Rows,
    Lengths,
    Mix,
}

/// Which rows the table shows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowFilter {
    #[default]
    All,
    /// Those that cannot be used.
    Unusable,
    Duplicates,
    AskedAgain,
    NearEmpty,
    Cut,
    /// Set aside for evaluation.
    Aside,
    /// By its place in `Quality::languages`.
    Language(usize),
}

/// The rows that pass the filter, in order.
#[derive(Debug, Clone)]
pub enum RowView {
    All(usize),
    Some(Arc<[u32]>),
}

impl RowView {
    pub fn len(&self) -> usize {
        match self {
            Self::All(count) => *count,
            Self::Some(list) => list.len(),
        }
    }

    /// The row at a place; both from 0.
    pub fn row(&self, place: usize) -> Option<usize> {
        match self {
            Self::All(count) => (place < *count).then_some(place),
            Self::Some(list) => list.get(place).map(|row| *row as usize),
        }
    }

    /// Where a row stands, or would stand.
    pub fn place(&self, row: usize) -> usize {
        match self {
            Self::All(_) => row,
            Self::Some(list) => list.partition_point(|listed| (*listed as usize) < row),
        }
    }
}

/// What is to be said of a row besides its text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flags {
    pub unusable: bool,
    /// The first row that says the same, from 0.
    pub repeats: Option<usize>,
    pub asked_again: bool,
    pub near_empty: bool,
    pub cut: bool,
    /// Nothing of the answer is left.
    pub lost: bool,
    pub aside: bool,
}

/// What decides which rows are set aside: summary, share, seed, stage, number of datasets, whether a file is named.
type AsideKey = (u64, u64, u64, Stage, usize, bool);

#[derive(Debug, Default)]
pub struct RowsDesk {
    pub page: RowsPage,
    pub filter: RowFilter,
    /// The row that is shown in full, from 0.
    pub selected: usize,
    /// Mark where tokens end.
    pub edges: bool,
    /// All columns with their meanings are unfolded.
    pub columns: bool,
    /// The choice of a file is unfolded although there is one.
    pub choosing: bool,
    /// The table has to bring the selected row into sight.
    pub follow: bool,
    /// Rows that fit into the table, as it was last drawn.
    pub rows_in_sight: usize,
    view: Option<((u64, RowFilter, Option<AsideKey>), RowView)>,
    aside: Option<(AsideKey, Option<Arc<[u32]>>)>,
}

impl Bench {
    fn quality(&self) -> Option<&Quality> {
        self.state.data.summary.as_ref()?.quality.as_ref()
    }

    /// Where a row's language, repetition and so on have been looked at: how many rows each filter leaves. Those that
    /// leave none are left out; the languages stand at the end.
    pub fn row_filters(&mut self) -> Vec<(RowFilter, usize)> {
        let aside = self.rows_aside().map_or(0, |list| list.len());
        let rows = self.state.data.summary.as_ref().map_or(0, |summary| summary.rows);
        let mut filters = vec![(RowFilter::All, rows)];
        if let Some(quality) = self.quality() {
            let cut = quality.cut.as_ref().map_or(0, |cut| cut.cut.count);
            filters.extend([
                (RowFilter::Unusable, quality.unusable.count),
                (RowFilter::Duplicates, quality.duplicates.count),
                (RowFilter::AskedAgain, quality.asked_again.count),
                (RowFilter::NearEmpty, quality.near_empty.count),
                (RowFilter::Cut, cut),
                (RowFilter::Aside, aside),
            ]);
            let languages = quality.languages.iter().enumerate();
            filters.extend(languages.map(|(index, share)| (RowFilter::Language(index), share.rows.len())));
        }
        filters.retain(|(filter, count)| *filter == RowFilter::All || *count > 0);
        filters
    }

    /// Whether the filter leaves any row.
    pub fn has_rows(&self, filter: RowFilter) -> bool {
        let Some(quality) = self.quality() else { return filter == RowFilter::All };
        match filter {
            RowFilter::All => true,
            RowFilter::Unusable => quality.unusable.count > 0,
            RowFilter::Duplicates => quality.duplicates.count > 0,
            RowFilter::AskedAgain => quality.asked_again.count > 0,
            RowFilter::NearEmpty => quality.near_empty.count > 0,
            RowFilter::Cut => quality.cut.as_ref().is_some_and(|cut| !cut.cut.list.is_empty()),
            RowFilter::Aside => matches!(&self.desks.rows.aside, Some((_, Some(list))) if !list.is_empty()),
            RowFilter::Language(index) => quality.languages.get(index).is_some_and(|share| !share.rows.is_empty()),
        }
    }

    pub fn filter_rows(&mut self, filter: RowFilter) {
        let desk = &mut self.desks.rows;
        (desk.filter, desk.page, desk.follow) = (filter, RowsPage::Rows, true);
        let view = self.row_view();
        let desk = &mut self.desks.rows;
        let place = view.place(desk.selected).min(view.len().saturating_sub(1));
        desk.selected = view.row(place).unwrap_or(0);
    }

    /// The rows that the table shows; kept until summary or filter change.
    pub fn row_view(&mut self) -> RowView {
        if !self.has_rows(self.desks.rows.filter) && self.desks.rows.filter != RowFilter::Aside {
            self.desks.rows.filter = RowFilter::All;
        }
        let filter = self.desks.rows.filter;
        let aside = if filter == RowFilter::Aside { self.rows_aside() } else { None };
        let key = (self.state.data.revision, filter, aside.as_ref().map(|_| self.aside_key()));
        if let Some((known, view)) = &self.desks.rows.view
            && *known == key
        {
            return view.clone();
        }
        let rows = self.state.data.summary.as_ref().map_or(0, |summary| summary.rows);
        if self.desks.rows.selected >= rows {
            self.desks.rows.selected = 0;
        }
        let listed = |list: &[u32]| RowView::Some(list.into());
        let view = match (self.quality(), filter) {
            (None, _) | (_, RowFilter::All) => RowView::All(rows),
            (Some(quality), RowFilter::Unusable) => listed(&quality.unusable.list),
            (Some(quality), RowFilter::Duplicates) => listed(&quality.duplicates.list),
            (Some(quality), RowFilter::AskedAgain) => listed(&quality.asked_again.list),
            (Some(quality), RowFilter::NearEmpty) => listed(&quality.near_empty.list),
            (Some(quality), RowFilter::Cut) => listed(quality.cut.as_ref().map_or(&[], |cut| &cut.cut.list)),
            (Some(_), RowFilter::Aside) => RowView::Some(aside.unwrap_or_default()),
            (Some(quality), RowFilter::Language(index)) => {
                listed(quality.languages.get(index).map_or(&[], |share| &share.rows))
            }
        };
        self.desks.rows.view = Some((key, view.clone()));
        view
    }

    /// What is to be said of a row.
    pub fn row_flags(&self, row: usize) -> Flags {
        let Some(quality) = self.quality() else { return Flags::default() };
        let repeats = u32::try_from(row).ok().and_then(|row| quality.duplicates.list.binary_search(&row).ok());
        let cut = quality.cut.as_ref();
        let aside = match &self.desks.rows.aside {
            Some((_, Some(list))) => u32::try_from(row).is_ok_and(|row| list.binary_search(&row).is_ok()),
            _ => false,
        };
        Flags {
            unusable: quality.unusable.has(row),
            repeats: repeats.and_then(|at| quality.duplicate_of.get(at)).map(|first| *first as usize),
            asked_again: quality.asked_again.has(row),
            near_empty: quality.near_empty.has(row),
            cut: cut.is_some_and(|cut| cut.cut.has(row)),
            lost: cut.is_some_and(|cut| cut.lost.has(row)),
            aside,
        }
    }

    fn aside_key(&self) -> AsideKey {
        let recipe = &self.state.recipe;
        let named = recipe.eval_dataset.is_empty() && recipe.max_samples.is_none();
        let sets = self.datasets().len();
        (self.state.data.revision, recipe.val_size.to_bits(), recipe.seed, recipe.stage, sets, named)
    }

    /// Which rows a run would set aside for evaluation, in order; None where only the run can tell.
    pub fn rows_aside(&mut self) -> Option<Arc<[u32]>> {
        let key = self.aside_key();
        if let Some((known, list)) = &self.desks.rows.aside
            && *known == key
        {
            return list.clone();
        }
        let recipe = &self.state.recipe;
        let alone = self.datasets().len() == 1 && recipe.eval_dataset.is_empty() && recipe.max_samples.is_none();
        let summary = self.state.data.summary.as_deref().filter(|_| alone && recipe.val_size > 0.0);
        let list = summary.and_then(|summary| aside(summary, recipe.val_size, recipe.seed, recipe.stage));
        self.desks.rows.aside = Some((key, list.clone()));
        list
    }

    // Going from row to row --------------------------------------------------------------------------------------

    pub fn select_row(&mut self, row: usize) {
        let desk = &mut self.desks.rows;
        (desk.selected, desk.follow) = (row, true);
    }

    /// So many places on, or back; stays within the rows that are shown.
    pub fn step_row(&mut self, by: isize) {
        let view = self.row_view();
        let now = view.place(self.desks.rows.selected);
        let to = now.saturating_add_signed(by).min(view.len().saturating_sub(1));
        if let Some(row) = view.row(to) {
            self.select_row(row);
        }
    }

    /// A table's height less one, so that one row stays in sight.
    pub fn row_page(&self) -> isize {
        self.desks.rows.rows_in_sight.saturating_sub(1).max(1) as isize
    }

    // Reading ----------------------------------------------------------------------------------------------------

    /// Sees to it that the rows at these places of the view, and the selected one, are at hand.
    pub fn want_rows(&mut self, places: Range<usize>) {
        let view = self.row_view();
        let data = &self.state.data;
        let Some(source) = &data.source else { return };
        if data.rows_wanted.is_some() || data.rows_problem.is_some() || data.reading.is_some() || view.len() == 0 {
            return;
        }
        let selected = self.desks.rows.selected;
        let absent = |row: &usize| !data.rows.contains_key(row);
        let in_sight = places.clone().filter_map(|place| view.row(place)).any(|row| absent(&row));
        let rows = data.summary.as_ref().map_or(0, |summary| summary.rows);
        if !in_sight && (!absent(&selected) || selected >= rows) {
            return;
        }
        // Whole blocks, so that scrolling on finds its rows read already.
        let from = places.start / BLOCK * BLOCK;
        let to = places.end.div_ceil(BLOCK) * BLOCK;
        let mut wanted: Vec<usize> = (from..to.min(view.len())).filter_map(|place| view.row(place)).collect();
        wanted.push(selected);
        wanted.retain(|row| absent(row) && *row < rows);
        wanted.dedup();
        let source = source.clone();
        let request = self.request();
        make_room(&mut self.state.data, &view, places, selected);
        self.state.data.rows_wanted = Some(request);
        self.wire.send(Command::ReadRows { request, source, rows: wanted });
    }
}

/// Lets go of rows far from sight, where there are too many.
fn make_room(data: &mut Data, view: &RowView, places: Range<usize>, selected: usize) {
    if data.rows.len() > AT_HAND {
        let near = places.start.saturating_sub(AT_HAND / 8)..places.end + AT_HAND / 8;
        data.rows.retain(|row, _| *row == selected || near.contains(&view.place(*row)));
    }
}

/// As the engine splits: by the seed, among the rows that it uses.
fn aside(summary: &DataSummary, val_size: f64, seed: u64, stage: Stage) -> Option<Arc<[u32]>> {
    let quality = summary.quality.as_ref()?;
    let cut = quality.cut.as_ref().filter(|cut| cut.exact)?;
    let dropped = if stage == Stage::Rm { &cut.cut } else { &cut.lost };
    // Of pairs, how the limit cuts decides more than is known here; a pair is two rows to KTO.
    let pairs = summary.kind == DataKind::Preference && (cut.cut.count > 0 || stage == Stage::Kto);
    let listed = quality.unusable.list.len() == quality.unusable.count && dropped.list.len() == dropped.count;
    if pairs || !listed || !summary.kind.stages().contains(&stage) || stage == Stage::Ppo {
        return None;
    }
    let used: Vec<u32> = (0..summary.rows)
        .filter(|row| !quality.unusable.has(*row) && !dropped.has(*row))
        .map(|row| row as u32)
        .collect();
    let mut list: Vec<u32> = rows_aside(used.len(), val_size, seed).into_iter().map(|place| used[place]).collect();
    list.sort_unstable();
    Some(list.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ready_bench;
    use crate::text::Language;

    #[test]
    fn a_filter_keeps_the_row_or_takes_the_next() {
        let (mut bench, _engine) = ready_bench(Language::English);
        bench.select_row(100);
        bench.filter_rows(RowFilter::Duplicates);
        assert_eq!((bench.desks.rows.selected, bench.row_view().len()), (120, 8));
        bench.step_row(1);
        assert_eq!(bench.desks.rows.selected, 160);
        bench.step_row(99);
        assert_eq!(bench.desks.rows.selected, 320);
        bench.step_row(-99);
        assert_eq!(bench.desks.rows.selected, 40);
        assert_eq!(bench.row_flags(40), Flags { repeats: Some(0), ..Flags::default() });
        bench.filter_rows(RowFilter::All);
        assert_eq!((bench.desks.rows.selected, bench.row_view().len()), (40, 1000));
    }

    #[test]
    fn rows_set_aside_are_those_of_the_run() {
        let (mut bench, _engine) = ready_bench(Language::English);
        assert_eq!(bench.rows_aside(), None);
        bench.set_val_size(0.1);
        let list = bench.rows_aside().expect("one file with known rows");
        assert_eq!(list.len(), 100);
        assert!(list.is_sorted() && !list.contains(&16), "row 17 cannot be used");
        assert!(bench.row_flags(list[0] as usize).aside);
        bench.state.recipe.seed = 7;
        assert_ne!(bench.rows_aside(), Some(list));
        bench.add_data("/data/more.jsonl".into());
        assert_eq!(bench.rows_aside(), None, "the mix decides");
    }

    #[test]
    fn rows_in_sight_are_read_in_blocks_and_those_far_off_let_go() {
        let (mut bench, engine) = ready_bench(Language::English);
        bench.want_rows(500..520);
        let sent = engine.answer_all();
        let [Command::ReadRows { rows, .. }] = &sent[..] else { panic!("{sent:?}") };
        assert_eq!((rows[0], rows.len()), (448, 128));
        bench.want_rows(500..520);
        assert!(engine.take().is_empty(), "one request at a time");
        bench.poll();
        bench.want_rows(500..520);
        assert!(engine.take().is_empty(), "they are at hand");
        assert!(bench.state.data.rows.contains_key(&575));
        let view = RowView::All(1000);
        bench.state.data.rows.extend((2000..7000).map(|row| (row, crate::testing::row(0))));
        make_room(&mut bench.state.data, &view, 0..20, 575);
        assert!(bench.state.data.rows.len() < 600 && bench.state.data.rows.contains_key(&575));
    }
}
