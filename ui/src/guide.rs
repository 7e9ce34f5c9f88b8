//! The handbook: pages in two languages from `assets/guide`, which page a setting belongs to, and the search.

use crate::text::{Language, spoken};

/// A page. Its first line is its title.
#[derive(Debug)]
pub struct Page {
    /// As in links: `guide:lora`.
    pub id: &'static str,
    english: &'static str,
    chinese: &'static str,
}

/// Pages that are read one after the other.
#[derive(Debug)]
pub struct Chapter {
    /// `chapter.NAME` is its title.
    pub name: &'static str,
    pub pages: &'static [Page],
}

macro_rules! chapters {
    ($($name:literal: $($id:literal)+;)+) => {
        &[$(Chapter {
            name: $name,
            pages: &[$(Page {
                id: $id,
                english: include_str!(concat!("../../assets/guide/en/", $id, ".md")),
                chinese: include_str!(concat!("../../assets/guide/zh-CN/", $id, ".md")),
            },)+],
        },)+]
    };
}

pub static CHAPTERS: &[Chapter] = chapters! {
    "first": "start" "data" "formats" "layers";
    "methods": "sft" "lora" "qlora" "oft" "full" "freeze" "gradual";
    "preferences": "labels" "labelling" "trust" "rounds" "playground" "dpo" "orpo-simpo" "kto" "reward-model" "ppo";
    "keeping": "forgetting" "replay" "evaluation";
    "settings": "learning-rate" "batch" "memory" "early-stopping";
    "watching": "curves" "compare" "sweep" "troubles" "export";
};

impl Page {
    /// In the spoken language, with its title.
    pub fn whole(&self) -> &'static str {
        match spoken() {
            Language::English => self.english,
            Language::Chinese => self.chinese,
        }
    }

    pub fn title(&self) -> &'static str {
        self.whole().lines().next().unwrap_or_default().trim_start_matches("# ")
    }

    /// Without its title.
    pub fn body(&self) -> &'static str {
        self.whole().split_once('\n').map_or("", |(_, body)| body.trim_start())
    }
}

pub fn pages() -> impl Iterator<Item = &'static Page> {
    CHAPTERS.iter().flat_map(|chapter| chapter.pages)
}

pub fn page(id: &str) -> Option<&'static Page> {
    pages().find(|page| page.id == id)
}

/// The page before and the page after, in the order of the chapters.
pub fn neighbours(id: &str) -> (Option<&'static Page>, Option<&'static Page>) {
    let all: Vec<&Page> = pages().collect();
    let Some(at) = all.iter().position(|page| page.id == id) else { return (None, None) };
    (at.checked_sub(1).and_then(|i| all.get(i).copied()), all.get(at + 1).copied())
}

/// A page that has what is sought, and the line where.
#[derive(Debug, Clone, Copy)]
pub struct Hit {
    pub page: &'static Page,
    pub line: &'static str,
}

/// Pages with every sought word, those with a word in the title first. Upper and lower case are the same.
pub fn search(sought: &str) -> Vec<Hit> {
    let words: Vec<String> = sought.split_whitespace().map(str::to_lowercase).collect();
    if words.is_empty() {
        return Vec::new();
    }
    let holds = |text: &str, word: &String| text.to_lowercase().contains(word.as_str());
    let mut hits: Vec<(usize, Hit)> = pages()
        .filter(|page| words.iter().all(|word| holds(page.whole(), word) || page.id.contains(word.as_str())))
        .map(|page| {
            let in_title = words.iter().filter(|word| holds(page.title(), word)).count();
            let lines = page.body().lines().filter(|line| !line.trim().is_empty());
            let line = lines.clone().max_by_key(|line| words.iter().filter(|word| holds(line, word)).count());
            // The first of the best lines, not the last.
            let best = line.map_or(0, |line| words.iter().filter(|word| holds(line, word)).count());
            let line = lines.clone().find(|line| words.iter().filter(|word| holds(line, word)).count() == best);
            (in_title, Hit { page, line: line.unwrap_or_default() })
        })
        .collect();
    hits.sort_by_key(|(in_title, _)| std::cmp::Reverse(*in_title));
    hits.into_iter().map(|(_, hit)| hit).collect()
}

