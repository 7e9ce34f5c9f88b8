//! What differs between recipes.

use luthier_engine::recipe::Recipe;

use crate::export::recipe_values;

/// A key with its value in each of the recipes.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    pub key: &'static str,
    pub values: Vec<String>,
    /// Not everywhere the same.
    pub differs: bool,
}

/// Every key, in the recipe's order. `output_dir` always differs and says nothing.
pub fn differences(recipes: &[&Recipe]) -> Vec<Difference> {
    let columns: Vec<_> = recipes.iter().map(|recipe| recipe_values(recipe)).collect();
    let Some(first) = columns.first() else { return Vec::new() };
    let row = |(at, (key, _)): (usize, &(&'static str, String))| {
        let values: Vec<String> = columns.iter().map(|column| column[at].1.clone()).collect();
        let differs = values.iter().any(|value| *value != values[0]);
        Difference { key, values, differs }
    };
    first.iter().enumerate().map(row).filter(|row| row.key != "output_dir").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_differs_is_marked() {
        let one = Recipe::default();
        let two = Recipe { lora_rank: 64, output_dir: "/b".into(), ..Recipe::default() };
        let found = differences(&[&one, &two]);
        let differing: Vec<_> = found.iter().filter(|row| row.differs).collect();
        assert_eq!(differing.len(), 1);
        assert_eq!((differing[0].key, differing[0].values.join(" ")), ("lora_rank", "8 64".into()));
        assert!(found.len() > 50 && differences(&[]).is_empty());
    }
}
