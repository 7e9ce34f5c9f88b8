//! What stays in place around the panels: rail, top bar, status line, and what lies above them.

mod close;
mod drop_files;
mod focus;
mod log_drawer;
mod palette;
mod rail;
mod status;
mod topbar;

pub use close::{CloseDialog, Closing};
pub use drop_files::take_dropped_files;
pub use focus::focus_ring;
pub use log_drawer::{log_drawer, log_lines};
pub use palette::Palette;
pub use rail::rail;
pub use status::status_line;
pub use topbar::top_bar;
