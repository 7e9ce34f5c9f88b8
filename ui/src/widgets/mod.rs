//! The window's own controls: every panel is made of these, so that they look and speak alike.

mod button;
mod card;
mod chip;
mod facts;
mod field;
mod notice;
mod progress;
mod segmented;
mod toast;

pub use button::{IconButton, Push};
pub use card::{Card, board, column, columns, frame, hairline, icon_label};
pub use chip::{Chip, Mark, elided, tag};
pub use facts::{Fact, facts};
pub use field::{Setting, dropdown, field_and_buttons, number, path_entry, toggle, words};
pub use notice::{Notice, empty_state, problem_box};
pub use progress::{progress_bar, progress_ring};
pub use segmented::segmented;
pub use toast::Toasts;
