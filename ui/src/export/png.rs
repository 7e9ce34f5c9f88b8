//! A drawing as a picture.

use std::sync::{Arc, LazyLock};

use resvg::{tiny_skia, usvg};

/// Twice as many pixels as points, so that text stays sharp on paper and on fine screens.
const SCALE: f32 = 2.0;

/// The window's own fonts, so that a picture looks alike on every system.
static FONTS: LazyLock<Arc<usvg::fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = usvg::fontdb::Database::new();
    for data in crate::fonts::definitions().font_data.values() {
        fonts.load_font_data((*data.font).as_ref().to_vec());
    }
    Arc::new(fonts)
});

/// # Errors
/// What is wrong with the drawing, for people.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
    let options = usvg::Options { fontdb: FONTS.clone(), font_family: "Inter".into(), ..usvg::Options::default() };
    let tree = usvg::Tree::from_str(svg, &options).map_err(|e| e.to_string())?;
    let size = tree.size().to_int_size().scale_by(SCALE).ok_or("the drawing has no size")?;
    let mut picture = tiny_skia::Pixmap::new(size.width(), size.height()).ok_or("the drawing is too large")?;
    resvg::render(&tree, tiny_skia::Transform::from_scale(SCALE, SCALE), &mut picture.as_mut());
    picture.encode_png().map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_both_scripts_is_drawn() {
        let picture = |text: &str| {
            let svg = format!(
                r##"<svg xmlns="http://www.w3.org/2000/svg" width="100" height="30"><rect width="100" height="30" fill="#ffffff"/><text x="4" y="20" font-size="14">{text}</text></svg>"##
            );
            let image = image::load_from_memory(&png(&svg).unwrap()).unwrap().to_rgb8();
            assert_eq!((image.width(), image.height()), (200, 60));
            image.pixels().filter(|pixel| pixel.0[0] < 128).count()
        };
        assert_eq!(picture(""), 0);
        assert!(picture("loss") > 50 && picture("损失") > 50, "letters leave ink");
    }
}
