//! The labelling bench in the real window: fifty pairs by keys alone with the program killed in between, and what a person
//! prefers is what the model learns.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use egui::accesskit::Role;
use egui::{Key, Modifiers};
use rusqlite::{Connection, OpenFlags};
use serde_json::Value;

use crate::screen::{Screen, Seen};

const CTRL: Modifiers = Modifiers { ctrl: true, command: true, ..Modifiers::NONE };
const SOON: Duration = Duration::from_secs(60);
const LONG: Duration = Duration::from_secs(400);

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/sample").join(name)
}

/// So many different questions of the sample's, one a line.
fn write_prompts(path: &Path, count: usize) {
    let rows = std::fs::read_to_string(sample("preference.jsonl")).unwrap();
    let asked = rows.lines().map(|line| {
        let row: Value = serde_json::from_str(line).unwrap();
        row["prompt"][0]["content"].as_str().unwrap().to_owned()
    });
    let others = std::fs::read_to_string(sample("prompts.txt")).unwrap();
    let mut seen = BTreeSet::new();
    let prompts: Vec<String> =
        asked.chain(others.lines().map(str::to_owned)).filter(|p| seen.insert(p.clone())).take(count).collect();
    assert_eq!(prompts.len(), count);
    std::fs::write(path, prompts.join("\n")).unwrap();
}

/// The labels' database, read beside the window.
struct Books(Connection);

struct Written {
    item: i64,
    pass: i64,
    verdict: Value,
}

impl Books {
    fn open(home: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let books = Connection::open_with_flags(home.join("labels.sqlite"), flags).unwrap();
        books.busy_timeout(Duration::from_secs(5)).unwrap();
        Self(books)
    }

    fn newest_queue(&self) -> i64 {
        self.0.query_row("SELECT max(id) FROM queues", [], |row| row.get(0)).unwrap()
    }

    /// The last message of each item's prompt.
    fn questions(&self, queue: i64) -> BTreeMap<String, i64> {
        let mut find = self.0.prepare("SELECT id, prompt FROM items WHERE queue = ?1").unwrap();
        let rows = find.query_map([queue], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))).unwrap();
        let question = |prompt: &str| {
            let turns: Value = serde_json::from_str(prompt).unwrap();
            turns.as_array().unwrap().last().unwrap()["content"].as_str().unwrap().to_owned()
        };
        rows.map(|row| row.map(|(id, prompt)| (question(&prompt), id)).unwrap()).collect()
    }

    fn answers(&self, item: i64) -> Vec<String> {
        let mut find = self.0.prepare("SELECT text FROM answers WHERE item = ?1 ORDER BY place").unwrap();
        find.query_map([item], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    /// In the order in which they were made.
    fn verdicts(&self, queue: i64) -> Vec<Written> {
        let sql = "SELECT item, pass, verdict FROM decisions WHERE queue = ?1 AND kind = 'verdict' ORDER BY id";
        let mut find = self.0.prepare(sql).unwrap();
        let rows = find.query_map([queue], |row| {
            let verdict: String = row.get(2)?;
            Ok(Written { item: row.get(0)?, pass: row.get(1)?, verdict: serde_json::from_str(&verdict).unwrap() })
        });
        rows.unwrap().map(Result::unwrap).collect()
    }
}

/// What the person thinks of the item in front.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Thought {
    item: i64,
    key: Key,
    /// The place of the better answer of two.
    better: Option<i64>,
}

impl Thought {
    fn verdict(self) -> &'static str {
        match self.key {
            Key::G => "good",
            Key::B => "bad",
            Key::Equals => "tie",
            _ => "better",
        }
    }

    fn is(self, written: &Written) -> bool {
        let answer = written.verdict.get("answer").and_then(Value::as_i64);
        (written.item, written.verdict["is"].as_str(), answer) == (self.item, Some(self.verdict()), self.better)
    }
}

/// Somebody who likes short answers, with both hands on the keyboard.
struct Person {
    screen: Screen,
    books: Books,
    queue: i64,
    questions: BTreeMap<String, i64>,
    /// The item that was decided last.
    last: Option<i64>,
    /// Bytes of a single answer that is still short.
    short: usize,
}

impl Person {
    fn sit_down(screen: Screen, home: &Path, queue: i64) -> Self {
        let books = Books::open(home);
        let questions = books.questions(queue);
        Self { screen, books, queue, questions, last: None, short: 30 }
    }

