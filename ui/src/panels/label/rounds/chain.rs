//! The chain: a spine with a node for each round and each run, and beside it what they brought.

use egui::accesskit::Role;
use egui::{Align2, Label, Rect, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};

use super::win_bar;
use crate::bench::Bench;
use crate::desks::{LabelPage, Link, Numbers, method_of, status_word};
use crate::labels::{QueueCard, QueueId};
use crate::library::RunStatus;
use crate::panels::Panel;
use crate::text::t;
use crate::widgets::{Card, Fact, Push, facts, tag};
use crate::{format, icons, theme};

/// Width of the spine, and where its nodes stand beside a card.
const SPINE: f32 = 44.0;
const NODE_AT: f32 = 26.0;
const NODE: f32 = 14.0;
/// Between two cards.
const GAP: f32 = 14.0;
const FACT: f32 = 130.0;

/// What a button of the chain asks for.
enum Step {
    Label(QueueId),
    Train(QueueId),
    Trust(QueueId),
    LabelNew(String),
    Open(String),
    Watch,
}

pub(super) fn ui(ui: &mut Ui, bench: &mut Bench, root: QueueId) {
    let links = bench.desks.label.links(root);
    let mut step = None;
    ui.spacing_mut().item_spacing.y = GAP;
    for (at, link) in links.iter().enumerate() {
        let last = at + 1 == links.len();
        let before =
            links[..at].iter().rev().find_map(|link| if let Link::Round(queue) = link { Some(*queue) } else { None });
        let inner = ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 0.0;
            ui.add_space(SPINE);
            ui.vertical(|ui| {
                ui.set_width(ui.available_width());
                ui.spacing_mut().item_spacing = vec2(theme::GRID, theme::GRID);
                match link {
                    Link::Round(queue) => round(ui, bench, *queue, before, last),
                    Link::Run(queue) => run(ui, bench, *queue, last),
                }
            })
            .inner
        });
        step = inner.inner.or(step);
        spine(ui, bench, inner.response.rect, *link, at == 0, last);
    }
    match step {
        Some(Step::Label(queue)) => bench.open_queue(queue),
        Some(Step::Train(queue)) => bench.train_on(queue),
        Some(Step::Trust(queue)) => {
            bench.open_queue(queue);
            bench.desks.label.page = LabelPage::Review;
        }
        Some(Step::LabelNew(run)) => bench.label_new_model(&run),
        Some(Step::Open(run)) => bench.open_run(&run),
        Some(Step::Watch) => bench.panel = Panel::Train,
        None => {}
    }
}

