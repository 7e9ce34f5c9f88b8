//! Every published family's template against transformers, Python's manners, and templates that mean harm.

use serde_json::json;

use super::*;
use crate::protocol::ChatMessage;

const NONE: &[Value] = &[];

fn template(source: &str) -> ChatTemplate {
    ChatTemplate::new(source, Map::new(), Path::new("chat_template.jinja")).unwrap_or_else(|error| panic!("{error}"))
}

/// Renders `source` with one variable `x`.
fn with_x(source: &str, x: Value) -> String {
    let kwargs = Map::from_iter([("x".to_owned(), x)]);
    template(source).render(NONE, false, &kwargs).unwrap_or_else(|error| format!("error: {error}"))
}

fn error_of(source: &str) -> String {
    match template(source).render(NONE, false, &Map::new()) {
        Err(Error::Template(message)) => message,
        other => panic!("{other:?}"),
    }
}

#[test]
fn renders_as_transformers_does() {
    let all: Map<String, Value> =
        serde_json::from_str(include_str!("../../../tests/fixtures/chat_templates.json")).unwrap();
    let mut cases_run = 0;
    for (family, entry) in &all {
        let source = entry["template"].as_str().unwrap();
        let template =
            ChatTemplate::new(source, special_tokens(entry.as_object().unwrap()), Path::new(family)).unwrap();
        for case in entry["cases"].as_array().unwrap() {
            let kwargs = case["kwargs"].as_object().unwrap();
            let messages = case["messages"].as_array().unwrap();
            let outcome = template.render(messages, case["add_generation_prompt"].as_bool().unwrap(), kwargs);
            match (outcome, case.get("rendered"), case.get("error")) {
                (Ok(text), Some(expected), _) => {
                    assert_eq!(text, expected.as_str().unwrap(), "{family} {}", case["name"])
                }
                (Err(Error::Template(message)), None, Some(expected)) => {
                    assert_eq!(message, expected.as_str().unwrap())
                }
                (outcome, ..) => panic!("{family} {}: {outcome:?}", case["name"]),
            }
            cases_run += 1;
        }
    }
    assert_eq!((all.len(), cases_run), (12, 60));
}

/// What Jinja2 3.1 under Python 3.12 prints.
#[test]
fn values_print_as_in_python() {
    let x = json!({"a": [1, 2.0, null, true], "b": "it's", "c": 1e-5, "d": 1e16, "e": "\"'\n"});
    assert_eq!(
        with_x("{{ x }}", x),
        r#"{'a': [1, 2.0, None, True], 'b': "it's", 'c': 1e-05, 'd': 1e+16, 'e': '"\'\n'}"#
    );
    assert_eq!(
        with_x("{{ true }} {{ none }} {{ nothing }}|{{ x.y }}|{{ 7 / 2 }} {{ 8 / 2 }}", json!({})),
        "True None ||3.5 4.0"
    );
    assert_eq!(with_x("{{ [true, none, 'a']|join('-') }} {{ false|string }}", json!(0)), "True-None-a False");
}

