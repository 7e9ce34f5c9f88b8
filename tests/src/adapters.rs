//! Adapters: PEFT's own give the same logits here; fresh ones change nothing; merged is unmerged; gradients are finite
//! differences; what does not fit is refused by name.

mod recipes;
mod refused;

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::path::Path;

use burn::tensor::{Tensor, TensorData};
use luthier_engine::adapter::{AdapterConfig, Form, LoraConfig, Method, OftConfig};
use luthier_engine::files::{read_safetensors_f32, read_safetensors_i64};
use luthier_engine::model::{DropoutKey, GradientSum, Model, Param, Tape};
use luthier_engine::quant::Quantisation;
use luthier_engine::{device, logits, ops};

use crate::bench::{fixture, worst};
use crate::reference::load;

fn tiny() -> Model {
    load(&fixture("models/llama-tiny"), "cpu")
}

fn lora(change: impl FnOnce(&mut LoraConfig)) -> Method {
    let mut config = LoraConfig { r: 4, lora_alpha: 12.0, ..LoraConfig::default() };
    change(&mut config);
    Method::Lora(config)
}

fn oft(neumann: bool, share: bool) -> Method {
    Method::Oft(OftConfig { r: 0, block_size: 8, block_share: share, neumann_terms: neumann.then_some(5) })
}

/// Every kind of adapter, by what it is called in messages.
fn kinds() -> Vec<(&'static str, Method)> {
    vec![
        ("lora", lora(|_| {})),
        ("rslora", lora(|c| c.use_rslora = true)),
        (
            "patterns",
            lora(|c| {
                c.rank_pattern = vec![("q_proj".into(), 7), (r"layers\.1\.mlp\..*".into(), 2)];
                c.alpha_pattern = vec![("self_attn.v_proj".into(), 40.0)];
            }),
        ),
        ("dora", lora(|c| c.use_dora = true)),
        ("pissa", lora(|c| c.pissa = true)),
        ("pissa with rslora and dora", lora(|c| (c.pissa, c.use_rslora, c.use_dora) = (true, true, true))),
        ("oft, exact", oft(false, false)),
        ("oft, series", oft(true, false)),
        ("oft, exact, shared", oft(false, true)),
        ("oft, series, shared", oft(true, true)),
    ]
}

