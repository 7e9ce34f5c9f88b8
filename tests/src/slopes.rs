//! Every method's gradients are the slopes of its loss, found by moving weights of the real tiny model a little; and
//! recomputed graphs give what kept ones give.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use burn::tensor::{Tensor, TensorData};
use luthier_engine::data;
use luthier_engine::data::Example;
use luthier_engine::method::kto_loss::KtoLoss;
use luthier_engine::method::{Measured, Method, Start, Turn, build};
use luthier_engine::model::{DropoutKey, GradientSum, Model, Param, SCORE};
use luthier_engine::quant::Quantisation;
use luthier_engine::recipe::{FinetuningType, PrefLoss, Recipe, Stage, ValueModel};
use luthier_engine::tokenizer::TextTokenizer;
use luthier_engine::trainer::{Graph, Pass, Plan};
use luthier_engine::{device, ops};

use crate::bench::{fixture, fresh};
use crate::reference::load;
use crate::resumed::ppo;
use crate::training::apart;

const EMBEDDING: &str = "model.embed_tokens.weight";
const KEYS: &str = "model.layers.1.self_attn.k_proj.weight";
const DOWN: &str = "model.layers.3.mlp.down_proj.weight";
const NORM: &str = "model.norm.weight";
const HEAD: &str = "lm_head.weight";
const LANGUAGE: [&str; 5] = [EMBEDDING, KEYS, DOWN, NORM, HEAD];

/// A method at work on a model that has left its starting point.
struct Work {
    model: Model,
    method: Box<dyn Method>,
    learning: BTreeSet<String>,
    rows: Vec<usize>,
    share: f64,
}

fn flat(param: &Param) -> Vec<f32> {
    ops::read(param.clone().into_flat(), "test").expect("values")
}

fn with_values(model: &mut Model, name: &str, values: Vec<f32>) {
    let (len, shape) = (values.len(), model.params[name].shape());
    let moved = Tensor::<1>::from_data(TensorData::new(values, [len]), &model.device);
    model.params.insert(name.to_owned(), Param::from_flat(moved, &shape));
}

/// Moves every weight of `names` by up to `by`, without a pattern between tensors.
fn stir(model: &mut Model, names: &BTreeSet<String>, by: f32) {
    for (nth, name) in names.iter().enumerate() {
        let wave = |(i, value): (usize, f32)| value + by * (i as f32 * 0.731 + nth as f32 * 1.7).sin();
        let moved = flat(&model.params[name]).into_iter().enumerate().map(wave).collect();
        with_values(model, name, moved);
    }
}

fn work(recipe: &Recipe, by: f32) -> Work {
    let tokenizer = TextTokenizer::load(&recipe.model_name_or_path).expect("tokenizer");
    let data = data::prepare(recipe, &tokenizer, &mut |_, _| ControlFlow::Continue(())).expect("data");
    let plan = Plan::new(recipe, data.train.len());
    let mut model = load(&recipe.model_name_or_path, "cpu");
    let score = BTreeSet::from([SCORE.to_owned()]);
    if recipe.stage == Stage::Rm || (recipe.stage == Stage::Ppo && recipe.ppo_value_model == ValueModel::Head) {
        model.add_score_head(7).expect("a head");
        stir(&mut model, &score, 0.3); // as a fresh head is, nothing much would pass it on the way back
    }
    let learning: BTreeSet<String> = model.params.keys().cloned().collect();
    let start =
        Start { recipe, train: data.train, eval: Vec::new(), model: &model, learning: &learning, ref_model: None };
    let mut method = build(start).expect("a method");
    if let Some(critic) = method.critic() {
        stir(&mut critic.model, &score, 0.3);
    }
    method.begin(&model, &plan, &mut |_| Ok(())).expect("the reference");
    method.before_step(&model, &plan, 0, &mut |_| Ok(())).expect("answers");
    stir(&mut model, &learning, by);
    let groups = plan.step(0);
    let rows = groups[0].clone();
    let share = 1.0 / method.divisor(&groups[..1]);
    Work { model, method, learning, rows, share }
}

impl Work {
    fn turn(&mut self, graph: Graph, learns: bool, sum: &mut GradientSum) -> Measured {
        let nothing = BTreeSet::new();
        let pass = Pass { learning: if learns { &self.learning } else { &nothing }, graph };
        let dropout = DropoutKey { seed: 1, step: 0, micro_batch: 0 };
        let turn = Turn { model: &self.model, pass, dropout, share: self.share, sum };
        self.method.micro_batch(turn, &self.rows).expect("a micro-batch")
    }

