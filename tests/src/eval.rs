//! Evaluation: metrics against the reference, scores against the model's own logits, `luthier eval` as people use it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use luthier_engine::eval::{
    self, BleuCounts, ChoiceOptions, ChoiceReport, EvalOutcome, EvalReport, EvalRequest, EvalTask, GenerationReport,
    Language, Measured, PerplexityReport, Rouge, alphanumeric_words,
};
use luthier_engine::protocol::Sampling;
use luthier_engine::tokenizer::TextTokenizer;
use luthier_engine::{Error, ops};
use serde_json::{Value, json};

use crate::binary::{fixture, luthier, tiny_model, write};
use crate::reference::load;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

fn near(got: f64, wanted: &Value, what: &str) {
    assert!((got - number(wanted)).abs() < 1e-9, "{what}: {got} instead of {wanted}");
}

fn rouge_agrees(got: Rouge, wanted: &Value, what: &str) {
    for (name, got) in [("rouge1", got.rouge1), ("rouge2", got.rouge2), ("rougeL", got.rouge_l)] {
        near(got.precision, &wanted[name]["precision"], what);
        near(got.recall, &wanted[name]["recall"], what);
        near(got.f, &wanted[name]["f"], what);
    }
}

#[test]
fn bleu_and_rouge_are_those_of_sacrebleu_and_rouge_score() {
    let reference: Value = serde_json::from_slice(&std::fs::read(fixture("metrics.json")).unwrap()).unwrap();
    let mut pairs = 0;
    for (key, language) in [("en", Language::En), ("zh", Language::Zh)] {
        let wanted = &reference[key];
        assert_eq!(wanted["tokenizer"], language.bleu_tokenizer());
        let mut corpus = BleuCounts::default();
        for pair in wanted["pairs"].as_array().unwrap() {
            let text = |side: &str| pair[side].as_str().unwrap();
            let (hypothesis, reference) = (text("hypothesis"), text("reference"));
            assert_eq!(language.bleu_tokens(hypothesis).join(" "), text("tokens_hypothesis"));
            assert_eq!(language.bleu_tokens(reference).join(" "), text("tokens_reference"));
            let counts = BleuCounts::of(hypothesis, reference, language);
            near(counts.sentence().score, &pair["sentence_bleu"], hypothesis);
            corpus.add(&counts);
            let rouge = Rouge::of(&language.rouge_tokens(hypothesis), &language.rouge_tokens(reference));
            rouge_agrees(rouge, &pair["rouge"], hypothesis);
            if let Some(wanted) = pair.get("rouge_google_tokenizer") {
                let rouge = Rouge::of(&alphanumeric_words(hypothesis), &alphanumeric_words(reference));
                rouge_agrees(rouge, wanted, hypothesis);
            }
            pairs += 1;
        }
        let bleu = corpus.corpus();
        near(bleu.score, &wanted["corpus_bleu"], key);
        near(bleu.brevity_penalty, &wanted["brevity_penalty"], key);
        near(bleu.hypothesis_len as f64, &wanted["sys_len"], key);
        near(bleu.reference_len as f64, &wanted["ref_len"], key);
        for (got, wanted) in bleu.precisions.iter().zip(wanted["precisions"].as_array().unwrap()) {
            near(*got, wanted, key);
        }
    }
    assert_eq!(pairs, 8);
}

fn request(model: &str, task: EvalTask) -> EvalRequest {
    EvalRequest {
        model: fixture(&format!("models/{model}")),
        adapter: None,
        device: "cpu".into(),
        task,
        before: None,
        max_samples: None,
        cutoff_len: None,
        language: None,
    }
}

fn report(request: &EvalRequest) -> EvalReport {
    let outcome = eval::run(request, &mut |_| ControlFlow::Continue(())).expect("measured");
    match outcome.measured {
        Measured::Single(report) => *report,
        other => panic!("{other:?}"),
    }
}

fn perplexity(request: &EvalRequest) -> PerplexityReport {
    match report(request) {
        EvalReport::Perplexity(report) => report,
        other => panic!("{other:?}"),
    }
}

fn choice(request: &EvalRequest) -> ChoiceReport {
    match report(request) {
        EvalReport::Choice(report) => report,
        other => panic!("{other:?}"),
    }
}

