//! Evaluations through the worker's real channel: progress, one answer to each request, cancels, and what they tell.

use std::path::{Path, PathBuf};

use luthier_engine::eval::{
    ChoiceOptions, EvalOutcome, EvalPhase, EvalReport, EvalRequest, EvalTask, Measured, PerplexityReport,
};
use luthier_engine::link::{Link, LinkOptions};
use luthier_engine::protocol::{Command, Event, Problem, RequestId, Sampling};
use luthier_engine::recipe::{Interval, Recipe};

use crate::bench::{self, drive, fixture, fresh, run};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sample").join(name)
}

fn exam(task: EvalTask, max_samples: usize) -> EvalRequest {
    EvalRequest {
        model: sample("model"),
        adapter: None,
        device: "cpu".into(),
        task,
        before: None,
        max_samples: Some(max_samples),
        cutoff_len: None,
        language: None,
    }
}

fn perplexity() -> EvalRequest {
    exam(EvalTask::Perplexity { file: sample("sft.jsonl") }, 12)
}

/// Long answers, so that a cancel comes in time on a busy machine.
fn long() -> EvalRequest {
    let sampling = Sampling { max_new_tokens: 400, temperature: 0.0, ..Sampling::default() };
    exam(EvalTask::Generation { file: sample("sft.jsonl"), sampling }, 200)
}

fn ask(link: &Link, request: RequestId, exam: EvalRequest) {
    link.send(Command::Evaluate { request, exam: Box::new(exam) });
}

fn hear(link: &Link, answers: usize, react: impl FnMut(&Event)) -> Vec<Event> {
    let ends = |event: &Event| matches!(event, Event::EvalFinished { .. } | Event::CommandFailed { .. });
    bench::hear(link, answers, ends, react)
}

fn answers(events: &[Event], which: RequestId) -> Vec<Result<EvalOutcome, Problem>> {
    let answer = |event: &Event| match event {
        Event::EvalFinished { request, outcome } if *request == which => Some(Ok((**outcome).clone())),
        Event::CommandFailed { request, problem } if *request == Some(which) => Some(Err(problem.clone())),
        _ => None,
    };
    events.iter().filter_map(answer).collect()
}

fn the_answer(events: &[Event], which: RequestId) -> Result<EvalOutcome, Problem> {
    let answers = answers(events, which);
    assert_eq!(answers.len(), 1, "{answers:?}");
    answers.into_iter().next().expect("one")
}

fn report(outcome: EvalOutcome) -> EvalReport {
    match outcome.measured {
        Measured::Single(report) => *report,
        other => panic!("{other:?}"),
    }
}