    /// Gradients of the micro-batch, the same with kept and recomputed graphs.
    fn gradients(&mut self, what: &str) -> (Measured, GradientSum) {
        let (mut kept, mut again) = (GradientSum::default(), GradientSum::default());
        let measured = self.turn(Graph::Kept, true, &mut kept);
        let critics = self.method.critic().map(|critic| std::mem::take(&mut critic.grads));
        let recomputed = self.turn(Graph::Recomputed, true, &mut again);
        assert_eq!(measured.loss, recomputed.loss, "{what}");
        assert!(apart(&kept, &again) < 1e-6, "{what}: {}", apart(&kept, &again));
        if let (Some(critic), Some(kept)) = (self.method.critic(), critics) {
            let again = std::mem::replace(&mut critic.grads, kept);
            assert!(apart(&critic.grads, &again) < 1e-6, "{what}, value model: {}", apart(&critic.grads, &again));
        }
        (measured, kept)
    }

    /// What was measured with one weight moved.
    fn moved(&mut self, name: &str, at: usize, by: f32) -> Measured {
        let original = self.model.params[name].clone();
        let mut values = flat(&original);
        values[at] += by;
        with_values(&mut self.model, name, values);
        let measured = self.turn(Graph::Kept, false, &mut GradientSum::default());
        self.model.params.insert(name.to_owned(), original);
        measured
    }
}

const BY: f32 = 5e-3;

/// The weight with the largest gradient of each tensor, against `loss` with that weight moved.
fn slopes_agree(what: &str, names: &[&str], grads: &GradientSum, mut loss: impl FnMut(&str, usize, f32) -> f64) {
    for name in names {
        let grad = ops::read(grads.0[*name].clone(), "test").expect("a gradient");
        let at = (0..grad.len()).max_by(|&a, &b| grad[a].abs().total_cmp(&grad[b].abs())).expect("not empty");
        let slope = (loss(name, at, BY) - loss(name, at, -BY)) / f64::from(2.0 * BY);
        let off = (slope - f64::from(grad[at])).abs();
        assert!(
            off < 2e-2 * slope.abs() && slope.abs() > 1e-4,
            "{what}, {name}: {slope} by difference, {} by the backward pass",
            grad[at]
        );
    }
}

fn agree(what: &str, recipe: &Recipe, names: &[&str], by: f32) {
    let mut work = work(recipe, by);
    let (_, grads) = work.gradients(what);
    slopes_agree(what, names, &grads, |name, at, by| work.moved(name, at, by).loss * work.share);
}

fn full(case: &str, out: &std::path::Path) -> Recipe {
    Recipe { finetuning_type: FinetuningType::Full, ..fresh(case, out) }
}

#[test]
fn pair_losses() {
    let dir = tempfile::tempdir().unwrap();
    let dpo = || Recipe { pref_beta: 0.3, ..full("dpo-sigmoid-lora", dir.path()) };
    for kind in [PrefLoss::Sigmoid, PrefLoss::Hinge, PrefLoss::Ipo, PrefLoss::Orpo, PrefLoss::Simpo] {
        agree(&format!("{kind:?}"), &Recipe { pref_loss: kind, ..dpo() }, &LANGUAGE, 3e-3);
    }
    let robust = Recipe { pref_loss: PrefLoss::Robust, dpo_label_smoothing: 0.2, ..dpo() };
    agree("robust", &robust, &LANGUAGE, 3e-3);
    agree("conservative", &Recipe { pref_loss: PrefLoss::Sigmoid, ..robust }, &LANGUAGE, 3e-3);
    agree("pref_ftx", &Recipe { pref_ftx: 0.7, ..dpo() }, &LANGUAGE, 3e-3);
    agree("ld_alpha", &Recipe { ld_alpha: Some(0.4), ..dpo() }, &LANGUAGE, 3e-3);
}

