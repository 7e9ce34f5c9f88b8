//! Pictures of every panel, for looking at: `LUTHIER_PICTURES=folder cargo test -p luthier pictures -- --ignored`.
//! ONLY=train,data-en picks some, SIZE=1280x720 and SCROLL=600 change what is seen, OPEN=1 unfolds all settings.

use crate::{bench::Bench, panels::Panel, store::Look, testing::*, text::Language, theme, workbench::Workbench};
use egui::{Theme, vec2};
use egui_kittest::Harness;
use luthier_engine::protocol::*;
use luthier_engine::recipe::{FinetuningType, PrefLoss, Stage, UnfreezePreset};

mod advisor;
mod alerts;
mod charts;
pub(crate) mod compare;
mod evaluate;
mod exchange;
mod judging;
pub(crate) mod label;
mod layers;
mod making;
mod rounds;
mod rows;
mod runs;
mod talk;
mod trust;
fn window(name: &str, bench: Bench, size: (f32, f32), theme: Theme, scale: f32) -> Harness<'static, Workbench> {
    let mut bench = bench;
    bench.settings.look = if theme == Theme::Dark { Look::Dark } else { Look::Light };
    let builder = Harness::builder();
    // Hebrew comes from the system's fonts, which a test has none of.
    let builder = if name == "hostile" { builder.allow_missing_glyphs() } else { builder };
    builder
        .with_size(vec2(size.0, size.1))
        .with_theme(theme)
        .with_pixels_per_point(scale)
        .with_max_steps(64)
        .wgpu()
        .with_context_setup(|ctx| {
            ctx.set_fonts(crate::fonts::definitions());
            theme::apply(ctx);
        })
        .build_ui_state(
            |ui, w: &mut Workbench| {
                w.ui(ui);
            },
            Workbench::new(bench),
        )
}
fn full(language: Language) -> (Bench, Engine) {
    let (mut b, e) = ready_bench(language);
    b.settings.recent_models = vec!["/models/SmolLM2-135M".into(), "/models/Qwen2.5-0.5B-Instruct".into()];
    b.settings.recent_data = vec!["/data/alpaca_zh.jsonl".into()];
    (b, e)
}
fn at(language: Language, panel: Panel) -> (Bench, Engine) {
    let (mut b, e) = full(language);
    b.panel = panel;
    (b, e)
}
fn run(b: &mut Bench, e: &Engine, n: usize, end: Option<Outcome>) {
    b.start_training();
    let id = b.state.run.as_ref().unwrap().id.clone();
    let r = b.state.recipe.clone();
    e.say(Event::RunStarted { id: id.clone(), facts: Box::new(facts(r, 120)) });
    for i in 1..=n {
        e.say(Event::StepReported { id: id.clone(), report: step(i) });
        if i % 20 == 0 {
            e.say(Event::EvalReported { id: id.clone(), report: eval(i) });
        }
        if i % 50 == 0 {
            e.say(Event::CheckpointSaved {
                id: id.clone(),
                step: i,
                path: format!("/home/luthier/runs/x/checkpoint-{i}").into(),
            });
        }
    }
    if let Some(o) = end {
        e.say(Event::RunFinished { id, outcome: o });
    }
    b.poll();
}
/// Opens every "More settings".
fn open_folds(w: &mut Harness<'static, Workbench>) {
    use egui_kittest::kittest::Queryable as _;
    let word = crate::text::t!("method.more");
    let labels: Vec<String> = w
        .query_all_by(|node| node.label().is_some_and(|label| label.starts_with(&word)))
        .filter_map(|node| egui_kittest::kittest::NodeT::accesskit_node(&node).label())
        .collect();
    for label in labels {
        w.get_by_label(&label).click();
        w.run_ok();
    }
}

/// The Method panel with data of this name, after `change`.
fn method(language: Language, data: &str, change: fn(&mut luthier_engine::recipe::Recipe)) -> (Bench, Engine) {
    let (mut b, e) = full(language);
    b.open_data(format!("/data/{data}.jsonl").into());
    e.answer_all();
    b.poll();
    change(&mut b.state.recipe);
    b.open_method(crate::desks::MethodPage::Settings);
    (b, e)
}

