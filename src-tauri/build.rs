//! Compiles tauri.conf.json and the capabilities into the application.

fn main() {
    tauri_build::build();
}
