//! What the bench keeps for each area of the window beyond `AppState`: view state that panels, commands and keys share. A
//! file an area: its state, and as `impl Bench` what a person can do with it.

mod advisor;
mod compare;
mod evaluate;
mod guide;
mod label;
mod layers;
mod queue;
mod rows;
mod runs;
mod sweep;
mod talk;
mod train;

pub use advisor::{Advice, AdvisorDesk, MethodPage};
pub use compare::{
    CompareDesk, ComparePage, Difference, FORGOT, Measure, Quadrant, Results, Spot, differences, percent,
};
pub use evaluate::{
    Draft, EvalTable, EvaluateDesk, ExamKind, ExamSet, Examinee, Line, Move, Sort, Subject, csv, direction, newest,
};
pub use guide::GuideDesk;
pub use label::{
    Ahead, Counted, Disputed, ExportDesk, FinalWord, Insight, LEAST_PROMPTS, LabelDesk, LabelPage, LessonDesk, Link,
    Numbers, Plan, PromptsFrom, QueueDraft, RANKED, RankDesk, STAGES, Start, TELLING, Voice, WaitsFor,
};
pub use layers::{LayersDesk, LayersView};
pub(crate) use queue::Turn;
pub use queue::{Held, QueueDesk, Queued};
pub use rows::{Flags, RowFilter, RowView, RowsDesk, RowsPage};
pub use runs::{
    Column, Place, RunsDesk, RunsPage, Search, Undo, data_of, method_of, model_of, rise, status_word, tuned_of,
};
pub use sweep::{Axis, Given, Kind, MOST_RUNS, SWEEPABLE, SweepDesk, best, parts};
pub use talk::{Edit, Gone, TalkDesk, Told};
pub use train::{TrainDesk, TrainPage, differing};

/// One of each.
#[derive(Debug, Default)]
pub struct Desks {
    pub advisor: AdvisorDesk,
    pub layers: LayersDesk,
    pub rows: RowsDesk,
    pub train: TrainDesk,
    pub queue: QueueDesk,
    pub runs: RunsDesk,
    pub compare: CompareDesk,
    pub sweep: SweepDesk,
    pub evaluate: EvaluateDesk,
    pub guide: GuideDesk,
    pub label: LabelDesk,
    pub talk: TalkDesk,
}
