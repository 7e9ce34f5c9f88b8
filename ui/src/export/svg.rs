//! Plots as a drawing that stands alone: axes, round numbers, legend, title. Text stays text.

use egui::Color32;

use super::scale::{points, span, thinned, ticks};
use crate::plot::{Along, Chart, Look};
use crate::text::t;
use crate::theme;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 44.0;
/// More points than pixels are only bytes.
const MOST_POINTS: usize = 1200;

pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML 1.0 has no other control characters, not even escaped.
            '\n' | '\t' => safe.push(c),
            c if c.is_control() => safe.push('\u{FFFD}'),
            '\u{FFFE}' | '\u{FFFF}' => safe.push('\u{FFFD}'),
            c => safe.push(c),
        }
    }
    safe
}

fn hex(colour: Color32) -> String {
    format!("#{:02x}{:02x}{:02x}", colour.r(), colour.g(), colour.b())
}

pub fn along_word(along: Along) -> String {
    match along {
        Along::Step => t!("compare.along_step"),
        Along::Tokens => t!("compare.along_tokens"),
        Along::Time => t!("compare.along_time"),
    }
}

/// All charts, one below the other, in light colours unless `dark`.
pub fn svg(charts: &[Chart], look: &Look, dark: bool) -> String {
    let p = theme::of(dark);
    let mut body = String::new();
    let mut y = 0.0;
    for chart in charts {
        body += &format!("<g transform=\"translate(0 {y})\">");
        let height = HEIGHT + legend_rows(chart) as f64 * 18.0;
        draw(&mut body, chart, look, dark, height);
        body += "</g>\n";
        y += height;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{0}\" viewBox=\"0 0 {WIDTH} {0}\" \
         font-family=\"Inter, 'Noto Sans SC', sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"{1}\"/>\n{body}</svg>\n",
        y.max(1.0),
        hex(p.board),
    )
}

/// Names in rows of at most three.
fn legend_rows(chart: &Chart) -> usize {
    chart.series.len().div_ceil(3)
}

fn draw(out: &mut String, chart: &Chart, look: &Look, dark: bool, height: f64) {
    let p = theme::of(dark);
    let (ink, soft, edge) = (hex(p.ink), hex(p.ink_soft), hex(p.edge));
    *out += &format!(
        "<text x=\"16\" y=\"26\" font-size=\"15\" font-weight=\"600\" fill=\"{ink}\">{}</text>",
        escape(&chart.title)
    );
    let curves: Vec<Vec<(f64, f64)>> = chart.series.iter().map(|series| points(&series.curve, look)).collect();
    let all = || curves.iter().flatten();
    let up = |y: f64| if look.logarithmic { y.log10() } else { y };
    let across = span(all().map(|(x, _)| *x), false);
    let upwards = span(all().map(|(_, y)| up(*y)), look.clipped);
    let (Some((x0, x1)), Some((y0, y1))) = (across, upwards) else {
        *out += &format!("<text x=\"16\" y=\"60\" fill=\"{soft}\">{}</text>", escape(&t!("compare.no_points")));
        return;
    };
    let room = (y1 - y0) * 0.05;
    let (y0, y1) = (y0 - room, y1 + room);
    let (w, h) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
    let px = |x: f64| LEFT + (x - x0) / (x1 - x0) * w;
    let py = |y: f64| TOP + h - (y - y0) / (y1 - y0) * h;
    for tick in ticks(y0, y1, 5) {
        let at = py(tick);
        let value = if look.logarithmic { 10f64.powf(tick) } else { tick };
        *out +=
            &format!("<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"{edge}\"/>", LEFT + w);
        *out += &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{soft}\">{}</text>",
            LEFT - 8.0,
            at + 4.0,
            label(value)
        );
    }
    for tick in ticks(x0, x1, 8) {
        let at = px(tick);
        *out += &format!(
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" stroke=\"{edge}\"/>",
            TOP + h,
            TOP + h + 4.0
        );
        *out += &format!(
            "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{soft}\">{}</text>",
            TOP + h + 18.0,
            label(tick)
        );
    }
    *out += &format!(
        "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"{soft}\">{}</text>",
        LEFT + w / 2.0,
        TOP + h + 36.0,
        escape(&along_word(look.along))
    );
    let rows = legend_rows(chart) as f64;
    for (at, (series, points)) in chart.series.iter().zip(&curves).enumerate() {
        let colour = hex(theme::series_of(dark, series.colour));
        let dash = if series.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        let mut path = String::new();
        for (x, y) in thinned(points, MOST_POINTS) {
            // Clipped values lie on the edge.
            path += &format!("{:.1},{:.1} ", px(x), py(up(y).clamp(y0, y1)));
        }
        *out += &format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.8\" stroke-linejoin=\"round\"{dash}/>",
            path.trim_end()
        );
        let (x, y) = (LEFT + (at % 3) as f64 * 210.0, height - rows * 18.0 + (at / 3) as f64 * 18.0);
        *out += &format!(
            "<line x1=\"{x:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" stroke-width=\"2.5\"{dash}/>",
            x + 22.0
        );
        *out += &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{ink}\">{}</text>",
            x + 28.0,
            y + 4.0,
            escape(&short(&series.label))
        );
    }
}

/// So long that three fit beside one another.
fn short(text: &str) -> String {
    let wide = |c: char| if c >= '\u{2E80}' { 2 } else { 1 };
    let (mut width, mut kept) = (0, String::new());
    for c in text.chars() {
        width += wide(c);
        if width > 27 {
            kept.push('…');
            break;
        }
        kept.push(c);
    }
    kept
}

fn label(value: f64) -> String {
    if value == 0.0 { "0".into() } else { crate::format::significant(value, 3) }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plot::{Curve, Series};

    fn chart(label: &str) -> Chart {
        let steps: Vec<f64> = (1..=50).map(f64::from).collect();
        let values = steps.iter().map(|x| 3.0 / x).collect();
        let curve = Curve { tokens: steps.clone(), secs: steps.clone(), steps, values };
        let series = Series { label: label.into(), colour: 0, dashed: true, curve: Arc::new(curve) };
        Chart { key: "loss".into(), title: "Loss".into(), series: vec![series] }
    }

    #[test]
    fn a_plot_is_whole_and_hostile_names_stay_text() {
        let svg = svg(&[chart("</text><script>x</script>\u{1}")], &Look::default(), false);
        assert!(!svg.contains("<script") && svg.contains("&lt;script"), "{svg}");
        assert!(svg.contains("stroke-dasharray") && svg.contains(">Loss<"));
        assert!(resvg::usvg::Tree::from_str(&svg, &resvg::usvg::Options::default()).is_ok(), "it is sound XML");
    }

    #[test]
    fn nothing_to_draw_is_said() {
        let mut empty = chart("a");
        empty.series[0].curve = Arc::default();
        assert!(svg(&[empty], &Look::default(), false).contains("nothing measured"));
    }
}
