//! The icons of the window: Phosphor (MIT), cut to what is used. Each is one character of the families in [`regular`] and [`filled`].
//!
//! `assets/fonts/cut.py` prints these lines; add a name to its list and run it to add an icon.

use std::sync::{Arc, LazyLock};

use egui::{FontFamily, FontId};

/// The outlined icons at `size` points.
pub fn regular(size: f32) -> FontId {
    static FAMILY: LazyLock<FontFamily> = LazyLock::new(|| FontFamily::Name(Arc::from(REGULAR)));
    FontId::new(size, FAMILY.clone())
}

/// The same icons, filled: for what is selected or running.
pub fn filled(size: f32) -> FontId {
    static FAMILY: LazyLock<FontFamily> = LazyLock::new(|| FontFamily::Name(Arc::from(FILLED)));
    FontId::new(size, FAMILY.clone())
}

/// The mark of the house, an f-hole; in the filled icons only.
pub const MARK: char = '\u{F8F0}';

pub(crate) const REGULAR: &str = "icons";
pub(crate) const FILLED: &str = "icons-filled";

pub const HOUSE_LINE: char = '\u{E2C4}';
pub const CUBE: char = '\u{E1DA}';
pub const DATABASE: char = '\u{E1DE}';
pub const SLIDERS_HORIZONTAL: char = '\u{E434}';
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
pub const CHECK_CIRCLE: char = '\u{E184}';
pub const WARNING: char = '\u{E4E0}';
pub const WARNING_CIRCLE: char = '\u{E4E2}';
pub const INFO: char = '\u{E2CE}';
pub const QUESTION: char = '\u{E3E8}';
pub const CARET_DOWN: char = '\u{E136}';
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
pub const TRANSLATE: char = '\u{E4A2}';
pub const SUN: char = '\u{E472}';
pub const MOON: char = '\u{E330}';
pub const MONITOR: char = '\u{E32E}';
pub const PAPER_PLANE_RIGHT: char = '\u{E396}';
pub const USER: char = '\u{E4C2}';
pub const SPARKLE: char = '\u{E6A2}';
pub const SNOWFLAKE: char = '\u{E5AA}';
pub const PAPERCLIP: char = '\u{E39A}';
pub const FLAME: char = '\u{E624}';
pub const STACK: char = '\u{E466}';
pub const ERASER: char = '\u{E21E}';
pub const EYE: char = '\u{E220}';
pub const GUITAR: char = '\u{EA8A}';
pub const NOTE: char = '\u{E348}';
pub const SCISSORS: char = '\u{EAE0}';
pub const TARGET: char = '\u{E47C}';
pub const TABLE: char = '\u{E476}';
pub const LIST_CHECKS: char = '\u{EADC}';
pub const SIGN_OUT: char = '\u{E42A}';
pub const RULER: char = '\u{E6B8}';
pub const STAR: char = '\u{E46A}';
pub const ARCHIVE: char = '\u{E00C}';
pub const EXPORT: char = '\u{EAF0}';
pub const IMAGE: char = '\u{E2CA}';
pub const CHART_LINE: char = '\u{E154}';
pub const CHART_SCATTER: char = '\u{EAAC}';
pub const CHART_BAR: char = '\u{E150}';
pub const GIT_DIFF: char = '\u{E27C}';
pub const BOOK_OPEN: char = '\u{E0E6}';
pub const EXAM: char = '\u{E742}';
pub const COMPASS: char = '\u{E1C8}';
pub const MAP_TRIFOLD: char = '\u{E31A}';
pub const FUNNEL: char = '\u{E266}';
pub const QUEUE: char = '\u{E6AC}';
pub const SHUFFLE: char = '\u{E422}';
pub const SCALES: char = '\u{E750}';
pub const TROPHY: char = '\u{E67E}';
pub const EYE_SLASH: char = '\u{E224}';
pub const PENCIL_SIMPLE: char = '\u{E3B4}';
pub const CARET_RIGHT: char = '\u{E13A}';
pub const CARET_LEFT: char = '\u{E138}';
pub const LINK: char = '\u{E2E2}';
pub const GRAPH: char = '\u{EB58}';
pub const FLASK: char = '\u{E79E}';
pub const MAGIC_WAND: char = '\u{E6B6}';
pub const ARROW_U_UP_LEFT: char = '\u{E08A}';
pub const CHECK: char = '\u{E182}';
pub const CLOCK_COUNTER_CLOCKWISE: char = '\u{E1A0}';
pub const BELL: char = '\u{E0CE}';
pub const BRAIN: char = '\u{E74E}';
pub const PATH: char = '\u{E39C}';
pub const ROWS: char = '\u{E5A2}';
pub const COLUMNS: char = '\u{E546}';
pub const STEPS: char = '\u{ECBE}';
pub const GRID_FOUR: char = '\u{E296}';
pub const WARNING_OCTAGON: char = '\u{E4E4}';
pub const COPY_SIMPLE: char = '\u{E1CC}';
pub const WAVE_SINE: char = '\u{EA9A}';
pub const CIRCLES_THREE_PLUS: char = '\u{E194}';
pub const HOURGLASS: char = '\u{E2B2}';
pub const GAUGE: char = '\u{E628}';
pub const SIGNPOST: char = '\u{E89C}';
pub const GRADUATION_CAP: char = '\u{E62C}';
pub const ARROWS_OUT_LINE_HORIZONTAL: char = '\u{E534}';
pub const CROSSHAIR: char = '\u{E1D6}';
pub const PLAY_CIRCLE: char = '\u{E3D2}';
pub const SKIP_FORWARD: char = '\u{E5A6}';
pub const THUMBS_UP: char = '\u{E48E}';
pub const THUMBS_DOWN: char = '\u{E48C}';
pub const EQUALS: char = '\u{E21C}';
pub const FLAG: char = '\u{E244}';
pub const TAG: char = '\u{E478}';
pub const USER_CIRCLE: char = '\u{E4C4}';
pub const KEYBOARD: char = '\u{E2D8}';
pub const RANKING: char = '\u{ED62}';
pub const LIST_NUMBERS: char = '\u{E2F6}';
pub const GIT_BRANCH: char = '\u{E278}';
pub const NOTE_PENCIL: char = '\u{E34C}';
pub const GAVEL: char = '\u{EA32}';
pub const ARROW_UP: char = '\u{E08E}';
pub const ARROW_DOWN: char = '\u{E03E}';
pub const DOTS_SIX_VERTICAL: char = '\u{EAE2}';
pub const HANDSHAKE: char = '\u{E582}';
pub const CHAT_CENTERED_TEXT: char = '\u{E166}';
pub const CODE: char = '\u{E1BC}';
pub const UPLOAD_SIMPLE: char = '\u{E4C0}';
pub const DOWNLOAD_SIMPLE: char = '\u{E20C}';
pub const SEAL_CHECK: char = '\u{E606}';
pub const CHATS: char = '\u{E17C}';
