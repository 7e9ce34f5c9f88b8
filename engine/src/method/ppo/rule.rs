//! Rewards by rule, where there is no reward model: what `reward_rule` says.

use regex::Regex;

use crate::{Error, Result};

/// The key in errors.
const FIELD: &str = "reward_rule";

/// How an answer is scored, without the whitespace around it.
#[derive(Debug, Clone)]
pub enum RewardRule {
    /// `length:N`: N / (N + distance), where the distance is between N and the answer's number of characters: 1 at N,
    /// 1/2 at twice N, and everywhere nearer is better. Characters, because Chinese has no spaces to count words by.
    Length(usize),
    /// `contains:TEXT`: 1 where the text occurs as it is written, else 0.
    Contains(String),
    /// `regex:PATTERN`: 1 where the pattern matches somewhere, else 0.
    Pattern(Regex),
    /// `json`: 1 where the answer is one JSON object or array and nothing else, else 0.
    Json,
}

impl RewardRule {
    /// Reads the value of the key `reward_rule`.
    ///
    /// # Errors
    /// `BadRecipe` for `reward_rule`, saying what to write.
    pub fn parse(rule: &str) -> Result<Self> {
        let (kind, rest) = rule.split_once(':').unwrap_or((rule, ""));
        match kind.trim() {
            "length" => match rest.trim().parse() {
                Ok(count) if count >= 1 => Ok(Self::Length(count)),
                _ => {
                    let reason = format!("'{rule}' does not say how many characters");
                    Err(Error::recipe(FIELD, reason, "write a number of 1 or more, such as length:200"))
                }
            },
            "contains" if rest.is_empty() => {
                let reason = "'contains' does not say which text";
                Err(Error::recipe(FIELD, reason, "write the text, such as contains:thank you"))
            }
            "contains" => Ok(Self::Contains(rest.to_owned())),
            "regex" if rest.is_empty() => {
                let reason = "'regex' does not say which pattern";
                Err(Error::recipe(FIELD, reason, r"write the pattern, such as regex:^\d+$"))
            }
            "regex" => Regex::new(rest).map(Self::Pattern).map_err(|error| {
                let remedy = "mend the pattern; look-around and back-references are not supported";
                Error::recipe(FIELD, format!("'{rest}' is not a regular expression: {error}"), remedy)
            }),
            "json" if rest.is_empty() => Ok(Self::Json),
            _ => {
                let remedy = "write length:N, contains:TEXT, regex:PATTERN or json";
                Err(Error::recipe(FIELD, format!("'{rule}' is not a rule"), remedy))
            }
        }
    }

    /// The score of an answer, 0 to 1. No rule looks at the prompt so far.
    pub fn score(&self, _prompt: &str, answer: &str) -> f32 {
        let answer = answer.trim();
        let holds = match self {
            Self::Length(aim) => {
                let distance = answer.chars().count().abs_diff(*aim);
                return (*aim as f64 / (*aim as f64 + distance as f64)) as f32;
            }
            Self::Contains(text) => answer.contains(text.as_str()),
            Self::Pattern(pattern) => pattern.is_match(answer),
            Self::Json => {
                answer.starts_with(['{', '[']) && serde_json::from_str::<serde::de::IgnoredAny>(answer).is_ok()
            }
        };
        f32::from(u8::from(holds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(rule: &str, answer: &str) -> f32 {
        RewardRule::parse(rule).unwrap().score("a prompt", answer)
    }

    #[test]
    fn length_is_best_at_the_aim_and_worse_on_either_side() {
        assert_eq!(score("length:4", "春天来了"), 1.0);
        assert_eq!(score("length: 4", " four \n"), 1.0);
        assert_eq!(score("length:4", "12345678"), 0.5);
        assert_eq!(score("length:4", ""), 0.5);
        let by_length: Vec<f32> = (0..30).map(|n| score("length:10", &"x".repeat(n))).collect();
        assert!(by_length[..11].is_sorted() && by_length[10..].is_sorted_by(|a, b| a > b), "{by_length:?}");
    }

    #[test]
    fn contains_regex_and_json_are_one_or_nothing() {
        for (rule, good, bad) in [
            ("contains:thank you", "Well, thank you!", "Thank you"),
            ("contains:a:b", "a:b", "ab"),
            (r"regex:^\d{4}-\d\d$", "2024-05", "in 2024-05"),
            ("regex:(?i)yes|好的", "YES", "no"),
            ("json", " {\"a\": [1, null]}\n", "{\"a\": }"),
            ("json", "[]", "3"),
            ("json", "[1]", "Here it is: [1]"),
            ("json", "{}", "{} {}"),
        ] {
            assert_eq!((score(rule, good), score(rule, bad)), (1.0, 0.0), "{rule}: {good} | {bad}");
        }
        assert_eq!(score("json", &"[".repeat(100_000)), 0.0);
    }

    #[test]
    fn mistakes_name_the_key_and_what_to_write() {
        for (rule, part) in [
            ("length:", "length:200"),
            ("length:0", "length:200"),
            ("length:-5", "length:200"),
            ("length", "length:200"),
            ("contains:", "contains:thank you"),
            ("regex:", r"regex:^\d+$"),
            ("regex:(", "mend the pattern"),
            (r"regex:(a)\1", "back-references"),
            ("json:x", "length:N, contains:TEXT"),
            ("polite", "length:N, contains:TEXT"),
            ("", "length:N, contains:TEXT"),
        ] {
            match RewardRule::parse(rule) {
                Err(Error::BadRecipe(found)) => {
                    assert_eq!(found[0].field, "reward_rule");
                    assert!(found[0].remedy.contains(part), "{rule}: {found:?}");
                }
                other => panic!("{rule}: {other:?}"),
            }
        }
    }
}
