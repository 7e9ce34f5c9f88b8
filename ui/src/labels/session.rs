//! What lies on the bench: which item comes next, for whom, on which sides.