fn on_all_layers(method: Method) -> AdapterConfig {
    AdapterConfig::new(method, ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
}

fn with(method: Method) -> Model {
    let mut model = tiny();
    model.add_adapter(on_all_layers(method), 7).expect("adapter");
    model
}

/// Moves every tensor of the adapter a little, so that it says something.
fn stir(model: &mut Model) {
    for name in model.adapter.as_ref().expect("adapter").learning_names() {
        let param = model.params[&name].clone();
        let wave: Vec<f32> = (0..param.len()).map(|i| (i as f32 * 0.37).sin() * 0.03).collect();
        let wave = Tensor::<1>::from_data(TensorData::new(wave, [param.len()]), &model.device);
        let moved = Param::from_flat(param.clone().into_flat() + wave, &param.shape());
        model.params.insert(name, moved);
    }
}

fn values(param: &Param) -> Vec<f32> {
    ops::read(param.clone().into_flat(), "test").expect("values")
}

const IDS: [u32; 20] = [3, 26, 49, 72, 95, 118, 141, 164, 187, 210, 233, 256, 279, 302, 325, 348, 371, 394, 417, 440];

fn some_logits(model: &Model) -> Vec<f32> {
    ops::read(model.logits(&IDS, &[12, 8]), "test").expect("logits")
}

#[test]
fn adapters_made_by_peft_give_its_logits() {
    for (case, base) in [
        ("sft-rslora", "llama-tiny"),
        ("sft-dora", "llama-tiny"),
        ("sft-oft-cayley", "llama-tiny"),
        ("sft-oft-neumann", "llama-tiny"),
        ("sft-oft-share", "qwen2-tiny"),
        ("sft-oft-identity", "qwen3-tiny"),
        ("sft-lora-phi3", "phi3-tiny"),
        ("sft-lora-gemma2", "gemma2-tiny"),
        ("sft-lora-gpt2", "gpt2-tiny"),
    ] {
        let folder = fixture(&format!("adapters/{case}"));
        let mut model = load(&fixture(&format!("models/{base}")), "cpu");
        let probe = folder.join("probe.safetensors");
        let (shape, ids) = read_safetensors_i64(&probe, "probe.input_ids").unwrap().unwrap();
        let (_, wanted) = read_safetensors_f32(&probe, "probe.logits").unwrap().unwrap();
        let read = |model: &Model| {
            logits::of_batch(model, &ids, &vec![1; ids.len()], shape[0], shape[1], &probe).expect("logits")
        };
        let base = read(&model);
        model.load_adapter(&folder).expect(case);
        let apart = read(&model);
        assert!(worst(&apart, &wanted) < 5e-3, "{case}: {}", worst(&apart, &wanted));
        assert!(worst(&base, &wanted) > 5e-2, "{case}: the base alone would pass");
        model.merge_adapter();
        assert!(worst(&read(&model), &wanted) < 5e-3, "{case}, merged: {}", worst(&read(&model), &wanted));
    }
}

/// `modules_to_save` names `classifier`, which is not there, and `score` twice; the base has no score head at all.
#[test]
fn a_reward_model_made_by_peft_gives_its_scores() {
    let folder = fixture("adapters/rm-lora");
    let mut model = tiny();
    model.load_adapter(&folder).expect("rm-lora");
    let probe = folder.join("probe.safetensors");
    let (_, ids) = read_safetensors_i64(&probe, "probe.input_ids").unwrap().unwrap();
    let (_, wanted) = read_safetensors_f32(&probe, "probe.rewards").unwrap().unwrap();
    let ids: Vec<u32> = ids.iter().map(|id| *id as u32).collect();
    let last = ids.iter().rposition(|id| *id != 0).expect("a token");
    let score = |model: &Model, name: &str| {
        let hidden = model.final_norm(model.hidden(&ids, &[ids.len()]), &mut Tape::off());
        let hidden = ops::read(hidden.narrow(0, last, 1), "test").expect("hidden");
        let head = values(&model.params[name]);
        hidden.iter().zip(&head).map(|(x, w)| x * w).sum::<f32>()
    };
    assert_eq!(model.learned_name("score.weight"), "base_model.model.score.weight");
    let apart = score(&model, "base_model.model.score.weight");
    assert!((apart - wanted[0]).abs() < 5e-3, "{apart} {wanted:?}");
    let merged = model.merge_adapter().expect("merged");
    let together = score(&model, "score.weight");
    assert!((together - wanted[0]).abs() < 5e-3, "{together} {wanted:?}");
    model.unmerge_adapter(merged);
    assert!(!model.params.contains_key("score.weight") && model.adapter.is_some());
}

#[test]
fn fresh_adapters_change_nothing_and_switched_off_ones_are_the_base() {
    let base = some_logits(&tiny());
    for (kind, method) in kinds() {
        let mut model = with(method);
        let start = worst(&some_logits(&model), &base);
        assert!(start < 2e-5, "{kind}: {start}");
        stir(&mut model);
        let moved = worst(&some_logits(&model), &base);
        assert!(moved > 1e-2, "{kind}: {moved}");
        model.adapter.as_mut().expect("adapter").enabled = false;
        assert_eq!(worst(&some_logits(&model), &base), 0.0, "{kind}");
        model.adapter.as_mut().expect("adapter").enabled = true;
        let hidden = ops::read(model.base_hidden(&IDS, &[12, 8]), "test").expect("hidden");
        assert_eq!(hidden, ops::read(tiny().hidden(&IDS, &[12, 8]), "test").expect("hidden"), "{kind}");
    }
}

#[test]
fn merged_equals_unmerged_and_can_be_undone() {
    for (kind, method) in kinds() {
        let mut model = with(method);
        stir(&mut model);
        let (apart, before) = (some_logits(&model), model.params.clone());
        let merged = model.merge_adapter().expect(kind);
        assert!(model.adapter.is_none() && model.params.len() == model.config.tensors().len(), "{kind}");
        let difference = worst(&some_logits(&model), &apart);
        assert!(difference < 2e-4, "{kind}: {difference}");
        model.unmerge_adapter(merged);
        assert_eq!(model.params.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>(), "{kind}");
        for (name, param) in &before {
            assert_eq!(values(&model.params[name]), values(param), "{kind}: {name}");
        }
        assert_eq!(some_logits(&model), apart, "{kind}");
    }
}

/// GPT-2's weights lie the other way round; packed ones are made dense where they are merged.
#[test]
fn transposed_and_packed_weights_merge_as_well() {
    let device = device::unchecked("cpu").expect("device");
    let mut going = |_, _| ControlFlow::Continue(());
    for (base, to) in [("gpt2-tiny", None), ("llama-tiny", Some(Quantisation { double: true }))] {
        let path = fixture(&format!("models/{base}"));
        let bare = Model::load_with(&path, &device, to, &mut going).expect(base);
        for (kind, method) in kinds() {
            if kind == "patterns" && base == "gpt2-tiny" {
                continue; // its layers are called otherwise
            }
            let mut model = bare.clone();
            model.add_adapter(AdapterConfig::new(method, bare.config.linear_names().to_vec()), 7).expect(kind);
            let start = worst(&some_logits(&model), &some_logits(&bare));
            assert!(start < 2e-5, "{base}, {kind}: {start}");
            stir(&mut model);
            let apart = some_logits(&model);
            let merged = model.merge_adapter().expect(kind);
            let difference = worst(&some_logits(&model), &apart);
            assert!(difference < 2e-4, "{base}, {kind}: {difference}");
            model.unmerge_adapter(merged);
            assert_eq!(some_logits(&model), apart, "{base}, {kind}");
        }
    }
}

#[test]
fn saved_adapters_load_on_the_untouched_base() {
    for (kind, method) in kinds() {
        let folder = tempfile::tempdir().unwrap();
        let mut model = tiny();
        let mut config = on_all_layers(method);
        config.layers_to_transform = Some(BTreeSet::from([0, 2]));
        config.modules_to_save = vec!["embed_tokens".into(), "lm_head".into()];
        model.add_adapter(config, 7).expect("adapter");
        stir(&mut model);
        let names = model.adapter.as_ref().expect("adapter").learning_names();
        assert!(names.iter().all(|name| !name.contains("layers.1.") && !name.contains("layers.3.")), "{kind}");
        assert!(names.contains("base_model.model.model.embed_tokens.weight"), "{kind}");
        model.save_adapter(folder.path()).expect("saved");
        let mut again = tiny();
        again.load_adapter(folder.path()).expect(kind);
        let difference = worst(&some_logits(&again), &some_logits(&model));
        assert!(difference < 2e-4, "{kind}: {difference}");
        let json: serde_json::Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("adapter_config.json")).unwrap()).unwrap();
        assert_eq!(json["layers_to_transform"], serde_json::json!([0, 2]), "{kind}");
        again.drop_adapter();
        assert_eq!(some_logits(&again), some_logits(&tiny()), "{kind}");
    }
}

