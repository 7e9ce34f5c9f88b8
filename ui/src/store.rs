//! What the window remembers between starts: settings and recent items, as JSON in Luthier's home. Written whole or not
//! at all, on a thread of its own.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc;

use serde::{Deserialize, Serialize};

use crate::desks::ExamSet;
use crate::text::Language;

/// Recent items kept of each kind.
const RECENT: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    #[default]
    System,
    Light,
    Dark,
}

/// Kept between starts. A file of another version loses only what it spells differently.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    pub look: Look,
    pub language: Language,
    /// Size of everything, 1 as designed.
    pub zoom: f32,
    /// How much the loss curve is smoothed, 0 to 0.99.
    pub smoothing: f32,
    /// Charts of Train that are left out, by the metric's name.
    pub hidden_charts: Vec<String>,
    pub recent_models: Vec<PathBuf>,
    pub recent_data: Vec<PathBuf>,
    pub recent_recipes: Vec<PathBuf>,
    /// Who labels in this window; empty: nobody has said.
    pub annotator: String,
    /// Everyone who has.
    pub annotators: Vec<String>,
    /// What was evaluated on, newest first.
    pub exam_sets: Vec<ExamSet>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            look: Look::System,
            language: Language::of_system(),
            zoom: 1.0,
            smoothing: 0.8,
            hidden_charts: Vec::new(),
            recent_models: Vec::new(),
            recent_data: Vec::new(),
            recent_recipes: Vec::new(),
            annotator: String::new(),
            annotators: Vec::new(),
            exam_sets: Vec::new(),
        }
    }
}

impl Settings {
    /// From `home`; the defaults where there is no file yet or it cannot be read.
    pub fn load(home: &Path) -> Self {
        let text = std::fs::read_to_string(file_in(home)).unwrap_or_default();
        let mut settings: Self = serde_json::from_str(&text).unwrap_or_default();
        settings.zoom = if settings.zoom.is_finite() { settings.zoom.clamp(0.75, 2.0) } else { 1.0 };
        settings.smoothing = if settings.smoothing.is_finite() { settings.smoothing.clamp(0.0, 0.99) } else { 0.8 };
        settings
    }

    /// # Errors
    /// Where the folder cannot be made or written.
    pub fn save(&self, home: &Path) -> std::io::Result<()> {
        std::fs::create_dir_all(home)?;
        let mut file = tempfile::NamedTempFile::new_in(home)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.as_file().sync_all()?;
        file.persist(file_in(home))?;
        Ok(())
    }
}

fn file_in(home: &Path) -> PathBuf {
    home.join("window.json")
}

/// Puts `path` first in `list`.
pub fn remember(list: &mut Vec<PathBuf>, path: &Path) {
    list.retain(|p| p != path);
    list.insert(0, path.to_owned());
    list.truncate(RECENT);
}

/// Luthier's own folder: `$LUTHIER_HOME`, else the platform's place for a program's data.
pub fn home() -> PathBuf {
    match std::env::var_os("LUTHIER_HOME").filter(|v| !v.is_empty()) {
        Some(home) => home.into(),
        None => directories::ProjectDirs::from("", "", "luthier")
            .map_or_else(|| "luthier".into(), |d| d.data_dir().to_owned()),
    }
}

/// Saves settings one after the other on its own thread; a burst of changes is written once.
pub struct Keeper {
    sender: Option<mpsc::Sender<Settings>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Keeper {
    pub fn new(home: PathBuf) -> Self {
        let (sender, receiver) = mpsc::channel::<Settings>();
        let thread = std::thread::spawn(move || {
            while let Ok(mut newest) = receiver.recv() {
                while let Ok(newer) = receiver.try_recv() {
                    newest = newer;
                }
                if let Err(error) = newest.save(&home) {
                    tracing::warn!("the settings were not saved in {}: {error}", home.display());
                }
            }
        });
        Self { sender: Some(sender), thread: Some(thread) }
    }

    pub fn keep(&self, settings: &Settings) {
        if let Some(sender) = &self.sender {
            let _ = sender.send(settings.clone());
        }
    }
}

impl Drop for Keeper {
    /// Waits until the last change is on the disk.
    fn drop(&mut self) {
        drop(self.sender.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_a_restart_and_a_broken_file_does_not_stop_one() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let mut settings = Settings { look: Look::Dark, language: Language::Chinese, ..Settings::default() };
        for n in 0..12 {
            remember(&mut settings.recent_models, Path::new(&format!("/models/{n}")));
        }
        remember(&mut settings.recent_models, Path::new("/models/7"));
        assert_eq!(settings.recent_models.len(), RECENT);
        assert_eq!(settings.recent_models[0], Path::new("/models/7"));
        let keeper = Keeper::new(home.path().to_owned());
        keeper.keep(&settings);
        drop(keeper);
        assert_eq!(Settings::load(home.path()), settings);
        std::fs::write(file_in(home.path()), "{\"look\": \"dark\", \"zoom\": 1e9, \"new_thing\": 3")
            .expect("a file is written");
        assert_eq!(Settings::load(home.path()).look, Look::System);
        std::fs::write(file_in(home.path()), "{\"look\": \"dark\", \"zoom\": 1e9, \"new_thing\": 3}")
            .expect("a file is written");
        let odd = Settings::load(home.path());
        assert_eq!((odd.look, odd.zoom), (Look::Dark, 2.0));
    }
}
