//! The workshop's colours by name, and the egui style made of them. No other file has a colour by number.

use std::sync::{Arc, LazyLock};

use egui::style::{HandleShape, ScrollStyle, Selection, TextCursorStyle, WidgetVisuals, Widgets};
use egui::{
    Color32, CornerRadius, FontFamily, FontId, Margin, RichText, Shadow, Stroke, Style, TextStyle, Theme, Ui, Vec2,
    Visuals, vec2,
};

use crate::fonts::SEMIBOLD;

/// Every colour of one theme. Text colours keep 4.5:1 on every ground they stand on (tested below).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Palette {
    /// Behind everything.
    pub bench: Color32,
    /// The rail and the status line: a shade away from the bench.
    pub rail: Color32,
    /// Cards.
    pub board: Color32,
    /// Buttons, hovered rows.
    pub raised: Color32,
    /// Text fields, plots, the log.
    pub inset: Color32,
    /// Borders and grid lines.
    pub edge: Color32,
    /// Borders of what can be pressed, while the pointer is over it.
    pub edge_strong: Color32,
    pub ink: Color32,
    pub ink_soft: Color32,
    /// Primary action, selection, focus.
    pub varnish: Color32,
    pub varnish_hover: Color32,
    pub varnish_soft: Color32,
    /// Text on varnish.
    pub on_varnish: Color32,
    /// Links, information.
    pub string: Color32,
    pub string_soft: Color32,
    pub good: Color32,
    pub good_soft: Color32,
    pub warn: Color32,
    pub warn_soft: Color32,
    pub bad: Color32,
    pub bad_soft: Color32,
    /// Behind dialogs.
    pub veil: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

pub static DARK: Palette = Palette {
    bench: rgb(0x16130F),
    rail: rgb(0x100E0B),
    board: rgb(0x1F1B16),
    raised: rgb(0x2B251E),
    inset: rgb(0x14110E),
    edge: rgb(0x3A332A),
    edge_strong: rgb(0x5E5141),
    ink: rgb(0xEFE7DA),
    ink_soft: rgb(0xB3A793),
    varnish: rgb(0xE0913A),
    varnish_hover: rgb(0xEDA656),
    varnish_soft: rgb(0x3B2A17),
    on_varnish: rgb(0x1A1108),
    string: rgb(0x6FB6C9),
    string_soft: rgb(0x19292E),
    good: rgb(0x7DB87A),
    good_soft: rgb(0x1D281A),
    warn: rgb(0xD9B54A),
    warn_soft: rgb(0x2E2613),
    bad: rgb(0xE57A69),
    bad_soft: rgb(0x321E19),
    veil: Color32::from_rgba_premultiplied(0x08, 0x07, 0x05, 0xB0),
};

pub static LIGHT: Palette = Palette {
    bench: rgb(0xF7F3EC),
    rail: rgb(0xEFE8DC),
    board: rgb(0xFFFDF8),
    raised: rgb(0xF3ECE0),
    inset: rgb(0xFBF8F1),
    edge: rgb(0xDDD3C3),
    edge_strong: rgb(0xB3A389),
    ink: rgb(0x2A231B),
    ink_soft: rgb(0x655949),
    varnish: rgb(0x9C530B),
    varnish_hover: rgb(0x834506),
    varnish_soft: rgb(0xF6E7D3),
    on_varnish: rgb(0xFFFDF8),
    string: rgb(0x1B6479),
    string_soft: rgb(0xE0EEF1),
    good: rgb(0x356C32),
    good_soft: rgb(0xE4F0E1),
    warn: rgb(0x745900),
    warn_soft: rgb(0xF7EDCF),
    bad: rgb(0xA43424),
    bad_soft: rgb(0xFAE5E0),
    veil: Color32::from_rgba_premultiplied(0x1A, 0x15, 0x0F, 0x70),
};

/// Okabe and Ito's order: distinguishable to every kind of sight. A run keeps its colour everywhere.
const SERIES_DARK: [Color32; 7] =
    [rgb(0xE69F00), rgb(0x56B4E9), rgb(0x009E73), rgb(0xF0E442), rgb(0x0072B2), rgb(0xD55E00), rgb(0xCC79A7)];
/// The same hues, a little deeper where they would be lost on a light ground.
const SERIES_LIGHT: [Color32; 7] =
    [rgb(0xB87700), rgb(0x2C86BD), rgb(0x007A59), rgb(0x8F8600), rgb(0x0072B2), rgb(0xB84F00), rgb(0xA9527F)];

