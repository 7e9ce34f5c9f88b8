//! What a plot's menu asks for. Files are made elsewhere: the grid notes what is wanted.

use std::collections::BTreeMap;

use egui::{Id, Ui};

use super::Chart;
use crate::export::csv::quoted;
use crate::text::t;

/// Asked for by the right mouse button.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChartAction {
    Png,
    Svg,
    Csv,
    Copy,
}

type Asked = (Chart, ChartAction);

fn asked_id() -> Id {
    Id::unique("chart action")
}

/// What was chosen in a plot's menu since the last call.
pub fn take_action(ctx: &egui::Context) -> Option<(Chart, ChartAction)> {
    ctx.data_mut(|d| d.get_temp::<Asked>(asked_id()).inspect(|_| d.remove::<Asked>(asked_id())))
}

pub(super) fn menu(ui: &mut Ui, chart: &Chart) {
    let entries = [
        (ChartAction::Png, t!("charts.save_png")),
        (ChartAction::Svg, t!("charts.save_svg")),
        (ChartAction::Csv, t!("charts.save_csv")),
        (ChartAction::Copy, t!("plot.copy")),
    ];
    for (action, word) in entries {
        if ui.button(word).clicked() {
            if action == ChartAction::Copy {
                ui.ctx().copy_text(csv(chart));
            }
            ui.data_mut(|d| d.insert_temp::<Asked>(asked_id(), (chart.clone(), action)));
            ui.close();
        }
    }
}

/// The chart's numbers: a line a step, a column a curve; a name with a comma or a quote is quoted.
pub fn csv(chart: &Chart) -> String {
    let mut rows: BTreeMap<u64, ([f64; 2], Vec<Option<f64>>)> = BTreeMap::new();
    for (column, series) in chart.series.iter().enumerate() {
        let curve = &series.curve;
        for (i, value) in curve.values.iter().enumerate() {
            let at = [curve.tokens[i], curve.secs[i]];
            let row = rows.entry(curve.steps[i] as u64).or_insert_with(|| (at, vec![None; chart.series.len()]));
            row.1[column] = Some(*value);
        }
    }
    let mut text = String::from("step,tokens,seconds");
    for series in &chart.series {
        let name = if series.label.is_empty() { &chart.key } else { &series.label };
        text.push_str(&format!(",{}", quoted(name)));
    }
    text.push('\n');
    for (step, ([tokens, secs], values)) in rows {
        text.push_str(&format!("{step},{tokens},{secs}"));
        for value in values {
            text.push(',');
            text.push_str(&value.map(|value| value.to_string()).unwrap_or_default());
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plot::{Curve, Series};

    #[test]
    fn a_row_a_step_and_a_column_a_curve() {
        let curve = |steps: &[f64], values: &[f64]| {
            let steps = steps.to_vec();
            Arc::new(Curve { tokens: steps.clone(), secs: steps.clone(), steps, values: values.to_vec() })
        };
        let series = |label: &str, curve| Series { label: label.into(), colour: 0, dashed: false, curve };
        let series = vec![series("a, b", curve(&[1.0, 2.0], &[0.5, 0.25])), series("", curve(&[2.0], &[9.0]))];
        let chart = Chart { key: "loss".into(), title: "Loss".into(), series };
        assert_eq!(csv(&chart), "step,tokens,seconds,\"a, b\",loss\n1,1,1,0.5,\n2,2,2,0.25,9\n");
    }
}
