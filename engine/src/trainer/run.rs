//! A run from recipe to result: everything around the loop.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::{
    Desk, Ending, FixedPrompts, Forgetting, Graph, LayerMeter, Plan, Trainer, Wish, available_bytes, checkpoint,
    positions, resident_bytes,
};
use crate::adapter;
use crate::data::{Example, Prepared};
use crate::estimate::{self, Learning, Machine, Workload};
use crate::freeze::Course;
use crate::method::{self, Base, Watch};
use crate::model::{Model, RopeScaling, SCORE, save_companions, save_full, save_reward_model};
use crate::optimizer::{AdamW, Schedule};
use crate::protocol::{Event, Outcome, Phase, RunFacts, RunId};
use crate::quant::Quantisation;
use crate::recipe::{FinetuningType, Recipe, Stage, ValueModel};
use crate::run_folder::{Resumption, RunFolder, RunReport, checkpoint_to_resume, latest_checkpoint};
use crate::tokenizer::TextTokenizer;
use crate::{Error, Result, data, device, freeze, ops};

/// Does a whole run. Events go to `desk`; the caller tells how it finished.
///
/// # Errors
/// Any of the engine's; bad input is found before anything in `output_dir` is touched.
pub fn start(id: &RunId, recipe: &Recipe, resume: bool, desk: &mut dyn Desk) -> Result<Outcome> {
    // `resume` means the newest checkpoint in output_dir, whatever the recipe once started from.
    let newest = || resume.then(|| recipe.output_dir.clone());
    let resume_from = match latest_checkpoint(&recipe.output_dir) {
        Some(_) if resume => newest(),
        _ => recipe.resume_from_checkpoint.clone().or_else(newest),
    };
    let mut warnings = Recipe { resume_from_checkpoint: resume_from.clone(), ..recipe.clone() }.validate()?;
    let summary = crate::model::inspect(&recipe.model_name_or_path)?;
    let tokenizer = TextTokenizer::load(&recipe.model_name_or_path)?;
    tokenizer.check_fits(summary.vocab_size)?;
    let resume_from = resume_from.map(checkpoint_to_resume).transpose()?;
    desk.tell(progress(id, Phase::PreparingData, None));
    let prepared = data::prepare(recipe, &tokenizer, &mut |done, total| {
        desk.tell(progress(id, Phase::PreparingData, fraction(done, total)));
        flow(desk)
    })?;
    let (device, device_name) = device::open(&recipe.device)?;
    desk.tell(progress(id, Phase::LoadingModel, Some(0.0)));
    let resident = resident_bytes();
    let quantise = recipe.quantization_bit.map(|_| Quantisation { double: recipe.double_quantization });
    let mut load = |path: &Path, quantise: Option<Quantisation>| {
        Model::load_with(path, &device, quantise, &mut |done, total| {
            desk.tell(progress(id, Phase::LoadingModel, fraction(done, total)));
            flow(desk)
        })
    };
    let mut model = load(&recipe.model_name_or_path, quantise)?;
    let ref_model = recipe.ref_model.as_deref().map(|path| load(path, None)).transpose()?;
    if let (Some(reference), Some(path)) = (&ref_model, &recipe.ref_model) {
        check_reference(reference, path, &tokenizer, &prepared)?;
    }
    check_saveable(recipe, &model)?;
    if recipe.stage != Stage::Rm {
        model.require_language_head()?;
    }
    positions::check(recipe, &model.config, &prepared)?;
    let prompts = FixedPrompts::new(recipe, tokenizer, &model)?;
    let own_value = recipe.stage == Stage::Ppo && recipe.ppo_value_model == ValueModel::Head;
    if recipe.stage == Stage::Rm || own_value {
        model.add_score_head(recipe.seed)?;
    }
    let layers = freeze::adapter_layers(recipe, &model.config)?;
    adapter::from_recipe(&mut model, recipe, layers.as_ref())?;
    let plan = Plan::new(recipe, prepared.train.len());
    let mut course = freeze::course(recipe, &model, plan.total_steps, plan.steps_per_epoch)?;
    let score = model.has_score_head().then(|| model.learned_name(SCORE));
    course.score_instead_of_head(recipe, &model.config, score);
    warnings.extend(prepared.warnings);
    warnings.extend(unreached(&course));
    let largest = plan.largest_batch(&prepared.train);
    let workload = Workload::of_prepared(&prepared.train, prepared.eval.len());
    let (train_rows, eval_rows) = (prepared.train.len(), prepared.eval.len());
    let (train, eval) = (prepared.train, prepared.eval);
    let learned = course.all();
    let start = method::Start { recipe, train, eval, model: &model, learning: &learned, ref_model };
    let mut method = method::build(start)?;
    let forgetting = (!prepared.forgetting.is_empty()).then(|| Forgetting {
        rows: prepared.forgetting,
        base: Base::of(&model),
        every: recipe.forgetting_steps,
        limit: recipe.forgetting_limit,
    });
    let meter = LayerMeter::new(recipe, &model, &learned, plan.total_steps)?;
    let mut optimizer = AdamW::new(recipe);
    let state = match &resume_from {
        Some((_, path)) => {
            let state = checkpoint::load(path, &mut model, &learned, &mut optimizer)?;
            method.load(path)?;
            state
        }
        None => checkpoint::RunState::default(),
    };
    let mut folder = match &resume_from {
        Some((step, _)) => {
            let (evaluates, measures) = (state.evaluation_due, state.forgetting_measured != Some(*step));
            let answers = state.prompts_answered != Some(*step);
            RunFolder::resume(&recipe.output_dir, recipe, Resumption { step: *step, evaluates, measures, answers })?
        }
        None => RunFolder::create(&recipe.output_dir, recipe, recipe.overwrite_output_dir)?,
    };
    let cpu = ops::is_cpu(&model.device);
    let graph = Graph::choose(recipe, &model.config, &learned, cpu, available_bytes(), largest);
    let sizes = learned.iter().filter_map(|name| Some((name.clone(), model.params.get(name)?.len()))).collect();
    let added = model.params.iter().filter(|(name, _)| name.starts_with("base_model."));
    let adapter = added.map(|(_, param)| param.len() as u64).sum();
    let learning = Learning { course: course.clone(), sizes, adapter };
    let machine = Machine::of(&device::info_of(&device_name));
    let expected = estimate::of_run(recipe, &model.config, &workload, &machine, &learning, graph, resident);
    let facts = RunFacts {
        recipe: recipe.clone(),
        output_dir: recipe.output_dir.clone(),
        device: device_name,
        total_steps: plan.total_steps,
        steps_per_epoch: plan.steps_per_epoch,
        first_step: state.step,
        train_rows,
        eval_rows,
        dropped_rows: prepared.dropped,
        parameters: model.parameters(),
        trainable_parameters: learning.parameters(),
        graph: graph.word().into(),
        started_unix_secs: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs()),
        estimate: Some(expected),
    };
    let started = Event::RunStarted { id: id.clone(), facts: Box::new(facts.clone()) };
    folder.append_event(&started)?;
    desk.tell(started);
    for message in warnings {
        let event = Event::Warned { id: Some(id.clone()), message };
        folder.append_event(&event)?;
        desk.tell(event);
    }
    let mut trainer = Trainer {
        id: id.clone(),
        recipe,
        schedule: Schedule::new(recipe, plan.total_steps),
        last_saved: resume_from.map(|(step, _)| step),
        model,
        method,
        course,
        optimizer,
        plan,
        graph,
        folder,
        state,
        forgetting,
        layers: meter,
        prompts,
        desk,
        watch: Watch::default(),
        started: Instant::now(),
        peak_memory: 0,
        last_loss: None,
    };
    let ended = trainer.train().and_then(|ending| {
        finish(&mut trainer, ending).map_err(|error| {
            let _ = trainer.save_checkpoint(); // the result could not be written: keep what was learned
            error
        })
    });
    let (word, outcome) = match &ended {
        Ok(outcome @ Outcome::Completed { .. }) => ("completed", outcome.clone()),
        Ok(outcome) => ("stopped", outcome.clone()),
        Err(error) => ("failed", Outcome::Failed { problem: error.into() }),
    };
    let report = trainer.report(&facts, word);
    // Where the disk is what failed, these fail as well; the outcome still reaches the window.
    let noted = trainer.folder.append_event(&Event::RunFinished { id: id.clone(), outcome });
    let reported = trainer.folder.write_report(&report);
    let outcome = ended?;
    noted.and(reported)?;
    Ok(outcome)
}

