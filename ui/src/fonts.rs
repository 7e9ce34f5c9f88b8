//! The bundled fonts (assets/fonts, all OFL) and how they follow one another, so that Latin and Chinese never show boxes.

use std::sync::Arc;

use egui::{FontData, FontDefinitions, FontFamily, FontTweak};

use crate::icons;

/// The family of headings and strong words.
pub(crate) const SEMIBOLD: &str = "semibold";

macro_rules! font {
    ($file:literal) => {
        FontData::from_static(include_bytes!(concat!("../../assets/", $file)))
    };
}

/// Inter for Latin, Noto Sans SC for Chinese, JetBrains Mono for code, Phosphor for icons.
/// What none of them has (rare characters, other scripts) eframe takes from the system.
pub fn definitions() -> FontDefinitions {
    // Noto's ink sits higher on the line than Inter's: lowered so that both stand on one optical centre.
    let chinese = FontTweak { y_offset_factor: 0.02, ..FontTweak::default() };
    // Phosphor draws its icons on the baseline of a square of one em.
    let icon = FontTweak { y_offset_factor: 0.0, ..FontTweak::default() };
    let mut fonts = FontDefinitions::empty();
    for (name, data) in [
        ("inter", font!("fonts/Inter-Regular.otf")),
        ("inter-semibold", font!("fonts/Inter-SemiBold.otf")),
        ("mono", font!("fonts/JetBrainsMono-Regular.ttf")),
        ("noto-sc", font!("fonts/NotoSansSC-Regular.otf").tweak(chinese.clone())),
        ("noto-sc-bold", font!("fonts/NotoSansSC-Bold.otf").tweak(chinese)),
        ("phosphor", font!("icons/Phosphor.ttf").tweak(icon.clone())),
        ("phosphor-fill", font!("icons/Phosphor-Fill.ttf").tweak(icon)),
    ] {
        fonts.font_data.insert(name.to_owned(), Arc::new(data));
    }
    let names = |list: &[&str]| list.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
    fonts.families.insert(FontFamily::Proportional, names(&["inter", "noto-sc", "mono"]));
    fonts.families.insert(FontFamily::Monospace, names(&["mono", "noto-sc", "inter"]));
    let named = |name: &str| FontFamily::Name(Arc::from(name));
    fonts.families.insert(named(SEMIBOLD), names(&["inter-semibold", "noto-sc-bold", "noto-sc", "mono"]));
    fonts.families.insert(named(icons::REGULAR), names(&["phosphor"]));
    fonts.families.insert(named(icons::FILLED), names(&["phosphor-fill"]));
    fonts
}