    /// Waits until an item is in front that is another than the last.
    fn think(&mut self) -> Thought {
        let until = Instant::now() + LONG;
        loop {
            let seen = self.screen.see();
            let front = seen.iter().find_map(|s| self.questions.get(s.text.trim()).copied());
            if let Some(item) = front.filter(|item| Some(*item) != self.last) {
                return self.opinion(item, &seen);
            }
            let on_screen = || seen.iter().map(|s| s.text.clone()).collect::<Vec<_>>();
            assert!(Instant::now() < until, "no next item after {:?}: {:?}", self.last, on_screen());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn opinion(&self, item: i64, seen: &[Seen]) -> Thought {
        let answers = self.books.answers(item);
        let [a, b] = &answers[..] else {
            let key = if answers[0].len() <= self.short { Key::G } else { Key::B };
            return Thought { item, key, better: None };
        };
        let x = |answer: &str| seen.iter().find(|s| s.text == answer).map(|s| s.centre.x);
        match (x(a), x(b)) {
            (Some(left), Some(right)) if a.len() != b.len() => {
                let first = a.len() < b.len();
                let key = if (left < right) == first { Key::Num1 } else { Key::Num2 };
                Thought { item, key, better: Some(i64::from(!first)) }
            }
            _ => Thought { item, key: Key::Equals, better: None },
        }
    }

    fn press(&mut self, thought: Thought) {
        self.screen.press(thought.key, Modifiers::NONE);
        self.last = Some(thought.item);
    }

    /// So many verdicts by keys alone; the last one is waited for.
    fn label(&mut self, count: usize) -> Vec<Thought> {
        let before = self.books.verdicts(self.queue).len();
        let mut thoughts = Vec::new();
        for _ in 0..count {
            let thought = self.think();
            self.press(thought);
            thoughts.push(thought);
        }
        let until = Instant::now() + SOON;
        while self.books.verdicts(self.queue).len() < before + count {
            assert!(Instant::now() < until, "the last verdict is not on the disk");
            std::thread::sleep(Duration::from_millis(20));
        }
        thoughts
    }
}

fn open_label(screen: &mut Screen) {
    screen.press(Key::Num0, CTRL);
    screen.wait("New queue", SOON);
}

/// The sample model, and a queue of its answers to `prompts` on the bench, with Ada before it.
fn begin(home: &Path, prompts: usize, mode: &str) -> Option<Person> {
    let file = home.join("prompts.txt");
    write_prompts(&file, prompts);
    let mut screen = Screen::open(home)?;
    screen.wait("Fine-tune a language model, here", SOON);
    screen.press(Key::Num2, CTRL);
    screen.fill(Role::TextInput, "Path of the model", &sample("model").display().to_string());
    screen.wait("Longest text", SOON);
    open_label(&mut screen);
    screen.press(Key::N, Modifiers::NONE);
    screen.wait("Make the queue", SOON);
    screen.click(Role::RadioButton, mode);
    screen.fill(Role::TextInput, "File of prompts", &file.display().to_string());
    screen.wait(&format!("{prompts} prompts"), SOON);
    // Answers that differ, so that there is something to choose.
    if mode == "Pair" {
        screen.fill(Role::SpinButton, "Temperature of answer A", "1.4");
        screen.fill(Role::SpinButton, "Temperature of answer B", "1.4");
    } else {
        screen.fill(Role::SpinButton, "Temperature of answer A", "1");
    }
    screen.fill(Role::SpinButton, "Top-p", "1");
    screen.press(Key::Escape, Modifiers::NONE);
    screen.press(Key::M, Modifiers::NONE);
    screen.wait("Who is labelling?", SOON);
    screen.type_text("Ada");
    screen.press(Key::Enter, Modifiers::NONE);
    let queue = Books::open(home).newest_queue();
    Some(Person::sit_down(screen, home, queue))
}

/// From the labels to the next round: what is proposed is `stage`, with this learning rate and so many epochs. The new model is judged
/// on prompts it has not learned from; the words of the Rounds page come back.
fn teach_and_compare(
    person: Person,
    home: &Path,
    (stage, rate, epochs): (&str, &str, &str),
    count: usize,
) -> Vec<String> {
    let Person { mut screen, .. } = person;
    screen.click(Role::RadioButton, "Rounds");
    screen.click(Role::Button, "Train on these: prompts");
    screen.wait("Write the files and open Method", SOON);
    let proposed = screen.see().into_iter().any(|s| s.text.starts_with("Proposed: ") && s.text.contains(stage));
    assert!(proposed, "{stage} is not proposed: {:?}", screen.see());
    screen.scroll_to(Role::Button, "Write the files and open Method");
    screen.click(Role::Button, "Write the files and open Method");
    // Model and data are read first; then the form takes the proposal.
    screen.wait("Proposed for your labels", SOON);
    screen.click(Role::RadioButton, "All settings");
    screen.wait("Learning rate", SOON);
    screen.fill(Role::SpinButton, "Learning rate", rate);
    screen.fill(Role::SpinButton, "Epochs", epochs);
    screen.press(Key::Enter, CTRL);
    screen.wait("Label the new model", LONG);
    screen.click(Role::Button, "Label the new model");
    screen.scroll_to(Role::Button, "Start the round");
    screen.click(Role::Button, "Start the round");
    let books = Books::open(home);
    let before = books.newest_queue();
    let until = Instant::now() + SOON;
    while books.newest_queue() == before && !screen.shows("Answer A") {
        assert!(Instant::now() < until, "the next round does not begin");
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut person = Person::sit_down(screen, home, books.newest_queue());
    assert!(person.questions.len() >= count, "{} prompts were not learned from", person.questions.len());
    person.label(count);
    let mut screen = person.screen;
    screen.click(Role::RadioButton, "Rounds");
    screen.wait("The new model won", SOON);
    screen.see().into_iter().map(|s| s.text).filter(|text| text.contains("The new model won")).collect()
}

#[test]
fn fifty_pairs_survive_ten_kills_and_teach_the_model() {
    let home = tempfile::tempdir().unwrap();
    let home = home.path();
    let Some(mut person) = begin(home, 110, "Pair") else { return };
    let queue = person.queue;
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
    eprintln!("moments by {seed}");
    let mut chance = seed | 1;
    let mut below = |most: u128| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (chance >> 33) % most
    };
    let mut kept: Vec<Thought> = Vec::new();
    let mut in_the_air = 0;
    for kill in 0..10 {
        kept.extend(person.label(2 + below(3) as usize));
        let thought = person.think();
        let pressed = std::thread::scope(|scope| {
            let wait = Duration::from_micros(below(500_000) as u64);
            let window = person.screen.process();
            let killer = scope.spawn(move || {
                std::thread::sleep(wait);
                kill_hard(window);
            });
            // The window may be gone before it answers.
            let pressed = person.screen.try_press(thought.key);
            killer.join().expect("the killer comes back");
            pressed
        });
        drop(person);
        let written = Books::open(home).verdicts(queue);
        let one_more = written.len() == kept.len() + 1;
        assert!(one_more || written.len() == kept.len(), "kill {kill}: {} kept, {} written", kept.len(), written.len());
        if one_more {
            in_the_air += 1;
            kept.push(thought);
        }
        eprintln!("kill {kill}: key taken {pressed}, on the disk {one_more}");
        let mut screen = Screen::open(home).expect("it was opened before");
        screen.wait("Fine-tune a language model, here", SOON);
        open_label(&mut screen);
        screen.click(Role::Button, "Open prompts");
        person = Person::sit_down(screen, home, queue);
    }
    kept.extend(person.label(50_usize.saturating_sub(kept.len())));
    let written = person.books.verdicts(queue);
    assert_eq!(written.len(), kept.len(), "nothing lost, nothing doubled");
    assert!(written.len() >= 50);
    for (thought, written) in kept.iter().zip(&written) {
        assert!(thought.is(written), "{thought:?} became {:?}", (written.item, &written.verdict));
    }
    let once: BTreeSet<(i64, i64)> = written.iter().map(|w| (w.item, w.pass)).collect();
    assert_eq!(once.len(), written.len(), "an item was asked twice");
    eprintln!(
        "{} verdicts, {in_the_air} of them on the disk when the window was killed before it moved on",
        written.len()
    );

    // The model of this window; after a restart none is loaded, the labels say which one it was.
    let said = teach_and_compare(person, home, ("DPO", "8e-3", "10"), 60);
    eprintln!("{said:?}");
    assert!(said.iter().any(|text| text.contains("better than before beyond chance")), "{said:?}");
}

#[test]
fn a_hundred_single_marks_teach_the_model() {
    let home = tempfile::tempdir().unwrap();
    let Some(mut person) = begin(home.path(), 160, "Single") else { return };
    let marks = person.label(100);
    eprintln!(
        "{} good, {} bad",
        marks.iter().filter(|m| m.key == Key::G).count(),
        marks.iter().filter(|m| m.key == Key::B).count()
    );
    let said = teach_and_compare(person, home.path(), ("KTO", "4e-3", "6"), 60);
    eprintln!("{said:?}");
    assert!(said.iter().any(|text| text.contains("better than before beyond chance")), "{said:?}");
}

fn kill_hard(process: u32) {
    std::process::Command::new("kill").args(["-9", &process.to_string()]).status().expect("kill runs");
}