/// The first step of a run tells the loss of the untouched model on the rows of that step.
#[test]
fn perplexity_is_that_of_the_references_first_step() {
    let cases = [
        ("sft-full", "llama-tiny", None, (4, 0), None),
        ("sft-lora-qv", "qwen2-tiny", Some("init_adapter"), (4, 0), None),
        ("sft-lora-trunc", "mistral-tiny", Some("init_adapter"), (4, 2), Some(20)),
    ];
    for (case, model, adapter, (rows, dropped), cutoff_len) in cases {
        let folder = fixture(&format!("train/{case}"));
        let task = EvalTask::Perplexity { file: folder.join("train.jsonl") };
        let request = EvalRequest {
            adapter: adapter.map(|name| folder.join(name)),
            max_samples: Some(rows + dropped),
            cutoff_len,
            ..request(model, task)
        };
        let got = perplexity(&request);
        let expected: Value = serde_json::from_slice(&std::fs::read(folder.join("expected.json")).unwrap()).unwrap();
        let wanted = number(&expected["steps"][0]["loss"]);
        assert!((got.loss - wanted).abs() / wanted < 2e-4, "{case}: {} instead of {wanted}", got.loss);
        assert!((got.perplexity - got.loss.exp()).abs() < 1e-9 * got.perplexity, "{case}");
        assert_eq!((got.rows, got.dropped_rows), (rows, dropped), "{case}");
    }
}

/// Log-likelihoods of answers, straight from the logits of whole texts.
struct Oracle {
    model: luthier_engine::model::Model,
    tokenizer: TextTokenizer,
}

impl Oracle {
    fn new(name: &str) -> Self {
        let path = fixture(&format!("models/{name}"));
        Self { model: load(&path, "cpu"), tokenizer: TextTokenizer::load(&path).expect("tokenizer") }
    }

    /// Sum of log p over the tokens of `answer` behind `prompt`.
    fn log_likelihood(&self, prompt: &str, answer: &str) -> f64 {
        let ids_of = |text: &str| self.tokenizer.encode(text).expect("ids");
        let (context, ids) = (ids_of(prompt), ids_of(&format!("{prompt}{answer}")));
        assert_eq!(ids[..context.len()], context, "a token crosses the border");
        let logits = ops::read(self.model.logits(&ids, &[ids.len()]), "testing").expect("logits");
        let vocab = self.model.config.vocab;
        let log_p = |at: usize| {
            let row = &logits[(at - 1) * vocab..at * vocab];
            let sum: f64 = row.iter().map(|value| f64::from(*value).exp()).sum();
            f64::from(row[ids[at] as usize]) - sum.ln()
        };
        (context.len()..ids.len()).map(log_p).sum()
    }

    /// The likeliest letter, and the right one's share of the four probabilities.
    fn answer(&self, prompt: &str, between: &str, right: usize) -> (usize, f64) {
        let four = ["A", "B", "C", "D"].map(|letter| self.log_likelihood(prompt, &format!("{between}{letter}")));
        let sum: f64 = four.iter().map(|value| value.exp()).sum();
        (largest(&four), four[right].exp() / sum)
    }
}

fn largest(four: &[f64; 4]) -> usize {
    (0..4).fold(0, |best, at| if four[at] > four[best] { at } else { best })
}

fn asked(words: [&str; 5], close: &str) -> String {
    let [question, a, b, c, d] = words;
    format!("{question}\nA. {a}\nB. {b}\nC. {c}\nD. {d}{close}")
}

fn choice_task(folder: &str, shots: usize) -> EvalTask {
    let options = ChoiceOptions { shots, ..ChoiceOptions::default() };
    EvalTask::Choice { file: fixture(&format!("choice/{folder}")), dev: None, options }
}

