//! The handbook: the page that is open, what is searched for.

use crate::bench::Bench;
use crate::panels::Panel;

/// View state that commands and panels share; what a person does with it is `impl Bench` in this file.
#[derive(Debug, Default)]
pub struct GuideDesk {
    /// None: the first.
    pub page: Option<String>,
    pub sought: String,
    /// Pages read before, the last one last.
    pub read: Vec<String>,
    /// The search field wants the keyboard.
    pub seek: bool,
}

impl GuideDesk {
    pub fn open_page(&self) -> &str {
        self.page.as_deref().unwrap_or("start")
    }
}

impl Bench {
    /// Opens a page of the handbook.
    pub fn open_guide(&mut self, page: &str) {
        let desk = &mut self.desks.guide;
        if self.panel == Panel::Guide && desk.open_page() != page {
            desk.read.push(desk.open_page().to_owned());
        }
        desk.page = Some(page.to_owned());
        self.panel = Panel::Guide;
    }

    pub fn guide_back(&mut self) {
        if let Some(page) = self.desks.guide.read.pop() {
            self.desks.guide.page = Some(page);
        }
    }

    /// To the page after this one, or before it.
    pub fn turn_guide(&mut self, forward: bool) {
        let (before, after) = crate::guide::neighbours(self.desks.guide.open_page());
        if let Some(page) = if forward { after } else { before } {
            self.open_guide(page.id);
        }
    }
}
