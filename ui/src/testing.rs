//! What the tests of this crate share: a bench whose engine is the test itself, and events as an engine would send them.

use std::cell::RefCell;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc;

use luthier_engine::data::{
    Balance, DataKind, DataSummary, Format, Mapping, Part, PreviewRow, RowProblem, Segment, TokenStats,
};
use luthier_engine::model::ModelConfig;
use luthier_engine::protocol::{
    Command, DeviceInfo, DeviceKind, EvalReport, Event, ModelSummary, Rollout, RunFacts, StepReport, Verdict,
};
use luthier_engine::recipe::Recipe;

use crate::bench::Bench;
use crate::dialogs::{Ask, Dialogs};
use crate::labels::{Answer as Told, Labels, Order as Wish};
use crate::library::{Answer, Library, Order};
use crate::store::Settings;
use crate::text::Language;
use crate::wire::Wire;

pub mod cards;
pub mod decisions;
mod exams;
pub mod labels;
pub mod rounds;
mod rows;

pub use exams::*;
pub use rows::{quality, row};

/// The test's end of the wire.
#[derive(Clone)]
pub struct Engine {
    pub sent: Rc<RefCell<Vec<Command>>>,
    pub asked: Rc<RefCell<Vec<Ask>>>,
    events: mpsc::Sender<Event>,
    answers: mpsc::Sender<(Ask, PathBuf)>,
    /// What the bench ordered of the library.
    pub orders: Rc<RefCell<Vec<Order>>>,
    library: mpsc::Sender<Answer>,
    /// What the bench ordered of the labels.
    pub label_orders: Rc<RefCell<Vec<Wish>>>,
    labels: mpsc::Sender<Told>,
}

impl Engine {
    pub fn say(&self, event: Event) {
        self.events.send(event).expect("the bench listens");
    }

    pub fn answer(&self, ask: Ask, path: &str) {
        self.answers.send((ask, path.into())).expect("the bench listens");
    }

    /// The library answers.
    pub fn tell(&self, answer: Answer) {
        self.library.send(answer).expect("the bench listens");
    }

    /// The labels answer.
    pub fn tell_labels(&self, answer: Told) {
        self.labels.send(answer).expect("the bench listens");
    }

    /// Commands since the last call, as Debug text: enough to see what was sent.
    pub fn take(&self) -> Vec<Command> {
        self.sent.borrow_mut().drain(..).collect()
    }

    /// Answers what the bench has asked so far: the model and data of these tests, and the devices of a plain machine.
    pub fn answer_all(&self) -> Vec<Command> {
        let commands = self.take();
        for command in &commands {
            match command {
                Command::ProbeDevices => self.say(Event::DevicesProbed { devices: devices() }),
                Command::InspectModel { request, path } => {
                    let summary = ModelSummary { path: path.clone(), ..model() };
                    self.say(Event::ModelInspected { request: *request, summary });
                }
                Command::InspectData { request, source } => {
                    let mut summary = data_of(kind_of(&source.path));
                    summary.path.clone_from(&source.path);
                    if let Some(mapping) = &source.mapping {
                        summary.mapping = mapping.clone();
                        summary.kind = mapping.kind();
                    }
                    self.say(Event::DataInspected { request: *request, summary: Box::new(summary) });
                }
                Command::ReadRows { request, rows, .. } => {
                    let rows = rows.iter().map(|index| row(*index)).collect();
                    self.say(Event::RowsRead { request: *request, rows });
                }
                _ => {}
            }
        }
        commands
    }
}

