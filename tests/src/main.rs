//! One test program for what crosses crates. `cargo xtask test` builds the `luthier` binary before it.

mod adapters;
mod answers;
mod architecture;
mod bad_input;
mod bench;
mod binary;
mod command_line;
mod estimate;
mod eval;
mod exam;
mod families;
mod gpu;
mod layers;
mod learning;
mod ppo;
mod quant;
mod reference;
mod resumed;
mod retention;
mod rows;
mod screen;
mod side_by_side;
mod slopes;
mod stages;
mod training;
mod window;
