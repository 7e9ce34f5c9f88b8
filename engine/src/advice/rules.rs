//! The rules by name. Their words are the window's, in two languages; here are the classes and the numbers in a reason.

/// A GB as memory is sold and shown.
const GB: u64 = 1_000_000_000;

/// Rows by what they allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DataClass {
    /// Below 10,000.
    Small,
    /// 10,000 to 100,000.
    Middle,
    /// Over 100,000.
    Large,
}

impl DataClass {
    pub fn of(rows: usize) -> Self {
        match rows {
            0..10_000 => Self::Small,
            10_000..=100_000 => Self::Middle,
            _ => Self::Large,
        }
    }
}

/// A device's memory by what it allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum MemoryClass {
    /// Below 8 GB.
    Tiny,
    /// 8 to 16 GB.
    Small,
    /// 16 to 80 GB; so is memory of unknown size treated.
    Middle,
    /// Over 80 GB.
    Large,
}

impl MemoryClass {
    pub fn of(bytes: Option<u64>) -> Self {
        match bytes {
            Some(bytes) if bytes < 8 * GB => Self::Tiny,
            Some(bytes) if bytes < 16 * GB => Self::Small,
            Some(bytes) if bytes > 80 * GB => Self::Large,
            _ => Self::Middle,
        }
    }
}

