//! The tables: queues, items, answers, decisions.