/// A run of a method half-way through, told by its own events; what this version refuses to start is shown all the same.
fn method_run(language: Language, data: &str, change: fn(&mut luthier_engine::recipe::Recipe)) -> (Bench, Engine) {
    let (mut b, e) = method(language, data, change);
    let recipe = b.state.recipe.clone();
    let ppo = recipe.stage == luthier_engine::recipe::Stage::Ppo;
    let id = format!("SmolLM2-135M-{}-20261125-021501", recipe.stage);
    b.state.run = Some(crate::state::Run::new(id.clone(), recipe.clone()));
    e.say(Event::RunStarted { id: id.clone(), facts: Box::new(facts(recipe, 120)) });
    let report_of = |i| if ppo { ppo_step(i) } else { preference_step(i) };
    for i in 1..=80 {
        if ppo {
            e.say(Event::RolloutsSampled { id: id.clone(), step: i - 1, rollouts: rollouts(i) });
        }
        e.say(Event::StepReported { id: id.clone(), report: report_of(i) });
        if i % 20 == 0 {
            let metrics = if ppo { Default::default() } else { report_of(i).metrics };
            let perplexity = 12.0 + i as f32 * 0.02;
            let report = ForgettingReport { step: i, perplexity, base_perplexity: 12.0, kl: 0.001 * i as f32 };
            e.say(Event::EvalReported {
                id: id.clone(),
                report: EvalReport { metrics, loss: report_of(i).loss + 0.02, ..eval(i) },
            });
            e.say(Event::ForgettingMeasured { id: id.clone(), report });
            e.say(Event::LayersJoined { id: id.clone(), step: i, layers: vec![29 - i / 20] });
        }
    }
    let message = "the reward margin has been zero for 20 steps: see whether chosen and rejected differ, or raise the learning rate";
    e.say(Event::Warned { id: Some(id), message: message.into() });
    b.panel = Panel::Train;
    b.poll();
    (b, e)
}