/// The line from node to node, and this link's node: a number for a round, a sign for a run.
fn spine(ui: &mut Ui, bench: &Bench, rect: Rect, link: Link, first: bool, last: bool) {
    let p = theme::palette(ui);
    let at = pos2(rect.left() + SPINE / 2.0 - 4.0, rect.top() + NODE_AT);
    let string = Stroke::new(2.0, p.edge_strong);
    if !first {
        ui.painter().vline(at.x, rect.top() - GAP / 2.0..=at.y - NODE - 3.0, string);
        let tip = pos2(at.x, at.y - NODE - 3.0);
        for side in [-4.0, 4.0] {
            ui.painter().line_segment([tip + vec2(side, -5.0), tip], string);
        }
    }
    if !last {
        ui.painter().vline(at.x, at.y + NODE..=rect.bottom() + GAP / 2.0, string);
    }
    let node = Rect::from_center_size(at, vec2(2.0 * NODE, 2.0 * NODE));
    let desk = &bench.desks.label;
    let name = match link {
        Link::Round(queue) => {
            let card = desk.card(queue);
            let round = card.map_or(1, |card| card.settings.round);
            let (ground, ink) = if last { (p.varnish, p.on_varnish) } else { (p.varnish_soft, p.ink) };
            ui.painter().circle(at, NODE, ground, Stroke::new(1.5, p.varnish));
            ui.painter().text(at, Align2::CENTER_CENTER, round, theme::strong_font(13.0), ink);
            t!("rounds.round_of", n = round, name = card.map(|card| card.name.as_str()).unwrap_or_default())
        }
        Link::Run(queue) => {
            let (ground, ink) = if last { (p.string, p.board) } else { (p.string_soft, p.string) };
            let square = node.shrink(1.5);
            ui.painter().rect(square, theme::RADIUS, ground, Stroke::new(1.5, p.string), StrokeKind::Inside);
            ui.painter().text(at, Align2::CENTER_CENTER, icons::GRADUATION_CAP, icons::regular(16.0), ink);
            let run = desk.card(queue).and_then(|card| card.run.clone()).unwrap_or_default();
            t!("rounds.run_of", name = bench.run_name(&run))
        }
    };
    let response = ui.interact(node, ui.scope_id().with((link_id(link), "node")), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
    response.on_hover_text(name);
}

fn link_id(link: Link) -> (bool, QueueId) {
    match link {
        Link::Round(queue) => (true, queue),
        Link::Run(queue) => (false, queue),
    }
}

fn round(ui: &mut Ui, bench: &Bench, queue: QueueId, before: Option<QueueId>, last: bool) -> Option<Step> {
    let desk = &bench.desks.label;
    let card = desk.card(queue)?;
    let numbers = desk.rounds.numbers(queue);
    let mut step = None;
    let word = t!("rounds.round", n = card.settings.round);
    Card::of(card.name.clone()).show_with(
        ui,
        |ui| {
            let p = theme::palette(ui);
            tag(ui, &word, p.varnish, p.varnish_soft);
        },
        |ui| {
            ui.add(Label::new(theme::soft(ui, answered_by(card))).wrap());
            if let Some(parent) = card.parent.filter(|parent| before.is_some_and(|before| before != *parent)) {
                let round = desk.card(parent).map_or(1, |card| card.settings.round);
                ui.label(theme::soft(ui, t!("rounds.from_round", n = round)));
            }
            facts(ui, FACT, round_facts(card, numbers));
            if card.parent.is_some()
                && let Some(win) = numbers.and_then(|numbers| numbers.win).filter(|win| win.decided() > 0)
            {
                win_bar::ui(ui, &win);
            }
            ui.horizontal_wrapped(|ui| step = round_steps(ui, desk.has_next_round(queue), card, last));
        },
    );
    step
}

fn answered_by(card: &QueueCard) -> String {
    match &card.settings.authors[..] {
        [] => t!("rounds.answers_of_file"),
        [old, new] if card.parent.is_some() => t!("rounds.old_against_new", old = old.name, new = new.name),
        authors => {
            let mut names: Vec<&str> = authors.iter().map(|author| author.name.as_str()).collect();
            names.dedup();
            t!("rounds.answers_by", names = names.join(", "))
        }
    }
}

fn percent(share: f64) -> String {
    t!("rounds.percent", n = (share * 100.0).round())
}

fn round_facts(card: &QueueCard, numbers: Option<&Numbers>) -> Vec<Fact> {
    let n = |n: usize| format::count(n as u64);
    let labels = t!("rounds.labels_of", n = n(card.labelled), all = n(card.items));
    let mut list = vec![Fact::new(t!("rounds.labels"), labels)];
    if let Some(numbers) = numbers {
        list.push(match numbers.agreement {
            Some((share, items)) => {
                Fact::new(t!("rounds.agreement"), percent(share)).hint(t!("rounds.agreement_hint", n = n(items)))
            }
            None => Fact::new(t!("rounds.agreement"), "–").hint(t!("rounds.no_agreement")),
        });
        if numbers.disagreed > 0 {
            list.push(Fact::new(t!("rounds.disagreed"), n(numbers.disagreed)));
        }
    } else if card.labelled > 0 {
        list.push(Fact::new(t!("rounds.agreement"), "…").hint(t!("rounds.reading")));
    }
    if !card.settings.held_out.is_empty() {
        let held_out = t!("rounds.prompts", n = n(card.settings.held_out.len()));
        list.push(Fact::new(t!("rounds.held_out"), held_out));
    }
    list
}

fn round_steps(ui: &mut Ui, has_next: bool, card: &QueueCard, last: bool) -> Option<Step> {
    let mut step = None;
    let push = |word: String, first: bool| if first { Push::primary(word) } else { Push::plain(word) };
    if card.labelled == 0 {
        if ui.add(push(t!("rounds.label"), last).icon(icons::THUMBS_UP)).clicked() {
            step = Some(Step::Label(card.id));
        }
        ui.label(theme::soft(ui, t!("rounds.nothing_labelled")));
        return step;
    }
    let trained = card.run.is_some() || has_next;
    let word = if trained { t!("rounds.train_again") } else { t!("rounds.train_on") };
    // Several chains may be long: the name tells which round a button belongs to.
    let name = |word: &str| format!("{word}: {}", card.name);
    let train = push(word.clone(), last && !trained).icon(icons::GRADUATION_CAP);
    let train = if trained { Push::quiet(word.clone()).icon(icons::GRADUATION_CAP) } else { train };
    if ui.add(train.name(name(&word))).clicked() {
        step = Some(Step::Train(card.id));
    }
    if card.labelled + card.skipped < card.items && !has_next {
        let word = t!("rounds.label_on");
        if ui.add(Push::plain(word.clone()).icon(icons::THUMBS_UP).name(name(&word))).clicked() {
            step = Some(Step::Label(card.id));
        }
    }
    let word = t!("rounds.trust");
    if ui.add(Push::quiet(word.clone()).icon(icons::SEAL_CHECK).name(name(&word))).clicked() {
        step = Some(Step::Trust(card.id));
    }
    step
}

fn run(ui: &mut Ui, bench: &Bench, queue: QueueId, last: bool) -> Option<Step> {
    let id = bench.desks.label.card(queue)?.run.clone()?;
    let mut step = None;
    let card = bench.shelf.card(&id);
    let going = bench.state.run.as_ref().is_some_and(|run| run.id == id && run.is_going());
    let status = match card {
        _ if going => Some(RunStatus::Running),
        card => card.map(|card| card.status),
    };
    Card::of(bench.run_name(&id)).show_with(
        ui,
        |ui| {
            let p = theme::palette(ui);
            if let Some(status) = status {
                let (ink, ground) = match status {
                    RunStatus::Completed => (p.good, p.good_soft),
                    RunStatus::Running => (p.string, p.string_soft),
                    RunStatus::Stopped => (p.warn, p.warn_soft),
                    RunStatus::Failed | RunStatus::Broken | RunStatus::Missing => (p.bad, p.bad_soft),
                };
                tag(ui, &status_word(status), ink, ground);
            }
        },
        |ui| {
            match card {
                Some(card) => ui.add(Label::new(theme::soft(ui, method_of(card))).wrap()),
                None if going => ui.label(theme::soft(ui, method_of_own(bench))),
                None => ui.add(Label::new(theme::soft(ui, t!("rounds.unknown_run"))).wrap()),
            };
            let can_label = bench.can_label_new(&id);
            let ended_badly = matches!(status, Some(RunStatus::Failed | RunStatus::Broken | RunStatus::Missing));
            if ended_badly && !can_label {
                ui.add(Label::new(t!("rounds.run_failed")).wrap());
            }
            ui.horizontal_wrapped(|ui| {
                if going {
                    if ui.add(Push::primary(t!("rounds.watch")).icon(icons::EYE)).clicked() {
                        step = Some(Step::Watch);
                    }
                    return;
                }
                if can_label {
                    let word = t!("rounds.label_new");
                    let push = if last { Push::primary(word) } else { Push::quiet(word) };
                    let named =
                        push.icon(icons::SCALES).name(format!("{}: {}", t!("rounds.label_new"), bench.run_name(&id)));
                    if ui.add(named).clicked() {
                        step = Some(Step::LabelNew(id.clone()));
                    }
                }
                if card.is_some() {
                    let open = Push::quiet(t!("rounds.open_run")).icon(icons::CHART_LINE);
                    if ui.add(open.name(format!("{}: {}", t!("rounds.open_run"), bench.run_name(&id)))).clicked() {
                        step = Some(Step::Open(id.clone()));
                    }
                }
            });
        },
    );
    step
}

fn method_of_own(bench: &Bench) -> String {
    bench.state.run.as_ref().map(|run| crate::panels::method::short_name(&run.recipe)).unwrap_or_default()
}
