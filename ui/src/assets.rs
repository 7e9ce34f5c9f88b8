//! Finds what ships beside the program: the sample model and data, presets.

use std::path::{Path, PathBuf};

/// The file or folder `relative` (as "sample/model") in the first place that has it: `$LUTHIER_ASSETS`, `assets` beside
/// the executable (or above it, as in a macOS bundle), the source tree this binary was built from.
pub fn find(relative: &str) -> Option<PathBuf> {
    roots().into_iter().map(|root| root.join(relative)).find(|path| path.exists())
}

fn roots() -> Vec<PathBuf> {
    let mut roots = Vec::new();
    roots.extend(std::env::var_os("LUTHIER_ASSETS").map(PathBuf::from));
    if let Some(folder) = std::env::current_exe().ok().as_deref().and_then(Path::parent) {
        roots.push(folder.join("assets"));
        roots.push(folder.join("../Resources/assets"));
        roots.push(folder.join("../share/luthier/assets"));
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    roots.extend(source.parent().map(|root| root.join("assets")));
    roots
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn the_source_tree_is_a_place_to_find_things() {
        assert!(find("i18n").is_some_and(|p| p.is_dir()));
        assert_eq!(find("no/such/thing"), None);
    }
}
