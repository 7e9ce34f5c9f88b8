//! `luthier` alone opens the window; with a command it is a command line tool over the same engine.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
