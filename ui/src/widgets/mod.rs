//! The window's own controls: every panel is made of these, so that they look and speak alike.

mod button;
mod card;
mod chip;
mod choice_cards;
mod diff;
mod facts;
mod field;
mod formula;
mod keyed;
mod notice;
mod progress;
mod prompt_lines;
mod reading;
mod segmented;
mod toast;

pub use button::{IconButton, Push};
pub use card::{Card, board, column, columns, frame, hairline, icon_label};
pub use chip::{Chip, Mark, elided, tag};
pub use choice_cards::{ChoiceCard, choice_cards};
pub use diff::{Change, Piece, diff_legend, diff_text, word_diff};
pub use facts::{Fact, facts};
pub use field::{
    Setting, ask_guide, drawn, dropdown, field_and_buttons, number, path_entry, take_drawn, take_guide_wish, toggle,
    words,
};
pub use formula::Formula;
pub use keyed::{Keyed, keycap};
pub use notice::{Notice, empty_state, problem_box};
pub use progress::{progress_bar, progress_ring};
pub use prompt_lines::prompt_lines;
pub use reading::{Reading, is_unseen, runs_backwards};
pub use segmented::segmented;
pub use toast::Toasts;
