//! The resident desktop edition: a tray icon that starts and supervises the `luthier` binary.
//!
//! It links no engine and opens no web view: a driver that crashes takes down a `luthier` process, never the tray.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod supervisor;

use tauri::menu::{Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::TrayIconBuilder;
use tauri::{App, AppHandle, Manager, Wry};

use crate::supervisor::Supervisor;

const OPEN: &str = "open";
const QUIT: &str = "quit";

fn main() {
    let application = tauri::Builder::default().setup(|app| set_up(app)).build(tauri::generate_context!());
    match application {
        Ok(application) => application.run(|_, _| ()),
        Err(error) => {
            eprintln!("error: the tray icon cannot be shown: {error}. Start `luthier` itself instead.");
            std::process::exit(3);
        }
    }
}

fn set_up(app: &mut App) -> Result<(), Box<dyn std::error::Error>> {
    let status = MenuItem::with_id(app, "status", "Luthier is starting", false, None::<&str>)?;
    let open = MenuItem::with_id(app, OPEN, "Open Luthier", true, None::<&str>)?;
    let quit = MenuItem::with_id(app, QUIT, "Quit", true, None::<&str>)?;
    let menu = Menu::with_items(app, &[&status, &PredefinedMenuItem::separator(app)?, &open, &quit])?;

    let mut tray = TrayIconBuilder::new().menu(&menu).tooltip("Luthier").on_menu_event(on_menu);
    if let Some(icon) = app.default_window_icon() {
        tray = tray.icon(icon.clone());
    }
    tray.build(app)?;

    let supervisor = Supervisor::new(move |text| show(&status, &text));
    supervisor.open();
    app.manage(supervisor);
    Ok(())
}

fn on_menu(app: &AppHandle, event: tauri::menu::MenuEvent) {
    match event.id().as_ref() {
        OPEN => app.state::<Supervisor>().open(),
        // Only the tray goes: an open window stays, so that no run is lost by it.
        QUIT => app.exit(0),
        _ => (),
    }
}

/// The menu's first line, and stderr for whoever started the tray from a terminal.
fn show(status: &MenuItem<Wry>, text: &str) {
    eprintln!("{text}");
    if let Err(error) = status.set_text(text) {
        eprintln!("the tray's menu cannot be changed: {error}");
    }
}