macro_rules! words {
    ($(#[doc = $about:literal])* $name:ident { $($(#[doc = $meaning:literal])* $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[doc = $meaning])* $variant,)+
        }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its name in texts.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

words! {
    /// What a choice is about, in the order in which a proposal is read.
    What {
        Stage = "stage",
        Weights = "weights",
        FourBits = "four_bits",
        Freezing = "freezing",
        Rank = "rank",
        Rate = "rate",
        Batch = "batch",
        Epochs = "epochs",
        /// Weights of liked and disliked answers.
        Balance = "balance",
        EarlyStopping = "early_stopping",
        Replay = "replay",
        /// A penalty on the distance to the starting model.
        Hold = "hold",
        CutOff = "cut_off",
        /// A first run on a few rows.
        Trial = "trial",
        /// Measuring what is forgotten.
        Check = "check",
    }
}

impl What {
    /// The recipe's keys that it decides.
    pub const fn keys(self) -> &'static [&'static str] {
        match self {
            Self::Stage => &["stage"],
            Self::Weights => &["finetuning_type"],
            Self::FourBits => &["quantization_bit"],
            Self::Freezing => &[
                "freeze_layers",
                "freeze_modules",
                "freeze_trainable_layers",
                "freeze_trainable_modules",
                "freeze_extra_modules",
                "unfreeze_preset",
                "unfreeze_schedule",
                "unfreeze_every",
            ],
            Self::Rank => {
                &["lora_rank", "lora_alpha", "lora_target", "lora_dropout", "oft_rank", "oft_block_size", "oft_target"]
            }
            Self::Rate => &["learning_rate", "lr_scheduler_type", "warmup_ratio", "warmup_steps"],
            Self::Batch => {
                &["per_device_train_batch_size", "gradient_accumulation_steps", "per_device_eval_batch_size"]
            }
            Self::Epochs => &["num_train_epochs", "max_steps"],
            Self::Balance => &["kto_chosen_weight", "kto_rejected_weight"],
            Self::EarlyStopping => &["val_size", "eval_strategy", "eval_steps", "early_stopping_steps"],
            Self::Replay => &["replay_ratio"],
            Self::Hold => &["kl_penalty"],
            Self::CutOff => &["cutoff_len", "max_new_tokens"],
            Self::Trial => &["max_samples"],
            Self::Check => &["forgetting_limit"],
        }
    }
}

words! {
    /// Why something is proposed.
    Rule {
        /// Over 100,000 good rows: full SFT, freezing optional.
        DataLarge = "data_large",
        /// 10,000 to 100,000 rows: LoRA or OFT with the bottom frozen.
        DataMiddle = "data_middle",
        /// Below 10,000 rows: LoRA with most layers frozen, then DPO or KTO.
        DataSmall = "data_small",
        /// Below 8 GB: LoRA, QLoRA and Freeze together.
        MemoryTiny = "memory_tiny",
        /// 8 to 16 GB: LoRA, accumulation, the bottom frozen.
        MemorySmall = "memory_small",
        /// 16 to 80 GB: LoRA or OFT, freezing optional.
        MemoryMiddle = "memory_middle",
        /// Over 80 GB: full SFT, or several tasks at once.
        MemoryLarge = "memory_large",
        MemoryUnknown = "memory_unknown",
        /// All weights fit although the class of memory would not try.
        FullFits = "full_fits",
        /// All weights are too many, by the estimate.
        FullTooLarge = "full_too_large",
        /// By goal, no freezing is needed.
        FreezeNothing = "freeze_nothing",
        FreezeEmbeddings = "freeze_embeddings",
        FreezeBottom = "freeze_bottom",
        FreezeHalf = "freeze_half",
        FreezeMost = "freeze_most",
        FreezeGradual = "freeze_gradual",
        StationAdapt = "station_adapt",
        StationRefine = "station_refine",
        StageText = "stage_text",
        StageAnswers = "stage_answers",
        /// Middling data or cost: DPO.
        StageDpo = "stage_dpo",
        /// Unbalanced or one-sided feedback: KTO.
        StageKto = "stage_kto",
        /// Many labels and a reward model: PPO.
        StagePpo = "stage_ppo",
        StagePrompts = "stage_prompts",
        /// A person's labels: most compare answers.
        LabelsPairs = "labels_pairs",
        /// A person's labels: single answers were marked.
        LabelsMarks = "labels_marks",
        /// A person's labels: marks of which one kind is rare.
        LabelsUnbalanced = "labels_unbalanced",
        /// A person's labels: most praise or reject both answers.
        LabelsBoth = "labels_both",
        /// To align, preferences are needed, and the data has none.
        AlignNeedsLabels = "align_needs_labels",
        OftKeeps = "oft_keeps",
        /// A rank by the rows.
        RankByData = "rank_by_data",
        RankForKnowledge = "rank_for_knowledge",
        /// Full: 2e-5 to 5e-5.
        RateFull = "rate_full",
        RateAdapter = "rate_adapter",
        RateAlign = "rate_align",
        RateSmallModel = "rate_small_model",
        BatchPlain = "batch_plain",
        BatchAccumulated = "batch_accumulated",
        /// KTO compares with other rows of the batch.
        BatchKto = "batch_kto",
        EpochsByData = "epochs_by_data",
        EpochsAlign = "epochs_align",
        /// Ethayarajh et al. 2024, section 4.2: liked x weight by disliked x weight within 1 to 4/3.
        KtoBalance = "kto_balance",
        KtoOneSided = "kto_one_sided",
        StopEarly = "stop_early",
        ReplayNamed = "replay_named",
        ReplayMissing = "replay_missing",
        HoldBase = "hold_base",
        TrialFirst = "trial_first",
        CheckGeneral = "check_general",
        CheckMissing = "check_missing",
        AnswersShort = "answers_short",
        /// Graphs of the blocks are made twice instead of kept.
        FitRecompute = "fit_recompute",
        FitBatch = "fit_batch",
        FitAdapter = "fit_adapter",
        FitFourBits = "fit_four_bits",
        FitLayers = "fit_layers",
        FitCutOff = "fit_cut_off",
        NothingFits = "nothing_fits",
        RoomDense = "room_dense",
        RoomFull = "room_full",
        NextPreferences = "next_preferences",
        NextLikes = "next_likes",
        NextPpo = "next_ppo",
        NextReward = "next_reward",
        NextRefine = "next_refine",
        NextEvaluate = "next_evaluate",
    }
}

/// A number in a reason, with its unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Amount {
    Count(usize),
    Bytes(u64),
    Number(f64),
    Rate(f64),
}

/// A rule and the numbers of its text, by name.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    pub rule: Rule,
    pub values: Vec<(&'static str, Amount)>,
}

impl Reason {
    pub fn with(mut self, name: &'static str, amount: Amount) -> Self {
        self.values.push((name, amount));
        self
    }

    pub fn count(self, name: &'static str, n: usize) -> Self {
        self.with(name, Amount::Count(n))
    }
}

impl From<Rule> for Reason {
    fn from(rule: Rule) -> Self {
        Self { rule, values: Vec::new() }
    }
}
