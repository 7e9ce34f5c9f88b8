//! The texts are compiled in by a macro, which cargo cannot see reading them.

fn main() {
    println!("cargo::rerun-if-changed=../assets/i18n");
}