#[test]
fn choices_are_those_of_the_models_own_logits() {
    let oracle = Oracle::new("llama-tiny");
    let opening = "The following are multiple choice questions (with answers) about farm animals.\n\n";
    let close = "\nAnswer:";
    let examples = format!(
        "{} C\n\n{} A\n\n",
        asked(["Which animal barks?", "cow", "pig", "dog", "hen"], close),
        asked(["Which animal can be ridden?", "horse", "hen", "cat", "bee"], close)
    );
    let milk = "A farmer says: \"It eats grass\nand gives milk.\" What is it?";
    let questions = [
        (["Which animal gives wool?", "cow", "sheep", "hen", "dog"], 1),
        (["Which animal lays eggs?", "hen", "horse", "pig", "cat"], 0),
        ([milk, "cat", "hen", "dog", "cow"], 3),
    ];
    for shots in [0, 2] {
        let before = format!("{opening}{}", if shots == 0 { "" } else { &examples });
        let answers = questions
            .map(|(words, right)| (oracle.answer(&format!("{before}{}", asked(words, close)), " ", right), right));
        let correct = answers.iter().filter(|((chosen, _), right)| chosen == right).count();
        let probability: f64 = answers.iter().map(|((_, share), _)| share).sum::<f64>() / 3.0;
        let got = choice(&request("llama-tiny", choice_task("mmlu/test/farm_animals_test.csv", shots)));
        assert_eq!((got.by_letter.correct, got.by_letter.questions), (correct, 3), "{shots} shots");
        assert!((got.right_probability - probability).abs() < 1e-5, "{shots}: {} {probability}", got.right_probability);
        assert_eq!((got.subjects[0].subject.as_str(), got.language), ("farm animals", Language::En));
    }
}

#[test]
fn chinese_questions_are_asked_in_chinese() {
    let oracle = Oracle::new("qwen2-tiny");
    let opening = "以下是中国关于颜色考试的单项选择题，请选出其中的正确答案。\n\n";
    let close = "\n答案：";
    let example = format!("{}B\n\n", asked(["晴天时天空是____。", "红色的", "蓝色的", "黑色的", "绿色的"], close));
    let question = asked(["雪是____。", "黑色的", "白色的", "红色的", "黄色的"], close);
    let (chosen, share) = oracle.answer(&format!("{opening}{example}{question}"), "", 1);
    let request = EvalRequest { max_samples: Some(1), ..request("qwen2-tiny", choice_task("ceval", 1)) };
    let got = choice(&request);
    assert_eq!((got.language, got.subjects[0].subject.as_str()), (Language::Zh, "颜色"));
    assert_eq!((got.by_letter.correct, got.by_letter.questions), (usize::from(chosen == 1), 1));
    assert!((got.right_probability - share).abs() < 1e-5, "{} {share}", got.right_probability);
}

#[test]
fn a_folder_is_scored_by_subject() {
    let whole = choice(&request("llama-tiny", choice_task("mmlu", 2)));
    let counts: Vec<usize> = whole.subjects.iter().map(|subject| subject.by_letter.questions).collect();
    assert_eq!((counts, whole.by_letter.questions, whole.shortened), (vec![3, 6], 9, 0));
    let accuracy = |at: usize| whole.subjects[at].by_letter.accuracy;
    assert!((whole.subject_mean - (accuracy(0) + accuracy(1)) / 2.0).abs() < 1e-12);
    let [low, high] = whole.by_letter.confidence_95;
    assert!(low <= whole.by_letter.accuracy && whole.by_letter.accuracy <= high && high - low > 0.3);
}

