//! What the metrics are called, which of them share a plot, and charts made of a run's curves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Chart, Curve, Series};
use crate::text::{say, t, try_say};

/// Metrics that share a plot, in the order of the plots. What is not here gets a plot of its own.
const TOGETHER: &[&[&str]] = &[
    &["loss"],
    &["objective/scores", "objective/rlhf_reward", "objective/non_score_reward"],
    &["rewards/chosen", "rewards/rejected"],
    &["rewards/margins"],
    &["min_reward", "mean_reward", "max_reward"],
    &["margin"],
    &["accuracy"],
    &["rewards/accuracies"],
    &["token_accuracy"],
    &["forgetting/perplexity", "forgetting/base_perplexity"],
    &["forgetting/kl"],
    &["kl", "objective/kl"],
    &["log_odds_ratio", "log_odds_chosen"],
    &["logps/chosen", "logps/rejected"],
    &["nll_loss", "sft_loss"],
    &["loss/policy_avg"],
    &["loss/value_avg"],
    &["policy/clipfrac_avg", "val/clipfrac_avg"],
    &["objective/entropy", "policy/entropy_avg"],
    &["policy/approxkl_avg"],
    &["val/ratio"],
    &["logits/chosen", "logits/rejected"],
];
/// After everything else.
const LAST: &[&[&str]] = &[&["grad_norm"], &["learning_rate"], &["tokens_per_sec"], &["memory"]];

/// Okabe and Ito's places for the curves of one plot: orange alone; green and vermilion for better and worse.
const ALONE: usize = 0;
const OF_SEVERAL: [usize; 4] = [2, 5, 1, 6];

fn word(name: &str) -> String {
    try_say(&format!("metric.{}", name.replace('/', "_"))).unwrap_or_else(|| name.to_owned())
}

/// The title of the plot that a metric stands in; TRL's name where there are no words.
pub fn metric_title(name: &str) -> String {
    let name = name.strip_prefix("eval/").unwrap_or(name);
    match TOGETHER.iter().find(|group| group.len() > 1 && group.contains(&name)) {
        Some(group) => say(&format!("metric_group.{}", group[0].replace('/', "_"))),
        None => word(name),
    }
}

/// What it tells, in half a sentence.
pub fn metric_hint(name: &str) -> Option<String> {
    let name = name.strip_prefix("eval/").unwrap_or(name);
    let first = TOGETHER.iter().find(|group| group.contains(&name)).map_or(name, |group| group[0]);
    try_say(&format!("metric_hint.{}", first.replace('/', "_")))
}

/// Names in the order of the plots, those that share one together; evaluation curves stand with their metric.
fn grouped(names: &BTreeSet<&str>) -> Vec<Vec<String>> {
    let bare: BTreeSet<&str> = names.iter().map(|name| name.strip_prefix("eval/").unwrap_or(name)).collect();
    let listed = |group: &&[&str]| group.iter().filter(|n| bare.contains(*n)).map(|n| (*n).to_owned()).collect();
    let known = |name: &str| TOGETHER.iter().chain(LAST).any(|group| group.contains(&name));
    let others = bare.iter().filter(|name| !known(name)).map(|name| vec![(*name).to_owned()]);
    let first = TOGETHER.iter().map(|group| listed(&group));
    let last = LAST.iter().map(|group| listed(&group));
    first.chain(others).chain(last).filter(|group: &Vec<String>| !group.is_empty()).collect()
}

/// The charts of one run.
pub fn charts_of_run(curves: &BTreeMap<String, Arc<Curve>>) -> Vec<Chart> {
    let names: BTreeSet<&str> = curves.keys().map(String::as_str).collect();
    let charts = grouped(&names).into_iter().map(|group| {
        let mut series = Vec::new();
        for (i, name) in group.iter().enumerate() {
            let colour = if group.len() == 1 { ALONE } else { OF_SEVERAL[i % OF_SEVERAL.len()] };
            let label = if group.len() == 1 { String::new() } else { word(name) };
            for (key, dashed) in [(name.clone(), false), (format!("eval/{name}"), true)] {
                let colour = if dashed && group.len() == 1 { 1 } else { colour };
                let label =
                    if dashed { format!("{label} {}", t!("plot.eval")).trim().to_owned() } else { label.clone() };
                series.extend(curves.get(&key).map(|curve| Series { label, colour, dashed, curve: curve.clone() }));
            }
        }
        Chart { key: group[0].clone(), title: metric_title(&group[0]), series }
    });
    charts.collect()
}

/// The same metrics of several runs: a chart a metric, a colour a run. Each run: label, colour, curves.
pub fn charts_of_runs(runs: &[(String, usize, &BTreeMap<String, Arc<Curve>>)]) -> Vec<Chart> {
    let names: BTreeSet<&str> = runs.iter().flat_map(|run| run.2.keys().map(String::as_str)).collect();
    let charts = grouped(&names).into_iter().flatten().map(|name| {
        let mut series = Vec::new();
        for (label, colour, curves) in runs {
            for (key, dashed) in [(name.clone(), false), (format!("eval/{name}"), true)] {
                let label = if dashed { format!("{label}, {}", t!("plot.eval")) } else { label.clone() };
                let made =
                    curves.get(&key).map(|curve| Series { label, colour: *colour, dashed, curve: curve.clone() });
                series.extend(made);
            }
        }
        let group = metric_title(&name);
        let own = word(&name);
        let title = if group == own { own } else { format!("{group}: {own}") };
        Chart { title, key: name, series }
    });
    charts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curves(names: &[&str]) -> BTreeMap<String, Arc<Curve>> {
        names.iter().map(|name| ((*name).to_owned(), Arc::default())).collect()
    }

    #[test]
    fn whatever_arrives_is_drawn_and_what_belongs_together_shares_a_plot() {
        let all = curves(&[
            "rewards/rejected",
            "rewards/chosen",
            "rewards/margins",
            "eval/rewards/margins",
            "our/own",
            "kl",
            "learning_rate",
            "loss",
            "eval/loss",
        ]);
        let charts = charts_of_run(&all);
        let keys: Vec<(&str, usize)> = charts.iter().map(|c| (c.key.as_str(), c.series.len())).collect();
        let expected = [
            ("loss", 2),
            ("rewards/chosen", 2),
            ("rewards/margins", 2),
            ("kl", 1),
            ("our/own", 1),
            ("learning_rate", 1),
        ];
        assert_eq!(keys, expected);
        assert!(charts[0].series[1].dashed && charts[0].series[0].colour != charts[0].series[1].colour);
        assert_eq!(metric_title("our/own"), "our/own");
        assert_ne!(metric_title("rewards/chosen"), "rewards/chosen");
        assert!(metric_hint("eval/loss").is_some());

        let other = curves(&["loss", "grad_norm"]);
        let runs = charts_of_runs(&[("a".into(), 3, &all), ("b".into(), 4, &other)]);
        assert_eq!(runs[0].key, "loss");
        let colours: Vec<usize> = runs[0].series.iter().map(|s| s.colour).collect();
        assert_eq!(colours, [3, 3, 4]);
        assert_eq!(runs.iter().filter(|chart| chart.key == "rewards/rejected").count(), 1);
    }
}
