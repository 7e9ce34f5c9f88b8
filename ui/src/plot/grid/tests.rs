use egui_kittest::Harness;

use super::*;
use crate::plot::Curve;

fn noisy(seed: usize, points: usize) -> Arc<Curve> {
    let steps: Vec<f64> = (1..=points).map(|n| n as f64).collect();
    let value =
        |n: &f64| 2.0 + 3.0 * (-n / 9_000.0).exp() + ((n * (seed + 3) as f64 * 12.9898).sin() * 43_758.5).fract();
    let values = steps.iter().map(value).collect();
    Arc::new(Curve { tokens: steps.clone(), secs: steps.clone(), steps, values })
}

fn window(charts: Vec<Chart>, look: Look) -> Harness<'static> {
    Harness::builder()
        .with_size(vec2(1280.0, 720.0))
        .with_context_setup(|ctx| {
            ctx.set_fonts(crate::fonts::definitions());
            theme::apply(ctx);
        })
        .build_ui(move |ui| grid(ui, "test", &charts, &look))
}

fn chart(key: &str, runs: usize, points: usize) -> Chart {
    let series =
        (0..runs).map(|n| Series { label: format!("run {n}"), colour: n, dashed: false, curve: noisy(n, points) });
    Chart { key: key.into(), title: key.into(), series: series.collect() }
}

#[test]
fn a_drag_zooms_every_chart_and_a_double_click_shows_all_again() {
    let charts = vec![chart("loss", 1, 200), chart("kl", 1, 200)];
    let mut window = window(charts, Look::default());
    window.run();
    assert!(!zoomed(&window.ctx, "test"));
    let button = |pressed, pos| egui::Event::PointerButton {
        pos,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: egui::Modifiers::NONE,
    };
    let drag = |window: &mut Harness<'static>, from: egui::Pos2, to: egui::Pos2| {
        window.event(egui::Event::PointerMoved(from));
        window.event(button(true, from));
        window.step();
        window.event(egui::Event::PointerMoved(from.lerp(to, 0.5)));
        window.step();
        window.event(egui::Event::PointerMoved(to));
        window.step();
        window.event(button(false, to));
        window.run();
    };
    drag(&mut window, pos2(200.0, 90.0), pos2(400.0, 90.0));
    let shared = window.ctx.data(|d| d.get_temp::<Arc<Mutex<Grid>>>(Id::unique(("charts", "test")))).expect("drawn");
    let (from, to) = shared.lock().zoom.expect("the drag has zoomed");
    assert!(from > 1.0 && to < 200.0 && to - from > 20.0, "{from}..{to}");
    // A frame of the harness lasts a quarter of a second.
    window
        .ctx
        .options_mut(|o| (o.input_options.max_double_click_delay, o.input_options.max_click_duration) = (3.0, 3.0));
    for _ in 0..2 {
        window.event(button(true, pos2(300.0, 90.0)));
        window.event(button(false, pos2(300.0, 90.0)));
    }
    window.run();
    assert!(!zoomed(&window.ctx, "test"));
}

#[test]
fn clipping_says_what_it_leaves_out() {
    let mut curve = (*noisy(1, 400)).clone();
    curve.values[200] = 900.0;
    let series = vec![Series { label: String::new(), colour: 0, dashed: false, curve: Arc::new(curve) }];
    let chart = Chart { key: "loss".into(), title: "Loss".into(), series };
    let plain = Look { smoothing: 0.0, ..Look::default() };
    let clipped = Look { clipped: true, ..plain.clone() };
    let range = |look: &Look| {
        let cell = Cell {
            id: "",
            chart: &chart,
            look,
            marks: &[],
            whole: (0.0, 401.0),
            seen: (0.0, 401.0),
            size: egui::vec2(300.0, 180.0),
        };
        let mut ready = Ready::default();
        let line = ready.get(&chart.series[0].curve, look).thinned(false, 0.0, 401.0, 300);
        cell.y_range(&[(&chart.series[0], None, line)])
    };
    let (all, outside) = range(&plain);
    assert!(*all.end() > 900.0 && !outside);
    let (usual, outside) = range(&clipped);
    assert!(*usual.end() < 20.0 && outside, "{usual:?}");
}

#[test]
#[ignore = "prints how long frames take; for a quiet machine"]
fn frame_times_of_20_runs_of_50_000_points() {
    for (what, smoothing) in [("raw", 0.0), ("smoothed", 0.8)] {
        let keys = ["loss", "grad_norm", "kl", "margin", "accuracy", "memory"];
        let charts = keys.iter().map(|key| chart(key, 20, 50_000)).collect();
        let mut window = window(charts, Look { smoothing, ..Look::default() });
        window.run();
        let mut measure = |how: &str, act: &mut dyn FnMut(&mut Harness<'static>, usize)| {
            let mut times: Vec<f64> = (0..200)
                .map(|n| {
                    act(&mut window, n);
                    let began = std::time::Instant::now();
                    window.step();
                    began.elapsed().as_secs_f64() * 1e3
                })
                .collect();
            times.sort_by(f64::total_cmp);
            println!("6 charts of 20 x 50,000, {what}, {how}: p50 {:.2} ms, p99 {:.2} ms", times[100], times[197]);
        };
        measure("pointer moves", &mut |window, n| {
            window.event(egui::Event::PointerMoved(pos2(80.0 + n as f32 * 5.0, 90.0)));
        });
        measure("zoom changes", &mut |window, n| {
            let shared = window.ctx.data(|d| d.get_temp::<Arc<Mutex<Grid>>>(Id::unique(("charts", "test"))));
            shared.expect("drawn").lock().zoom = Some((n as f64 * 100.0, 50_000.0 - n as f64 * 100.0));
        });
    }
}
