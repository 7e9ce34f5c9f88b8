//! What is learned from: the methods and their losses.

pub mod ppo;
