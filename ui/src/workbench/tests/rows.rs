//! The Data panel: rows in a table and in full, filters, the limit, and several datasets.

use luthier_engine::data::{DataSummary, Quality};
use luthier_engine::protocol::DataSource;
use luthier_engine::recipe::MixStrategy;

use super::*;
use crate::desks::{RowFilter, RowsPage};
use crate::testing::{data, row};

fn at_data(window: &mut Window, engine: &Engine) {
    go(window, Panel::Data);
    engine.answer_all();
    window.run();
}

fn selected(window: &Window) -> usize {
    window.state().bench.desks.rows.selected
}

#[test]
fn rows_are_gone_through_by_key_and_pointer() {
    let (bench, engine) = ready_bench(Language::English);
    let mut window = window(bench);
    at_data(&mut window, &engine);
    assert!(says(&window, "1,000 rows, 999 usable") && says(&window, "Row 2: "));
    window.key_press(Key::ArrowDown);
    window.key_press(Key::ArrowDown);
    window.run();
    assert_eq!(selected(&window), 2);
    window.key_press(Key::End);
    window.run();
    assert_eq!(selected(&window), 999);
    assert!(says(&window, "This row is being read."));
    let sent = engine.answer_all();
    assert!(sent.iter().any(|c| matches!(c, Command::ReadRows { rows, .. } if rows.contains(&999))), "{sent:?}");
    window.run();
    assert!(says(&window, "Row 1000: ") && !says(&window, "This row is being read."));
    window.key_press(Key::PageUp);
    window.run();
    assert!((900..995).contains(&selected(&window)), "{}", selected(&window));
    window.key_press(Key::Home);
    window.run();
    assert_eq!(selected(&window), 0);
    let third = window.query_all_by(|n| n.label().is_some_and(|l| l.starts_with("Row 3: "))).next();
    third.expect("row 3 is in sight").click();
    window.run();
    assert_eq!(selected(&window), 2);
    assert!(!window.state().bench.desks.rows.edges);
    window.key_press(Key::T);
    window.run();
    assert!(window.state().bench.desks.rows.edges);
}

#[test]
fn a_filter_shows_what_it_counts_and_a_repetition_leads_to_its_first() {
    let (bench, engine) = ready_bench(Language::English);
    let mut window = window(bench);
    at_data(&mut window, &engine);
    click(&mut window, "Duplicates 8");
    engine.answer_all();
    window.run();
    assert_eq!((window.state().bench.desks.rows.filter, selected(&window)), (RowFilter::Duplicates, 40));
    assert!(says(&window, "repeats an earlier row") && says(&window, "what row 1 says"));
    click(&mut window, "Go to row 1");
    assert_eq!((window.state().bench.desks.rows.filter, selected(&window)), (RowFilter::All, 0));
    click(&mut window, "Cannot be used 1");
    engine.answer_all();
    window.run();
    assert!(says(&window, "no answer: column \"output\" is empty"));
    window.get_by_role_and_label(Role::ComboBox, "Language").click();
    window.run();
    click(&mut window, "Chinese 667");
    assert_eq!(window.state().bench.desks.rows.filter, RowFilter::Language(0));
}

#[test]
fn the_answers_of_a_pair_stand_side_by_side() {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.open_data("/data/pairs.jsonl".into());
    engine.answer_all();
    bench.poll();
    let mut pair = row(0);
    pair.rejected = pair.segments.clone();
    pair.rejected[1].text = "The wood, they say.<|im_end|>".into();
    bench.state.data.rows.insert(0, pair);
    let mut window = window(bench);
    at_data(&mut window, &engine);
    assert!(
        says(&window, "+ Better answer") && says(&window, "− Worse answer") && says(&window, "The wood, they say.")
    );
    for header in ["Better answer", "Worse answer"] {
        assert!(window.query_by_role_and_label(Role::ComboBox, header).is_some(), "{header}");
    }
}

