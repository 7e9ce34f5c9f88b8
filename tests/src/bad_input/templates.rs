//! Chat templates that raise, loop or do not parse.

use serde_json::json;

use crate::binary::{Ended, luthier, write};

fn rendered(template: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("tokenizer_config.json"), json!({"chat_template": template}).to_string());
    let messages = write(folder.path().join("messages.json"), r#"[{"role": "user", "content": "hello"}]"#);
    luthier(["template", folder.path().to_str().unwrap(), "--messages", &messages])
}

#[test]
fn a_template_that_raises_speaks_for_itself() {
    rendered("{{ raise_exception('Only tools may speak: ' + messages[0].role) }}")
        .refused(&["Only tools may speak: user"]);
}

#[test]
fn a_template_without_end_is_stopped() {
    rendered("{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% set x = a %}{% endfor %}{% endfor %}{% endfor %}")
        .refused(&["template"]);
    rendered("{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}").refused(&["template"]);
}

#[test]
fn a_template_that_wants_all_memory_is_stopped() {
    let doubling = "{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}";
    rendered(doubling).refused(&["template"]);
    rendered("{{ 'a' * 100000000000 }}").refused(&["template"]);
}

#[test]
fn a_template_that_does_not_parse_names_the_line() {
    rendered("line one\n{% if messages %}\nno end").refused(&["template", "line"]);
    rendered("{{ messages | translate }}").refused(&["translate"]);
}

#[test]
fn a_folder_without_a_template() {
    let folder = tempfile::tempdir().unwrap();
    let messages = write(folder.path().join("messages.json"), r#"[{"role": "user", "content": "hello"}]"#);
    let model = folder.path().to_str().unwrap();
    luthier(["template", model, "--messages", &messages]).refused(&["tokenizer_config.json"]);
    write(folder.path().join("tokenizer_config.json"), "{}");
    luthier(["template", model, "--messages", &messages]).refused(&["template"]);
    write(folder.path().join("tokenizer_config.json"), "{\"chat_template\": ");
    luthier(["template", model, "--messages", &messages]).refused(&["tokenizer_config.json"]);
}

#[test]
fn messages_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path().join("tokenizer_config.json"), json!({"chat_template": "hi"}).to_string());
    let run = |content: &str, more: &[&str]| {
        let messages = write(folder.path().join("messages.json"), content);
        luthier(["template", folder.path().to_str().unwrap(), "--messages", &messages].iter().chain(more))
    };
    run("[{\"role\": \"user\",\n\"content\" \"hello\"}]", &[]).refused(&["messages.json", "line 2"]);
    run("\"hello\"", &[]).refused(&["messages.json"]);
    run("[]", &["--kwargs", "[1]"]).refused(&["--kwargs"]);
}
