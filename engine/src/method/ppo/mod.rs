//! Proximal policy optimisation (Schulman et al. 2017) of answers that the model itself samples (Ziegler et al. 2019).
//!
//! `arithmetic` is everything between log-probabilities, values and scores on one side and the loss with its gradients
//! on the other, with the rules of TRL 0.24's PPOTrainer; `control` moves the KL weight and normalises scores; `rule`
//! scores answers without a reward model.

pub mod arithmetic;
pub mod control;
mod policy;
mod reward;
mod rollout;
pub mod rule;

pub use policy::{Ppo, Sampler};
pub use reward::Reward;
pub use rollout::Buffer;
