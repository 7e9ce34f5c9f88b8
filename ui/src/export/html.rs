//! A run as one page that stands alone: no script, nothing from elsewhere, everything escaped.

use std::fmt::Write as _;

use luthier_engine::recipe::Recipe;

use super::recipe_values;
use super::svg::{escape, svg};
use crate::desks::newest;
use crate::format;
use crate::library::StoredEval;
use crate::plot::{Chart, Look};
use crate::state::{Course, Run};
use crate::text::{spoken, t};
use luthier_engine::protocol::Outcome;

/// What a report is made of.
pub struct Report<'a> {
    pub name: &'a str,
    pub note: &'a str,
    pub run: &'a Run,
    pub charts: &'a [Chart],
    pub evaluations: &'a [StoredEval],
}

/// Nothing may be loaded or run, whatever a name or an answer says; the page's own style alone is let in.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

const STYLE: &str = "body{font:15px/1.55 Inter,'Noto Sans SC','PingFang SC','Microsoft YaHei',sans-serif;color:#2a231b;background:#f7f3ec;margin:0}\
main{max-width:900px;margin:0 auto;padding:32px 20px}h1{font-size:24px;overflow-wrap:anywhere}h2{font-size:18px;margin:32px 0 8px}\
table{border-collapse:collapse;width:100%;background:#fffdf8}td,th{border:1px solid #ddd3c3;padding:5px 10px;text-align:left;vertical-align:top;overflow-wrap:anywhere}\
th{background:#f3ece0;font-weight:600}.soft{color:#655949}svg{max-width:100%;height:auto;border:1px solid #ddd3c3;border-radius:6px;margin:6px 0}\
blockquote{margin:4px 0 14px;padding:8px 12px;background:#fffdf8;border-left:3px solid #9c530b;white-space:pre-wrap;overflow-wrap:anywhere}";

/// The page, in the language that this thread speaks.
pub fn html(report: &Report<'_>) -> String {
    let (run, name) = (report.run, escape(report.name));
    let mut body = format!("<h1>{name}</h1>\n<p class=\"soft\">{}</p>\n", escape(&outcome(run)));
    if !report.note.is_empty() {
        let _ = writeln!(body, "<blockquote>{}</blockquote>", escape(report.note));
    }
    section(&mut body, &t!("report.facts"), &table(&[], &facts(run)));
    section(&mut body, &t!("report.recipe"), &recipe(&run.recipe));
    if !report.charts.is_empty() {
        let look = Look { smoothing: 0.0, ..Look::default() };
        let drawn: String = report.charts.iter().map(|chart| svg(std::slice::from_ref(chart), &look, false)).collect();
        section(&mut body, &t!("report.curves"), &drawn);
    }
    if !report.evaluations.is_empty() {
        section(&mut body, &t!("report.evaluations"), &evaluations(report.evaluations));
    }
    if let Some((step, answers)) = run.answers.last() {
        let said: String = answers
            .iter()
            .map(|answer| {
                format!(
                    "<p><strong>{}</strong></p><blockquote>{}</blockquote>",
                    escape(&answer.prompt),
                    escape(&answer.answer)
                )
            })
            .collect();
        section(&mut body, &t!("report.answers", step = step), &said);
    }
    if !run.warnings.is_empty() {
        let lines: String = run.warnings.iter().map(|warning| format!("<li>{}</li>", escape(warning))).collect();
        section(&mut body, &t!("report.warnings"), &format!("<ul>{lines}</ul>"));
    }
    let _ =
        writeln!(body, "<p class=\"soft\">{}</p>", escape(&t!("report.made_by", version = env!("CARGO_PKG_VERSION"))));
    format!(
        "<!doctype html>\n<html lang=\"{}\">\n<head>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{name}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        spoken().code(),
    )
}

fn section(body: &mut String, title: &str, content: &str) {
    let _ = writeln!(body, "<h2>{}</h2>\n{content}", escape(title));
}

fn table(titles: &[String], rows: &[Vec<String>]) -> String {
    let cells = |tag: &str, row: &[String]| -> String {
        row.iter().map(|text| format!("<{tag}>{}</{tag}>", escape(text))).collect()
    };
    let head = if titles.is_empty() { String::new() } else { format!("<tr>{}</tr>", cells("th", titles)) };
    let rows: String = rows.iter().map(|row| format!("<tr>{}</tr>\n", cells("td", row))).collect();
    format!("<table>{head}{rows}</table>")
}

fn outcome(run: &Run) -> String {
    match &run.course {
        Course::Finished(Outcome::Completed { .. }) => t!("report.completed"),
        Course::Finished(Outcome::Stopped { reason, .. }) => t!("report.stopped", reason = reason),
        Course::Finished(Outcome::Failed { problem }) => t!("report.failed", reason = problem.message),
        Course::Starting | Course::Stepping | Course::Paused => t!("report.going_on"),
    }
}

