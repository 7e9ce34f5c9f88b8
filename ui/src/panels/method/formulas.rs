//! The loss of every training and the shape of every update, as the papers write them. x: question, y: answer, w: better,
//! l: worse, π: the model, π_{ref}: the model it started from, σ: logistic function.

use luthier_engine::recipe::{FinetuningType, PrefLoss, Recipe, Stage};

use crate::text::{say, t};
use crate::widgets::Formula;

pub(super) fn of_stage(recipe: &Recipe, stage: Stage) -> Formula {
    let (text, source) = match stage {
        Stage::Pt => ("−mean_t log π(x_t | x_{<t})", ""),
        Stage::Sft => ("−mean_t log π(y_t | x, y_{<t})", ""),
        Stage::Dpo => return of_loss(recipe.pref_loss),
        Stage::Kto => {
            ("λ·(1 − σ(±β·(log π(y|x)/π_{ref}(y|x) − z))),  z = KL(π, π_{ref})", "Ethayarajh et al. 2024, KTO")
        }
        Stage::Rm => ("−log σ(r(x, y_w) − r(x, y_l))", "Ouyang et al. 2022"),
        Stage::Ppo => {
            ("max(−ρ·A, −clip(ρ, 1−ε, 1+ε)·A) + c·½(V − R)^2,  ρ = π(y_t)/π_{old}(y_t)", "Schulman et al. 2017, PPO")
        }
    };
    Formula { text, reading: say(&format!("reading.{stage}")), source }
}

pub(super) fn of_loss(loss: PrefLoss) -> Formula {
    let (text, source) = match loss {
        // LLaMA-Factory hands kto_pair to TRL, which computes sigmoid for it.
        PrefLoss::Sigmoid | PrefLoss::KtoPair => {
            ("−log σ(β·(log π(y_w|x)/π_{ref}(y_w|x) − log π(y_l|x)/π_{ref}(y_l|x)))", "Rafailov et al. 2023, DPO")
        }
        PrefLoss::Hinge => {
            ("max(0, 1 − β·(log π(y_w|x)/π_{ref}(y_w|x) − log π(y_l|x)/π_{ref}(y_l|x)))", "Zhao et al. 2023, SLiC")
        }
        PrefLoss::Ipo => (
            "(mean log π(y_w|x)/π_{ref}(y_w|x) − mean log π(y_l|x)/π_{ref}(y_l|x) − 1/(2β))^2",
            "Azar et al. 2023, IPO",
        ),
        PrefLoss::Orpo => (
            "−mean log π(y_w|x) − β·log σ(log odds(y_w|x) − log odds(y_l|x)),  odds = p/(1 − p)",
            "Hong et al. 2024, ORPO",
        ),
        PrefLoss::Simpo => ("−log σ(β·(mean log π(y_w|x) − mean log π(y_l|x)) − γ)", "Meng et al. 2024, SimPO"),
        PrefLoss::Robust => (
            "(−(1 − ε)·log σ(βΔ) + ε·log σ(−βΔ)) / (1 − 2ε),  Δ = log π(y_w)/π_{ref}(y_w) − log π(y_l)/π_{ref}(y_l)",
            "Chowdhury et al. 2024, rDPO",
        ),
    };
    Formula { text, reading: say(&format!("loss_reading.{loss}")), source }
}

pub(super) fn of_update(recipe: &Recipe, kind: FinetuningType) -> Formula {
    let (text, reading, source) = match kind {
        FinetuningType::Lora if recipe.use_dora => {
            ("W′ = m·(W + s·BA) / ‖W + s·BA‖,  s = α/r", t!("reading.dora"), "Liu et al. 2024, DoRA")
        }
        FinetuningType::Lora if recipe.use_rslora => {
            ("W′ = W + α/√r·BA", t!("reading.rslora"), "Kalajdzievski 2023, rsLoRA")
        }
        FinetuningType::Lora => ("W′ = W + α/r·BA", t!("reading.lora"), "Hu et al. 2021, LoRA"),
        FinetuningType::Oft => {
            ("W′ = W·R,  R = (I + Q)(I − Q)^{-1},  Q skew", t!("reading.oft"), "Qiu et al. 2023, OFT")
        }
        FinetuningType::Freeze => ("W′_i = W_i + ΔW_i", t!("reading.freeze"), ""),
        FinetuningType::Full => ("W′ = W + ΔW", t!("reading.full"), ""),
    };
    Formula { text, reading, source }
}
