//! Which runs the list shows, and in which order: worked out anew only when something of it has changed.

use std::cmp::Ordering;

use luthier_engine::recipe::Stage;

use crate::format;
use crate::library::{RunCard, RunStatus, Shelf};
use crate::panels::method;
use crate::text::{Language, say, spoken};

/// What the list can tell of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Column {
    Name,
    Status,
    Method,
    Model,
    Data,
    Steps,
    Loss,
    BestEval,
    Forgetting,
    Time,
    Date,
    Tags,
}

impl Column {
    pub const ALL: [Self; 12] = [
        Self::Name,
        Self::Status,
        Self::Method,
        Self::Model,
        Self::Data,
        Self::Steps,
        Self::Loss,
        Self::BestEval,
        Self::Forgetting,
        Self::Time,
        Self::Date,
        Self::Tags,
    ];

    pub fn label(self) -> String {
        say(&format!("runs_column.{}", format!("{self:?}").to_lowercase()))
    }

    pub const fn is_number(self) -> bool {
        matches!(self, Self::Steps | Self::Loss | Self::BestEval | Self::Forgetting | Self::Time)
    }
}

/// Where a run lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Place {
    #[default]
    Shelf,
    Archive,
    Bin,
}

impl Place {
    pub fn holds(self, card: &RunCard) -> bool {
        match self {
            Self::Bin => card.deleted_unix_secs.is_some(),
            Self::Archive => card.archived && card.deleted_unix_secs.is_none(),
            Self::Shelf => !card.archived && card.deleted_unix_secs.is_none(),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// Words that must all be there; `tag:x` and `star` ask for that alone.
    pub words: String,
    pub running: bool,
    pub finished: bool,
    pub starred: bool,
    pub place: Place,
}

impl Search {
    pub fn is_plain(&self) -> bool {
        *self == Self { place: self.place, ..Self::default() }
    }

    fn finds(&self, card: &RunCard, text: &str, words: &[String]) -> bool {
        let status = match (self.running, self.finished) {
            (false, false) => true,
            (running, finished) => {
                (running && card.status == RunStatus::Running)
                    || (finished && matches!(card.status, RunStatus::Completed | RunStatus::Stopped))
            }
        };
        self.place.holds(card)
            && status
            && (!self.starred || card.starred)
            && words.iter().all(|word| match word.strip_prefix("tag:") {
                Some(start) => card.tags.iter().any(|tag| tag.to_lowercase().starts_with(start)),
                None if word == "star" => card.starred,
                None => text.contains(word.as_str()),
            })
    }
}

/// The places in `Shelf::runs` of what is shown, in order.
#[derive(Debug, Default)]
pub struct Listing {
    pub order: Vec<usize>,
    of: Option<(u64, Language, Search, (Column, bool))>,
    /// What the words of a search are looked for in, by place; of this revision and language.
    texts: Vec<String>,
    texts_of: Option<(u64, Language)>,
}

impl Listing {
    pub fn update(&mut self, shelf: &Shelf, search: &Search, sort: (Column, bool)) {
        let of = (shelf.revision, spoken(), search.clone(), sort);
        if self.of.as_ref() == Some(&of) && self.texts.len() == shelf.runs.len() {
            return;
        }
        if self.texts_of != Some((of.0, of.1)) || self.texts.len() != shelf.runs.len() {
            self.texts = shelf.runs.iter().map(text_of).collect();
            self.texts_of = Some((of.0, of.1));
        }
        let words: Vec<String> = search.words.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let found = |at: &usize| search.finds(&shelf.runs[*at], &self.texts[*at], &words);
        self.order = (0..shelf.runs.len()).filter(found).collect();
        let (column, rising) = sort;
        let keys: Vec<Key> = shelf.runs.iter().map(|card| key(card, column)).collect();
        // What has no value stands last in either direction; equal ones stay newest first.
        self.order.sort_by(|a, b| match (&keys[*a], &keys[*b]) {
            (Key::None, Key::None) => Ordering::Equal,
            (Key::None, _) => Ordering::Greater,
            (_, Key::None) => Ordering::Less,
            (a, b) if rising => a.compare(b),
            (a, b) => b.compare(a),
        });
        self.of = Some(of);
    }

    pub fn ids(&self, shelf: &Shelf) -> Vec<String> {
        self.order.iter().filter_map(|at| shelf.runs.get(*at)).map(|card| card.id.clone()).collect()
    }
}

enum Key {
    None,
    Number(f64),
    Text(String),
}

impl Key {
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            _ => Ordering::Equal,
        }
    }
}

fn key(card: &RunCard, column: Column) -> Key {
    let number = |value: Option<f32>| value.map_or(Key::None, |value| Key::Number(f64::from(value)));
    match column {
        Column::Name => Key::Text(card.name.to_lowercase()),
        Column::Status => Key::Number(f64::from(card.status as u8)),
        Column::Method => Key::Text(method_of(card).to_lowercase()),
        Column::Model => Key::Text(model_of(card).to_lowercase()),
        Column::Data => Key::Text(data_of(card).to_lowercase()),
        Column::Steps => Key::Number(card.steps as f64),
        Column::Loss => number(card.last_loss),
        Column::BestEval => number(card.best_eval_loss),
        Column::Forgetting => number(rise(card)),
        Column::Time => Key::Number(card.elapsed_secs),
        Column::Date => Key::Number(card.started_unix_secs as f64),
        Column::Tags if card.tags.is_empty() => Key::None,
        Column::Tags => Key::Text(card.tags.join(" ").to_lowercase()),
    }
}

/// How much the perplexity on general data rose, as a share.
pub fn rise(card: &RunCard) -> Option<f32> {
    card.forgetting.map(|(base, now)| now / base - 1.0).filter(|rise| rise.is_finite())
}

pub fn status_word(status: RunStatus) -> String {
    say(&format!("run_status.{}", format!("{status:?}").to_lowercase()))
}

pub fn method_of(card: &RunCard) -> String {
    let short = method::short_name(&card.recipe);
    if card.recipe.stage == Stage::Sft { format!("SFT, {short}") } else { short }
}

pub fn model_of(card: &RunCard) -> String {
    format::short_path(&card.recipe.model_name_or_path)
}

pub fn data_of(card: &RunCard) -> String {
    let names = card.recipe.dataset.iter().map(|name| format::short_path(std::path::Path::new(name)));
    names.collect::<Vec<_>>().join(", ")
}

fn text_of(card: &RunCard) -> String {
    let recipe = &card.recipe;
    let sweep = card.sweep.as_ref().map_or(String::new(), |(name, values)| format!("{name} {values}"));
    let parts = [
        card.name.clone(),
        card.tags.join(" "),
        card.note.clone(),
        recipe.model_name_or_path.display().to_string(),
        recipe.dataset.join(" "),
        method_of(card),
        recipe.stage.to_string(),
        recipe.finetuning_type.to_string(),
        status_word(card.status),
        sweep,
    ];
    parts.join("\n").to_lowercase()
}