/// What a picture shows: its name and how it comes about.
type Scene = (&'static str, Box<dyn Fn() -> (Bench, Engine)>);

fn scenes(language: Language) -> Vec<Scene> {
    let mut all: Vec<Scene> = vec![
        ("start", Box::new(move || at(language, Panel::Start))),
        ("start_empty", Box::new(move || bench(language))),
        ("model", Box::new(move || at(language, Panel::Model))),
        (
            "model_empty",
            Box::new(move || {
                let (mut b, e) = bench(language);
                b.probe_devices();
                e.answer_all();
                b.panel = Panel::Model;
                (b, e)
            }),
        ),
        ("data", Box::new(move || at(language, Panel::Data))),
        (
            "data_empty",
            Box::new(move || {
                let (mut b, e) = bench(language);
                b.panel = Panel::Data;
                (b, e)
            }),
        ),
        (
            "method",
            Box::new(move || {
                let (mut b, e) = full(language);
                b.panel = Panel::Method;
                b.state.recipe.lora_rank = 16;
                b.state.recipe.learning_rate = 2e-4;
                (b, e)
            }),
        ),
        ("method_sft", Box::new(move || method(language, "alpaca", |r| r.quantization_bit = Some(4)))),
        ("method_dpo", Box::new(move || method(language, "pairs", |_| {}))),
        ("method_simpo", Box::new(move || method(language, "pairs", |r| r.pref_loss = PrefLoss::Simpo))),
        ("method_kto", Box::new(move || method(language, "likes", |_| {}))),
        ("method_rm", Box::new(move || method(language, "pairs", |r| r.stage = Stage::Rm))),
        (
            "method_ppo",
            Box::new(move || {
                method(language, "alpaca", |r| {
                    (r.stage, r.reward_rule) = (Stage::Ppo, Some("length:120".into()));
                })
            }),
        ),
        ("method_oft", Box::new(move || method(language, "alpaca", |r| r.finetuning_type = FinetuningType::Oft))),
        (
            "method_freeze",
            Box::new(move || {
                method(language, "alpaca", |r| {
                    r.finetuning_type = FinetuningType::Freeze;
                    (r.unfreeze_preset, r.unfreeze_every) = (Some(UnfreezePreset::TopDown), 10);
                })
            }),
        ),
        ("train_dpo", Box::new(move || method_run(language, "pairs", |_| {}))),
        ("train_ppo", Box::new(move || method_run(language, "alpaca", |r| r.stage = Stage::Ppo))),
        (
            "method_missing",
            Box::new(move || {
                let (mut b, e) = bench(language);
                b.panel = Panel::Method;
                b.state.recipe.finetuning_type = luthier_engine::recipe::FinetuningType::Freeze;
                b.state.recipe.learning_rate = -1.0;
                (b, e)
            }),
        ),
        (
            "train",
            Box::new(move || {
                let (mut b, e) = full(language);
                run(&mut b, &e, 90, None);
                (b, e)
            }),
        ),
        (
            "train_empty",
            Box::new(move || {
                let (mut b, e) = bench(language);
                b.panel = Panel::Train;
                (b, e)
            }),
        ),
        (
            "train_done",
            Box::new(move || {
                let (mut b, e) = full(language);
                run(
                    &mut b,
                    &e,
                    120,
                    Some(Outcome::Completed { result: "/home/luthier/runs/SmolLM2-135M-lora-20261124-023105".into() }),
                );
                (b, e)
            }),
        ),
        (
            "train_failed",
            Box::new(move || {
                let (mut b, e) = full(language);
                run(&mut b,&e,60,Some(Outcome::Failed{problem:Problem{code:"diverged".into(),message:"loss became NaN at step 61, batch 1 (rows 7, 8); the last good checkpoint is /home/luthier/runs/x/checkpoint-50".into()}}));
                (b, e)
            }),
        ),
        (
            "try",
            Box::new(move || {
                let (mut b, e) = full(language);
                run(
                    &mut b,
                    &e,
                    120,
                    Some(Outcome::Completed { result: "/home/luthier/runs/SmolLM2-135M-lora-20261124-023105".into() }),
                );
                b.panel = Panel::Try;
                b.state.talk.front_mut().draft = "Which part of a violin sounds first? 琴的哪一部分最先发声？".into();
                b.send_draft();
                for (i, a) in [
                    (0, "The violin is a string instrument that is played with a bow. It has four strings."),
                    (
                        1,
                        "The strings. The bow makes them swing, and the bridge carries that to the top. 琴弦最先振动，经琴马传到面板。",
                    ),
                ] {
                    let req = b.state.talk.requests().next().unwrap();
                    for w in a.split_inclusive(' ') {
                        e.say(Event::TokenSampled { request: req, text: w.into(), chances: vec![] });
                    }
                    if i == 0 {
                        e.say(Event::GenerateFinished {
                            request: req,
                            prompt_tokens: 20,
                            new_tokens: 21,
                            elapsed_secs: 1.3,
                            reason: FinishReason::EndOfText,
                        });
                    }
                    b.poll();
                }
                (b, e)
            }),
        ),
        ("try_empty", Box::new(move || at(language, Panel::Try))),
        (
            "guide",
            Box::new(move || {
                let (mut b, e) = full(language);
                b.open_guide("lora");
                (b, e)
            }),
        ),
        (
            "guide_table",
            Box::new(move || {
                let (mut b, e) = full(language);
                b.open_guide("memory");
                b.desks.guide.sought = if language == Language::English { "memory" } else { "内存" }.into();
                (b, e)
            }),
        ),
        ("settings", Box::new(move || at(language, Panel::Settings))),
        ("palette", Box::new(move || at(language, Panel::Start))),
        (
            "close",
            Box::new(move || {
                let (mut b, e) = full(language);
                run(&mut b, &e, 90, None);
                (b, e)
            }),
        ),
    ];
    all.extend(advisor::scenes(language));
    all.extend(alerts::scenes(language));
    all.extend(trust::scenes(language));
    all.extend(charts::scenes(language));
    all.extend(layers::scenes(language));
    all.extend(rounds::scenes(language));
    all.extend(rows::scenes(language));
    all.extend(label::scenes(language));
    all.extend(talk::scenes(language));
    let made = |make: fn(Language) -> (Bench, Engine)| Box::new(move || make(language)) as Box<dyn Fn() -> _>;
    all.extend(evaluate::scenes().into_iter().map(|(name, make)| (name, made(make))));
    all.extend(making::scenes().into_iter().map(|(name, make)| (name, made(make))));
    all.extend(exchange::scenes().into_iter().map(|(name, make)| (name, made(make))));
    all.extend(judging::scenes().into_iter().map(|(name, make)| (name, made(make))));
    all.extend(compare::scenes().into_iter().map(|(name, make)| (name, made(make))));
    all.extend(runs::scenes().into_iter().map(|(name, make)| (name, made(make))));
    all
}

/// The window with a scene, drawn.
fn drawn(name: &str, bench: Bench, size: (f32, f32), theme: Theme, scale: f32) -> Harness<'static, Workbench> {
    let mut w = window(name, bench, size, theme, scale);
    w.run_ok();
    match name {
        "palette" => w.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::K),
        "close" => drop(w.state_mut().may_close()),
        "label_annotator" => trust::open_annotators(&w),
        _ => {}
    }
    w.run_ok();
    w
}

