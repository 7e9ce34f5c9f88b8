//! Runs that wait for their turn.

use luthier_engine::recipe::Recipe;

/// A run to come.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Queued {
    /// Unique in the queue; the future run's id.
    pub id: String,
    /// Whole: with model, data and output_dir.
    pub recipe: Recipe,
    /// The sweep it belongs to, and what it varies, as `lora_rank=16, learning_rate=1e-4`.
    pub sweep: Option<(String, String)>,
}

#[derive(Debug, Default)]
pub struct QueueDesk {
    pub waiting: Vec<Queued>,
    /// The queue does not start the next by itself.
    pub held: bool,
}
