//! The files that a run learns from: rows split by prompt, and the dataset_info.json beside them.