pub fn bench(language: Language) -> (Bench, Engine) {
    let (events, receiver) = mpsc::channel();
    let (answers, dialog_answers) = mpsc::channel();
    let sent = Rc::new(RefCell::new(Vec::new()));
    let asked = Rc::new(RefCell::new(Vec::new()));
    let (library, library_answers) = mpsc::channel();
    let orders = Rc::new(RefCell::new(Vec::new()));
    let (told, labels_told) = mpsc::channel();
    let label_orders = Rc::new(RefCell::new(Vec::new()));
    let engine = Engine {
        label_orders: label_orders.clone(),
        labels: told,
        sent: sent.clone(),
        asked: asked.clone(),
        events,
        answers,
        orders: orders.clone(),
        library,
    };
    let library = Library::new(move |order| orders.borrow_mut().push(order), move || library_answers.try_recv().ok());
    let labels = Labels::new(move |order| label_orders.borrow_mut().push(order), move || labels_told.try_recv().ok());
    let wire = Wire::new(move |command| sent.borrow_mut().push(command), move || receiver.try_recv().ok());
    let dialogs = Dialogs::scripted(move |ask| asked.borrow_mut().push(ask), dialog_answers);
    let settings = Settings { language, ..Settings::default() };
    crate::text::speak(language);
    (Bench::new(settings, "/home/luthier".into(), wire, dialogs, (library, labels)), engine)
}

/// A bench with model, data and devices there.
pub fn ready_bench(language: Language) -> (Bench, Engine) {
    let (mut bench, engine) = bench(language);
    bench.probe_devices();
    bench.open_model("/models/SmolLM2-135M".into());
    engine.answer_all();
    bench.poll();
    bench.open_data("/data/alpaca_zh.jsonl".into());
    engine.answer_all();
    bench.poll();
    (bench, engine)
}

pub fn devices() -> Vec<DeviceInfo> {
    vec![
        DeviceInfo {
            id: "cpu".into(),
            kind: DeviceKind::Cpu,
            name: "AMD EPYC, 2 cores".into(),
            software: false,
            memory_bytes: Some(25_000_000_000),
            flops: Some(8e10),
            verdict: Verdict::Trusted { largest_difference: 0.0 },
        },
        DeviceInfo {
            id: "gpu:0".into(),
            kind: DeviceKind::Gpu,
            name: "llvmpipe (Vulkan, software)".into(),
            software: true,
            memory_bytes: None,
            flops: None,
            verdict: Verdict::Refused { reason: "the child process ended with signal 11".into() },
        },
    ]
}

/// SmolLM2-135M's shapes.
pub fn config() -> ModelConfig {
    let json = r#"{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 576,
        "intermediate_size": 1536, "num_hidden_layers": 30, "num_attention_heads": 9, "num_key_value_heads": 3,
        "vocab_size": 49152, "max_position_embeddings": 8192, "rms_norm_eps": 1e-5, "rope_theta": 100000.0,
        "hidden_act": "silu", "tie_word_embeddings": true}"#;
    let json = serde_json::from_str(json).expect("the config is JSON");
    ModelConfig::from_json(&json, std::path::Path::new("config.json")).expect("the config is sound")
}

pub fn model() -> ModelSummary {
    let linear = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];
    ModelSummary {
        path: "/models/SmolLM2-135M".into(),
        name: "SmolLM2-135M-Instruct".into(),
        family: "Llama".into(),
        format: "safetensors".into(),
        dtype: "BF16".into(),
        parameters: 134_515_008,
        file_bytes: 269_060_552,
        layers: 30,
        hidden_size: 576,
        intermediate_size: 1536,
        heads: 9,
        kv_heads: 3,
        vocab_size: 49_152,
        max_position_embeddings: 8192,
        tied_head: true,
        has_chat_template: true,
        linear_names: linear.map(str::to_owned).to_vec(),
        config: config(),
        warnings: vec![],
    }
}

