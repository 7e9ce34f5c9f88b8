//! `luthier runs`: every run ever, newest first.

use clap::Args;

use super::failure::Failure;
use super::output;

#[derive(Args)]
pub struct Arguments {
    /// Everything that is known of each, as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let listed = luthier::listing(&luthier::home())?;
    if arguments.json {
        return Ok(output::write_json(&listed)?);
    }
    let number = |value: Option<f32>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:.4}"));
    let mut text = String::new();
    for run in &listed {
        let status = format!("{:?}", run.status).to_lowercase();
        let steps = format!("{}/{}", run.steps, run.total_steps);
        let (loss, best) = (number(run.last_loss), number(run.best_eval_loss));
        let folder = run.folder.display();
        text.push_str(&format!("{status:<10} {steps:>13}  loss {loss:>8}  eval {best:>8}  {}  {folder}\n", run.name));
    }
    output::write(&text)?;
    Ok(())
}
