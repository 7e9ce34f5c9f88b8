//! The real window under Xvfb, driven through egui_inspection: reads the accessibility tree, clicks, types, takes pictures.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use egui::accesskit::{Node, Role};
use egui::{Event, Key, Modifiers, PointerButton, Pos2};
use egui_inspection::protocol::{Request, Response, read_handshake, read_message, write_message};

/// Long enough for a software-drawn window on two busy cores.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a person sees of one control.
#[derive(Debug, Clone)]
pub struct Seen {
    pub role: Role,
    pub text: String,
    pub disabled: bool,
    pub centre: Pos2,
}

pub struct Screen {
    stream: TcpStream,
    window: Child,
    display: Child,
}

impl Drop for Screen {
    fn drop(&mut self) {
        for child in [&mut self.window, &mut self.display] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Screen {
    /// Opens `luthier` on an Xvfb display of its own with `home` as LUTHIER_HOME. None where there is no Xvfb
    /// (then LUTHIER_TEST_WINDOW must not be 1).
    pub fn open(home: &Path) -> Option<Self> {
        let display = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut display) = display else {
            assert!(std::env::var("LUTHIER_TEST_WINDOW").as_deref() != Ok("1"), "Xvfb should be installed");
            eprintln!("no Xvfb here: the real window was not driven");
            return None;
        };
        let mut number = String::new();
        BufReader::new(display.stdout.take().expect("piped")).read_line(&mut number).expect("Xvfb names its display");
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a free port").port();
        let address = format!("127.0.0.1:{port}");
        let window = Command::new(crate::binary::path())
            .env("DISPLAY", format!(":{}", number.trim()))
            .env_remove("WAYLAND_DISPLAY")
            .env("EGUI_INSPECTION", &address)
            .env("LUTHIER_HOME", home)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("luthier starts");
        let until = Instant::now() + PATIENCE;
        let mut stream = loop {
            match TcpStream::connect(&address) {
                Ok(stream) => break stream,
                Err(_) if Instant::now() < until => std::thread::sleep(Duration::from_millis(200)),
                Err(error) => panic!("the window never answered: {error}"),
            }
        };
        read_handshake(&mut stream).expect("handshake");
        Some(Self { stream, window, display })
    }

    fn ask(&mut self, request: Request) -> Response {
        write_message(&mut self.stream, &request).expect("the window listens");
        read_message(&mut self.stream).expect("the window answers")
    }

    fn send(&mut self, events: Vec<Event>) {
        self.ask(Request::ApplyEvents { events });
        self.ask(Request::Settle { max_steps: 20 });
    }

    /// Everything on screen that has a text.
    pub fn see(&mut self) -> Vec<Seen> {
        let Response::Tree { accesskit: Some(tree), .. } = self.ask(Request::GetTree) else { return Vec::new() };
        let text = |node: &Node| node.label().or(node.value()).map(str::to_owned);
        let seen = tree.nodes.iter().filter_map(|(_, node)| {
            let b = node.bounds()?;
            let centre = Pos2::new(((b.x0 + b.x1) / 2.0) as f32, ((b.y0 + b.y1) / 2.0) as f32);
            Some(Seen { role: node.role(), text: text(node)?, disabled: node.is_disabled(), centre })
        });
        seen.collect()
    }

    pub fn shows(&mut self, text: &str) -> bool {
        self.see().iter().any(|s| s.text.contains(text))
    }

    /// Waits until something on screen contains `text`.
    #[track_caller]
    pub fn wait(&mut self, text: &str, patience: Duration) {
        let until = Instant::now() + patience;
        while !self.shows(text) {
            let mut on_screen = || self.see().into_iter().map(|s| s.text).collect::<Vec<_>>();
            assert!(
                Instant::now() < until,
                "{text:?} did not appear within {patience:?}; on screen: {:?}",
                on_screen()
            );
            std::thread::sleep(Duration::from_millis(250));
        }
    }

    /// Turns the wheel over the middle of the window until the control is well in sight.
    pub fn scroll_to(&mut self, role: Role, name: &str) {
        for _ in 0..40 {
            let target = self.see().into_iter().find(|s| s.role == role && s.text == name);
            let y = target.map_or(f32::MAX, |target| target.centre.y);
            if (120.0..740.0).contains(&y) {
                return;
            }
            let delta = egui::vec2(0.0, if y < 120.0 { 240.0 } else { -240.0 });
            let (unit, source) = (egui::MouseWheelUnit::Point, egui::MouseWheelSource::Wheel);
            let (phase, modifiers) = (egui::TouchPhase::Move, Modifiers::NONE);
            self.send(vec![
                Event::PointerMoved(Pos2::new(480.0, 420.0)),
                Event::MouseWheel { unit, source, delta, phase, modifiers },
            ]);
        }
        panic!("{role:?} {name:?} was not scrolled into sight");
    }

    /// Clicks the control of this role and exact name.
    #[track_caller]
    pub fn click(&mut self, role: Role, name: &str) {
        self.wait(name, PATIENCE);
        let target = self.see().into_iter().find(|s| s.role == role && s.text == name);
        let target = target.unwrap_or_else(|| panic!("no {role:?} is called {name:?}: {:?}", self.see()));
        assert!(!target.disabled, "{name:?} is disabled");
        self.send(vec![Event::PointerMoved(target.centre)]);
        for pressed in [true, false] {
            let (pos, button, modifiers) = (target.centre, PointerButton::Primary, Modifiers::NONE);
            self.send(vec![Event::PointerButton { pos, button, pressed, modifiers }]);
        }
    }

    /// The names of the controls of this role that begin with `start`, from the top.
    pub fn named(&mut self, role: Role, start: &str) -> Vec<String> {
        let mut found: Vec<Seen> = self.see();
        found.retain(|s| s.role == role && s.text.starts_with(start));
        found.sort_by(|a, b| a.centre.y.total_cmp(&b.centre.y));
        found.into_iter().map(|s| s.text).collect()
    }

    /// Writes `text` into the field of this name, over what stands there.
    pub fn fill(&mut self, role: Role, name: &str, text: &str) {
        self.scroll_to(role, name);
        self.click(role, name);
        self.press(Key::A, Modifiers { ctrl: true, command: true, ..Modifiers::NONE });
        self.type_text(text);
        self.press(Key::Enter, Modifiers::NONE);
    }

    pub fn type_text(&mut self, text: &str) {
        self.send(vec![Event::Text(text.to_owned())]);
    }

    pub fn press(&mut self, key: Key, modifiers: Modifiers) {
        for pressed in [true, false] {
            self.send(vec![Event::Key { key, physical_key: None, pressed, repeat: false, modifiers }]);
        }
    }

    /// Of the window.
    pub fn process(&self) -> u32 {
        self.window.id()
    }

    /// Presses a key in a window that may end meanwhile. False: it ended before it answered.
    pub fn try_press(&mut self, key: Key) -> bool {
        let press =
            |pressed| Event::Key { key, physical_key: None, pressed, repeat: false, modifiers: Modifiers::NONE };
        let request = Request::ApplyEvents { events: vec![press(true), press(false)] };
        write_message(&mut self.stream, &request).is_ok() && read_message::<_, Response>(&mut self.stream).is_ok()
    }

    /// A picture of the window as PNG.
    pub fn picture(&mut self) -> Vec<u8> {
        match self.ask(Request::GetScreenshot { pixels_per_point: None }) {
            Response::Screenshot(png) => png.bytes,
            other => panic!("no picture came back: {other:?}"),
        }
    }
}