/// The estimate of KL is a constant to the gradient, so the loss is made again from what was measured, with the estimate
/// held where it was.
#[test]
fn kto() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = Recipe { pref_beta: 0.3, pref_ftx: 0.2, ..full("kto-lora", dir.path()) };
    let loss = KtoLoss {
        beta: recipe.pref_beta,
        chosen_weight: recipe.kto_chosen_weight,
        rejected_weight: recipe.kto_rejected_weight,
    };
    // `tokens`: of the liked answer, whose mean log p has a weight of its own.
    let of = |measured: &Measured, kl: f64, tokens: usize| {
        let ratio = |name: &str| measured.metrics[name] / loss.beta;
        (loss.of(ratio("rewards/chosen"), kl, true).0 + loss.of(ratio("rewards/rejected"), kl, false).0) / 2.0
            - recipe.pref_ftx * measured.metrics["logps/chosen"] / tokens as f64
    };
    let mut work = work(&recipe, 3e-3);
    let count = work.method.rows().len();
    let (mut with, mut without) = (0, 0);
    for row in 1..count {
        work.rows = vec![row - 1, row];
        let measured = work.turn(Graph::Kept, false, &mut GradientSum::default());
        let kl = measured.metrics["kl"];
        let wanted = if kl > 0.05 { &mut with } else { &mut without };
        // One answer that was liked and one that was not; one such pair with an estimate, one at its lower limit.
        if !measured.metrics.contains_key("rewards/margins") || *wanted == 1 || (kl > 0.0 && kl <= 0.05) {
            continue;
        }
        *wanted += 1;
        let liked = work.rows.iter().find_map(|&row| match &work.method.rows()[row] {
            Example::Marked { answer, liked: true } => Some(answer.learned_tokens()),
            _ => None,
        });
        let tokens = liked.expect("one is liked");
        assert!((of(&measured, kl, tokens) - measured.loss).abs() < 1e-9);
        let what = format!("kto with an estimate of {kl}");
        let (_, grads) = work.gradients(&what);
        slopes_agree(&what, &LANGUAGE, &grads, |name, at, by| of(&work.moved(name, at, by), kl, tokens));
    }
    assert_eq!((with, without), (1, 1));
}

#[test]
fn reward_model() {
    let dir = tempfile::tempdir().unwrap();
    agree("rm", &full("rm-lora", dir.path()), &[EMBEDDING, KEYS, DOWN, NORM, SCORE], 3e-3);
}

#[test]
fn supervised_with_a_penalty_on_the_distance() {
    let dir = tempfile::tempdir().unwrap();
    // Far enough away that the penalty is a good part of the loss.
    let recipe = Recipe { kl_penalty: 2.0, ..full("sft-full", dir.path()) };
    agree("kl_penalty", &recipe, &LANGUAGE, 2e-2);
}

#[test]
fn ppo_policy_and_values() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = Recipe {
        per_device_train_batch_size: 4,
        gradient_accumulation_steps: 1,
        ppo_mini_batches: 1,
        ..ppo(dir.path())
    };
    let recipe = Recipe { finetuning_type: FinetuningType::Full, ppo_vf_coef: 0.5, ..recipe };
    agree("ppo, value head", &recipe, &[EMBEDDING, KEYS, DOWN, NORM, HEAD, SCORE], 1e-3);

    let recipe = Recipe { ppo_value_model: ValueModel::Model, ..recipe };
    let mut work = work(&recipe, 1e-3);
    let critic = work.method.critic().expect("a value model");
    let names = critic.learning.clone();
    stir(&mut critic.model, &names, 1e-3);
    let (_, grads) = work.gradients("ppo, value model");
    let values = std::mem::take(&mut work.method.critic().expect("a value model").grads);
    slopes_agree("ppo, policy beside a value model", &LANGUAGE, &grads, |name, at, by| work.moved(name, at, by).loss);
    slopes_agree("ppo, value model", &[EMBEDDING, KEYS, DOWN, NORM, SCORE], &values, |name, at, by| {
        let critic = work.method.critic().expect("a value model");
        let original = critic.model.params[name].clone();
        let mut values = flat(&original);
        values[at] += by;
        with_values(&mut critic.model, name, values);
        let loss = work.turn(Graph::Kept, false, &mut GradientSum::default()).loss;
        work.method.critic().expect("a value model").model.params.insert(name.to_owned(), original);
        loss
    });
}

/// QLoRA: the gradients of an adapter go through weights of 4 bits.
#[test]
fn adapter_over_quantised_weights() {
    let dir = tempfile::tempdir().unwrap();
    let recipe = fresh("sft-qlora-nf4", dir.path());
    let mut work = work(&recipe, 0.0);
    let cpu = device::unchecked("cpu").expect("device");
    let double = Some(Quantisation { double: true });
    let path = &recipe.model_name_or_path;
    work.model = Model::load_with(path, &cpu, double, &mut |_, _| ControlFlow::Continue(())).expect("a model");
    work.model.load_adapter(&fixture("train/sft-qlora-nf4/init_adapter")).expect("an adapter");
    work.learning = work.model.params.keys().filter(|name| name.contains("lora_")).cloned().collect();
    let learning = work.learning.clone();
    stir(&mut work.model, &learning, 2e-2);
    let (_, grads) = work.gradients("qlora");
    let names = [
        "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight",
        "base_model.model.model.layers.3.mlp.down_proj.lora_B.weight",
    ];
    slopes_agree("qlora", &names, &grads, |name, at, by| work.moved(name, at, by).loss * work.share);
}
