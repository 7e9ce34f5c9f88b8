//! The layer picture in the window: what is clicked and typed there is what the run gets.

use luthier_engine::protocol::{Cell, CellPart, CellReport, LayerReport};
use luthier_engine::recipe::FinetuningType;

use super::*;
use crate::desks::LayersView;

fn layers(kind: FinetuningType) -> (Window, Engine) {
    let (mut bench, engine) = ready_bench(Language::English);
    bench.state.recipe.finetuning_type = kind;
    bench.state.recipe.freeze_trainable_layers = 30;
    let mut window = window(bench);
    go(&mut window, Panel::Layers);
    (window, engine)
}

/// Presses a block's number.
fn press(window: &mut Window, layer: usize) {
    window.get_by_label_contains(&format!("Layer {layer}: ")).click();
    window.run();
}

#[test]
fn a_click_freezes_a_layer_and_the_run_is_started_with_that() {
    let (mut window, engine) = layers(FinetuningType::Full);
    assert!(says(&window, "Layer 4: trains"));
    press(&mut window, 4);
    assert!(says(&window, "Layer 4: frozen"));
    assert_eq!(window.state().bench.state.recipe.freeze_layers, ["4"]);
    press(&mut window, 5);
    assert_eq!(window.state().bench.state.recipe.freeze_layers, ["4-5"]);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    window.run();
    assert_eq!(window.state().bench.state.recipe.freeze_layers, ["4"]);
    window.key_press_modifiers(Modifiers::COMMAND, Key::Y);
    window.run();
    engine.take();
    window.state_mut().bench.start_training();
    let sent = engine.take();
    let recipe = sent.iter().find_map(|c| if let Command::StartRun { recipe, .. } = c { Some(recipe) } else { None });
    assert_eq!(recipe.expect("a run").freeze_layers, ["4-5"]);
}

#[test]
fn presets_and_the_bill_follow_one_another() {
    let (mut window, _engine) = layers(FinetuningType::Full);
    let trainable = |window: &Window| window.state().bench.picture().expect("a model").trainable;
    let all = trainable(&window);
    assert_eq!(all, window.state().bench.picture().expect("a model").parameters);
    click(&mut window, "Freeze embedding + first 6");
    let some = trainable(&window);
    assert!(some < all && window.state().bench.state.recipe.freeze_layers == ["0-5"]);
    let estimate = window.state().bench.estimate().expect("model and data are there");
    assert_eq!(estimate.trainable_parameters, some, "the engine's own estimate agrees with the picture");
    assert!(says(&window, "with nothing frozen"));
    click(&mut window, "Train last 2 only");
    assert!(trainable(&window) < some);
    click(&mut window, "Freeze all");
    assert!(says(&window, "nothing would learn"), "what cannot run is said");
    click(&mut window, "All learns");
    assert!(window.state().bench.state.recipe.freeze_layers.is_empty());
}

#[test]
fn a_stroke_paints_a_row_and_the_keyboard_does_the_same() {
    let (mut window, _engine) = layers(FinetuningType::Lora);
    let from = window.get_by_label_contains("Layer 2: ").rect().center() + vec2(0.0, 40.0);
    let to = window.get_by_label_contains("Layer 9: ").rect().center() + vec2(0.0, 40.0);
    window.drag_at(from);
    window.run();
    window.hover_at(to);
    window.run();
    window.drop_at(to);
    window.run();
    let words = window.state().bench.state.recipe.freeze_modules.clone();
    let expected: Vec<String> = (2..=9).map(|layer| format!("layers.{layer}.self_attn")).collect();
    assert_eq!(words, expected, "attention of eight layers, MLP as before");
    // The cursor is where the stroke began: one up to the number, then along.
    window.key_press(Key::ArrowUp);
    window.run();
    window.key_press(Key::Space);
    window.run();
    assert_eq!(window.state().bench.state.recipe.freeze_modules.len(), 7, "Space lets layer 2 learn whole");
    window.key_press_modifiers(Modifiers::SHIFT, Key::ArrowRight);
    window.run();
    assert_eq!(window.state().bench.state.recipe.freeze_modules.len(), 6, "Shift with an arrow goes on");
}

#[test]
fn drawing_over_the_lanes_writes_a_schedule() {
    let (mut window, _engine) = layers(FinetuningType::Full);
    let lane = |window: &Window, layer: usize, share: f32| {
        let number = window.get_by_label_contains(&format!("Layer {layer}: ")).rect();
        egui::pos2(number.center().x, number.top() + 224.0 + 112.0 * share)
    };
    let at = lane(&window, 3, 0.5);
    window.drag_at(at);
    window.run();
    window.drop_at(at);
    window.run();
    let schedule = window.state().bench.state.recipe.unfreeze_schedule.clone();
    assert_eq!(schedule.len(), 1, "{schedule:?}");
    assert!(schedule[0].layers == [3] && (schedule[0].at - 0.5).abs() < 0.03, "{schedule:?}");
    assert!(says(&window, "Layer 3: joins after step"));
    click(&mut window, "From the top");
    assert!(window.state().bench.state.recipe.unfreeze_preset.is_some());
    click(&mut window, "Make it editable");
    let recipe = &window.state().bench.state.recipe;
    assert!(recipe.unfreeze_preset.is_none() && recipe.unfreeze_schedule.len() > 10);
    assert!(recipe.setting_problems().iter().all(|p| !p.field.contains("unfreeze")));
    click(&mut window, "All at once");
    assert!(window.state().bench.state.recipe.unfreeze_schedule.is_empty());
}

#[test]
fn what_a_run_measures_is_shown_as_it_comes() {
    let (mut window, engine) = layers(FinetuningType::Lora);
    window.state_mut().bench.start_training();
    let id = started(&engine);
    let recipe = window.state().bench.state.recipe.clone();
    engine.say(Event::RunStarted { id: id.clone(), facts: Box::new(facts(recipe, 40)) });
    go(&mut window, Panel::Layers);
    window.key_press(Key::Num2);
    window.run();
    assert_eq!(window.state().bench.desks.layers.view, LayersView::Movement);
    assert!(says(&window, "Nothing has been measured yet"));
    for n in 1..=3 {
        let cell = |layer| CellReport {
            cell: Cell { layer: Some(layer), part: CellPart::Mlp },
            movement: 0.001 * (layer + n) as f32,
            grad_norm: 0.5,
        };
        let report = LayerReport { step: 2 * n, cells: (0..30).map(cell).collect() };
        engine.say(Event::LayersMeasured { id: id.clone(), report });
    }
    window.run();
    assert!(says(&window, "After step 6") && says(&window, "Colours from 0.1 % to 3.2 %"));
    window.key_press(Key::Num4);
    window.run();
    assert!(says(&window, "Heat map"));
}