fn rows_of(outcome: EvalOutcome) -> PerplexityReport {
    match report(outcome) {
        EvalReport::Perplexity(report) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_evaluation_tells_its_progress_and_answers_once() {
    let link = Link::spawn(LinkOptions::default());
    ask(&link, 7, perplexity());
    let events = hear(&link, 1, |_| {});
    let phases: Vec<EvalPhase> = events
        .iter()
        .filter_map(|event| match event {
            Event::EvalProgressed { request: 7, progress } => {
                assert!(progress.done <= progress.total, "{progress:?}");
                Some(progress.phase)
            }
            _ => None,
        })
        .collect();
    for phase in [EvalPhase::PreparingData, EvalPhase::LoadingModel, EvalPhase::Measuring] {
        assert!(phases.contains(&phase), "no {phase:?} among {phases:?}");
    }
    let report = rows_of(the_answer(&events, 7).expect("measured"));
    assert_eq!((report.rows, report.worst.len()), (12, 12));
    assert!(report.worst.windows(2).all(|pair| pair[0].loss >= pair[1].loss), "the worst comes first");
    let of_all: f64 = report.worst.iter().map(|row| row.loss * row.tokens as f64).sum();
    assert!((of_all / report.tokens as f64 - report.loss).abs() < 1e-9, "all twelve rows make the mean");
    assert!(report.worst.iter().all(|row| !row.text.is_empty() && (1..=12).contains(&row.row)));
    assert!(report.loss_error.is_some_and(|error| error > 0.0 && error < report.loss));
}

#[test]
fn cancelled_exams_are_answered_once_and_the_next_one_is_served() {
    let link = Link::spawn(LinkOptions::default());
    ask(&link, 1, long());
    ask(&link, 2, perplexity());
    ask(&link, 3, perplexity());
    let mut asked = false;
    let events = hear(&link, 3, |event| {
        if !asked && matches!(event, Event::EvalProgressed { progress, .. } if progress.phase == EvalPhase::Measuring) {
            asked = true;
            // One that waits, then the one that is going; again for both, which changes nothing.
            for request in [2, 1, 2, 1] {
                link.send(Command::CancelEvaluate { request });
            }
        }
    });
    for request in [1, 2] {
        assert_eq!(the_answer(&events, request).expect_err("cancelled").code, "stopped");
    }
    assert_eq!(rows_of(the_answer(&events, 3).expect("measured")).rows, 12);
}

#[test]
fn an_evaluation_is_refused_while_a_run_goes_and_bad_input_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = fresh("sft-full", dir.path());
    let mut asked = false;
    let (events, _) = drive(&recipe, false, |event, link| {
        if !asked && matches!(event, Event::StepReported { .. }) {
            asked = true;
            ask(link, 9, perplexity());
        }
    });
    assert_eq!(the_answer(&events, 9).expect_err("refused").code, "refused");

    let link = Link::spawn(LinkOptions::default());
    ask(&link, 1, exam(EvalTask::Perplexity { file: dir.path().join("none.jsonl") }, 3));
    let none = Sampling::default();
    ask(&link, 2, exam(EvalTask::Prompts { prompts: Vec::new(), sampling: none }, 3));
    let events = hear(&link, 2, |_| {});
    assert!(the_answer(&events, 1).expect_err("no file").message.contains("none.jsonl"));
    assert!(the_answer(&events, 2).expect_err("no prompt").message.contains("no prompt"));
}

#[test]
fn prompts_are_answered_in_their_order_and_mistakes_come_most_certain_first() {
    let link = Link::spawn(LinkOptions::default());
    let prompts = vec!["Hello.".to_owned(), "你好。".to_owned()];
    let sampling = Sampling { max_new_tokens: 8, temperature: 0.0, ..Sampling::default() };
    ask(&link, 1, exam(EvalTask::Prompts { prompts: prompts.clone(), sampling }, 10));
    let options = ChoiceOptions::default();
    ask(&link, 2, exam(EvalTask::Choice { file: fixture("choice/mmlu"), dev: None, options }, 10));
    let events = hear(&link, 2, |_| {});
    let EvalReport::Prompts(said) = report(the_answer(&events, 1).expect("answered")) else { panic!("prompts") };
    assert_eq!(said.answers.iter().map(|a| a.prompt.clone()).collect::<Vec<_>>(), prompts);
    assert!(said.answers.iter().all(|answer| answer.tokens <= 8 && answer.cut == (answer.tokens == 8)), "{said:?}");
    let EvalReport::Choice(choice) = report(the_answer(&events, 2).expect("measured")) else { panic!("choice") };
    assert_eq!(choice.wrong.len(), choice.by_letter.questions - choice.by_letter.correct);
    for wrong in &choice.wrong {
        let sum: f64 = wrong.probabilities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-9 && wrong.given != wrong.right, "{wrong:?}");
        assert!(wrong.probabilities.iter().all(|p| *p <= wrong.probabilities[wrong.given]), "{wrong:?}");
    }
    let certain = |pair: &[luthier_engine::eval::WrongAnswer]| {
        pair[0].probabilities[pair[0].given] >= pair[1].probabilities[pair[1].given]
    };
    assert!(choice.wrong.windows(2).all(certain));
}

/// The rows that a run set aside give the loss that its own last evaluation gave.
#[test]
fn the_rows_set_aside_are_those_of_the_run() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = Recipe {
        val_size: 5.0,
        eval_strategy: Interval::Steps,
        eval_steps: Some(8),
        ..fresh("sft-lora-all", dir.path())
    };
    let done = run(&recipe, false);
    let last = done.evals.last().expect("evaluated");
    assert_eq!(last.step, 8);
    let link = Link::spawn(LinkOptions::default());
    let request = EvalRequest {
        model: recipe.model_name_or_path.clone(),
        adapter: Some(dir.path().to_owned()),
        max_samples: None,
        ..exam(EvalTask::SetAside { recipe: Box::new(recipe) }, 1)
    };
    ask(&link, 1, request);
    let report = rows_of(the_answer(&hear(&link, 1, |_| {}), 1).expect("measured"));
    assert_eq!(report.rows, 5);
    assert!((report.loss - f64::from(last.loss)).abs() < 1e-4, "{} and {}", report.loss, last.loss);
}
