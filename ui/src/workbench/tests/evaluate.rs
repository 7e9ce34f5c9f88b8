//! Evaluations through the window: choosing, the queue, outcomes into the library, the table; prompts of a run.

use luthier_engine::eval::{EvalPhase, EvalProgress, EvalReport, EvalRequest, EvalTask};
use luthier_engine::protocol::PromptAnswer;
use luthier_engine::recipe::{FinetuningType, Stage};

use super::*;
use crate::desks::ExamKind;
use crate::library::{Answer, Order};
use crate::testing::{choice_report, finished, kept, perplexity_report, stored};

fn exams(engine: &Engine) -> Vec<(u64, EvalRequest)> {
    let exam = |command| match command {
        Command::Evaluate { request, exam } => Some((request, *exam)),
        _ => None,
    };
    engine.take().into_iter().filter_map(exam).collect()
}

/// A bench with two finished runs, the Evaluate panel in front.
fn with_runs() -> (Window, Engine) {
    let (bench, engine) = ready_bench(Language::English);
    engine.tell(Answer::Runs(vec![
        finished("b", "second run", 1, Stage::Sft, FinetuningType::Full),
        finished("a", "first run", 0, Stage::Sft, FinetuningType::Lora),
        finished("judge", "a reward model", 2, Stage::Rm, FinetuningType::Lora),
    ]));
    let mut window = window_of(bench, 2400.0);
    go(&mut window, Panel::Evaluate);
    (window, engine)
}

#[test]
fn models_are_measured_one_after_the_other_and_kept() {
    let (mut window, engine) = with_runs();
    click(&mut window, "Choose what to measure");
    assert!(says(&window, "second run") && !says(&window, "a reward model"), "a reward model cannot be measured");
    window.get_by_label("File to measure on").click();
    window.run();
    window.get_by_label("File to measure on").type_text("/data/general.jsonl");
    window.run();
    click(&mut window, "first run");
    engine.take();
    click(&mut window, "Measure 3 models");

    let first = exams(&engine);
    let [(request, exam)] = &first[..] else { panic!("one at a time: {first:?}") };
    assert_eq!(exam.task, EvalTask::Perplexity { file: "/data/general.jsonl".into() });
    assert_eq!((exam.model.to_str(), &exam.adapter), (Some("/models/SmolLM2-135M"), &None));
    let progress = EvalProgress { phase: EvalPhase::Measuring, done: 3, total: 10 };
    engine.say(Event::EvalProgressed { request: *request, progress });
    window.run();
    assert!(says(&window, "SmolLM2-135M on general.jsonl") && says(&window, "first run on general.jsonl"));
    click(&mut window, "Do not measure first run on general.jsonl");

    let outcome = kept(1, None, "", EvalReport::Perplexity(perplexity_report(12.0, 100))).outcome;
    engine.say(Event::EvalFinished { request: *request, outcome: Box::new(outcome) });
    window.run();
    let orders = engine.orders.borrow();
    let stored = orders.iter().find_map(|order| match order {
        Order::KeepEvaluation { run, set, .. } => Some((run.clone(), set.clone())),
        _ => None,
    });
    assert_eq!(stored, Some((None, "general.jsonl".to_owned())));
    drop(orders);
    let second = exams(&engine);
    let [(request, exam)] = &second[..] else { panic!("the next one: {second:?}") };
    // A run that trained all weights is a model of its own.
    assert_eq!((exam.model.to_str(), &exam.adapter), (Some("/home/luthier/runs/b"), &None));
    click(&mut window, "Cancel");
    assert!(matches!(engine.take()[..], [Command::CancelEvaluate { request: which }] if which == *request));
    let problem = Problem { code: "stopped".into(), message: "stopped".into() };
    engine.say(Event::CommandFailed { request: Some(*request), problem });
    window.run();
    assert!(!window.state().bench.evaluating() && window.state().bench.desks.evaluate.problems.is_empty());
    assert_eq!(window.state().bench.settings.exam_sets[0].name, "general.jsonl");
}

#[test]
fn a_failure_is_told_under_its_name_and_the_next_one_goes_on() {
    let (mut window, engine) = with_runs();
    let bench = &mut window.state_mut().bench;
    bench.desks.evaluate.draft.file = "/data/none.jsonl".into();
    bench.begin_evaluation();
    bench.evaluate();
    window.run();
    let (request, _) = exams(&engine).remove(0);
    let problem = Problem { code: "io".into(), message: "/data/none.jsonl: there is no such file".into() };
    engine.say(Event::CommandFailed { request: Some(request), problem });
    window.run();
    assert!(says(&window, "Not measured: SmolLM2-135M on none.jsonl") && says(&window, "no such file"));
    assert_eq!(exams(&engine).len(), 1, "the other one has begun");
    click(&mut window, "Dismiss: SmolLM2-135M on none.jsonl");
    assert!(!says(&window, "Not measured"));
}