/// Writes the result.
fn finish(trainer: &mut Trainer, ending: Ending) -> Result<Outcome> {
    if ending == Ending::Stopped {
        let reason = format!("stopped at step {}; a checkpoint was saved", trainer.state.step);
        return Ok(Outcome::Stopped { result: Some(save_result(trainer)?), reason });
    }
    if ending == Ending::Forgot {
        let limit = trainer.recipe.forgetting_limit.unwrap_or_default() * 100.0;
        let reason = format!("perplexity on the general rows rose by more than {limit:.0} %: the model was forgetting");
        return Ok(Outcome::Stopped { result: Some(save_result(trainer)?), reason });
    }
    let last = trainer.state.step;
    let best = trainer.restore_best()?.unwrap_or(last);
    let result = save_result(trainer)?;
    if ending == Ending::Completed {
        return Ok(Outcome::Completed { result });
    }
    let reason = format!("the evaluation loss stopped falling; the result is that of step {best}");
    Ok(Outcome::Stopped { result: Some(result), reason })
}

fn progress(id: &RunId, phase: Phase, fraction: Option<f32>) -> Event {
    Event::RunProgress { id: id.clone(), phase, fraction }
}

fn fraction(done: u64, total: u64) -> Option<f32> {
    (total > 0).then(|| done as f32 / total as f32)
}

