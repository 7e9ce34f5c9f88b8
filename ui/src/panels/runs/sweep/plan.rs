//! What a sweep comes to before it is queued: how many runs, how long, how much memory, what cannot be.

use egui::{ScrollArea, TextEdit, Ui, vec2};

use crate::bench::Bench;
use crate::format;
use crate::text::{say, t};
use crate::widgets::{Card, Fact, Notice, Push, facts, icon_label};
use crate::{icons, theme};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let missing = bench.sweep_missing();
    let name = bench.sweep_name();
    let fits = {
        let machine = bench.machine();
        let peak = bench.desks.sweep.plan.peak_bytes();
        machine.and_then(|machine| machine.memory_bytes).zip(peak).is_none_or(|(has, peak)| peak <= has)
    };
    let mut queue = false;
    Card::new(t!("sweep.plan")).icon(icons::LIST_CHECKS).show(ui, |ui| {
        let plan = &bench.desks.sweep.plan;
        if let Some((None, why)) = plan.problem {
            Notice::bad(say(&format!("sweep.{why}"))).show(ui);
            return;
        }
        let valid = plan.valid().count();
        let known = |text: Option<String>| text.unwrap_or_else(|| t!("sweep.unknown"));
        let p = theme::palette(ui);
        let mut memory = Fact::new(t!("sweep.most_memory"), known(plan.peak_bytes().map(format::bytes)));
        if !fits {
            memory = memory.colour(p.bad);
        }
        let list = vec![
            Fact::new(t!("sweep.runs"), format::count(valid as u64)),
            Fact::new(t!("sweep.left_out"), format::count((plan.runs.len() - valid) as u64)),
            Fact::new(t!("sweep.all_time"), known(plan.total_secs().map(format::duration)))
                .hint(t!("sweep.time_about")),
            memory,
        ];
        facts(ui, 150.0, list);
        if !fits {
            Notice::warn(t!("sweep.too_large")).show(ui);
        }
        runs(ui, bench);
        ui.horizontal_wrapped(|ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 6.0);
            ui.label(theme::soft(ui, t!("sweep.name")));
            let edit = TextEdit::singleline(&mut bench.desks.sweep.name)
                .hint_text(&name)
                .desired_width(220.0)
                .min_size(vec2(0.0, 30.0));
            ui.add(edit).accessible_name(t!("sweep.name"));
            let button = Push::primary(t!("sweep.add_runs", n = valid)).icon(icons::QUEUE);
            let response = ui.add_enabled(missing.is_none(), button);
            queue = response.on_disabled_hover_text(missing.clone().unwrap_or_default()).clicked();
        });
        if let Some(missing) = &missing {
            ui.add(egui::Label::new(theme::soft(ui, missing)).wrap());
        }
    });
    if queue {
        bench.enqueue_sweep();
    }
}

fn runs(ui: &mut Ui, bench: &Bench) {
    let p = theme::palette(ui);
    let planned = &bench.desks.sweep.plan.runs;
    ScrollArea::vertical().id_salt("sweep-runs").max_height(220.0).auto_shrink([false, true]).show_rows(
        ui,
        22.0,
        planned.len(),
        |ui, rows| {
            for at in rows {
                let run = &planned[at];
                ui.horizontal(|ui| {
                    ui.set_height(22.0);
                    match &run.recipe {
                        Ok(_) => {
                            ui.label(theme::soft(ui, format!("{:>3}", at + 1)));
                            ui.label(&run.named);
                            if let Some(estimate) = &run.estimate {
                                let (time, memory) =
                                    (format::duration(estimate.total_secs), format::bytes(estimate.peak_bytes()));
                                ui.label(theme::soft(ui, format!("{time} · {memory}")));
                            }
                        }
                        Err(why) => {
                            icon_label(ui, icons::WARNING, 14.0, p.warn);
                            let text = theme::small(t!("sweep.invalid", run = run.named, why = why)).color(p.warn);
                            ui.add(egui::Label::new(text).truncate()).on_hover_text(why);
                        }
                    }
                });
            }
        },
    );
}