#[test]
#[ignore = "draws pictures for people; needs a Vulkan driver and LUTHIER_PICTURES"]
fn pictures_of_every_panel() {
    let folder =
        std::path::PathBuf::from(std::env::var_os("LUTHIER_PICTURES").expect("LUTHIER_PICTURES names a folder"));
    let only = std::env::var("ONLY").unwrap_or_default();
    let size = std::env::var("SIZE")
        .ok()
        .and_then(|s| {
            let (a, b) = s.split_once('x')?;
            Some((a.parse().ok()?, b.parse().ok()?))
        })
        .unwrap_or((1280.0, 720.0));
    let scroll: f32 = std::env::var("SCROLL").ok().and_then(|s| s.parse().ok()).unwrap_or(0.0);
    for (language, l) in [(Language::English, "en"), (Language::Chinese, "zh")] {
        for (th, t) in [(Theme::Dark, "dark"), (Theme::Light, "light")] {
            for (name, make) in scenes(language) {
                let full_name = format!("{name}-{l}-{t}");
                if !only.is_empty() && !only.split(',').any(|o| full_name.starts_with(o)) {
                    continue;
                }
                let (b, _e) = make();
                let mut w = drawn(name, b, size, th, 1.0);
                if std::env::var_os("OPEN").is_some() {
                    open_folds(&mut w);
                }
                if scroll != 0.0 {
                    w.hover_at(egui::pos2(500.0, 450.0_f32.min(size.1 * 0.7)));
                    w.event(egui::Event::MouseWheel {
                        unit: egui::MouseWheelUnit::Point,
                        source: egui::MouseWheelSource::Wheel,
                        delta: vec2(0.0, -scroll),
                        phase: egui::TouchPhase::Move,
                        modifiers: Default::default(),
                    });
                    for _ in 0..30 {
                        w.step();
                    }
                }
                let picture = w.render().expect("the panel is drawn");
                let first = *picture.get_pixel(0, 0);
                assert!(picture.pixels().any(|p| *p != first), "{full_name} is blank");
                let end = if scroll == 0.0 { "" } else { "-scrolled" };
                picture.save(folder.join(format!("{full_name}{end}.png"))).expect("the picture is written");
            }
        }
    }
}

/// The scene of each panel whose picture is kept in `tests/snapshots`: in light and dark, English and Chinese.
const KEPT: &[&str] = &[
    "start",
    "model",
    "rows",
    "advisor",
    "method",
    "methods",
    "layers_lora",
    "layers_movement",
    "train",
    "train_margins",
    "runs_list",
    "compare_overlay",
    "compare_tradeoff",
    "sweep_builder",
    "evaluate_results",
    "try",
    "try_four",
    "label_queues",
    "label_new_queue",
    "label_pair_decided",
    "label_rank_done",
    "label_trust",
    "label_rounds",
    "guide",
    "settings",
];

/// UPDATE_SNAPSHOTS=1 takes the pictures anew.
#[test]
fn every_panel_looks_as_it_did() {
    if std::env::var("LUTHIER_TEST_GPU").as_deref() == Ok("0") {
        eprintln!("no Vulkan driver here: the panels' pictures were not compared");
        return;
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/snapshots");
    // Edges fall a shade differently on another driver (SwiftShader and lavapipe: 32 pixels at most beyond this threshold);
    // a button that moved is hundreds of pixels.
    let options = egui_kittest::SnapshotOptions::new().threshold(5.0).max_failed_pixels(60).output_path(&folder);
    let mut results = egui_kittest::SnapshotResults::new();
    for (language, l) in [(Language::English, "en"), (Language::Chinese, "zh")] {
        let mut seen = 0;
        for (name, make) in scenes(language).into_iter().filter(|(name, _)| KEPT.contains(name)) {
            seen += 1;
            for (theme, t) in [(Theme::Dark, "dark"), (Theme::Light, "light")] {
                // Half the size shows as well what has moved, and is a quarter of the bytes.
                let mut w = drawn(name, make().0, (1280.0, 720.0), theme, 0.5);
                results.add(w.try_snapshot_options(format!("{name}-{l}-{t}"), &options));
            }
        }
        assert_eq!(seen, KEPT.len(), "a panel has lost its scene");
    }
    results.unwrap();
}