pub fn data() -> DataSummary {
    let segment = |text: &str, learned| Segment { text: text.into(), learned, ..Segment::default() };
    DataSummary {
        path: "/data/alpaca_zh.jsonl".into(),
        bytes: 7_812_345,
        kind: DataKind::Sft,
        format: Format::Alpaca,
        confidence: 0.98,
        mapping: Mapping::new(Format::Alpaca)
            .with(Part::Prompt, "instruction")
            .with(Part::Query, "input")
            .with(Part::Response, "output"),
        columns: ["instruction", "input", "output", "source"].map(str::to_owned).to_vec(),
        rows: 1000,
        problems: vec![RowProblem { row: 17, line: 17, reason: "column \"output\" is empty".into() }],
        problem_count: 1,
        tokens: Some(TokenStats {
            sampled: 1000,
            min: 12,
            mean: 148.3,
            p50: 120,
            p95: 402,
            max: 1203,
            bucket_tokens: 61,
            histogram: vec![210, 320, 190, 101, 63, 41, 25, 15, 11, 7, 5, 3, 2, 2, 1, 1, 1, 1, 0, 1],
            cut_share: 0.0,
            lost_share: 0.0,
            learned_share: 0.71,
        }),
        rejected_tokens: None,
        balance: None,
        preview: vec![PreviewRow {
            row: 1,
            segments: vec![
                segment(
                    "<|im_start|>user\n琴的哪一部分最先发声？ Which part of a violin sounds first?<|im_end|>\n<|im_start|>assistant\n",
                    false,
                ),
                segment(
                    "琴弦。弓毛摩擦琴弦，弦的振动经琴马传到面板。 The strings: the bow makes them swing.<|im_end|>",
                    true,
                ),
                segment("\n", false),
            ],
            rejected: vec![],
            liked: None,
            tokens: Some(84),
            problem: None,
            question: "琴的哪一部分最先发声？ Which part of a violin sounds first?".into(),
            answer: "琴弦。弓毛摩擦琴弦，弦的振动经琴马传到面板。 The strings: the bow makes them swing.".into(),
            ..PreviewRow::default()
        }],
        quality: Some(quality()),
        warnings: vec![],
        elapsed_secs: 0.14,
    }
}

/// The kind of the test data of this name: pairs.jsonl, likes.jsonl, text.jsonl; else questions with answers.
fn kind_of(path: &std::path::Path) -> DataKind {
    match path.file_stem().and_then(|stem| stem.to_str()) {
        Some("pairs") => DataKind::Preference,
        Some("likes") => DataKind::Kto,
        Some("text") => DataKind::Text,
        Some("prompts") => DataKind::Prompts,
        _ => DataKind::Sft,
    }
}

/// Rows of another kind, as many as in [`data`]; of the first three answers of KTO's two are liked.
pub fn data_of(kind: DataKind) -> DataSummary {
    let mut data = data();
    let (format, columns): (Format, &[(Part, &str)]) = match kind {
        DataKind::Text => (Format::Text, &[(Part::Text, "text")]),
        DataKind::Sft => return data,
        DataKind::Preference => {
            (Format::Alpaca, &[(Part::Prompt, "instruction"), (Part::Chosen, "chosen"), (Part::Rejected, "rejected")])
        }
        DataKind::Prompts => (Format::PromptCompletion, &[(Part::Prompt, "prompt")]),
        DataKind::Kto => {
            (Format::Alpaca, &[(Part::Prompt, "instruction"), (Part::Response, "output"), (Part::KtoTag, "label")])
        }
    };
    data.mapping = columns.iter().fold(Mapping::new(format), |mapping, (part, column)| mapping.with(*part, *column));
    data.columns = columns.iter().map(|(_, column)| (*column).to_owned()).collect();
    data.kind = kind;
    if kind == DataKind::Kto {
        data.balance = Some(Balance { liked: 666, disliked: 333 });
        let row = data.preview[0].clone();
        data.preview = [true, true, false].map(|liked| PreviewRow { liked: Some(liked), ..row.clone() }).to_vec();
    }
    data
}

pub fn facts(recipe: Recipe, total_steps: usize) -> RunFacts {
    RunFacts {
        output_dir: "/home/luthier/runs/one".into(),
        recipe,
        device: "cpu".into(),
        total_steps,
        steps_per_epoch: 40,
        first_step: 0,
        train_rows: 320,
        eval_rows: 32,
        dropped_rows: 0,
        parameters: 134_515_008,
        trainable_parameters: 2_442_240,
        graph: "kept".into(),
        started_unix_secs: 1_795_000_000,
        estimate: None,
    }
}