#[test]
fn the_limit_moves_by_key_and_says_what_it_cuts() {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.state.recipe.cutoff_len = 300;
    bench.desks.rows.page = RowsPage::Lengths;
    let mut window = window(bench);
    at_data(&mut window, &engine);
    assert!(says(&window, "With a limit of 300 tokens 13 rows are cut off, and 0 of them lose their answer"));
    window.get_by_role_and_label(Role::Slider, "Limit").focus();
    window.run();
    window.key_press(Key::ArrowLeft);
    window.step();
    let cutoff = window.state().bench.state.recipe.cutoff_len;
    assert!(cutoff < 300, "{cutoff}");
    window.run();
    let sent = engine.take();
    let read_again = |c: &Command| matches!(c, Command::InspectData { source, .. } if source.cutoff_len == cutoff);
    assert!(sent.iter().any(read_again), "{sent:?}");
    assert!(says(&window, "tokens about 116 of 999 rows are cut off"));
    click(&mut window, "Chinese: 667 (66.7 %)");
    assert_eq!(window.state().bench.desks.rows.page, RowsPage::Rows);
}

#[test]
fn datasets_are_mixed_weighed_shown_and_taken_out() {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.desks.rows.page = RowsPage::Mix;
    let mut window = window_of(bench, 1200.0);
    at_data(&mut window, &engine);
    window.get_all_by_label("Mix in a file").last().expect("the card's button").click();
    window.run();
    assert_eq!(engine.asked.borrow_mut().drain(..).collect::<Vec<_>>(), [Ask::MoreData]);
    engine.answer(Ask::MoreData, "/data/more.jsonl");
    window.run();
    assert!(!window.state().bench.state.missing().is_empty(), "the second is being read");
    engine.answer_all();
    window.run();
    assert_eq!(window.state().bench.state.missing(), []);
    assert!(says(&window, "A pass learns from 1,998 rows"));
    window.get_by_role_and_label(Role::ComboBox, "How they are mixed").click();
    window.run();
    click(&mut window, "In turns, till one ends");
    window.state_mut().bench.set_weight(1, 3.0);
    window.run();
    assert!(window.query_by_role_and_label(Role::SpinButton, "Weight of more.jsonl").is_some());
    assert!(says(&window, "A pass learns from 1,332 rows") && says(&window, "about 333"));
    let recipe = window.state().bench.whole_recipe();
    assert_eq!(recipe.dataset, ["/data/alpaca_zh.jsonl", "/data/more.jsonl"]);
    assert_eq!((recipe.mix_strategy, &recipe.interleave_probs[..]), (MixStrategy::InterleaveUnder, &[1.0, 3.0][..]));
    assert_eq!(recipe.setting_problems().iter().filter(|p| p.field != "output_dir").count(), 0);

    click(&mut window, "Show more.jsonl in the table");
    assert!(engine.take().iter().all(|c| !matches!(c, Command::InspectData { .. })), "it is known already");
    let source = window.state().bench.state.data.source.clone();
    assert_eq!(source.map(|source| source.path), Some("/data/more.jsonl".into()));
    click(&mut window, "Take alpaca_zh.jsonl out of the mix (the file stays)");
    let recipe = window.state().bench.whole_recipe();
    assert_eq!((&recipe.dataset[..], &recipe.interleave_probs[..]), (&["/data/more.jsonl".to_owned()][..], &[][..]));
    assert_eq!((recipe.mix_strategy, window.state().bench.shown_dataset()), (MixStrategy::Concat, 0));
}

