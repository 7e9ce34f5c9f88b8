//! The window of Luthier. The binary beside it adds the command line.
//!
//! `state` is what is known and `bench` what can be done with it; neither draws. `workbench` puts the frame and the
//! panels around them, `window` puts eframe around that. Only `theme` has colours, only `dialogs` and `store` wait for
//! the system, and only on threads of their own.

pub mod assets;
mod bench;
mod clerk;
mod command;
mod database;
mod datasets;
mod desks;
mod dialogs;
mod export;
mod fonts;
pub mod format;
mod frame;
mod guide;
mod icons;
mod labels;
mod library;
mod panels;
mod plot;
mod state;
mod store;
mod text;
mod theme;
mod widgets;
pub mod window;
mod windows;
mod wire;
mod workbench;

#[cfg(test)]
mod pictures;
#[cfg(test)]
mod testing;

pub use labels::{ListedQueue, Parcel, export_labels, import_labels, labels_listing};
pub use library::{Listed, RunStatus, listing, register};
pub use store::home;

rust_i18n::i18n!("../assets/i18n", fallback = "en");
