//! How long from the key to the next item while a run computes on every core: the real store, the real engine, the whole
//! window laid out and tessellated; no graphics card.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use egui::{Context, Event, Key, Modifiers, RawInput, Rect, pos2, vec2};
use luthier_engine::feedback::Mode;
use luthier_engine::link::{Link, LinkOptions};
use luthier_engine::protocol::{self, ChatMessage, Command};
use luthier_engine::recipe::Recipe;

use crate::bench::Bench;
use crate::dialogs::Dialogs;
use crate::labels::{Draft, ItemId, Labels, NewItem, Order, QueueSettings};
use crate::library::Library;
use crate::store::Settings;
use crate::testing::labels::TALKS;
use crate::text::Language;
use crate::wire::Wire;
use crate::workbench::Workbench;

const ITEMS: usize = 600;
const DECISIONS: usize = 400;
/// Of a person who does not read at all.
const BETWEEN: Duration = Duration::from_millis(40);

struct Window {
    ctx: Context,
    workbench: Workbench,
    woken: mpsc::Receiver<()>,
    began: Instant,
}

impl Window {
    fn open(home: &Path, link: &Rc<RefCell<Link>>) -> Self {
        let (wake, woken) = mpsc::channel();
        let labels = Labels::system(home.to_owned(), move || {
            // The test has ended where nobody listens.
            let _ = wake.send(());
        });
        let (sender, receiver) = (link.clone(), link.clone());
        let wire = Wire::new(move |command| sender.borrow().send(command), move || receiver.borrow().try_recv());
        let settings = Settings {
            language: Language::English,
            annotator: "Ada".into(),
            annotators: vec!["Ada".into()],
            ..Settings::default()
        };
        let dialogs = Dialogs::scripted(|_| {}, mpsc::channel().1);
        let library = Library::new(|_| {}, || None);
        let bench = Bench::new(settings, home.to_owned(), wire, dialogs, (library, labels));
        let ctx = Context::default();
        ctx.set_fonts(crate::fonts::definitions());
        crate::theme::apply(&ctx);
        Self { ctx, workbench: Workbench::new(bench), woken, began: Instant::now() }
    }

    fn frame(&mut self, events: Vec<Event>) {
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1280.0, 720.0))),
            time: Some(self.began.elapsed().as_secs_f64()),
            events,
            ..RawInput::default()
        };
        let workbench = &mut self.workbench;
        let output = self.ctx.run_ui(input, |ui| {
            workbench.ui(ui);
        });
        assert!(!self.ctx.tessellate(output.shapes, output.pixels_per_point).is_empty());
    }

    fn front(&self) -> Option<(ItemId, u32)> {
        let item = self.workbench.bench.desks.label.lot.as_ref()?.items.first()?;
        Some((item.id, item.pass))
    }

    /// Frames until another item than `last` has been drawn; each waits for a word of the store, as the window does.
    fn until_another(&mut self, last: Option<(ItemId, u32)>) {
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            let there = self.front();
            if there.is_some() && there != last && !self.workbench.bench.desks.label.deciding {
                return;
            }
            assert!(Instant::now() < until, "no next item after {last:?}");
            let _ = self.woken.recv_timeout(Duration::from_millis(16));
            self.frame(Vec::new());
        }
    }
}

fn key(key: Key) -> Vec<Event> {
    let press = |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers: Modifiers::NONE };
    vec![press(true), press(false)]
}

/// A run that lasts until it is told to stop, computing by now.
fn training(link: &Rc<RefCell<Link>>, output: &Path) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sample");
    let model = std::env::var_os("LUTHIER_MODEL").map_or_else(|| sample.join("model"), Into::into);
    let recipe = Recipe {
        model_name_or_path: model,
        dataset: vec![sample.join("sft.jsonl").display().to_string()],
        output_dir: output.to_owned(),
        device: "cpu".into(),
        max_steps: 1_000_000,
        per_device_train_batch_size: 8,
        ..Recipe::default()
    };
    link.borrow().send(Command::StartRun { id: "beside".into(), recipe: Box::new(recipe), resume: false });
    let until = Instant::now() + Duration::from_secs(120);
    while !matches!(link.borrow().try_recv(), Some(protocol::Event::StepReported { .. })) {
        assert!(Instant::now() < until, "the run does not begin");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
#[ignore = "measures: run it optimised, and alone"]
fn frame_times_from_key_to_item_beside_a_run() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let link = Rc::new(RefCell::new(Link::spawn(LinkOptions { wake: None })));
    let mut window = Window::open(home.path(), &link);
    let item = |at: usize| {
        let (question, answers) = TALKS[at % TALKS.len()];
        let prompt = vec![ChatMessage { role: "user".into(), content: format!("{question} ({at})") }];
        NewItem { prompt, answers: answers[..2].iter().map(|a| format!("{a} {at}")).collect(), ..NewItem::default() }
    };
    let settings = QueueSettings { mode: Mode::Pair, ..QueueSettings::default() };
    let draft = Draft { name: "many".into(), settings, parent: None, items: (0..ITEMS).map(item).collect() };
    window.workbench.bench.labels.order(Order::MakeQueue(Box::new(draft)));
    while window.workbench.bench.desks.label.cards.first().is_none_or(|card| card.answered < ITEMS) {
        let _ = window.woken.recv_timeout(Duration::from_millis(16));
        window.frame(Vec::new());
    }
    let queue = window.workbench.bench.desks.label.cards[0].id;
    window.workbench.bench.open_queue(queue);
    window.until_another(None);
    // The first ones draw letters that were never drawn before.
    for (what, count) in [("the first", 20), ("alone", DECISIONS / 2), ("beside a run", DECISIONS / 2)] {
        if what == "beside a run" {
            training(&link, &home.path().join("run"));
        }
        let mut times = Vec::new();
        for n in 0..count {
            std::thread::sleep(BETWEEN);
            window.frame(Vec::new());
            let last = window.front();
            let pressed = Instant::now();
            window.frame(key(if n % 2 == 0 { Key::Num1 } else { Key::Num2 }));
            window.until_another(last);
            times.push(pressed.elapsed().as_secs_f64() * 1000.0);
        }
        times.sort_by(f64::total_cmp);
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
        println!(
            "key to next item, {what}: p50 {:.1} ms, p99 {:.1} ms, most {:.1} ms of {}",
            at(0.5),
            at(0.99),
            at(1.0),
            times.len()
        );
    }
    let progress = window.workbench.bench.desks.label.lot.as_ref().expect("a lot").progress;
    println!("{progress:?}");
    link.borrow_mut().shutdown();
}