fn flow(desk: &mut dyn Desk) -> ControlFlow<()> {
    if desk.wish() == Wish::Stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// A reference model must read the same ids as the model that learns, and speak.
fn check_reference(reference: &Model, path: &Path, tokenizer: &TextTokenizer, prepared: &Prepared) -> Result<()> {
    reference.require_language_head()?;
    if let Some(difference) = tokenizer.first_difference(&TextTokenizer::load(path)?) {
        let reason = format!("the reference model has another tokenizer ({difference})");
        return Err(Error::recipe("ref_model", reason, "name a model of the same family, or remove ref_model"));
    }
    tokenizer.check_fits(reference.config.vocab)?;
    let longest = prepared.train.iter().chain(&prepared.eval).flat_map(Example::sequences).map(|r| r.input_ids.len());
    match (reference.config.learned_positions(), longest.max()) {
        (Some(limit), Some(longest)) if longest > limit => {
            let reason =
                format!("rows have up to {longest} tokens, and the reference model has learned {limit} positions");
            Err(Error::recipe("ref_model", reason, format!("set cutoff_len to {limit} or less")))
        }
        _ => Ok(()),
    }
}

/// A result must be a folder that others can read.
fn check_saveable(recipe: &Recipe, model: &Model) -> Result<()> {
    let whole = matches!(recipe.finetuning_type, FinetuningType::Full | FinetuningType::Freeze);
    if whole && matches!(model.config.rope_scaling, RopeScaling::Factors(_)) {
        let reason = "this GGUF has rotary factors of its own, which no model folder can hold: train a LoRA, or use the safetensors model";
        return Err(Error::ModelUnsupported { path: recipe.model_name_or_path.clone(), reason: reason.into() });
    }
    Ok(())
}

fn unreached(course: &Course) -> Option<String> {
    let layers: Vec<String> = course.unreached.iter().map(ToString::to_string).collect();
    let about = "the run is too short for every layer's turn: these never learn: layers";
    (!layers.is_empty()).then(|| format!("{about} {}", layers.join(", ")))
}

/// The result: a PEFT folder, or a Hugging Face model folder.
fn save_result(trainer: &mut Trainer) -> Result<PathBuf> {
    let id = trainer.id.clone();
    trainer.desk.tell(progress(&id, Phase::Saving, None));
    let dir = trainer.folder.dir().to_owned();
    if trainer.model.adapter.is_some() {
        trainer.model.save_adapter(&dir)?;
        save_companions(&trainer.model.source, &dir)?;
    } else if trainer.recipe.stage == Stage::Rm {
        save_reward_model(&trainer.model, &dir)?;
    } else {
        save_full(&trainer.model, &dir)?;
    }
    Ok(dir)
}

impl Trainer<'_> {
    fn report(&self, facts: &RunFacts, outcome: &str) -> RunReport {
        RunReport {
            luthier_version: env!("CARGO_PKG_VERSION").into(),
            burn_version: "0.22.1".into(),
            device: facts.device.clone(),
            outcome: outcome.into(),
            steps: self.state.step,
            total_tokens: self.state.total_tokens,
            parameters: facts.parameters,
            trainable_parameters: facts.trainable_parameters,
            last_loss: self.last_loss,
            best_eval_loss: self.state.best_eval_loss,
            peak_memory_bytes: self.peak_memory,
            elapsed_secs: self.state.elapsed_secs.max(self.started.elapsed().as_secs_f64()),
        }
    }
}
