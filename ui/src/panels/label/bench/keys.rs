//! The keys on screen: all that the bench hears in the mode in front, made from the commands.

use egui::accesskit::Role;
use egui::{Align, Id, Key, KeyboardShortcut, Layout, Modal, Modifiers, ScrollArea, Ui, WidgetInfo, vec2};
use luthier_engine::feedback::Mode;

use crate::bench::Bench;
use crate::command::{JudgingCommand, LabellingCommand, Named, RankingCommand};
use crate::text::t;
use crate::widgets::{IconButton, icon_label, keycap};
use crate::{icons, theme};

/// What is printed on the keys of a shortcut, one by one; arrows by the names that [`keycap`] draws.
pub fn caps(keys: KeyboardShortcut) -> Vec<String> {
    let held = egui::ModifierNames::NAMES.format(&keys.modifiers, cfg!(target_os = "macos"));
    let mut caps: Vec<String> = held.split('+').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    caps.push(match keys.logical_key {
        Key::ArrowUp => "up".into(),
        Key::ArrowDown => "down".into(),
        Key::ArrowLeft => "left".into(),
        Key::ArrowRight => "right".into(),
        Key::Space => t!("judging.space"),
        Key::Escape => "Esc".into(),
        key => key.symbol_or_name().to_owned(),
    });
    caps
}