/// The learned copy of the head and of the embedding, not the originals, answer where the adapter is on.
#[test]
fn modules_that_train_whole_are_copies() {
    let mut model = tiny();
    let mut config = on_all_layers(lora(|_| {}));
    config.modules_to_save = vec!["embed_tokens".into(), "lm_head".into(), "q_proj".into()];
    model.add_adapter(config, 7).expect("adapter");
    let adapter = model.adapter.as_ref().expect("adapter");
    assert!(adapter.sites.keys().all(|path| !path.contains("q_proj")), "a module that trains whole gets no LoRA");
    assert_eq!(model.learned_name("lm_head.weight"), "base_model.model.lm_head.weight");
    let (base, original) = (some_logits(&tiny()), values(&model.params["lm_head.weight"]));
    assert_eq!(worst(&some_logits(&model), &base), 0.0);
    let head = model.params["base_model.model.lm_head.weight"].clone();
    let doubled = Param::from_flat(head.clone().into_flat().mul_scalar(2.0), &head.shape());
    model.params.insert("base_model.model.lm_head.weight".into(), doubled);
    let twice: Vec<f32> = base.iter().map(|x| 2.0 * x).collect();
    assert!(worst(&some_logits(&model), &twice) < 1e-4);
    assert_eq!(values(&model.params["lm_head.weight"]), original);
    model.adapter.as_mut().expect("adapter").enabled = false;
    assert_eq!(worst(&some_logits(&model), &base), 0.0);
}

