//! Everything that can be done by name: the palette, the keys, the top bar's button and the tests share this list.

use egui::{Key, KeyboardShortcut, Modifiers};

use crate::bench::Bench;
use crate::dialogs::Ask;
use crate::icons;
use crate::panels::Panel;
use crate::state::{Course, Slot};
use crate::store::Look;
use crate::text::{Language, speak, t};

mod advisor;
mod compare;
mod evaluate;
mod exchange;
mod guide;
mod judging;
mod labelling;
mod layers;
mod making;
mod queue;
mod ranking;
mod review;
mod rounds;
mod rows;
mod runs;
mod sweep;
mod talk;
mod train;

pub use advisor::AdvisorCommand;
pub use compare::CompareCommand;
pub use evaluate::EvaluateCommand;
pub use exchange::ExchangeCommand;
pub use guide::GuideCommand;
pub use judging::JudgingCommand;
pub use labelling::LabellingCommand;
pub use layers::LayersCommand;
pub use making::MakingCommand;
pub use queue::QueueCommand;
pub use ranking::RankingCommand;
pub use review::ReviewCommand;
pub use rounds::RoundsCommand;
pub use rows::RowsCommand;
pub use runs::RunsCommand;
pub use sweep::SweepCommand;
pub use talk::TalkCommand;
pub use train::TrainCommand;

/// One line an area.
macro_rules! areas {
    ($($area:ident($commands:ident)),+ $(,)?) => {
        /// The commands of the areas.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Area {
            $($area($commands)),+
        }

        $(impl From<$commands> for UiCommand {
            fn from(command: $commands) -> Self {
                Self::Area(Area::$area(command))
            }
        })+

        impl Area {
            fn all() -> Vec<Self> {
                let mut all = Vec::new();
                $(all.extend($commands::all().iter().copied().map(Self::$area));)+
                all
            }

            fn label(self) -> String {
                match self { $(Self::$area(command) => command.label()),+ }
            }

            fn icon(self) -> char {
                match self { $(Self::$area(command) => command.icon()),+ }
            }

            fn shortcut(self) -> Option<KeyboardShortcut> {
                match self { $(Self::$area(command) => command.shortcut()),+ }
            }

            fn available(self, bench: &Bench) -> bool {
                match self { $(Self::$area(command) => command.available(bench)),+ }
            }

            fn run(self, bench: &mut Bench, around: &mut Around<'_>) {
                match self { $(Self::$area(command) => command.run(bench, around)),+ }
            }
        }
    };
}

areas! {
    Advisor(AdvisorCommand),
    Layers(LayersCommand),
    Rows(RowsCommand),
    Train(TrainCommand),
    Queue(QueueCommand),
    Runs(RunsCommand),
    Compare(CompareCommand),
    Sweep(SweepCommand),
    Evaluate(EvaluateCommand),
    Guide(GuideCommand),
    Ranking(RankingCommand),
    Labelling(LabellingCommand),
    Judging(JudgingCommand),
    Making(MakingCommand),
    Exchange(ExchangeCommand),
    Review(ReviewCommand),
    Rounds(RoundsCommand),
    Talk(TalkCommand),
}

/// The commands of one area. A key without modifiers is heard only while no text is being typed.
pub trait Named: Sized + Copy + 'static {
    fn all() -> &'static [Self];
    /// Unique in the whole window.
    fn label(self) -> String;
    fn icon(self) -> char;
    /// May be the same in two areas where `available` asks for different panels.
    fn shortcut(self) -> Option<KeyboardShortcut>;
    /// Keys without modifiers that do the same; the panel in front hears them.
    fn also(self) -> &'static [Key] {
        &[]
    }
    fn available(self, bench: &Bench) -> bool;
    fn run(self, bench: &mut Bench, around: &mut Around<'_>);
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UiCommand {
    Go(Panel),
    ChooseModelFolder,
    ChooseModelFile,
    ImportData,
    TrySample,
    StartTraining,
    Pause,
    Resume,
    Stop,
    SaveNow,
    OpenRecipe,
    SaveRecipe,
    CopyRecipe,
    ClearConversation,
    ProbeDevices,
    FreeModels,
    ShowLog,
    UseLook(Look),
    Speak(Language),
    Larger,
    Smaller,
    OpenPalette,
    Quit,
    Area(Area),
}

/// What a command needs beyond the bench.
pub struct Around<'a> {
    pub ctx: &'a egui::Context,
    pub log_open: &'a mut bool,
    pub palette_open: &'a mut bool,
}

