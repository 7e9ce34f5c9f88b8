//! The Evaluate panel, and answers to fixed prompts.

use luthier_engine::eval::{EvalPhase, EvalProgress, EvalReport};
use luthier_engine::protocol::{Event, PromptAnswer};
use luthier_engine::recipe::{FinetuningType, Stage};

use super::{full, run};
use crate::bench::Bench;
use crate::desks::ExamKind;
use crate::library::Answer;
use crate::panels::Panel;
use crate::testing::{Engine, choice_report, finished, kept, prompts_report, stored};
use crate::text::Language;

type Scene = (&'static str, fn(Language) -> (Bench, Engine));

pub(super) fn scenes() -> Vec<Scene> {
    vec![
        ("evaluate_empty", empty),
        ("evaluate_choosing", choosing),
        ("evaluate_questions", questions),
        ("evaluate_going", going),
        ("evaluate_results", results),
        ("evaluate_wrong", wrong),
        ("evaluate_prompts", prompts),
        ("train_answers", answers),
        ("method_prompts", written),
    ]
}

fn shelf(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = full(language);
    engine.tell(Answer::Runs(vec![
        finished("c", "violin-r32-long", 2, Stage::Sft, FinetuningType::Lora),
        finished("b", "violin-oft", 1, Stage::Sft, FinetuningType::Oft),
        finished("a", "第一次训练", 0, Stage::Sft, FinetuningType::Lora),
    ]));
    bench.panel = Panel::Evaluate;
    bench.poll();
    (bench, engine)
}

fn measured(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = shelf(language);
    let told = |run, correct, id| kept(id, run, "mmlu, 5 examples", EvalReport::Choice(choice_report(correct)));
    let said = |run, words: &[&str], id| kept(id, run, "2 prompts", EvalReport::Prompts(prompts_report(words)));
    engine.tell(Answer::Evaluations(vec![
        stored(11, Some("c"), "violin-test.jsonl", 6.42, 100),
        stored(10, Some("b"), "violin-test.jsonl", 11.71, 100),
        stored(9, Some("a"), "violin-test.jsonl", 8.15, 100),
        stored(8, None, "violin-test.jsonl", 11.9, 100),
        told(Some("c"), 78, 7),
        told(Some("a"), 99, 6),
        told(None, 104, 5),
        said(Some("c"), &["The strings sound first; the bow makes them swing.", "马尾毛，擦上松香。"], 4),
        said(None, &["The violin sounds first when it is played.", "琴弓的毛是尼龙做的。"], 3),
    ]));
    bench.poll();
    (bench, engine)
}

fn empty(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = full(language);
    bench.state.recipe.val_size = 0.1;
    bench.panel = Panel::Evaluate;
    (bench, engine)
}

fn choosing(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = shelf(language);
    bench.desks.evaluate.draft.file = "/data/violin-test.jsonl".into();
    bench.begin_evaluation();
    bench.evaluate();
    bench.cancel_exams();
    bench.desks.evaluate.going = None;
    bench.begin_evaluation();
    (bench, engine)
}

fn questions(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = choosing(language);
    let draft = &mut bench.desks.evaluate.draft;
    (draft.kind, draft.file, draft.choice.shots) = (ExamKind::Choice, "/data/mmlu".into(), 5);
    (bench, engine)
}

fn going(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = measured(language);
    bench.desks.evaluate.draft.file = "/data/general.jsonl".into();
    bench.begin_evaluation();
    bench.evaluate();
    let request = bench.state.exam.going.unwrap_or_default();
    let progress = EvalProgress { phase: EvalPhase::Measuring, done: 4200, total: 11_000 };
    engine.say(Event::EvalProgressed { request, progress });
    bench.poll();
    (bench, engine)
}

fn results(language: Language) -> (Bench, Engine) {
    measured(language)
}

fn wrong(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = measured(language);
    bench.desks.evaluate.set = Some("mmlu, 5 examples".into());
    (bench, engine)
}

fn prompts(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = measured(language);
    bench.desks.evaluate.set = Some("2 prompts".into());
    (bench, engine)
}

fn asked(bench: &mut Bench) {
    bench.state.recipe.sample_prompts =
        vec!["Which part of a violin sounds first?".into(), "琴弓的毛是什么做的？".into()];
}

fn written(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = full(language);
    asked(&mut bench);
    bench.panel = Panel::Method;
    (bench, engine)
}

fn answers(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = full(language);
    asked(&mut bench);
    run(&mut bench, &engine, 90, None);
    let rounds = [
        (0, "The violin sounds first when it is played with a bow.", "琴弓的毛是尼龙做的。"),
        (40, "The strings sound first when they are played with a bow.", "琴弓的毛是马尾做的。"),
        (80, "The strings sound first: the bow makes them swing.", "琴弓的毛多是马尾毛，擦上松香才能发声。"),
    ];
    let prompts = bench.state.recipe.sample_prompts.clone();
    let id = bench.state.run.as_ref().map(|run| run.id.clone()).unwrap_or_default();
    for (step, first, second) in rounds {
        let answer = |at: usize, words: &str| PromptAnswer { prompt: prompts[at].clone(), answer: words.into() };
        let answers = vec![answer(0, first), answer(1, second)];
        engine.say(Event::PromptsAnswered { id: id.clone(), step, answers });
    }
    bench.poll();
    (bench, engine)
}