/// The colours of the theme this `Ui` is drawn in.
pub fn palette(ui: &Ui) -> &'static Palette {
    of(ui.visuals().dark_mode)
}

pub fn of(dark: bool) -> &'static Palette {
    if dark { &DARK } else { &LIGHT }
}

/// The colour of the `n`th series of a plot.
pub fn series(ui: &Ui, n: usize) -> Color32 {
    series_of(ui.visuals().dark_mode, n)
}

/// The same where nothing is drawn on the screen, as in a file.
pub fn series_of(dark: bool, n: usize) -> Color32 {
    let all = if dark { &SERIES_DARK } else { &SERIES_LIGHT };
    all[n % all.len()]
}

/// Cividis (Nuñez, Anderton & Renslow 2018): even steps of lightness from dark blue to yellow, the same to every kind of
/// sight.
const RAMP: [Color32; 10] = [
    rgb(0x00224E),
    rgb(0x123570),
    rgb(0x3B496C),
    rgb(0x575D6D),
    rgb(0x707173),
    rgb(0x8A8678),
    rgb(0xA59C74),
    rgb(0xC3B369),
    rgb(0xE1CC55),
    rgb(0xFEE838),
];

/// The colour of a measured value, 0 the least and 1 the most.
pub fn ramp(t: f32) -> Color32 {
    let at = t.clamp(0.0, 1.0) * (RAMP.len() - 1) as f32;
    let low = (at.floor() as usize).min(RAMP.len() - 2);
    RAMP[low].lerp_to_gamma(RAMP[low + 1], at - low as f32)
}

/// Text on [`ramp`].
pub fn on_ramp(t: f32) -> Color32 {
    if t > 0.55 { DARK.on_varnish } else { LIGHT.board }
}

/// One step of the grid; all distances are multiples of it or its half.
pub const GRID: f32 = 8.0;
pub const RADIUS: u8 = 6;
/// The height of a button or a field.
pub const CONTROL: f32 = 32.0;
/// The widest a column of cards gets.
pub const COLUMN: f32 = 1100.0;

pub fn strong_font(size: f32) -> FontId {
    static FAMILY: LazyLock<FontFamily> = LazyLock::new(|| FontFamily::Name(Arc::from(SEMIBOLD)));
    FontId::new(size, FAMILY.clone())
}

/// A name that the person gave: strong in Latin. Chinese is bundled in bold only for the window's own words, so that
/// names with it stay regular instead of mixing two weights.
pub fn name(text: &str, size: f32) -> RichText {
    if text.chars().all(|c| c < '\u{2E80}') {
        RichText::new(text).font(strong_font(size))
    } else {
        RichText::new(text).size(size)
    }
}

pub fn heading(text: impl Into<String>) -> RichText {
    RichText::new(text).font(strong_font(18.0))
}

pub fn strong(text: impl Into<String>) -> RichText {
    RichText::new(text).font(strong_font(14.0))
}

pub fn small(text: impl Into<String>) -> RichText {
    RichText::new(text).size(12.0)
}

/// Secondary text: explanations, units, captions.
pub fn soft(ui: &Ui, text: impl Into<String>) -> RichText {
    small(text).color(palette(ui).ink_soft)
}

/// Gives `ctx` both themes; which one shows is the person's choice in the settings.
pub fn apply(ctx: &egui::Context) {
    // A slow hand, or a frame drawn slowly between press and release, is no reason to lose a click.
    ctx.options_mut(|options| options.input_options.max_click_duration = 10.0);
    ctx.set_style_of(Theme::Dark, style(true));
    ctx.set_style_of(Theme::Light, style(false));
}

