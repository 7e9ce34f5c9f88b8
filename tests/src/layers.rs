//! How far each layer has moved, as a run tells it, against the weights themselves: real runs on the tiny Llama.

use std::collections::BTreeMap;
use std::path::Path;

use luthier_engine::files::read_safetensors_f32;
use luthier_engine::freeze::{cell_of, cells};
use luthier_engine::model::Model;
use luthier_engine::protocol::{Cell, CellPart, Event, LayerReport, Outcome};
use luthier_engine::recipe::Recipe;

use crate::bench::{drive, fixture, fresh};

fn measured(events: &[Event]) -> Vec<LayerReport> {
    let report = |event: &Event| match event {
        Event::LayersMeasured { report, .. } => Some(report.clone()),
        _ => None,
    };
    events.iter().filter_map(report).collect()
}

fn run(recipe: &Recipe) -> (Vec<Event>, Vec<LayerReport>) {
    let (events, outcome) = drive(recipe, false, |_, _| {});
    assert!(matches!(outcome, Outcome::Completed { .. }), "{outcome:?}");
    let reports = measured(&events);
    (events, reports)
}

/// |now - start| / |start| by cell over the tensors of these names.
fn moved(now: &BTreeMap<String, Vec<f32>>, start: &Path) -> BTreeMap<Cell, f64> {
    let mut sums: BTreeMap<Cell, (f64, f64)> = BTreeMap::new();
    for (name, now) in now {
        let (_, was) = read_safetensors_f32(start, name).expect("readable").expect("there");
        let sum = sums.entry(cell_of(name)).or_default();
        for (now, was) in now.iter().zip(was) {
            sum.0 += (f64::from(*now) - f64::from(was)).powi(2);
            sum.1 += f64::from(was).powi(2);
        }
    }
    sums.into_iter().map(|(cell, (moved, whole))| (cell, (moved / whole).sqrt())).collect()
}

fn agrees(report: &LayerReport, expected: &BTreeMap<Cell, f64>, tolerance: f64) {
    let told: Vec<Cell> = report.cells.iter().map(|cell| cell.cell).collect();
    assert_eq!(told, expected.keys().copied().collect::<Vec<_>>());
    for cell in &report.cells {
        let (told, expected) = (f64::from(cell.movement), expected[&cell.cell]);
        assert!((told - expected).abs() <= tolerance * expected.max(1e-9), "{:?}: {told}, not {expected}", cell.cell);
    }
}

/// The weights of a model folder by name, those of adapted layers with the adapter in them.
fn merged(base: &Path, adapter: &Path) -> BTreeMap<String, Vec<f32>> {
    let mut model: Model = crate::reference::load(base, "cpu");
    model.load_adapter(adapter).expect("the adapter that was saved");
    let adapted: Vec<String> = model.adapter.iter().flat_map(|a| a.sites.values()).map(|s| s.spec.weight()).collect();
    model.merge_adapter();
    let flat = |name: &String| model.params[name].clone().into_flat().try_into_vec_as::<f32>().expect("readable");
    adapted.iter().map(|name| (name.clone(), flat(name))).collect()
}

#[test]
fn an_adapters_movement_is_what_merging_it_would_change() {
    let dir = tempfile::tempdir().unwrap();
    for case in ["sft-lora-all", "sft-lora-qv", "sft-dora", "sft-oft-neumann"] {
        let mut recipe = fresh(case, &dir.path().join(case));
        (recipe.max_steps, recipe.layer_stats_steps) = (4, 1);
        recipe.adapter_name_or_path = None; // from a start that changes nothing
        let (_, reports) = run(&recipe);
        assert_eq!(reports.iter().map(|r| r.step).collect::<Vec<_>>(), [1, 2, 3, 4], "{case}");
        for pair in reports.windows(2) {
            let grown = pair[0].cells.iter().zip(&pair[1].cells).filter(|(a, b)| b.movement > a.movement).count();
            assert!(grown * 2 > pair[0].cells.len(), "{case}: {pair:?}");
        }
        let start = recipe.model_name_or_path.join("model.safetensors");
        let expected = moved(&merged(&recipe.model_name_or_path, &recipe.output_dir), &start);
        agrees(&reports[3], &expected, 2e-3);
        let part = |wanted| reports[3].cells.iter().any(|cell| cell.cell.part == wanted);
        assert!(part(CellPart::Attention) && !part(CellPart::Embedding) && !part(CellPart::Norm), "{case}");
        assert_eq!(part(CellPart::Mlp), case != "sft-lora-qv", "{case}");
    }
}

