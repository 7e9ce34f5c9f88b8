//! The chances of tokens as they reach the window: of each token its own, joined to the text they belong to.

use std::path::Path;
use std::time::Duration;

use luthier_engine::link::{Link, LinkOptions};
use luthier_engine::model::Model;
use luthier_engine::protocol::{Command, Event, Prompt, PromptText, Sampling, TokenChance};
use luthier_engine::tokenizer::TextTokenizer;
use luthier_engine::{device, logits};

fn asked(model: &Path, chances: usize) -> Vec<(String, Vec<TokenChance>)> {
    let link = Link::spawn(LinkOptions::default());
    let sampling = Sampling { max_new_tokens: 12, temperature: 1.4, top_p: 0.95, top_k: 40, seed: 5 };
    let text = PromptText::Plain("Hello, world".into());
    let prompt = Prompt { model: model.into(), adapter: None, device: "cpu".into(), text, sampling, chances };
    link.send(Command::Generate { request: 1, prompt });
    let mut told = Vec::new();
    loop {
        match link.recv_timeout(Duration::from_secs(120)).expect("the worker answers") {
            Event::TokenSampled { text, chances, .. } => told.push((text, chances)),
            Event::GenerateFinished { new_tokens, .. } => {
                let count: usize = told.iter().map(|(_, chances)| chances.len()).sum();
                assert_eq!(count, if chances == 0 { 0 } else { new_tokens }, "one for each token");
                return told;
            }
            Event::CommandFailed { problem, .. } => panic!("{problem:?}"),
            _ => {}
        }
    }
}

#[test]
fn chances_are_told_with_the_text_and_are_a_softmax_of_the_logits() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/models/llama-tiny");
    let told = asked(&path, 4);
    let plain = asked(&path, 0);
    let text = |told: &[(String, Vec<TokenChance>)]| told.iter().map(|(text, _)| text.as_str()).collect::<String>();
    assert_eq!(text(&told), text(&plain), "to ask for chances changes nothing");
    let tokenizer = TextTokenizer::load(&path).unwrap();
    let opened = device::unchecked("cpu").unwrap();
    let model = Model::load(&path, &opened, &mut |_, _| std::ops::ControlFlow::Continue(())).unwrap();
    let mut ids: Vec<i64> = tokenizer.encode("Hello, world").unwrap().into_iter().map(i64::from).collect();
    for chance in told.iter().flat_map(|(_, chances)| chances) {
        let row = logits::of_batch(&model, &ids, &vec![1; ids.len()], 1, ids.len(), Path::new("ids")).unwrap();
        let row = &row[(ids.len() - 1) * model.config.vocab..];
        let z: f64 = row.iter().map(|logit| f64::from(*logit).exp()).sum();
        let near = |id: &usize| (f64::from(row[*id]).exp() / z - f64::from(chance.chance)).abs() < 1e-5;
        let named = |id: &usize| tokenizer.token_text(*id as u32) == chance.text;
        let id = (0..row.len()).find(|id| near(id) && named(id));
        ids.push(id.unwrap_or_else(|| panic!("no token has this text and chance: {chance:?}")) as i64);
        assert_eq!(chance.likeliest.len(), 4);
        let most = row.iter().map(|logit| f64::from(*logit).exp() / z).fold(0.0, f64::max);
        assert!((f64::from(chance.likeliest[0].1) - most).abs() < 1e-5);
    }
}
