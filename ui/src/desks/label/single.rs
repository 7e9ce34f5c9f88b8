//! Single answers on the bench: good, bad, and what is wrong with them.

#[derive(Debug, Default)]
pub struct SingleDesk {}