#[test]
fn tojson_is_pythons_dumps() {
    let x = json!({"name": "f<b>'s", "n": [1, 2.5, {}], "q": "\"\\\u{1}\t你", "e": []});
    assert_eq!(
        with_x("{{ x|tojson }}", x.clone()),
        r#"{"name": "f<b>'s", "n": [1, 2.5, {}], "q": "\"\\\u0001\t你", "e": []}"#
    );
    let indented = "{\n  \"name\": \"f<b>'s\",\n  \"n\": [\n    1,\n    2.5,\n    {}\n  ],\n  \"q\": \"\\\"\\\\\\u0001\\t你\",\n  \"e\": []\n}";
    assert_eq!(with_x("{{ x|tojson(indent=2) }}", x.clone()), indented);
    assert_eq!(with_x("{{ x|tojson(2) }}", x), indented);
    let options = "{{ x|tojson(ensure_ascii=true, sort_keys=true, separators=(',', ':')) }}";
    assert_eq!(with_x(options, json!({"b": "你😀", "a": 1})), r#"{"a":1,"b":"\u4f60\ud83d\ude00"}"#);
}

#[test]
fn python_methods_count_characters() {
    let x = json!("你好</think>\n\n答</think>");
    assert_eq!(
        with_x("{{ x.find('</think>') }} {{ x.rfind('</think>') }} {{ x.find('?') }} {{ x.index('好') }}", x.clone()),
        "2 13 -1 1"
    );
    assert_eq!(with_x("{{ x[:x.find('</think>')] }}", x.clone()), "你好");
    assert_eq!(with_x("{{ x.split('</think>')[-1] == '' }} {{ x.rsplit('</think>', 1)|length }}", x.clone()), "True 2");
    assert_eq!(
        with_x("{{ x.split('</think>')[0].strip('你') }} {{ x.partition('\\n')[2].lstrip('\\n')[0] }}", x),
        "好 答"
    );
    assert_eq!(
        with_x("{{ x.split() }} {{ x.rsplit(None, 1) }} {{ x.split(None, 1) }}", json!(" a  b c ")),
        "['a', 'b', 'c'] [' a  b', 'c'] ['a', 'b c ']"
    );
    assert_eq!(
        with_x("{{ ''.isdigit() }} {{ x.removeprefix('a') }} {{ x.startswith(('z', 'a')) }}", json!("abc")),
        "False bc True"
    );
}

#[test]
fn dict_methods_come_before_its_keys() {
    let x = json!({"items": {"type": "string"}, "k": 1});
    assert_eq!(
        with_x("{% for k, v in x.items() %}{{ k }}={{ v }};{% endfor %}", x.clone()),
        "items={'type': 'string'};k=1;"
    );
    assert_eq!(with_x("{{ x['items'].type }} {{ x.get('z', 3) }} {{ x.keys()|list }}", x), "string 3 ['items', 'k']");
}

#[test]
fn lists_slice_and_index_as_in_python() {
    let x = json!([{"role": "system"}, {"role": "user"}, {"role": "assistant"}]);
    let source = "{% set rest = x[1:] %}{{ rest[0].role }} {{ rest|length }} {{ x[-1]['role'] }} {{ x[::-1][0].role }} \
                  {{ rest is sequence }} {{ 'a' is string }} {{ x[0] is mapping }} {{ 'a' is iterable }}";
    assert_eq!(with_x(source, x), "user 2 assistant assistant True True True True");
    assert_eq!(with_x("{{ 'abc'[0] }}{{ 'abc'[-1] }} {{ '-' * 3 }} {{ 'b' in x }}", json!("abc")), "ac --- True");
    let source = "{{ x|selectattr('role', 'equalto', 'user')|list|length }} {{ x|map(attribute='role')|join(',') }}";
    assert_eq!(with_x(source, json!([{"role": "user"}, {"role": "b"}])), "1 user,b");
}

#[test]
fn transformers_extensions_are_known() {
    assert_eq!(
        with_x(
            "{% for i in x %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            json!([1, 2, 3, 4, 5])
        ),
        "13"
    );
    let source = "{%- for i in x %}\n{%- generation -%}\n  {{ i }}{{ loop.index }}\n{%- endgeneration %}\n{% endfor %}";
    assert_eq!(with_x(source, json!(["a", "b"])), "a1b2");
    assert_eq!(
        with_x("{{ strftime_now('%Y')|length }} {{ tools is none }} {{ documents is defined }}", json!(0)),
        "4 True True"
    );
    assert_eq!(
        with_x(
            "{% set ns = namespace(n=0) %}{% for i in x %}{% set ns.n = ns.n + i %}{% endfor %}{{ ns.n }}",
            json!([1, 2])
        ),
        "3"
    );
}

#[test]
fn raised_message_is_kept_word_for_word() {
    assert_eq!(error_of("{{ raise_exception('Nein: \"x\" {}') }}"), "Nein: \"x\" {}");
    assert_eq!(
        error_of("{% macro m() %}{{ raise_exception('inner') }}{% endmacro %}{% set a %}{{ m() }}{% endset %}"),
        "inner"
    );
    let place = error_of("a\nb\n{{ nothing.here }}");
    assert!(place.starts_with("line 3: "), "{place}");
}

#[test]
fn harmful_templates_end_in_an_error() {
    assert_eq!(
        error_of("{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"),
        "line 1: it does not come to an end"
    );
    let long = "{% set s = 'aaaaaaaaaa' * 9000 %}{% for a in range(99999) %}{{ s }}{% endfor %}";
    assert_eq!(error_of(long), "the text grows beyond 64 MB");
    let doubling = "{% set ns = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}";
    assert_eq!(error_of(doubling), "line 1: invalid operation: a value grows beyond 64 MB");
    for step in [
        "{% set ns.x = [ns.x, ns.x] %}",
        "{% set ns.x %}{{ ns.x }}{{ ns.x }}{% endset %}",
        "{% set ns.x = ns.x|string|replace('a', ns.x) %}",
    ] {
        let source = format!(
            "{{% set ns = namespace(x='aaaaaaaa') %}}{{% for i in range(60) %}}{step}{{% endfor %}}{{{{ ns.x }}}}"
        );
        assert!(error_of(&source).ends_with("beyond 64 MB"), "{step}");
    }
    assert!(error_of("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}").contains("recursion"));
    let error =
        ChatTemplate::new("a\n{% if %}", Map::new(), Path::new("dir/chat_template.jinja")).unwrap_err().to_string();
    assert!(error.contains("chat_template.jinja, chat_template, line 2"), "{error}");
}

#[test]
fn folder_needs_only_its_two_files() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(ChatTemplate::from_folder(dir.path()).unwrap_err().code(), "model_unsupported");
    let config = json!({"bos_token": {"content": "<s>"}, "eos_token": null, "chat_template": [
        {"name": "tool_use", "template": "no"}, {"name": "default", "template": "{{ bos_token }}{{ eos_token }}{{ messages[0].content }}"}]});
    std::fs::write(dir.path().join(CONFIG_FILE), config.to_string()).unwrap();
    let message = ChatMessage { role: "user".into(), content: "hi".into() };
    let render = || {
        ChatTemplate::from_folder(dir.path())
            .unwrap()
            .render(std::slice::from_ref(&message), true, &Map::new())
            .unwrap()
    };
    assert_eq!(render(), "<s>hi");
    std::fs::write(dir.path().join(JINJA_FILE), "{{ bos_token }}!\r\n").unwrap();
    assert_eq!(render(), "<s>!");
    std::fs::write(dir.path().join(CONFIG_FILE), "{\"a\": ").unwrap();
    let error = ChatTemplate::from_folder(dir.path()).unwrap_err().to_string();
    assert!(error.contains("tokenizer_config.json, line 1"), "{error}");
}