impl UiCommand {
    pub fn all() -> Vec<Self> {
        let mut all: Vec<Self> = Panel::ALL.into_iter().map(Self::Go).collect();
        all.extend([
            Self::TrySample,
            Self::ChooseModelFolder,
            Self::ChooseModelFile,
            Self::ImportData,
            Self::StartTraining,
            Self::Pause,
            Self::Resume,
            Self::Stop,
            Self::SaveNow,
            Self::OpenRecipe,
            Self::SaveRecipe,
            Self::CopyRecipe,
            Self::ClearConversation,
            Self::ProbeDevices,
            Self::FreeModels,
            Self::ShowLog,
            Self::UseLook(Look::System),
            Self::UseLook(Look::Light),
            Self::UseLook(Look::Dark),
            Self::Speak(Language::English),
            Self::Speak(Language::Chinese),
            Self::Larger,
            Self::Smaller,
            Self::OpenPalette,
            Self::Quit,
        ]);
        all.extend(Area::all().into_iter().map(Self::Area));
        all
    }

    pub fn label(self) -> String {
        match self {
            Self::Go(panel) => t!("command.go", panel = panel.name()),
            Self::ChooseModelFolder => t!("command.choose_model_folder"),
            Self::ChooseModelFile => t!("command.choose_model_file"),
            Self::ImportData => t!("command.import_data"),
            Self::TrySample => t!("command.try_sample"),
            Self::StartTraining => t!("command.start_training"),
            Self::Pause => t!("command.pause"),
            Self::Resume => t!("command.resume"),
            Self::Stop => t!("command.stop"),
            Self::SaveNow => t!("command.save_now"),
            Self::OpenRecipe => t!("command.open_recipe"),
            Self::SaveRecipe => t!("command.save_recipe"),
            Self::CopyRecipe => t!("command.copy_recipe"),
            Self::ClearConversation => t!("command.clear_conversation"),
            Self::ProbeDevices => t!("command.probe_devices"),
            Self::FreeModels => t!("command.free_models"),
            Self::ShowLog => t!("command.show_log"),
            Self::UseLook(Look::System) => t!("command.look_system"),
            Self::UseLook(Look::Light) => t!("command.look_light"),
            Self::UseLook(Look::Dark) => t!("command.look_dark"),
            Self::Speak(language) => language.own_name().to_owned(),
            Self::Larger => t!("command.larger"),
            Self::Smaller => t!("command.smaller"),
            Self::OpenPalette => t!("command.palette"),
            Self::Quit => t!("command.quit"),
            Self::Area(area) => area.label(),
        }
    }

    pub fn icon(self) -> char {
        match self {
            Self::Go(panel) => panel.icon(),
            Self::ChooseModelFolder => icons::FOLDER_OPEN,
            Self::ChooseModelFile => icons::FILE,
            Self::ImportData => icons::FILE_ARROW_DOWN,
            Self::TrySample | Self::StartTraining | Self::Resume => icons::PLAY,
            Self::Pause => icons::PAUSE,
            Self::Stop => icons::STOP,
            Self::SaveNow | Self::SaveRecipe => icons::FLOPPY_DISK,
            Self::OpenRecipe => icons::FILE_CODE,
            Self::CopyRecipe => icons::COPY,
            Self::ClearConversation => icons::ERASER,
            Self::ProbeDevices => icons::CPU,
            Self::FreeModels => icons::MEMORY,
            Self::ShowLog => icons::SCROLL,
            Self::UseLook(Look::System) => icons::MONITOR,
            Self::UseLook(Look::Light) => icons::SUN,
            Self::UseLook(Look::Dark) => icons::MOON,
            Self::Speak(_) => icons::TRANSLATE,
            Self::Larger => icons::PLUS,
            Self::Smaller => icons::MINUS,
            Self::OpenPalette => icons::MAGNIFYING_GLASS,
            Self::Quit => icons::SIGN_OUT,
            Self::Area(area) => area.icon(),
        }
    }

    pub fn shortcut(self) -> Option<KeyboardShortcut> {
        let key = match self {
            Self::Go(panel) => {
                if panel == Panel::Guide {
                    return Some(KeyboardShortcut::new(Modifiers::NONE, Key::F1));
                }
                let at = Panel::ALL.iter().position(|p| *p == panel)?;
                Key::from_name("1234567890".get(at..=at)?)?
            }
            Self::ChooseModelFolder => Key::O,
            Self::ImportData => Key::I,
            Self::SaveNow => Key::S,
            Self::ShowLog => Key::L,
            Self::OpenPalette => Key::K,
            Self::Larger => Key::Plus,
            Self::Smaller => Key::Minus,
            Self::Quit => Key::Q,
            Self::Area(area) => return area.shortcut(),
            _ => return None,
        };
        Some(KeyboardShortcut::new(Modifiers::COMMAND, key))
    }

