//! Two changes to a template's text before it is compiled. `{% generation %}`, with which transformers marks the
//! assistant's part, becomes a block that prints nothing; and what `set` stores goes through the filter [`BOUNDED`], so that
//! a template cannot double a text until memory is full.

/// Name of the filter that refuses values that are too large. No template can mean it by accident.
pub(super) const BOUNDED: &str = "luthier_bounded";

/// The template as minijinja shall compile it; lines stay where they are.
pub(super) fn prepared(source: &str) -> String {
    let mut text = String::with_capacity(source.len() + 256);
    let mut rest = source;
    while let Some(start) = rest.find('{') {
        text.push_str(&rest[..start]);
        rest = &rest[start..];
        let end = match rest.as_bytes().get(1) {
            Some(b'#') => rest.find("#}").map(|end| end + 2),
            Some(b'{') => end_of_tag(rest, "}}"),
            Some(b'%') => end_of_tag(rest, "%}"),
            _ => Some(1),
        };
        // A tag without an end: minijinja will say so.
        let Some(end) = end else { break };
        let (tag, after) = rest.split_at(end);
        rest = after;
        if !tag.starts_with("{%") {
            text.push_str(tag);
            continue;
        }
        let inner = &tag[2..tag.len() - 2];
        let body = inner.trim_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        let body_start = inner.find(body).unwrap_or(0);
        let (opening, closing) = (&inner[..body_start], &inner[body_start + body.len()..]);
        text.push_str(&format!("{{%{opening}{}{closing}%}}", replaced(body)));
        if body == "raw" {
            let length = end_of_raw(rest);
            text.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    text.push_str(rest);
    text
}

/// What stands between the marks of a statement, changed where need be.
fn replaced(body: &str) -> String {
    match body {
        "generation" => return "with".into(),
        "endgeneration" => return "endwith".into(),
        _ => {}
    }
    let Some(assignment) = body.strip_prefix("set").filter(|rest| rest.starts_with(char::is_whitespace)) else {
        return body.into();
    };
    let equals = outside_texts(assignment).find(|(_, letter)| *letter == '=').map(|(index, _)| index);
    match equals {
        Some(index) => format!("set{}= ({})|{BOUNDED}", &assignment[..index], assignment[index + 1..].trim()),
        None => format!("set{assignment}|{BOUNDED}"),
    }
}

/// Letters with their byte positions, without those inside quotes.
fn outside_texts(source: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    let mut escaped = false;
    source.char_indices().filter(move |(_, letter)| {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if *letter == '\\' => escaped = true,
            Some(mark) if *letter == mark => quote = None,
            Some(_) => {}
            None if *letter == '\'' || *letter == '"' => quote = Some(*letter),
            None => return true,
        }
        false
    })
}

/// Length of the tag at the start of `source` up to its end mark, which counts neither in quotes nor in brackets.
fn end_of_tag(source: &str, mark: &str) -> Option<usize> {
    let mut depth = 0usize;
    for (index, letter) in outside_texts(&source[2..]) {
        let here = &source[2 + index..];
        if depth == 0 && here.starts_with(mark) {
            return Some(2 + index + mark.len());
        }
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Length of the text before the tag that ends a raw block.
fn end_of_raw(source: &str) -> usize {
    let is_end = |start: &usize| {
        let inner = source[start + 2..].trim_start_matches(|c: char| c.is_whitespace() || c == '-' || c == '+');
        inner.starts_with("endraw")
    };
    source.match_indices("{%").map(|(start, _)| start).find(is_end).unwrap_or(source.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_meant_changes() {
        let same = [
            "{{ '{% generation %}' }}{# {% set a = 1 %} #}",
            "{% raw %}{% set a = 1 %}{% endraw %}x",
            "{% if a == '%}' %}{{ {'a': {}} }}{% endif %}{ % }",
            "{% settle = 1 %}{% endset %}",
            "{% set a = 1",
        ];
        for source in same {
            assert_eq!(prepared(source), source);
        }
        assert_eq!(prepared("{%- generation -%}\na{% endgeneration%}"), "{%- with -%}\na{% endwith%}");
        assert_eq!(prepared("{%- set n.x='=%}' + \"'\" -%}b"), "{%- set n.x= ('=%}' + \"'\")|luthier_bounded -%}b");
        assert_eq!(prepared("{% set a | trim %}b"), "{% set a | trim|luthier_bounded %}b");
        assert_eq!(
            prepared("{% raw %}{% set a %}{% endraw %}{% set a = b == c %}"),
            "{% raw %}{% set a %}{% endraw %}{% set a = (b == c)|luthier_bounded %}"
        );
    }
}
