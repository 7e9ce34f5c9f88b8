use super::*;
use crate::protocol::StepReport;

fn step(step: usize) -> Event {
    let report = StepReport {
        step,
        epoch: 0.123456,
        loss: 2.5,
        grad_norm: 1.25,
        learning_rate: 1e-4,
        token_accuracy: None,
        tokens: 10,
        total_tokens: 10 * step as u64,
        tokens_per_sec: 12.3456,
        elapsed_secs: 3725.9,
        remaining_secs: 90061.0,
        memory_bytes: 1,
        peak_memory_bytes: 2,
        metrics: Default::default(),
    };
    Event::StepReported { id: "run".into(), report }
}

fn line(event: &Event) -> LogLine {
    let Event::StepReported { report, .. } = event else { panic!("a step") };
    LogLine::of_step(report, 8)
}

fn steps(dir: &Path) -> Vec<usize> {
    read_events(dir).unwrap().iter().map(|(_, event)| step_of(event)).collect()
}

#[test]
fn torn_line_costs_one_event() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(dir.path(), &Recipe::default(), false).unwrap();
    run.append_event(&step(1)).unwrap();
    drop(run);
    let path = dir.path().join(EVENTS);
    let mut bytes = fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"at\": 1.0, \"event\": {\"StepRep\xe4");
    fs::write(&path, bytes).unwrap();
    assert_eq!(steps(dir.path()), [1]);
    let mut reopened = RunFolder::open(dir.path()).unwrap();
    reopened.append_event(&step(2)).unwrap();
    assert_eq!(steps(dir.path()), [1, 2]);
}

#[test]
fn resumed_run_forgets_what_comes_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(dir.path(), &Recipe::default(), false).unwrap();
    for event in [step(1), step(2), step(3)] {
        run.append_event(&event).unwrap();
        run.append_log(&line(&event)).unwrap();
    }
    drop(run);
    let mut run =
        RunFolder::resume(dir.path(), &Recipe::default(), Resumption { step: 2, ..Resumption::default() }).unwrap();
    run.append_event(&step(3)).unwrap();
    run.append_log(&line(&step(3))).unwrap();
    assert_eq!(steps(dir.path()), [1, 2, 3]);
    assert_eq!(fs::read_to_string(dir.path().join(LOG)).unwrap().lines().count(), 3);
}

#[test]
fn earlier_run_is_kept_unless_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = RunFolder::create(dir.path(), &Recipe::default(), false).unwrap();
    run.append_event(&step(1)).unwrap();
    drop(run);
    // Nothing of value was made yet.
    let mut run = RunFolder::create(dir.path(), &Recipe::default(), false).unwrap();
    assert!(steps(dir.path()).is_empty());
    run.append_log(&line(&step(1))).unwrap();
    run.begin_checkpoint(1).unwrap();
    run.finish_checkpoint(1, None).unwrap();
    let error = RunFolder::create(dir.path(), &Recipe::default(), false).unwrap_err();
    assert_eq!(error.code(), "refused");
    assert!(fs::metadata(dir.path().join(LOG)).unwrap().len() > 0);
    RunFolder::create(dir.path(), &Recipe::default(), true).unwrap();
    assert_eq!((traces_of_a_run(dir.path()), checkpoint_dirs(dir.path())), (None, vec![]));
}

#[test]
fn only_finished_checkpoints_count() {
    let dir = tempfile::tempdir().unwrap();
    let run = RunFolder::create(dir.path(), &Recipe::default(), false).unwrap();
    for step in [9, 10, 100] {
        fs::write(run.begin_checkpoint(step).unwrap().join("weights"), "w").unwrap();
        run.finish_checkpoint(step, Some(2)).unwrap();
    }
    run.begin_checkpoint(200).unwrap();
    let steps: Vec<_> = checkpoint_dirs(dir.path()).into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps, [10, 100]);
    assert_eq!(checkpoint_to_resume(dir.path()).unwrap().0, 100);
    assert_eq!(checkpoint_to_resume(dir.path().join("checkpoint-10")).unwrap().0, 10);
    assert!(checkpoint_to_resume(dir.path().join("checkpoint-7")).is_err());
}

#[test]
fn folder_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "mine").unwrap();
    let error = RunFolder::create(&file, &Recipe::default(), true).unwrap_err();
    assert!(error.code() == "io" && error.to_string().contains("file"), "{error}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}
