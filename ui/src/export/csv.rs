//! Numbers as comma-separated values (RFC 4180).

use crate::plot::Chart;

/// One cell, quoted where it has to be. A cell that a spreadsheet would compute gets a quote before it (CSV injection).
pub fn cell(text: &str) -> String {
    let formula =
        text.starts_with(['=', '@', '\t', '\r']) || (text.starts_with(['+', '-']) && text.parse::<f64>().is_err());
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    quoted(&text)
}

/// A field as RFC 4180 has it: in quotes where it holds a comma, a quote or a line's end.
pub fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

/// A line for each of `rows`, under a line of titles.
pub fn table(titles: &[String], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",") + "\n";
    std::iter::once(line(titles)).chain(rows.iter().map(|row| line(row))).collect()
}

/// Every point of every curve, as it was measured: one line a point, so that curves of different lengths need no holes.
pub fn curves(charts: &[Chart]) -> String {
    let mut text = String::from("metric,run,step,tokens,seconds,value\n");
    for chart in charts {
        for series in &chart.series {
            let (metric, label, curve) = (cell(&chart.key), cell(&series.label), &series.curve);
            for at in 0..curve.values.len() {
                let x = |list: &[f64]| list.get(at).map(|x| x.to_string()).unwrap_or_default();
                let value = curve.values[at];
                let (step, tokens, secs) = (x(&curve.steps), x(&curve.tokens), x(&curve.secs));
                text += &format!("{metric},{label},{step},{tokens},{secs},{value}\n");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cannot_break_out_or_compute() {
        assert_eq!(cell("a,\"b\"\nc"), "\"a,\"\"b\"\"\nc\"");
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("-0.5"), "-0.5");
        assert_eq!(cell("-rm"), "'-rm");
        assert_eq!(table(&["a".into(), "b".into()], &[vec!["1".into(), "x,y".into()]]), "a,b\n1,\"x,y\"\n");
    }
}
