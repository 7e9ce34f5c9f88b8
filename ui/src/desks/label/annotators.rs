//! Who labels in this window.

use crate::bench::Bench;

/// Characters of a name.
const LONGEST: usize = 60;

impl Bench {
    /// From now on this person labels here; a queue on the bench is opened anew for them.
    pub fn label_as(&mut self, name: &str) {
        let name = tidy(name);
        if name.is_empty() || name == self.settings.annotator {
            return;
        }
        if !self.settings.annotators.contains(&name) {
            self.settings.annotators.push(name.clone());
        }
        self.settings.annotator = name;
        if let Some(queue) = self.desks.label.open {
            let here = (self.panel, self.desks.label.page);
            // What lies there was chosen for somebody else.
            self.desks.label.lot = None;
            self.open_queue(queue);
            (self.panel, self.desks.label.page) = here;
        }
    }

    /// Another name in this window's list. Rows keep the name under which they were made.
    pub fn rename_annotator(&mut self, old: &str, new: &str) {
        let new = tidy(new);
        if new.is_empty() || new == old {
            return;
        }
        let here = self.settings.annotator == old;
        let list = &mut self.settings.annotators;
        match list.iter().position(|name| name == old) {
            // Two become one.
            Some(_) if list.contains(&new) => list.retain(|name| name != old),
            Some(at) => list[at].clone_from(&new),
            None => return,
        }
        if here {
            self.label_as(&new);
        }
    }

    /// Takes a name off this window's list. Their rows stay.
    pub fn forget_annotator(&mut self, name: &str) {
        if self.settings.annotator != name {
            self.settings.annotators.retain(|other| other != name);
        }
    }
}

/// A name in one line, without blanks at its ends and nothing that cannot be seen or that turns other text around.
fn tidy(name: &str) -> String {
    let unseen = |c: char| {
        c.is_control()
            || matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}')
    };
    let line: String = name.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !unseen(*c)).collect();
    line.trim().chars().take(LONGEST).collect::<String>().trim_end().to_owned()
}