/// A weighted sum of the blocks' outputs: enough of a loss for gradients through every kind of layer.
fn loss(model: &Model, learning: &BTreeSet<String>, dropout: Option<DropoutKey>) -> (f64, GradientSum) {
    let rows = model.rows(&[12, 8], 0);
    let mut tape = Tape::on(learning, dropout);
    let mut x = model.embed(&IDS, &rows, &mut Tape::off());
    for layer in 0..2 {
        x = model.block(layer, x, &rows, None, &mut tape);
    }
    let [count, width] = x.dims();
    let wave: Vec<f32> = (0..count * width).map(|i| (i as f32 * 0.71).cos()).collect();
    let weights = Tensor::<2>::from_data(TensorData::new(wave.clone(), [count, width]), &model.device);
    let plain = ops::read(x.clone().without_autodiff(), "test").expect("values");
    let value = plain.iter().zip(&wave).map(|(x, w)| f64::from(*x) * f64::from(*w)).sum();
    let mut sum = GradientSum::default();
    if !tape.is_empty() {
        tape.collect(&mut (x * weights).sum().backward(), &mut sum);
    }
    (value, sum)
}

const DOWN: &str = "model.layers.1.mlp.down_proj";

/// |V_i| of the rows of V = W + s B A, built densely, where the layer has magnitudes.
fn norms(model: &Model) -> Option<(String, Vec<f32>)> {
    let Form::Lora(lora) = &model.adapter.as_ref()?.sites[DOWN].form else { return None };
    let matrix = |name: &str| match &model.params[name] {
        Param::Matrix(matrix) => matrix.clone(),
        _ => panic!("{name} is no dense matrix"),
    };
    let delta = matrix(&lora.b).matmul(matrix(&lora.a)).mul_scalar(lora.scale);
    let whole = matrix(&format!("{DOWN}.weight")) + delta;
    let norms = (whole.clone() * whole).sum_dim(1).sqrt();
    Some((lora.magnitude.clone()?, ops::read(norms, "test").expect("norms")))
}

#[test]
fn gradients_are_finite_differences() {
    for (kind, method) in kinds() {
        let mut model = with(method);
        stir(&mut model);
        let learning = model.adapter.as_ref().expect("adapter").learning_names();
        let (_, grads) = loss(&model, &learning, None);
        let in_reach = |name: &&String| name.contains("layers.0.") || name.contains("layers.1.");
        assert_eq!(grads.0.len(), learning.iter().filter(in_reach).count(), "{kind}");
        let nothing = BTreeSet::new();
        let held = norms(&model);
        for part in ["lora_A.weight", "lora_B.weight", "lora_magnitude_vector", "oft_R.weight"] {
            let name = format!("base_model.model.{DOWN}.{part}");
            let Some(grad) = grads.0.get(&name) else { continue };
            if kind.contains("pissa") && held.is_some() && part != "lora_magnitude_vector" {
                continue; // the norms below know nothing of the start
            }
            let grad = ops::read(grad.clone(), "test").expect("gradient");
            let at = (0..grad.len()).max_by(|&a, &b| grad[a].abs().total_cmp(&grad[b].abs())).expect("not empty");
            let slope = {
                let original = model.params.clone();
                let mut moved = |by: f32| {
                    let mut changed = values(&original[&name]);
                    changed[at] += by;
                    let flat = Tensor::<1>::from_data(TensorData::new(changed.clone(), [changed.len()]), &model.device);
                    model.params.insert(name.clone(), Param::from_flat(flat, &original[&name].shape()));
                    // DoRA's norm is a constant of the backward pass, so it is held here: m |V'| / |V| over |V'|.
                    if let (Some((_, before)), Some((magnitude, after))) = (&held, norms(&model))
                        && part.ends_with(".weight")
                    {
                        let m = values(&original[&magnitude]);
                        let m: Vec<f32> = m.iter().zip(before).zip(&after).map(|((m, b), a)| m * a / b).collect();
                        let m = Tensor::<1>::from_data(TensorData::new(m, [before.len()]), &model.device);
                        model.params.insert(magnitude, Param::Vector(m));
                    }
                    let value = loss(&model, &nothing, None).0;
                    model.params = original.clone();
                    value
                };
                (moved(5e-3) - moved(-5e-3)) / 1e-2
            };
            let off = (slope - f64::from(grad[at])).abs() / slope.abs().max(1e-2);
            assert!(off < 1e-2, "{kind}, {name}: {slope} by difference, {} by the backward pass", grad[at]);
        }
    }
}