/// A plausible report of step `n`: a falling, slightly noisy loss.
pub fn step(n: usize) -> StepReport {
    let t = n as f64;
    let noise = ((t * 12.9898).sin() * 43_758.545).fract() * 0.25;
    StepReport {
        step: n,
        epoch: t / 40.0,
        loss: (1.1 + 2.2 * (-t / 40.0).exp() + noise) as f32,
        grad_norm: (0.8 + noise.abs() * 2.0) as f32,
        learning_rate: 2e-4 * (1.0 - t / 130.0).max(0.0),
        token_accuracy: Some((0.35 + t / 400.0) as f32),
        tokens: 1880,
        total_tokens: 1880 * n as u64,
        tokens_per_sec: 940.0 + noise * 200.0,
        elapsed_secs: t * 2.0,
        remaining_secs: (120.0 - t).max(0.0) * 2.0,
        memory_bytes: 1_240_000_000,
        peak_memory_bytes: 1_610_000_000,
        metrics: Default::default(),
    }
}

/// The same step of a DPO run: the margin opens, the accuracy rises.
pub fn preference_step(n: usize) -> StepReport {
    let t = n as f32;
    let wave = (t * 0.9).sin() * 0.04;
    let margin = 1.4 * (1.0 - (-t / 50.0).exp()) + wave;
    let metrics = [
        ("rewards/chosen", margin * 0.35 + wave),
        ("rewards/rejected", margin * -0.65 + wave),
        ("rewards/margins", margin),
        ("rewards/accuracies", (0.5 + margin * 0.3).min(1.0)),
        ("logps/chosen", -80.0 + margin * 3.5),
        ("logps/rejected", -95.0 - margin * 6.5),
    ];
    let metrics = metrics.map(|(name, value)| (name.to_owned(), value)).into();
    StepReport { loss: std::f32::consts::LN_2 - margin * 0.3, token_accuracy: None, metrics, ..step(n) }
}

/// The same step of a PPO run.
pub fn ppo_step(n: usize) -> StepReport {
    let t = n as f32;
    let wave = (t * 1.7).sin() * 0.1;
    let score = 2.0 * (1.0 - (-t / 40.0).exp()) + wave;
    let metrics = [
        ("objective/kl", 0.08 * t + wave),
        ("objective/scores", score),
        ("objective/rlhf_reward", score - 0.004 * t),
        ("objective/non_score_reward", -0.004 * t),
        ("objective/entropy", 40.0 - 0.1 * t),
        ("loss/policy_avg", -0.02 + wave * 0.1),
        ("loss/value_avg", 0.8 * (-t / 30.0).exp() + 0.1),
        ("policy/clipfrac_avg", 0.1 + wave * 0.3),
        ("val/clipfrac_avg", 0.05),
        ("policy/approxkl_avg", 0.02 + wave * 0.05),
        ("val/num_eos_tokens", 3.0),
    ];
    let metrics = metrics.map(|(name, value)| (name.to_owned(), value)).into();
    StepReport { token_accuracy: None, metrics, ..step(n) }
}

/// Answers that step `n` of a PPO run learns from.
pub fn rollouts(n: usize) -> Vec<Rollout> {
    let texts = [
        (
            "Which part of a violin sounds first?",
            "The strings do: the bow makes them swing, and the bridge carries it on.",
        ),
        ("琴弓的毛是什么做的？", "多用马尾毛，擦上松香后能带动琴弦振动。"),
        ("Name three woods used for backs.", "Maple, walnut and poplar; maple is the most common of them by far."),
        ("What is purfling?", "A thin inlay that runs along the edge of the plates and keeps cracks from spreading."),
    ];
    let answer = |(i, (prompt, answer)): (usize, (&str, &str))| Rollout {
        prompt: prompt.into(),
        answer: answer.into(),
        score: 0.4 * i as f32 + n as f32 * 0.02,
        kl: 0.3 + 0.1 * i as f32,
    };
    texts.into_iter().enumerate().map(answer).collect()
}

pub fn eval(n: usize) -> EvalReport {
    let loss = 1.3 + 1.9 * (-(n as f32) / 45.0).exp();
    EvalReport {
        step: n,
        epoch: n as f64 / 40.0,
        loss,
        perplexity: loss.exp(),
        best: true,
        elapsed_secs: 1.2,
        metrics: Default::default(),
    }
}
