//! Can these labels be trusted? Agreement (percent and Cohen's kappa) and biases, pure functions of decisions.

mod interval;

pub use interval::wilson;
