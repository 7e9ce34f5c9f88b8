//! The icons of the window: Phosphor (MIT), cut to what is used. Each is one character of the families in [`regular`] and [`filled`].
//!
//! `assets/fonts/cut.py` prints these lines; add a name to its list and run it to add an icon.

use std::sync::Arc;

use egui::{FontFamily, FontId};

/// The outlined icons at `size` points.
pub fn regular(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(Arc::from(REGULAR)))
}

/// The same icons, filled: for what is selected or running.
pub fn filled(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(Arc::from(FILLED)))
}

/// The mark of the house, an f-hole; in the filled icons only.
pub const MARK: char = '\u{F8F0}';

pub(crate) const REGULAR: &str = "icons";
pub(crate) const FILLED: &str = "icons-filled";

pub const HOUSE_LINE: char = '\u{E2C4}';
pub const CUBE: char = '\u{E1DA}';
pub const DATABASE: char = '\u{E1DE}';
pub const SLIDERS_HORIZONTAL: char = '\u{E434}';
pub const CHART_LINE: char = '\u{E154}';
pub const CHART_LINE_DOWN: char = '\u{E8B6}';
pub const CHATS_CIRCLE: char = '\u{E17E}';
pub const GEAR_SIX: char = '\u{E272}';
pub const SCROLL: char = '\u{EB7A}';
pub const MAGNIFYING_GLASS: char = '\u{E30C}';
pub const PLAY: char = '\u{E3D0}';
pub const PAUSE: char = '\u{E39E}';
pub const STOP: char = '\u{E46C}';
pub const FLOPPY_DISK: char = '\u{E248}';
pub const FOLDER_OPEN: char = '\u{E256}';
pub const FOLDER: char = '\u{E24A}';
pub const FILE: char = '\u{E230}';
pub const FILE_TEXT: char = '\u{E23A}';
pub const FILE_ARROW_DOWN: char = '\u{E232}';
pub const FILE_CODE: char = '\u{E914}';
pub const X: char = '\u{E4F6}';
pub const X_CIRCLE: char = '\u{E4F8}';
pub const CHECK: char = '\u{E182}';
pub const CHECK_CIRCLE: char = '\u{E184}';
pub const WARNING: char = '\u{E4E0}';
pub const WARNING_CIRCLE: char = '\u{E4E2}';
pub const INFO: char = '\u{E2CE}';
pub const QUESTION: char = '\u{E3E8}';
pub const CARET_DOWN: char = '\u{E136}';
pub const CARET_RIGHT: char = '\u{E13A}';
pub const CARET_UP: char = '\u{E13C}';
pub const ARROW_RIGHT: char = '\u{E06C}';
pub const ARROW_LEFT: char = '\u{E058}';
pub const ARROW_COUNTER_CLOCKWISE: char = '\u{E038}';
pub const ARROWS_CLOCKWISE: char = '\u{E094}';
pub const COPY: char = '\u{E1CA}';
pub const TRASH: char = '\u{E4A6}';
pub const PLUS: char = '\u{E3D4}';
pub const MINUS: char = '\u{E32A}';
pub const CPU: char = '\u{E610}';
pub const GRAPHICS_CARD: char = '\u{E612}';
pub const MEMORY: char = '\u{E9C4}';
pub const CLOCK: char = '\u{E19A}';
pub const TIMER: char = '\u{E492}';
pub const GAUGE: char = '\u{E628}';
pub const TRANSLATE: char = '\u{E4A2}';
pub const SUN: char = '\u{E472}';
pub const MOON: char = '\u{E330}';
pub const MONITOR: char = '\u{E32E}';
pub const COMMAND: char = '\u{E1C4}';
pub const KEYBOARD: char = '\u{E2D8}';
pub const PAPER_PLANE_RIGHT: char = '\u{E396}';
pub const USER: char = '\u{E4C2}';
pub const ROBOT: char = '\u{E762}';
pub const SPARKLE: char = '\u{E6A2}';
pub const SNOWFLAKE: char = '\u{E5AA}';
pub const PAPERCLIP: char = '\u{E39A}';
pub const FLAME: char = '\u{E624}';
pub const STACK: char = '\u{E466}';
pub const GRAPH: char = '\u{EB58}';
pub const DOWNLOAD_SIMPLE: char = '\u{E20C}';
pub const UPLOAD_SIMPLE: char = '\u{E4C0}';
pub const ERASER: char = '\u{E21E}';
pub const EYE: char = '\u{E220}';
pub const LINK: char = '\u{E2E2}';
pub const DOTS_THREE: char = '\u{E1FE}';
pub const GUITAR: char = '\u{EA8A}';
pub const HOURGLASS: char = '\u{E2B2}';
pub const LIGHTNING: char = '\u{E2DE}';
pub const NOTE: char = '\u{E348}';
pub const TEXT_AA: char = '\u{E6EE}';
pub const CHAT_TEXT: char = '\u{E17A}';
pub const COLUMNS: char = '\u{E546}';
pub const SCISSORS: char = '\u{EAE0}';
pub const TARGET: char = '\u{E47C}';
pub const FUNNEL: char = '\u{E266}';
pub const TABLE: char = '\u{E476}';
pub const LIST_CHECKS: char = '\u{EADC}';
pub const LIST_BULLETS: char = '\u{E2F2}';
pub const LIST_MAGNIFYING_GLASS: char = '\u{EBE0}';
pub const SIGN_OUT: char = '\u{E42A}';
pub const CIRCLE: char = '\u{E18A}';
pub const CIRCLE_DASHED: char = '\u{E602}';
pub const DOT_OUTLINE: char = '\u{ECE0}';
pub const CIRCLE_NOTCH: char = '\u{EB44}';
pub const PROHIBIT: char = '\u{E3DE}';
pub const PLUG: char = '\u{E946}';
pub const PENCIL_SIMPLE: char = '\u{E3B4}';
pub const PATH: char = '\u{E39C}';
pub const GIT_BRANCH: char = '\u{E278}';
pub const FLAG_CHECKERED: char = '\u{EA38}';
pub const SKIP_FORWARD: char = '\u{E5A6}';
pub const SHARE_NETWORK: char = '\u{E408}';
pub const WAVE_SINE: char = '\u{EA9A}';
pub const RULER: char = '\u{E6B8}';