#[test]
fn exams_wait_for_the_run_that_goes() {
    let (mut window, engine) = with_runs();
    window.state_mut().bench.start_training();
    let id = started(&engine);
    let bench = &mut window.state_mut().bench;
    bench.desks.evaluate.draft.file = "/data/general.jsonl".into();
    bench.begin_evaluation();
    bench.evaluate();
    window.run();
    assert!(exams(&engine).is_empty() && says(&window, "Begins when the run"));
    engine.say(Event::RunFinished { id, outcome: Outcome::Completed { result: "/out".into() } });
    window.run();
    assert_eq!(exams(&engine).len(), 1);
}

#[test]
fn results_stand_beside_the_base_and_can_be_sorted_looked_into_and_removed() {
    let (mut window, engine) = with_runs();
    let choice = |id, run, correct| kept(id, run, "mmlu", EvalReport::Choice(choice_report(correct)));
    let all = vec![
        stored(4, Some("b"), "general.jsonl", 11.9, 100),
        stored(3, Some("a"), "general.jsonl", 8.0, 100),
        stored(2, None, "general.jsonl", 12.0, 100),
        choice(1, Some("a"), 80),
    ];
    engine.tell(Answer::Evaluations(all));
    window.run();
    assert!(says(&window, "Perplexity 8.0000, ± 0.16, \u{2212}4 against the model before training better"));
    assert!(says(&window, "\u{2212}0.1 against the model before training: less than twice the standard error"));
    assert!(says(&window, "loss 4.4765"), "the hardest row of the first run");
    click(&mut window, "Sort by Perplexity");
    let sort = window.state().bench.desks.evaluate.sort.clone();
    assert_eq!((sort.metric.as_deref(), sort.falling), (Some("perplexity"), false), "the best first");

    click(&mut window, "Look at first run on mmlu");
    assert!(says(&window, "Answered wrong") && says(&window, "right answer"));
    click(&mut window, "Remove first run on mmlu");
    assert!(matches!(engine.orders.borrow().last(), Some(Order::RemoveEvaluation { id: 1 })));
    click(&mut window, "Bring back");
    let orders = engine.orders.borrow();
    assert!(
        matches!(orders.last(), Some(Order::KeepEvaluation { run: Some(run), set, .. }) if run == "a" && set == "mmlu")
    );
}

#[test]
fn rows_set_aside_are_one_click_away() {
    let (bench, _engine) = ready_bench(Language::English);
    let mut window = window(bench);
    window.state_mut().bench.set_val_size(0.1);
    go(&mut window, Panel::Evaluate);
    click(&mut window, "Measure on the rows set aside");
    let set = window.state().bench.desks.evaluate.draft.set().expect("a set");
    let EvalTask::SetAside { recipe } = set.task else { panic!("{set:?}") };
    assert_eq!((recipe.val_size, recipe.dataset), (0.1, vec!["/data/alpaca_zh.jsonl".to_owned()]));
    assert!(says(&window, "of alpaca_zh.jsonl, never trained on"));
    // A key measures, as long as nothing is being typed.
    window.key_press(Key::M);
    window.run();
    assert!(window.state().bench.evaluating());
    assert_eq!(window.state().bench.desks.evaluate.draft.kind, ExamKind::Perplexity);
}

#[test]
fn prompts_are_written_in_the_form_and_their_answers_shown_as_a_diff() {
    let (bench, engine) = ready_bench(Language::English);
    let mut window = window_of(bench, 4000.0);
    window.state_mut().bench.open_method(crate::desks::MethodPage::Settings);
    window.run();
    window.get_by_label("New prompt").click();
    window.run();
    window.get_by_label("New prompt").type_text("What sounds first, and why?");
    window.run();
    window.key_press(Key::Enter);
    window.run();
    let recipe = window.state().bench.state.recipe.clone();
    assert_eq!(recipe.sample_prompts, ["What sounds first, and why?"]);
    assert_eq!(window.state().bench.state.missing(), []);
    window.state_mut().bench.start_training();
    let id = started(&engine);
    engine.say(Event::RunStarted { id: id.clone(), facts: Box::new(facts(recipe, 120)) });
    window.run();
    click(&mut window, "Fixed prompts");
    assert!(says(&window, "The first answers come before the first step."));
    for (step, answer) in [(0, "The violin."), (40, "The strings.")] {
        let answers = vec![PromptAnswer { prompt: "What sounds first, and why?".into(), answer: answer.into() }];
        engine.say(Event::PromptsAnswered { id: id.clone(), step, answers });
    }
    window.run();
    assert!(
        says(&window, "step 40") && says(&window, "The [gone: violin][new: strings]."),
        "the old word struck, the new one after it"
    );
    click(&mut window, "Earlier answers");
    assert!(says(&window, "at the start") && says(&window, "The violin."));
}