fn facts(run: &Run) -> Vec<Vec<String>> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    let mut add = |caption: String, value: String| rows.push(vec![caption, value]);
    add(t!("report.method"), format!("{} · {}", run.recipe.stage, run.recipe.finetuning_type));
    add(t!("report.model"), run.recipe.model_name_or_path.display().to_string());
    add(t!("report.data"), run.recipe.dataset.join(", "));
    if let Some(facts) = &run.facts {
        add(t!("report.began"), format::date_time(facts.started_unix_secs));
        add(t!("report.device"), facts.device.clone());
        add(t!("report.rows"), format::count(facts.train_rows as u64));
        add(t!("compare.parameters"), format::count(facts.parameters));
        add(t!("compare.trainable"), format::count(facts.trainable_parameters));
        add(t!("report.folder"), facts.output_dir.display().to_string());
    }
    if let Some(last) = run.last() {
        add(t!("report.steps"), format!("{} / {}", last.step, run.total_steps()));
        add(t!("compare.time"), format::duration(last.elapsed_secs));
        add(t!("compare.memory"), format::bytes(last.peak_memory_bytes));
        add(t!("compare.final_loss"), format::loss(f64::from(last.loss)));
    }
    if let Some(best) = run.evals.iter().map(|eval| eval.loss).filter(|loss| loss.is_finite()).min_by(f32::total_cmp) {
        add(t!("compare.best_eval"), format::loss(f64::from(best)));
    }
    if let Some(kept) = run.forgetting.last() {
        let (before, after) = (f64::from(kept.base_perplexity), f64::from(kept.perplexity));
        add(t!("compare.forgetting"), format!("{} → {}", format::loss(before), format::loss(after)));
    }
    rows
}

/// Only what differs from the defaults, each with its default.
fn recipe(recipe: &Recipe) -> String {
    let changed = recipe.changed_from_default();
    let (own, defaults) = (recipe_values(recipe), recipe_values(&Recipe::default()));
    let pairs = own.into_iter().zip(defaults).filter(|((key, _), _)| changed.contains(key));
    let rows: Vec<Vec<String>> = pairs.map(|((key, value), (_, default))| vec![key.into(), value, default]).collect();
    table(&[t!("compare.key"), t!("report.value"), t!("report.default")], &rows)
}

fn evaluations(list: &[StoredEval]) -> String {
    let mut rows = Vec::new();
    for stored in list {
        for metric in newest(stored).metrics() {
            let error = metric.error.map(|error| format!(" ± {}", format::significant(error, 2))).unwrap_or_default();
            rows.push(vec![
                stored.set.clone(),
                metric.name,
                format!("{}{error}", format::significant(metric.value, 4)),
            ]);
        }
    }
    table(&[t!("compare.set"), t!("compare.metric"), t!("report.value")], &rows)
}

#[cfg(test)]
mod tests {
    use luthier_engine::protocol::PromptAnswer;

    use super::*;
    use crate::plot::{Series, curves_of};
    use crate::testing::cards::{card, replayed};
    use crate::text::{Language, speak};

    #[test]
    fn hostile_names_and_answers_stay_text() {
        speak(Language::English);
        let evil = "</title><script>alert(1)</script><img src=x onerror=alert(2)>\" onload='x";
        let mut run = (*replayed(&card(0), 40)).clone();
        run.warnings.push(evil.into());
        run.recipe.dataset = vec![evil.into()];
        run.answers.push((40, vec![PromptAnswer { prompt: evil.into(), answer: evil.into() }]));
        let series = |curve| Series { label: evil.into(), colour: 0, dashed: false, curve };
        let charts: Vec<Chart> = curves_of(&run)
            .into_iter()
            .map(|(key, curve)| Chart { title: evil.into(), key, series: vec![series(curve)] })
            .collect();
        let page = html(&Report { name: evil, note: evil, run: &run, charts: &charts, evaluations: &[] });
        let tags = ["<script", "<img", "<iframe", "<link", "<object"];
        assert!(tags.iter().all(|tag| !page.contains(tag)), "an element got through");
        assert!(page.matches("&lt;script&gt;").count() >= 6 && !page.contains("onerror=alert(2)>"));
        let foreign = page.replace("http://www.w3.org/2000/svg", "");
        assert!(!foreign.contains("http://") && !foreign.contains("https://"), "nothing comes from elsewhere");
        assert!(
            page.contains("Content-Security-Policy")
                && page.contains("<svg")
                && page.contains("lora_rank") == (run.recipe.lora_rank != 8)
        );
    }

    #[test]
    fn the_page_speaks_the_window_s_language() {
        let run = replayed(&card(4), 40);
        let page = |language| {
            speak(language);
            html(&Report { name: "一", note: "", run: &run, charts: &[], evaluations: &[] })
        };
        let (chinese, english) = (page(Language::Chinese), page(Language::English));
        assert!(chinese.contains("lang=\"zh-CN\"") && chinese.contains("配方") && !english.contains("配方"));
    }
}
