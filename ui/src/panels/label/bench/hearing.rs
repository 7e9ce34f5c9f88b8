//! Keys that mean the same as a command's own: arrows, space, backspace, and digits with Shift on every keyboard.

use egui::{Event, Key, Modifiers, Ui};
use luthier_engine::feedback::{Mode, Strength, Verdict};

use crate::bench::Bench;
use crate::command::{JudgingCommand, Named as _};

pub fn hear(ui: &Ui, bench: &mut Bench, mode: Mode) {
    let ctx = ui.ctx();
    // With the keyboard on a control, arrows and space are that control's.
    let elsewhere = ctx.text_edit_focused()
        || egui::Popup::is_any_open(ctx)
        || ui.memory(|memory| memory.focused().is_some() || memory.top_modal_layer().is_some());
    if elsewhere {
        return;
    }
    let pressed = |key| ui.input_mut(|input| input.consume_key(Modifiers::NONE, key));
    if bench.can_undo() && pressed(Key::Backspace) {
        return bench.undo_decision();
    }
    if !bench.can_handle() {
        return;
    }
    if pressed(Key::Space) {
        return bench.skip_item();
    }
    if mode == Mode::Single {
        for (command, verdict) in [(JudgingCommand::Good, Verdict::Good), (JudgingCommand::Bad, Verdict::Bad)] {
            if command.also().iter().any(|key| pressed(*key)) {
                return bench.judge_single(verdict);
            }
        }
    }
    if mode != Mode::Pair {
        return;
    }
    let shift = ui.input(|input| input.modifiers.shift);
    let strength = bench.desks.label.pair.strength;
    for (side, arrow, digit) in [(0, Key::ArrowLeft, Key::Num1), (1, Key::ArrowRight, Key::Num2)] {
        if pressed(arrow) {
            return bench.choose_side(side, if shift { Strength::Slightly } else { strength });
        }
        // What Shift and a digit write differs from keyboard to keyboard; the key is where the digit is.
        let struck = |event: &Event| {
            matches!(event, Event::Key { physical_key: Some(key), pressed: true, repeat: false, modifiers, .. }
                if *key == digit && modifiers.shift && !modifiers.command && !modifiers.alt)
        };
        if ui.input(|input| input.events.iter().any(struck)) {
            return bench.choose_side(side, Strength::Slightly);
        }
    }
}