#[test]
fn examples_give_way_where_the_context_is_short() {
    let opening = "The following are multiple choice questions (with answers) about small numbers.\n\n";
    let question = asked(["What is two plus two?", "two", "three", "four", "five"], "\nAnswer: A");
    let tokenizer = TextTokenizer::load(fixture("models/llama-tiny")).unwrap();
    let room = tokenizer.encode(&format!("{opening}{question}")).unwrap().len();
    let ask = |shots, cutoff_len| EvalRequest {
        cutoff_len,
        max_samples: Some(1),
        ..request("llama-tiny", choice_task("mmlu/test/small_numbers_test.csv", shots))
    };
    let bare = choice(&ask(0, None));
    let (solved, tight) = (choice(&ask(2, None)), choice(&ask(2, Some(room))));
    assert_ne!(solved.right_probability, bare.right_probability, "examples make no difference");
    assert_eq!((tight.right_probability, tight.shortened, tight.left_out), (bare.right_probability, 1, 0));
    let refused = eval::run(&ask(0, Some(room - 1)), &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert!(refused.to_string().contains(&format!("{} tokens", room - 1)), "{refused}");
}

#[test]
fn whole_options_and_chat_are_scored_too() {
    let task = |by_text, chat| EvalTask::Choice {
        file: fixture("choice/mmlu/test/farm_animals_test.csv"),
        dev: None,
        options: ChoiceOptions { shots: 1, chat, by_text },
    };
    let plain = choice(&request("llama-tiny", task(true, false)));
    let by_text = plain.by_text.expect("asked for");
    assert_eq!(by_text.questions, 3);
    let chat = choice(&request("llama-tiny", task(false, true)));
    assert!(chat.by_text.is_none());
    assert_ne!(chat.right_probability, plain.right_probability, "the template makes no difference");

    // By hand: the sum of log p of " sheep", ... behind the bare question, per byte of the option.
    let oracle = Oracle::new("llama-tiny");
    let before = "Which animal barks?\nAnswer: dog\n\n";
    let questions = [
        ("Which animal gives wool?", ["cow", "sheep", "hen", "dog"], 1),
        ("Which animal lays eggs?", ["hen", "horse", "pig", "cat"], 0),
        ("A farmer says: \"It eats grass\nand gives milk.\" What is it?", ["cat", "hen", "dog", "cow"], 3),
    ];
    let mut correct = 0;
    for (question, options, right) in questions {
        let prompt = format!("{before}{question}\nAnswer:");
        let scores = options.map(|option| oracle.log_likelihood(&prompt, &format!(" {option}")) / option.len() as f64);
        correct += usize::from(largest(&scores) == right);
    }
    assert_eq!(by_text.correct, correct);
}

fn answers_to(file: &Path) -> GenerationReport {
    let sampling = Sampling { max_new_tokens: 12, temperature: 0.0, ..Sampling::default() };
    match report(&request("llama-tiny", EvalTask::Generation { file: file.to_owned(), sampling })) {
        EvalReport::Generation(report) => report,
        other => panic!("{other:?}"),
    }
}

fn exercises(folder: &Path, answers: &[String]) -> PathBuf {
    let tasks = ["Count to three.", "Name a colour.", "Say hello.", "What do bees make?"];
    let rows: Vec<Value> =
        tasks.iter().zip(answers).map(|(task, answer)| json!({"instruction": task, "output": answer})).collect();
    PathBuf::from(write(folder.join("exercises.json"), Value::from(rows).to_string()))
}

/// A file whose answers are the model's own gets full marks; one whose answers are others' does not.
#[test]
fn answers_are_compared_with_the_files_own() {
    let folder = tempfile::tempdir().unwrap();
    let strange = ["One, two, three.", "Red.", "Hello!", "Honey."].map(str::to_owned);
    let first = answers_to(&exercises(folder.path(), &strange));
    assert_eq!(first.answers.len(), 4);
    assert_eq!(first.answers[1].reference, "Red.");
    assert!(first.answers[1].prompt.ends_with("Name a colour.<|im_end|>\n<|im_start|>assistant\n"));
    assert!(first.exact_match < 1.0 && first.bleu.score < 100.0);

    let own: Vec<String> = first.answers.iter().map(|answer| answer.answer.clone()).collect();
    assert!(own.iter().all(|answer| !answer.is_empty()), "{own:?}");
    let again = answers_to(&exercises(folder.path(), &own));
    assert_eq!(again.exact_match, 1.0);
    assert!((again.bleu.score - 100.0).abs() < 1e-9, "{:?}", again.bleu);
    assert!((again.rouge.rouge_l.f - 1.0).abs() < 1e-9, "{:?}", again.rouge);
}

#[test]
fn a_break_stops_between_two_batches() {
    let request = request("llama-tiny", choice_task("mmlu", 0));
    let mut told = 0;
    let stopped = eval::run(&request, &mut |progress| {
        let measuring = progress.phase == eval::EvalPhase::Measuring;
        told += usize::from(measuring);
        if measuring && progress.done == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert!(matches!(stopped, Err(Error::Stopped)), "{stopped:?}");
    assert_eq!(told, 2);
}

/// Trained on a file, the model finds that file likelier: both numbers in one table, the difference beside them.
#[test]
fn before_and_after_training_stand_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let model = tiny_model(folder.path());
    let rows: Vec<Value> =
        (0..8).map(|n| json!({"instruction": format!("Count {n}."), "output": "One two."})).collect();
    let data = write(folder.path().join("rows.json"), Value::from(rows).to_string());
    let recipe = format!(
        "model_name_or_path: {}\ndataset: rows.json\noutput_dir: out\nstage: sft\nfinetuning_type: lora\nlearning_rate: \
         1.0e-2\nper_device_train_batch_size: 4\ngradient_accumulation_steps: 1\nnum_train_epochs: 5\ndevice: cpu\n",
        model.display()
    );
    luthier(["train", &write(folder.path().join("recipe.yaml"), recipe)]).done();
    let (model, adapter) = (model.to_str().unwrap(), folder.path().join("out"));
    let adapter = adapter.to_str().unwrap();
    let ended =
        luthier(["eval", model, "--adapter", adapter, "--before", "--perplexity", &data, "--device", "cpu"]).done();
    let outcome: EvalOutcome = serde_json::from_str(&ended.stdout).expect("JSON on stdout");
    let Measured::Compared { before, after, difference } = outcome.measured else { panic!("{}", ended.stdout) };
    let (EvalReport::Perplexity(before), EvalReport::Perplexity(after)) = (*before, *after) else {
        panic!("{}", ended.stdout)
    };
    assert!(after.loss < before.loss - 1.0, "{} then {}", before.loss, after.loss);
    assert_eq!(difference[0].metric, "perplexity");
    assert!((difference[0].difference - (after.perplexity - before.perplexity)).abs() < 1e-9);
    for words in ["metric", "before", "after", "difference", "token_accuracy"] {
        assert!(ended.stderr.contains(words), "no {words} in: {}", ended.stderr);
    }
    // The same without the adapter, alone.
    let alone = luthier(["eval", model, "--perplexity", &data, "--device", "cpu"]).done();
    let alone: Value = serde_json::from_str(&alone.stdout).expect("JSON on stdout");
    assert!((number(&alone["loss"]) - before.loss).abs() < 1e-9, "{alone}");
    let base =
        luthier(["eval", model, "--adapter", adapter, "--base", model, "--perplexity", &data, "--device", "cpu"]);
    let base: Value = serde_json::from_str(&base.done().stdout).expect("JSON on stdout");
    assert!((number(&base["before"]["loss"]) - before.loss).abs() < 1e-9, "{base}");
}

#[test]
fn bad_input_is_told_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let model = fixture("models/llama-tiny");
    let model = model.to_str().unwrap();
    let file = |name: &str, text: &str| write(folder.path().join(name), text);
    let cases: [(Vec<String>, &[&str]); 10] = [
        (vec!["--choice".into(), file("a.csv", "Q?,1,2,3,4,A\nQ?,1,2,3\n")], &["a.csv", "line 2", "4 columns"]),
        (vec!["--choice".into(), file("b.csv", "Q?,1,2,3,4,A\n\nQ?,1,2,3,4,5\n")], &["b.csv", "line 3", "\"5\""]),
        (vec!["--choice".into(), file("c.csv", "")], &["c.csv", "no questions"]),
        (vec!["--choice".into(), file("d.csv", "id,question,A,B,C,D\n1,Q?,1,2,3,4\n")], &["d.csv", "answer", "val"]),
        (
            vec!["--choice".into(), file("e.csv", "Q?,1,2,3,4,A\n"), "--shots".into(), "5".into()],
            &["e.csv", "e_dev.csv", "--dev"],
        ),
        (vec!["--choice".into(), file("f.zip", "PK")], &["f.zip", ".csv"]),
        (vec!["--choice".into(), folder.path().join("none.csv").display().to_string()], &["none.csv"]),
        (vec!["--perplexity".into(), file("g.jsonl", "{\"text\": \n")], &["g.jsonl", "line 1"]),
        (vec!["--perplexity".into(), folder.path().join("none.json").display().to_string()], &["none.json"]),
        (vec!["--generate".into(), file("h.jsonl", "{\"text\": \"only a text\"}\n")], &["h.jsonl", "no prompt"]),
    ];
    for (arguments, words) in cases {
        let all = ["eval", model, "--device", "cpu"].map(str::to_owned).into_iter().chain(arguments);
        luthier(all).refused(words);
    }
}

#[test]
fn one_task_is_chosen_and_its_options_fit_it() {
    let cases: [&[&str]; 6] = [
        &["eval", "model"],
        &["eval", "model", "--perplexity", "a", "--choice", "b"],
        &["eval", "model", "--perplexity", "a", "--shots", "5"],
        &["eval", "model", "--perplexity", "a", "--before"],
        &["eval", "model", "--generate", "a", "--max-new-tokens", "0"],
        &["eval", "model", "--generate", "a", "--lang", "fr"],
    ];
    for arguments in cases {
        let ended = luthier(arguments);
        assert_eq!(ended.code, Some(2), "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.starts_with("error: "), "{}", ended.stderr);
    }
}