/// A line without its marks: links, bold, bullets, table bars.
pub fn plain(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut rest = line.trim_start_matches(['#', '-', '|', ' ']);
    while let Some((before, link)) = rest.split_once("](guide:") {
        text.push_str(before);
        rest = link.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let words = text.replace("**", "").replace(['[', '`'], "").replace('|', " ");
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The page that explains a setting of the form.
pub fn page_of(setting: &str) -> &'static str {
    const PAGES: &[(&str, &[&str])] = &[
        ("qlora", &["quantization_", "double_quantization"]),
        ("gradual", &["unfreeze_"]),
        ("freeze", &["freeze_"]),
        ("oft", &["oft_", "module_dropout"]),
        (
            "lora",
            &["lora", "use_rslora", "use_dora", "pissa_init", "additional_target", "create_new_adapter", "adapter_"],
        ),
        ("kto", &["kto_"]),
        ("orpo-simpo", &["pref_loss", "simpo_", "ld_alpha", "dpo_label_smoothing"]),
        ("dpo", &["pref_", "ref_model"]),
        ("rounds", &["labels_"]),
        ("reward-model", &["reward_model"]),
        ("ppo", &["ppo_", "reward_", "temperature", "top_", "max_new_tokens"]),
        ("replay", &["replay_"]),
        ("forgetting", &["forgetting_", "kl_penalty"]),
        ("evaluation", &["val_size", "eval_", "per_device_eval", "sample_"]),
        ("early-stopping", &["early_stopping"]),
        (
            "learning-rate",
            &["learning_rate", "lr_scheduler", "warmup_", "num_train_epochs", "max_steps", "weight_decay", "adam_"],
        ),
        ("batch", &["per_device_train_batch", "gradient_accumulation"]),
        ("memory", &["bf16", "fp16", "pure_bf16", "disable_gradient_checkpointing", "device"]),
        ("layers", &["layer_stats"]),
        ("curves", &["logging_steps", "smoothing", "max_grad_norm", "seed"]),
        ("export", &["output_dir", "overwrite_output_dir", "save_", "resume_"]),
        ("formats", &["dataset", "template", "default_system", "enable_thinking"]),
        (
            "data",
            &[
                "cutoff_len",
                "train_on_prompt",
                "mask_history",
                "mix_",
                "interleave",
                "skip_bad",
                "max_samples",
                "packing",
                "neat_packing",
                "disable_shuffling",
            ],
        ),
        ("sft", &["stage", "finetuning_type"]),
    ];
    let fits = |starts: &&[&str]| starts.iter().any(|start| setting.starts_with(start));
    PAGES.iter().find(|(_, starts)| fits(starts)).map_or("start", |(page, _)| page)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::text::speak;

    /// Targets of `[..](guide:..)`.
    fn links(text: &str) -> BTreeSet<&str> {
        text.split("](guide:").skip(1).filter_map(|rest| rest.split(')').next()).collect()
    }

    #[test]
    fn every_page_is_written_in_both_languages_with_the_same_links_and_tables() {
        let mut ids = BTreeSet::new();
        for page in pages() {
            assert!(ids.insert(page.id), "{} stands twice", page.id);
            for text in [page.english, page.chinese] {
                assert!(text.starts_with("# "), "{}", page.id);
                links(text).into_iter().for_each(|id| assert!(self::page(id).is_some(), "{}: guide:{id}", page.id));
            }
            let count = |sign: &str| {
                [page.english, page.chinese].map(|text| text.lines().filter(|l| l.starts_with(sign)).count())
            };
            for sign in ["## ", "|", "- ", "1."] {
                let [english, chinese] = count(sign);
                assert_eq!(english, chinese, "{}: lines that begin with {sign:?}", page.id);
            }
            let in_chinese = page.chinese.chars().filter(|c| ('\u{4e00}'..'\u{9fff}').contains(c)).count();
            assert!(in_chinese > 60, "{}", page.id);
            assert!(!page.english.chars().any(|c| ('\u{4e00}'..'\u{9fff}').contains(&c)), "{}", page.id);
        }
    }

    #[test]
    fn words_are_found_in_either_language_and_titles_come_first() {
        speak(Language::English);
        assert_eq!(search("sweeps")[0].page.id, "sweep");
        assert_eq!(search("Cayley series")[0].page.id, "oft");
        assert!(search("cayley series")[0].line.contains("Cayley-Neumann series"));
        assert_eq!(plain("| over 10 | **full** [fine-tuning](guide:full), `x` |"), "over 10 full fine-tuning, x");
        assert!(search("no such word anywhere").is_empty() && search("  ").is_empty());
        speak(Language::Chinese);
        assert_eq!(search("逐步解冻")[0].page.id, "gradual");
        speak(Language::English);
    }

    #[test]
    fn every_setting_has_its_page() {
        for key in luthier_engine::recipe::KEYS {
            let id = page_of(key.name);
            assert!(page(id).is_some(), "{}: {id}", key.name);
            let general = ["model_name_or_path", "rope_scaling"];
            assert!(id != "start" || general.contains(&key.name), "{} has no page of its own", key.name);
        }
        let expected = [("freeze_layers", "freeze"), ("loraplus_lr_ratio", "lora"), ("reward_model", "reward-model")];
        expected.into_iter().for_each(|(key, id)| assert_eq!(page_of(key), id));
        assert_eq!((page_of("reward_rule"), page_of("device")), ("ppo", "memory"));
    }

    #[test]
    fn pages_follow_one_another() {
        let (before, after) = neighbours("data");
        assert_eq!((before.map(|p| p.id), after.map(|p| p.id)), (Some("start"), Some("formats")));
        assert!(neighbours("start").0.is_none() && neighbours("export").1.is_none());
    }
}