fn style(dark: bool) -> Style {
    let mut style = Style { visuals: visuals(dark), ..Style::default() };
    style.text_styles = [
        (TextStyle::Small, FontId::proportional(12.0)),
        (TextStyle::Body, FontId::proportional(14.0)),
        (TextStyle::Button, FontId::proportional(14.0)),
        (TextStyle::Heading, strong_font(18.0)),
        (TextStyle::Monospace, FontId::monospace(13.0)),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::splat(GRID);
    spacing.button_padding = vec2(12.0, 6.0);
    spacing.interact_size = vec2(CONTROL, CONTROL);
    spacing.window_margin = Margin::same(16);
    spacing.menu_margin = Margin::same(6);
    spacing.icon_width = 18.0;
    spacing.icon_width_inner = 10.0;
    spacing.combo_width = 160.0;
    spacing.combo_height = 320.0;
    spacing.text_edit_width = 240.0;
    spacing.slider_width = 160.0;
    spacing.slider_rail_height = 4.0;
    spacing.tooltip_width = 320.0;
    spacing.indent = 16.0;
    spacing.scroll = ScrollStyle { bar_width: 8.0, floating_allocated_width: 0.0, ..ScrollStyle::floating() };
    style.interaction.selectable_labels = true;
    style.interaction.tooltip_delay = 0.3;
    style.animation_time = 0.12;
    style
}

fn visuals(dark: bool) -> Visuals {
    let p = of(dark);
    let radius = CornerRadius::same(RADIUS);
    let widget = |fill: Color32, border: Color32, ink: Color32| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, border),
        corner_radius: radius,
        fg_stroke: Stroke::new(1.0, ink),
        expansion: 0.0,
    };
    let shadow =
        Shadow { offset: [0, 4], blur: 16, spread: 0, color: Color32::from_black_alpha(if dark { 96 } else { 36 }) };
    Visuals {
        dark_mode: dark,
        override_text_color: None,
        weak_text_color: Some(p.ink_soft),
        widgets: Widgets {
            noninteractive: widget(p.board, p.edge, p.ink),
            inactive: widget(p.raised, p.edge, p.ink),
            hovered: widget(p.raised, p.edge_strong, p.ink),
            active: widget(p.varnish_soft, p.varnish, p.ink),
            open: widget(p.raised, p.varnish, p.ink),
        },
        selection: Selection { bg_fill: p.varnish_soft, stroke: Stroke::new(1.0, p.ink), ..Selection::default() },
        hyperlink_color: p.string,
        faint_bg_color: p.raised,
        extreme_bg_color: p.inset,
        text_edit_bg_color: Some(p.inset),
        code_bg_color: p.inset,
        warn_fg_color: p.warn,
        error_fg_color: p.bad,
        window_corner_radius: CornerRadius::same(RADIUS + 2),
        window_shadow: shadow,
        window_fill: p.board,
        window_stroke: Stroke::new(1.0, p.edge),
        menu_corner_radius: radius,
        panel_fill: p.bench,
        popup_shadow: shadow,
        text_cursor: TextCursorStyle {
            stroke: Stroke::new(2.0, p.varnish),
            blink: false,
            ..TextCursorStyle::default()
        },
        slider_trailing_fill: true,
        handle_shape: HandleShape::Circle,
        striped: false,
        disabled_alpha: 0.55,
        ..if dark { Visuals::dark() } else { Visuals::light() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2: relative luminance and contrast ratio.
    fn contrast(a: Color32, b: Color32) -> f64 {
        let luminance = |c: Color32| {
            let channel = |v: u8| {
                let v = f64::from(v) / 255.0;
                if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(c.r()) + 0.7152 * channel(c.g()) + 0.0722 * channel(c.b())
        };
        let (light, dark) = (luminance(a).max(luminance(b)), luminance(a).min(luminance(b)));
        (light + 0.05) / (dark + 0.05)
    }

    #[test]
    fn every_text_pair_is_readable() {
        for (theme, p) in [("dark", &DARK), ("light", &LIGHT)] {
            let grounds = [p.bench, p.rail, p.board, p.raised, p.inset];
            let mut pairs = vec![
                ("on_varnish", p.on_varnish, p.varnish),
                ("on_varnish", p.on_varnish, p.varnish_hover),
                ("ink", p.ink, p.varnish_soft),
                ("ink_soft", p.ink_soft, p.varnish_soft),
                ("varnish", p.varnish, p.varnish_soft),
                ("ink", p.ink, p.string_soft),
                ("string", p.string, p.string_soft),
                ("good", p.good, p.good_soft),
                ("ink", p.ink, p.warn_soft),
                ("warn", p.warn, p.warn_soft),
                ("ink", p.ink, p.bad_soft),
                ("bad", p.bad, p.bad_soft),
            ];
            for ground in grounds {
                pairs.extend([
                    ("ink", p.ink, ground),
                    ("ink_soft", p.ink_soft, ground),
                    ("varnish", p.varnish, ground),
                ]);
            }
            for ground in [p.bench, p.board, p.inset] {
                pairs.extend([
                    ("string", p.string, ground),
                    ("good", p.good, ground),
                    ("warn", p.warn, ground),
                    ("bad", p.bad, ground),
                ]);
            }
            for (name, text, ground) in pairs {
                let ratio = contrast(text, ground);
                assert!(ratio >= 4.5, "{theme}: {name} {text:?} on {ground:?} has only {ratio:.2}:1");
            }
        }
    }
}