/// Recomputed blocks must see what was dropped the first time; without training nothing is dropped.
#[test]
fn dropout_is_a_function_of_its_key() {
    for method in
        [lora(|_| {}), lora(|c| c.use_dora = true), lora(|c| c.pissa = true), oft(false, false), oft(true, false)]
    {
        let mut model = with(method);
        stir(&mut model);
        let nothing = BTreeSet::new();
        let sure = loss(&model, &nothing, None).0;
        model.adapter.as_mut().expect("adapter").config.dropout = 0.5;
        let key = |step| Some(DropoutKey { seed: 1, step, micro_batch: 0 });
        let once = loss(&model, &nothing, key(3)).0;
        assert_eq!(loss(&model, &nothing, key(3)).0, once);
        assert_ne!(loss(&model, &nothing, key(4)).0, once);
        assert_ne!(once, sure);
        assert_eq!(loss(&model, &nothing, None).0, sure);
    }
}

/// PiSSA's rest `W - s B0 A0` has lost its r largest singular values: what is left of its norm is what the rest of the
/// spectrum makes of it, and no direction of A0 is seen by it any more.
#[test]
fn pissa_takes_the_main_directions_out() {
    let model = with(lora(|c| c.pissa = true));
    let Form::Lora(lora) = &model.adapter.as_ref().expect("adapter").sites[DOWN].form else { panic!("LoRA") };
    let matrix = |name: &str| match &model.params[name] {
        Param::Matrix(matrix) => matrix.clone(),
        _ => panic!("{name} is no dense matrix"),
    };
    let (a, b, w) = (matrix(&lora.a), matrix(&lora.b), matrix(&format!("{DOWN}.weight")));
    let square = |t: Tensor<2>| ops::read((t.clone() * t).sum(), "test").expect("sum")[0];
    let rest = w.clone() - b.clone().matmul(a.clone()).mul_scalar(lora.scale);
    let seen = square(rest.clone().matmul(a.clone().transpose())).sqrt();
    assert!(seen < 2e-3 * square(w.clone().matmul(a.clone().transpose())).sqrt(), "{seen}");
    // Rows of A and columns of B are orthogonal, and |A_i|^2 = |B_i|^2 = S_i / s.
    let grams = [a.clone().matmul(a.transpose()), b.clone().transpose().matmul(b)];
    let [by_a, by_b] = grams.map(|gram| ops::read(gram, "test").expect("gram"));
    assert!(worst(&by_a, &by_b) < 1e-4 * by_a[0], "{by_a:?} {by_b:?}");
    let values: Vec<f32> = (0..4).map(|i| by_a[i * 5] * lora.scale).collect();
    assert!(values.windows(2).all(|pair| pair[0] >= pair[1]), "{values:?}");
    let taken: f32 = values.iter().map(|s| s * s).sum();
    assert!((square(w) - square(rest) - taken).abs() < 1e-3 * taken);
}

fn copy_of(case: &str, to: &Path) {
    for name in ["adapter_config.json", "adapter_model.safetensors"] {
        std::fs::write(to.join(name), std::fs::read(fixture(&format!("adapters/{case}/{name}"))).unwrap()).unwrap();
    }
}
