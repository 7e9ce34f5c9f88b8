//! The window: eframe around the workbench, the engine behind it, and what happens when it is closed.

use std::cell::RefCell;
use std::rc::Rc;

use anyhow::anyhow;
use eframe::{CreationContext, NativeOptions};
use egui::{IconData, ViewportBuilder, ViewportCommand};
use luthier_engine::link::{Link, LinkOptions};

use crate::bench::Bench;
use crate::dialogs::Dialogs;
use crate::labels::Labels;
use crate::library::{Library, Order};
use crate::store::{Keeper, Settings, home};
use crate::text::{speak, t};
use crate::wire::Wire;
use crate::workbench::Workbench;
use crate::{fonts, theme};

/// How the window opens.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// A model, a data file or a recipe to open at once.
    pub open: Option<std::path::PathBuf>,
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// Where no window can be opened: no display, no graphics driver.
pub fn run(options: Options) -> anyhow::Result<()> {
    let settings = Settings::load(&home());
    speak(settings.language);
    let viewport = ViewportBuilder::default()
        .with_title("Luthier")
        .with_app_id("luthier")
        .with_inner_size([1280.0, 800.0])
        .with_min_inner_size([960.0, 600.0])
        .with_icon(icon());
    let native = NativeOptions { viewport, centered: true, persist_window: false, ..NativeOptions::default() };
    eframe::run_native("luthier", native, Box::new(move |cc| Ok(Box::new(Window::new(cc, settings, options)))))
        .map_err(|error| anyhow!("{}", t!("window.cannot_open", error = error)))
}

fn icon() -> IconData {
    let png = include_bytes!("../../icons/luthier-256.png");
    match image::load_from_memory(png) {
        Ok(picture) => {
            let picture = picture.into_rgba8();
            IconData { width: picture.width(), height: picture.height(), rgba: picture.into_raw() }
        }
        Err(_) => IconData::default(),
    }
}

struct Window {
    workbench: Workbench,
    link: Rc<RefCell<Link>>,
    keeper: Option<Keeper>,
}

impl Window {
    fn new(cc: &CreationContext<'_>, settings: Settings, options: Options) -> Self {
        cc.egui_ctx.set_fonts(fonts::definitions());
        theme::apply(&cc.egui_ctx);
        let wake = |ctx: egui::Context| move || ctx.request_repaint();
        let link = Link::spawn(LinkOptions { wake: Some(Box::new(wake(cc.egui_ctx.clone()))) });
        let link = Rc::new(RefCell::new(link));
        let (sender, receiver) = (link.clone(), link.clone());
        let wire = Wire::new(move |command| sender.borrow().send(command), move || receiver.borrow().try_recv());
        let library = Library::system(home(), wake(cc.egui_ctx.clone()));
        library.order(Order::Refresh);
        let labels = Labels::system(home(), wake(cc.egui_ctx.clone()));
        let dialogs = Dialogs::system(wake(cc.egui_ctx.clone()));
        let mut bench = Bench::new(settings, home(), wire, dialogs, (library, labels));
        bench.probe_devices();
        if let Some(path) = options.open {
            bench.open_any(path);
        }
        Self { workbench: Workbench::new(bench), link, keeper: Some(Keeper::new(home())) }
    }
}

impl eframe::App for Window {
    /// Also called while the window is hidden: a run's events are taken in then too, and closing is answered.
    fn logic(&mut self, ctx: &egui::Context, _frame: &mut eframe::Frame) {
        self.workbench.bench.poll();
        if ctx.input(|i| i.viewport().close_requested()) && !self.workbench.may_close() {
            ctx.send_viewport_cmd(ViewportCommand::CancelClose);
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let changed = self.workbench.ui(ui);
        if let (Some(settings), Some(keeper)) = (changed, &self.keeper) {
            keeper.keep(&settings);
        }
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
    }

    fn on_exit(&mut self) {
        if let Some(keeper) = self.keeper.take() {
            keeper.keep(&self.workbench.bench.settings);
        }
        self.workbench.bench.labels.close();
        self.workbench.bench.library.close();
        // Here only when there is no run or the person chose not to save it: do not wait for a checkpoint then.
        if self.workbench.bench.state.running() {
            std::process::exit(0);
        }
        self.link.borrow_mut().shutdown();
    }
}
