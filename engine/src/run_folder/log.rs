//! Lines of a run's logs: LLaMA-Factory's `trainer_log.jsonl`, and files of JSON lines that survive a torn write.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::protocol::{EvalReport, ForgettingReport, StepReport};

const FORGETTING: &str = "forgetting_perplexity";

/// One line of `trainer_log.jsonl`: LLaMA-Factory's fields and `grad_norm`. What is None is left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LogLine {
    pub current_steps: usize,
    pub total_steps: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eval_loss: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grad_norm: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
    pub epoch: f64,
    /// 0 to 100.
    pub percentage: f64,
    /// H:MM:SS, as is `remaining_time`.
    pub elapsed_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remaining_time: Option<String>,
    /// Tokens a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub throughput: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_tokens: Option<u64>,
    /// The method's own, by TRL's names; of an evaluation with `eval_` before them.
    #[serde(flatten)]
    pub metrics: BTreeMap<String, f32>,
}

impl LogLine {
    pub fn of_step(report: &StepReport, total_steps: usize) -> Self {
        Self {
            loss: Some(report.loss),
            accuracy: report.token_accuracy,
            grad_norm: Some(report.grad_norm),
            lr: Some(report.learning_rate),
            remaining_time: Some(hms(report.remaining_secs)),
            throughput: Some(two_digits(report.tokens_per_sec)),
            total_tokens: Some(report.total_tokens),
            metrics: report.metrics.clone(),
            ..Self::at(report.step, total_steps, report.epoch, report.elapsed_secs)
        }
    }

    pub fn of_eval(report: &EvalReport, total_steps: usize) -> Self {
        Self {
            eval_loss: Some(report.loss),
            metrics: report.metrics.iter().map(|(name, value)| (format!("eval_{name}"), *value)).collect(),
            ..Self::at(report.step, total_steps, report.epoch, report.elapsed_secs)
        }
    }

    pub fn of_forgetting(report: &ForgettingReport, total_steps: usize, epoch: f64, elapsed_secs: f64) -> Self {
        let metrics = [
            (FORGETTING, report.perplexity),
            ("forgetting_base_perplexity", report.base_perplexity),
            ("forgetting_kl", report.kl),
        ];
        Self {
            metrics: metrics.map(|(name, value)| (name.to_owned(), value)).into(),
            ..Self::at(report.step, total_steps, epoch, elapsed_secs)
        }
    }

    pub(super) fn is_of_forgetting(&self) -> bool {
        self.metrics.contains_key(FORGETTING)
    }

    fn at(step: usize, total_steps: usize, epoch: f64, elapsed_secs: f64) -> Self {
        Self {
            current_steps: step,
            total_steps,
            epoch: (epoch * 1e4).round() / 1e4,
            percentage: if total_steps == 0 { 0.0 } else { two_digits(step as f64 * 100.0 / total_steps as f64) },
            elapsed_time: hms(elapsed_secs),
            ..Self::default()
        }
    }
}

/// A file that grows by whole lines of JSON.
#[derive(Debug)]
pub(super) struct JsonLines {
    path: PathBuf,
    file: File,
    /// The last line was not written to its end.
    torn: bool,
}

impl JsonLines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let open = || -> std::io::Result<(File, bool)> {
            let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
            let mut last = [b'\n'];
            if file.metadata()?.len() > 0 {
                file.seek(SeekFrom::End(-1))?;
                file.read_exact(&mut last)?;
            }
            Ok((file, last != [b'\n']))
        };
        let (file, torn) = open().map_err(|error| Error::io(path, error))?;
        Ok(Self { path: path.to_owned(), file, torn })
    }

    pub(super) fn append(&mut self, value: &impl Serialize) -> Result<()> {
        let json = serde_json::to_string(value).map_err(|error| Error::Internal(format!("a log line: {error}")))?;
        let line = format!("{}{json}\n", if self.torn { "\n" } else { "" });
        self.torn = true;
        self.file.write_all(line.as_bytes()).map_err(|error| Error::io(&self.path, error))?;
        self.torn = false;
        Ok(())
    }
}

/// Seconds as H:MM:SS; hours go on beyond a day.
pub fn hms(secs: f64) -> String {
    let secs = if secs.is_finite() { secs.max(0.0) as u64 } else { 0 };
    format!("{}:{:02}:{:02}", secs / 3600, secs / 60 % 60, secs % 60)
}

fn two_digits(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> LogLine {
        let report = StepReport {
            step: 3,
            epoch: 0.123456,
            loss: 2.5,
            grad_norm: 1.25,
            learning_rate: 1e-4,
            token_accuracy: None,
            tokens: 10,
            total_tokens: 30,
            tokens_per_sec: 12.3456,
            elapsed_secs: 3725.9,
            remaining_secs: 90061.0,
            memory_bytes: 1,
            peak_memory_bytes: 2,
            metrics: Default::default(),
        };
        LogLine::of_step(&report, 8)
    }

    #[test]
    fn log_has_llama_factorys_fields() {
        let json = serde_json::to_value(line()).unwrap();
        let expected = serde_json::json!({"current_steps": 3, "total_steps": 8, "loss": 2.5, "grad_norm": 1.25, "lr": 1e-4,
            "epoch": 0.1235, "percentage": 37.5, "elapsed_time": "1:02:05", "remaining_time": "25:01:01",
            "throughput": 12.35, "total_tokens": 30});
        assert_eq!(json, expected);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn full_disk_is_an_error_not_a_panic() {
        let full = Path::new("/dev/full");
        let file = OpenOptions::new().append(true).open(full).unwrap();
        let mut lines = JsonLines { path: full.to_owned(), file, torn: false };
        let error = lines.append(&line()).unwrap_err();
        assert!(error.code() == "io" && lines.torn, "{error}");
    }

    #[test]
    fn hours_go_on_beyond_a_day() {
        assert_eq!(
            [hms(0.0), hms(59.9), hms(3600.0), hms(1e6), hms(f64::NAN)],
            ["0:00:00", "0:00:59", "1:00:00", "277:46:40", "0:00:00"]
        );
    }
}
