//! Rounds: the same prompts to the next model.
