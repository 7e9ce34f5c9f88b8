use luthier_engine::data::{Format, Mapping, Part};
use luthier_engine::protocol::{Event, Outcome};
use luthier_engine::recipe::FinetuningType;

use super::*;
use crate::testing::{bench, data, ready_bench};
use crate::text::Language;

#[test]
fn dates_are_civil() {
    assert_eq!(stamp::civil(0), (1970, 1, 1));
    assert_eq!(stamp::civil(19_782), (2024, 2, 29));
    assert_eq!(stamp::civil(20_781), (2026, 11, 24));
}

#[test]
fn data_is_read_again_when_what_shapes_its_rows_changes() {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.sync_data();
    assert!(engine.take().is_empty(), "nothing changed");
    bench.state.recipe.cutoff_len = 512;
    bench.sync_data();
    bench.sync_data();
    let sent = engine.take();
    assert!(matches!(&sent[..], [Command::InspectData { source, .. }] if source.cutoff_len == 512), "{sent:?}");

    let mapping = Mapping::new(Format::Alpaca).with(Part::Prompt, "input").with(Part::Response, "output");
    bench.remap(Some(mapping.clone()));
    let sent = engine.take();
    assert!(
        matches!(&sent[..], [Command::InspectData { source, .. }] if source.mapping.as_ref() == Some(&mapping)),
        "{sent:?}"
    );
}

#[test]
fn data_waits_for_the_model_whose_tokenizer_it_needs() {
    let (mut bench, engine) = bench(Language::English);
    bench.open_model("/models/a".into());
    bench.open_data("/data/a.jsonl".into());
    assert!(!engine.take().iter().any(|c| matches!(c, Command::InspectData { .. })));
    engine.say(Event::ModelInspected { request: 1, summary: crate::testing::model() });
    bench.poll();
    bench.sync_data();
    assert!(engine.take().iter().any(|c| matches!(c, Command::InspectData { source, .. } if source.model.is_some())));
}

#[test]
fn a_started_run_has_its_own_folder_and_carries_the_whole_recipe() {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.state.recipe.finetuning_type = FinetuningType::Full;
    bench.start_training();
    let sent = engine.take();
    let [Command::StartRun { id, recipe, resume: false }] = &sent[..] else { panic!("{sent:?}") };
    assert!(recipe.output_dir.starts_with("/home/luthier/runs"), "{}", recipe.output_dir.display());
    assert!(recipe.output_dir.ends_with(id) && id.starts_with("SmolLM2-135M-full-"), "{id}");
    assert_eq!(recipe.dataset, ["/data/alpaca_zh.jsonl"]);
    assert_eq!(recipe.model_name_or_path, PathBuf::from("/models/SmolLM2-135M"));
    assert_eq!(bench.panel, Panel::Train);
    bench.start_training();
    assert!(engine.take().is_empty(), "one run at a time");
}

#[test]
fn dropped_files_find_their_panel() {
    let (mut bench, engine) = bench(Language::English);
    bench.open_any("/x/model.Q4_K_M.gguf".into());
    assert_eq!(bench.panel, Panel::Model);
    assert!(matches!(&engine.take()[..], [Command::InspectModel { .. }]));
    bench.open_any("/x/rows.JSONL".into());
    assert_eq!(bench.panel, Panel::Data);
    bench.open_any("/x/missing.yaml".into());
    assert_eq!(bench.panel, Panel::Method);
    assert!(bench.recipe_problem.as_ref().is_some_and(|p| p.message.contains("missing.yaml")));
}

#[test]
fn a_recipe_is_saved_whole_and_opened_again() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("mine.yaml");
    let (mut bench, _engine) = ready_bench(Language::English);
    bench.state.recipe.lora_rank = 24;
    bench.save_recipe(&path);
    assert_eq!(bench.recipe_problem, None);
    let (mut other, engine) = self::bench(Language::English);
    other.open_recipe(&path);
    assert_eq!(other.recipe_problem, None);
    assert_eq!(other.state.recipe.lora_rank, 24);
    assert!(matches!(&engine.take()[..], [Command::InspectModel { .. }]), "the data follows when the model is read");
    bench.save_recipe(Path::new("/no/such/folder/mine.yaml"));
    assert!(bench.recipe_problem.is_some());
}

#[test]
fn setting_rows_aside_also_says_when_to_measure() {
    let (mut bench, _engine) = ready_bench(Language::English);
    bench.set_val_size(0.1);
    assert_eq!(bench.state.recipe.eval_strategy, Interval::Epoch);
    bench.set_val_size(0.0);
    assert_eq!(bench.state.recipe.eval_strategy, Interval::No);
    assert_eq!(data().rows, 1000);
}

#[test]
fn a_chosen_mapping_goes_into_the_run() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let (mut bench, engine) = ready_bench(Language::English);
    bench.home = home.path().to_owned();
    bench.remap(Some(Mapping::new(Format::Alpaca).with(Part::Prompt, "input").with(Part::Response, "output")));
    engine.answer_all();
    bench.poll();
    bench.start_training();
    let sent = engine.take();
    let [Command::StartRun { recipe, .. }] = &sent[..] else { panic!("{sent:?}") };
    assert!(recipe.dataset_dir.starts_with(home.path()));
    assert!(recipe.dataset_dir.join("dataset_info.json").is_file());
    assert!(recipe.dataset[0].starts_with("alpaca_zh-"), "{:?}", recipe.dataset);
}

#[test]
fn a_recipe_that_names_its_data_keeps_the_names() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("theirs.yaml");
    std::fs::write(&path, "model_name_or_path: m\ndataset: one,two\ndataset_dir: sets\noutput_dir: out\n")
        .expect("written");
    let (mut bench, engine) = bench(Language::English);
    bench.open_recipe(&path);
    assert_eq!(bench.recipe_problem, None);
    engine.answer_all();
    bench.poll();
    bench.sync_data();
    let sent = engine.take();
    assert!(
        matches!(&sent[..], [Command::InspectData { source, .. }] if source.path == folder.path().join("sets/one")),
        "{sent:?}"
    );
    let recipe = bench.whole_recipe();
    assert_eq!(
        (recipe.dataset, recipe.dataset_dir),
        (vec!["one".to_owned(), "two".to_owned()], folder.path().join("sets"))
    );
}

#[test]
fn a_stopped_run_goes_on_where_it_was() {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.start_training();
    let Some(Command::StartRun { id, recipe, .. }) = engine.take().pop() else { panic!("a run was started") };
    engine.say(Event::StepReported { id: id.clone(), report: crate::testing::step(1) });
    bench.poll();
    assert!(!bench.can_go_on(), "it is running");
    engine.say(Event::CheckpointSaved { id: id.clone(), step: 1, path: "/c/1".into() });
    let outcome = Outcome::Stopped { result: None, reason: "stopped".into() };
    engine.say(Event::RunFinished { id: id.clone(), outcome });
    bench.poll();
    bench.go_on();
    let sent = engine.take();
    let [Command::StartRun { id: again, recipe: same, resume: true }] = &sent[..] else { panic!("{sent:?}") };
    assert_eq!((again, same), (&id, &recipe));
    assert!(bench.state.running());
    assert_eq!(bench.state.run.as_ref().map(|run| run.steps.len()), Some(1), "the curve goes on");
}
