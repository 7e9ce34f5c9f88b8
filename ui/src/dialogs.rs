//! The system's file dialogs. They run beside the window, which never waits for one; the answer arrives as an event.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use luthier_engine::feedback::FileFormat;

use crate::export::ExportKind;
use crate::text::t;

/// What is being asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    ModelFolder,
    ModelFile,
    DataFile,
    /// Mixed with the data that is there.
    MoreData,
    EvalDataFile,
    AdapterFolder,
    /// A model to talk to.
    TalkModel,
    OutputFolder,
    /// An adapter that the training goes on from.
    StartAdapter,
    ReferenceModel,
    RewardModel,
    ReplayFile,
    ForgettingFile,
    /// A run from elsewhere.
    RunFolder,
    /// A data file to evaluate on.
    ExamData,
    /// Multiple-choice questions.
    QuestionsFile,
    QuestionsFolder,
    /// Prompts for a labelling queue.
    PromptsFile,
    OpenRecipe,
    SaveRecipe,
    /// Where an export is written.
    SaveExport(ExportKind),
    /// Labels, or answers to be labelled.
    LabelsFile,
    SaveLabels(FileFormat),
    /// For LLaMA-Factory, whose rows lie beside a dataset_info.json.
    LabelsFolder,
}

pub struct Dialogs {
    open: Box<dyn Fn(Ask)>,
    answers: mpsc::Receiver<(Ask, PathBuf)>,
}

impl Dialogs {
    /// The system's own. `wake` is called when an answer has come.
    pub fn system(wake: impl Fn() + Send + Sync + 'static) -> Self {
        let (sender, answers) = mpsc::channel();
        let wake = Arc::new(wake);
        let open = move |ask| {
            let dialog = start(ask);
            let (sender, wake) = (sender.clone(), wake.clone());
            std::thread::spawn(move || {
                if let Some(path) = block_on(dialog) {
                    let _ = sender.send((ask, path));
                    wake();
                }
            });
        };
        Self { open: Box::new(open), answers }
    }

    /// For tests: `open` is told what is asked, answers come from the returned sender's other end.
    #[cfg(test)]
    pub fn scripted(open: impl Fn(Ask) + 'static, answers: mpsc::Receiver<(Ask, PathBuf)>) -> Self {
        Self { open: Box::new(open), answers }
    }

    pub fn ask(&self, ask: Ask) {
        (self.open)(ask);
    }

    pub fn answer(&self) -> Option<(Ask, PathBuf)> {
        self.answers.try_recv().ok()
    }
}

type Answer = std::pin::Pin<Box<dyn Future<Output = Option<PathBuf>> + Send>>;

/// Made on the window's thread, as macOS wants it.
fn start(ask: Ask) -> Answer {
    let dialog = rfd::AsyncFileDialog::new();
    let path = |handle: Option<rfd::FileHandle>| handle.map(|h| h.path().to_owned());
    match ask {
        Ask::ModelFolder => {
            let picked = dialog.set_title(t!("dialog.model_folder")).pick_folder();
            Box::pin(async move { path(picked.await) })
        }
        Ask::ReferenceModel | Ask::RewardModel | Ask::TalkModel => {
            let picked = dialog.set_title(t!("dialog.model_folder")).pick_folder();
            Box::pin(async move { path(picked.await) })
        }
        Ask::AdapterFolder | Ask::StartAdapter => {
            let picked = dialog.set_title(t!("dialog.adapter_folder")).pick_folder();
            Box::pin(async move { path(picked.await) })
        }
        Ask::OutputFolder => {
            let picked = dialog.set_title(t!("dialog.output_folder")).pick_folder();
            Box::pin(async move { path(picked.await) })
        }
        Ask::RunFolder => {
            let picked = dialog.set_title(t!("dialog.run_folder")).pick_folder();
            Box::pin(async move { path(picked.await) })
        }
        Ask::ModelFile => {
            let picked = dialog.set_title(t!("dialog.model_file")).add_filter("GGUF", &["gguf"]).pick_file();
            Box::pin(async move { path(picked.await) })
        }
        Ask::QuestionsFile => {
            let picked = dialog.set_title(t!("dialog.questions")).add_filter("CSV", &["csv"]).pick_file();
            Box::pin(async move { path(picked.await) })
        }
        Ask::QuestionsFolder => {
            let picked = dialog.set_title(t!("dialog.questions")).pick_folder();
            Box::pin(async move { path(picked.await) })
        }
        Ask::DataFile
        | Ask::MoreData
        | Ask::EvalDataFile
        | Ask::ReplayFile
        | Ask::ForgettingFile
        | Ask::ExamData
        | Ask::PromptsFile => {
            let picked =
                dialog.set_title(t!("dialog.data_file")).add_filter(t!("dialog.data"), DATA_ENDINGS).pick_file();
            Box::pin(async move { path(picked.await) })
        }
        Ask::OpenRecipe => {
            let picked = dialog.set_title(t!("dialog.open_recipe")).add_filter("YAML", RECIPE_ENDINGS).pick_file();
            Box::pin(async move { path(picked.await) })
        }
        Ask::SaveExport(kind) => {
            let dialog = dialog.set_title(t!("export.where")).set_file_name(kind.file_name());
            let picked = dialog.save_file();
            Box::pin(async move { path(picked.await) })
        }
        Ask::LabelsFile => {
            let dialog = dialog.set_title(t!("exchange.choose_labels")).add_filter(t!("dialog.data"), DATA_ENDINGS);
            let picked = dialog.pick_file();
            Box::pin(async move { path(picked.await) })
        }
        Ask::SaveLabels(format) => {
            let dialog = dialog.set_title(t!("exchange.where")).add_filter("JSON", &[format.ending()]);
            let picked = dialog.set_file_name(format!("{}.{}", format.word(), format.ending())).save_file();
            Box::pin(async move { path(picked.await) })
        }
        Ask::LabelsFolder => {
            let picked = dialog.set_title(t!("exchange.where")).pick_folder();
            Box::pin(async move { path(picked.await) })
        }
        Ask::SaveRecipe => {
            let dialog = dialog.set_title(t!("dialog.save_recipe")).add_filter("YAML", RECIPE_ENDINGS);
            let picked = dialog.set_file_name("recipe.yaml").save_file();
            Box::pin(async move { path(picked.await) })
        }
    }
}

pub const DATA_ENDINGS: &[&str] = luthier_engine::data::DATA_FILE_ENDINGS;
pub const RECIPE_ENDINGS: &[&str] = &["yaml", "yml"];

/// Waits for one future on this thread.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}