#[test]
fn before_the_first_step_that_changes_anything_nothing_has_moved() {
    let dir = tempfile::tempdir().unwrap();
    for (name, pissa) in [("lora", false), ("pissa", true)] {
        let mut recipe = fresh("sft-lora-all", &dir.path().join(name));
        recipe.adapter_name_or_path = None;
        // The first step of a warm-up has a rate of zero.
        (recipe.max_steps, recipe.layer_stats_steps, recipe.pissa_init) = (3, 1, pissa);
        (recipe.warmup_steps, recipe.lr_scheduler_type) = (2, luthier_engine::recipe::SchedulerType::Linear);
        let (_, reports) = run(&recipe);
        assert!(reports[0].cells.iter().all(|cell| cell.movement == 0.0 && cell.grad_norm > 0.0), "{name}");
        assert!(reports[2].cells.iter().all(|cell| cell.movement > 1e-6), "{name}: {:?}", reports[2]);
    }
}

#[test]
fn full_training_moves_as_far_as_the_saved_result_says() {
    let dir = tempfile::tempdir().unwrap();
    let mut recipe = fresh("sft-full", dir.path());
    (recipe.max_steps, recipe.layer_stats_steps) = (4, 2);
    recipe.freeze_modules = vec!["embed_tokens".into()];
    recipe.freeze_layers = vec!["1".into()];
    let (_, reports) = run(&recipe);
    assert_eq!(reports.iter().map(|r| r.step).collect::<Vec<_>>(), [2, 4]);
    let start = fixture("models/llama-tiny/model.safetensors");
    let model = crate::reference::load(&fixture("models/llama-tiny"), "cpu");
    let frozen = |cell: &Cell| cell.layer == Some(1) || cell.part == CellPart::Embedding;
    let learned: Vec<String> = model.config.tensors().into_iter().map(|(name, _)| name).collect();
    let learned = learned.iter().filter(|name| !frozen(&cell_of(name)));
    let checkpoint = recipe.output_dir.join("checkpoint-4/trained.safetensors");
    let read = |name: &String| Some((name.clone(), read_safetensors_f32(&checkpoint, name).ok()??.1));
    let now: BTreeMap<String, Vec<f32>> = learned.filter_map(read).collect();
    assert!(reports.iter().flat_map(|r| &r.cells).all(|cell| !frozen(&cell.cell)), "frozen cells are told");
    let free = cells(&model.config).into_iter().filter(|(cell, _)| !frozen(cell)).count();
    assert_eq!(reports[1].cells.len(), free);
    agrees(&reports[1], &moved(&now, &start), 1e-3);
}

#[test]
fn the_cells_gradients_together_are_the_steps_gradient() {
    let dir = tempfile::tempdir().unwrap();
    for case in ["sft-full", "sft-lora-all", "sft-lora-gpt2", "sft-qlora-nf4"] {
        let mut recipe = fresh(case, &dir.path().join(case));
        (recipe.max_steps, recipe.layer_stats_steps) = (3, 1);
        let (events, reports) = run(&recipe);
        for report in &reports {
            let together = report.cells.iter().map(|cell| f64::from(cell.grad_norm).powi(2)).sum::<f64>().sqrt();
            let whole = events.iter().find_map(|event| match event {
                Event::StepReported { report: step, .. } if step.step == report.step => Some(f64::from(step.grad_norm)),
                _ => None,
            });
            let whole = whole.expect("each step is reported");
            assert!((together - whole).abs() < 1e-4 * whole, "{case}: {together}, not {whole}");
        }
    }
}

#[test]
fn about_twenty_measurements_unless_asked_otherwise() {
    let dir = tempfile::tempdir().unwrap();
    for (setting, steps, expected) in [(0, 45, vec![3, 6, 9]), (-1, 5, vec![]), (4, 10, vec![4, 8, 10])] {
        let mut recipe = fresh("sft-lora-qv", &dir.path().join(format!("{setting}")));
        (recipe.max_steps, recipe.layer_stats_steps) = (steps, setting);
        let told: Vec<usize> = run(&recipe).1.iter().map(|report| report.step).collect();
        assert_eq!(told.iter().take(3).copied().collect::<Vec<_>>(), expected, "{setting}");
        assert!(told.len() <= 20);
    }
}