#[test]
fn a_recipe_with_several_datasets_shows_them_all() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("theirs.yaml");
    let text = "model_name_or_path: m\ndataset: one,two\ndataset_dir: sets\noutput_dir: out\n\
        mix_strategy: interleave_over\ninterleave_probs: 0.7,0.3\n";
    std::fs::write(&path, text).expect("written");
    let (mut bench, engine) = bench(Language::English);
    bench.open_recipe(&path);
    for _ in 0..4 {
        engine.answer_all();
        bench.poll();
        bench.sync_data();
    }
    assert!(bench.summary_of(0).is_some() && bench.summary_of(1).is_some());
    assert_eq!(bench.mix().own, [2331, 999]);
    bench.desks.rows.page = RowsPage::Mix;
    let recipe = bench.whole_recipe();
    assert_eq!(
        (&recipe.dataset[..], &recipe.interleave_probs[..]),
        (&["one".to_owned(), "two".to_owned()][..], &[0.7, 0.3][..])
    );
    let mut window = window_of(bench, 1200.0);
    at_data(&mut window, &engine);
    assert!(window.query_by_role_and_label(Role::SpinButton, "Weight of two").is_some());
}

#[test]
fn a_file_that_has_changed_is_said_and_read_again() {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.select_row(700);
    let mut window = window(bench);
    go(&mut window, Panel::Data);
    let sent = engine.take();
    let asked = sent.iter().find_map(|c| if let Command::ReadRows { request, .. } = c { Some(*request) } else { None });
    let message = "/data/alpaca_zh.jsonl, the whole file: it has changed since it was read";
    let problem = Problem { code: "bad_data".into(), message: message.into() };
    engine.say(Event::CommandFailed { request: asked, problem });
    window.run();
    assert!(says(&window, "The rows cannot be read") && says(&window, message));
    assert!(engine.take().is_empty(), "it is not asked over and over");
    click(&mut window, "Read the file again");
    let sent = engine.answer_all();
    assert!(sent.iter().any(|c| matches!(c, Command::InspectData { .. })), "{sent:?}");
    window.run();
    assert!(!says(&window, "The rows cannot be read"));
}

/// Seconds that this thread has worked, where the system tells (in steps of some milliseconds).
fn busy_secs() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(text.split(' ').next()?.parse::<f64>().ok()? / 1e9)
}

/// 100,000 rows, scrolled a few rows a frame. Our own work alone: no GPU takes part.
#[test]
#[ignore = "measures; run it in a release build with --nocapture"]
fn frame_times_of_100_000_rows() {
    let (mut bench, engine) = ready_bench(Language::English);
    let many: Vec<u32> = (0..100_000).filter(|row| row % 7 == 3).collect();
    let listed = luthier_engine::data::RowList { count: many.len(), list: many.clone() };
    let quality = Quality { duplicate_of: vec![0; many.len()], duplicates: listed, ..crate::testing::quality() };
    let summary = DataSummary { rows: 100_000, quality: Some(quality), ..data() };
    let source = DataSource {
        path: "/data/alpaca_zh.jsonl".into(),
        mapping: None,
        model: Some("/models/SmolLM2-135M".into()),
        cutoff_len: 2048,
        train_on_prompt: false,
    };
    assert_eq!(bench.state.data.source.as_ref(), Some(&source));
    bench.state.data.show(9_999, std::sync::Arc::new(summary));
    let mut window = window(bench);
    at_data(&mut window, &engine);
    window.hover_at(egui::pos2(400.0, 500.0));
    let mut times = Vec::new();
    let before = busy_secs();
    for frame in 0..2_000 {
        // Slow at first, then as by dragging the bar: every frame shows rows that were never seen.
        let delta = if frame < 1_000 { 60.0 } else { 900.0 };
        window.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            source: egui::MouseWheelSource::Wheel,
            delta: vec2(0.0, -delta),
            phase: egui::TouchPhase::Move,
            modifiers: Modifiers::NONE,
        });
        engine.answer_all();
        let start = std::time::Instant::now();
        window.step();
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    let busy = busy_secs().zip(before).map_or(f64::NAN, |(now, before)| (now - before) * 1e3 / times.len() as f64);
    times.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| times[(times.len() as f64 * share) as usize];
    let rows = window.state().bench.state.data.rows.len();
    println!(
        "100,000 rows: p50 {:.2} ms, p99 {:.2} ms, worst {:.2} ms; {rows} rows at hand",
        at(0.5),
        at(0.99),
        at(0.9999)
    );
    assert!(rows < 6_000, "{rows} rows are kept");
}
