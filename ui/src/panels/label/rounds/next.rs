//! "Label the new model": which prompts both models answer, before the round begins.

use egui::{Label, Ui};

use crate::bench::Bench;
use crate::text::t;
use crate::widgets::{Card, ChoiceCard, Fact, Push, choice_cards, facts};
use crate::{format, icons, theme};

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench) {
    let Some(mut next) = bench.desks.label.rounds.next.take() else { return };
    let Some(card) = bench.desks.label.card(next.parent) else { return };
    let (held_out, items) = (card.unlearned(), card.items);
    let Some([old, new]) = bench.old_and_new(&next) else { return };
    let (mut back, mut begin) = (false, false);
    Card::new(t!("rounds.next")).about(t!("rounds.next_about")).icon(icons::SCALES).show_with(
        ui,
        |ui| back = ui.add(Push::quiet(t!("rounds.back")).icon(icons::ARROW_LEFT).small()).clicked(),
        |ui| {
            facts(ui, 320.0, vec![Fact::new(t!("rounds.old"), old.name), Fact::new(t!("rounds.new"), new.name)]);
            let n = |n: usize| t!("rounds.prompts", n = format::count(n as u64));
            let choice = |value, icon, name, about, cost, refused| ChoiceCard {
                value,
                icon,
                name,
                about,
                cost,
                refused,
                formula: None,
            };
            let none = (held_out == 0).then(|| t!("rounds.no_held"));
            let cards = [
                choice(
                    true,
                    icons::EYE_SLASH,
                    t!("rounds.held_prompts"),
                    t!("rounds.held_prompts_about"),
                    n(held_out),
                    none,
                ),
                choice(
                    false,
                    icons::LIST_CHECKS,
                    t!("rounds.all_prompts"),
                    t!("rounds.all_prompts_about"),
                    n(items),
                    None,
                ),
            ];
            choice_cards(ui, &mut next.held_out, 2, &cards);
            ui.add_space(4.0);
            ui.horizontal_wrapped(|ui| {
                begin = ui.add(Push::primary(t!("rounds.begin")).icon(icons::PLAY)).clicked();
                ui.add(Label::new(theme::soft(ui, t!("rounds.begin_about"))).wrap());
            });
        },
    );
    if !back {
        bench.desks.label.rounds.next = Some(next);
    }
    if begin {
        bench.begin_next_round();
    }
}
