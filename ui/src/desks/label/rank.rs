//! Three to six answers on the bench, put in order.

#[derive(Debug, Default)]
pub struct RankDesk {}