    /// Whether it makes sense now.
    pub fn available(self, bench: &Bench) -> bool {
        let course = bench.state.run.as_ref().map(|run| (&run.course, run.stopping));
        match self {
            Self::TrySample => !bench.state.running(),
            Self::StartTraining => bench.state.missing().is_empty(),
            Self::Pause => matches!(course, Some((Course::Stepping, false))),
            Self::Resume => matches!(course, Some((Course::Paused, false))),
            Self::Stop => matches!(course, Some((Course::Starting | Course::Stepping | Course::Paused, false))),
            Self::SaveNow => matches!(course, Some((Course::Stepping | Course::Paused, false))),
            Self::ClearConversation => !bench.state.talk.is_empty(),
            Self::UseLook(look) => bench.settings.look != look,
            Self::Speak(language) => bench.settings.language != language,
            Self::Area(area) => area.available(bench),
            _ => true,
        }
    }

    pub fn run(self, bench: &mut Bench, around: &mut Around<'_>) {
        match self {
            Self::Go(panel) => bench.panel = panel,
            Self::ChooseModelFolder => bench.dialogs.ask(Ask::ModelFolder),
            Self::ChooseModelFile => bench.dialogs.ask(Ask::ModelFile),
            Self::ImportData => bench.dialogs.ask(Ask::DataFile),
            Self::TrySample => bench.try_sample(),
            Self::StartTraining => bench.start_training(),
            Self::Pause => bench.pause(),
            Self::Resume => bench.resume(),
            Self::Stop => bench.stop(),
            Self::SaveNow => bench.save_now(),
            Self::OpenRecipe => bench.dialogs.ask(Ask::OpenRecipe),
            Self::SaveRecipe => bench.dialogs.ask(Ask::SaveRecipe),
            Self::CopyRecipe => {
                around.ctx.copy_text(bench.whole_recipe().to_yaml());
                bench.notes.push(t!("note.recipe_copied"));
            }
            Self::ClearConversation => bench.clear_talk(),
            Self::ProbeDevices => bench.probe_devices(),
            Self::FreeModels => bench.unload_models(),
            Self::ShowLog => *around.log_open = !*around.log_open,
            Self::UseLook(look) => bench.settings.look = look,
            Self::Speak(language) => {
                bench.settings.language = language;
                speak(language);
            }
            Self::Larger => bench.settings.zoom = (bench.settings.zoom + 0.1).min(2.0),
            Self::Smaller => bench.settings.zoom = (bench.settings.zoom - 0.1).max(0.75),
            Self::OpenPalette => *around.palette_open = true,
            Self::Quit => around.ctx.send_viewport_cmd(egui::ViewportCommand::Close),
            Self::Area(area) => area.run(bench, around),
        }
    }
}

/// The next sensible step, its word on the top bar's button, and, where it cannot be taken, why.
pub struct Primary {
    pub command: UiCommand,
    pub word: String,
    pub reasons: Vec<String>,
}

pub fn primary(bench: &Bench) -> Primary {
    let step = |command, word| Primary { command, word, reasons: Vec::new() };
    let state = &bench.state;
    if let Some(run) = state.run.as_ref().filter(|run| run.is_going()) {
        return match run.course {
            _ if bench.panel != Panel::Train => step(UiCommand::Go(Panel::Train), t!("primary.watch")),
            Course::Paused => step(UiCommand::Resume, t!("command.resume")),
            _ => step(UiCommand::Pause, t!("command.pause")),
        };
    }
    if matches!(state.model, Slot::Empty | Slot::Failed { .. }) {
        return match bench.panel {
            Panel::Model => step(UiCommand::ChooseModelFolder, t!("command.choose_model_folder")),
            _ => step(UiCommand::Go(Panel::Model), t!("primary.choose_model")),
        };
    }
    if state.data.source.is_none() && !matches!(state.model, Slot::Reading { .. }) {
        return match bench.panel {
            Panel::Data => step(UiCommand::ImportData, t!("primary.choose_data")),
            _ => step(UiCommand::Go(Panel::Data), t!("primary.import_data")),
        };
    }
    // A run has just ended well: look at what it brought, before the next one.
    let fresh = state.run.as_ref().is_some_and(|run| run.result().is_some());
    if fresh && bench.panel == Panel::Train {
        return step(UiCommand::Go(Panel::Try), t!("primary.compare"));
    }
    let reasons = state.missing().iter().map(crate::panels::method::reason).collect();
    Primary { command: UiCommand::StartTraining, word: t!("command.start_training"), reasons }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_commands_share_a_key_or_a_label() {
        let all = UiCommand::all();
        for (i, a) in all.iter().enumerate() {
            for b in &all[i + 1..] {
                assert_ne!(a.label(), b.label(), "{a:?} and {b:?}");
                // Commands of an area may take a key that another area's take while its own panel is in front.
                let apart = match (a, b) {
                    (UiCommand::Area(a), UiCommand::Area(b)) => std::mem::discriminant(a) != std::mem::discriminant(b),
                    _ => false,
                };
                assert!(apart || a.shortcut().is_none() || a.shortcut() != b.shortcut(), "{a:?} and {b:?}");
            }
        }
    }
}
