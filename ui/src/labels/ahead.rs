//! What is generated ahead of the labelling: items that want answers, answers that have come, margins.
