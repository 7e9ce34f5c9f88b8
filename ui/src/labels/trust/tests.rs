//! Reports on decisions that were counted by hand.

use luthier_engine::feedback::{Answer, Judged, Strength};

use super::agreement::tau_b;
use super::*;

const LEFT: Verdict = Verdict::Better { answer: 0, strength: Strength::Clearly };
const RIGHT: Verdict = Verdict::Better { answer: 1, strength: Strength::Slightly };

fn ranked(places: &[usize]) -> Verdict {
    Verdict::Ranked { places: places.to_vec() }
}

/// A decision with answers of these lengths, shown in the order of their places, after three seconds.
fn said(item: ItemId, pass: u32, annotator: &str, verdict: Verdict, lengths: &[usize]) -> Decision {
    let answers = lengths.iter().map(|n| Answer { text: "琴".repeat(*n), author: "model".into() });
    let judged = Judged {
        prompt: Vec::new(),
        answers: answers.collect(),
        verdict,
        shown: (0..lengths.len()).collect(),
        tags: Vec::new(),
        note: String::new(),
        annotator: annotator.into(),
        seconds: 3.0,
        judged_unix_ms: 1_795_000_000_000 + item as u64,
    };
    Decision { id: item, item, pass, last_word: false, judged }
}

fn pair(item: ItemId, pass: u32, annotator: &str, verdict: Verdict) -> Decision {
    said(item, pass, annotator, verdict, &[10, 20])
}

#[test]
fn nobody_has_decided_anything() {
    let report = report(Mode::Pair, &[]);
    assert_eq!((report.decisions, report.items, report.twice, report.unsettled()), (0, 0, 0, 0));
    assert!(report.own_all.is_none() && report.between_all.is_none() && report.own.is_empty());
    assert_eq!((report.left.of, report.left.lean(), report.pace.median_secs), (0, None, 0.0));
    assert!(report.first_shown.is_none() && report.lengths.is_none() && report.verdicts.is_empty());
}

#[test]
fn agreement_of_a_person_with_themself_and_of_two_people() {
    let decisions = [
        pair(1, 0, "Ada", LEFT),
        pair(2, 0, "Ada", LEFT),
        pair(3, 0, "Ada", RIGHT),
        pair(4, 0, "Ada", Verdict::Tie),
        // Strength is no category; the second pass of item 2 differs.
        pair(1, 1, "Ada", Verdict::Better { answer: 0, strength: Strength::Slightly }),
        pair(2, 1, "Ada", RIGHT),
        pair(1, 1, "Bo", RIGHT),
        pair(3, 1, "Bo", RIGHT),
        pair(4, 1, "Bo", Verdict::BothBad),
        pair(2, 1, "Bo", Verdict::Skipped),
    ];
    let report = report(Mode::Pair, &decisions);
    assert_eq!((report.decisions, report.items, report.twice), (9, 4, 4));
    let [own] = &report.own[..] else { panic!("{:?}", report.own) };
    assert_eq!((own.people.clone(), own.items, own.agreed), (["Ada".into(), "Ada".into()], 2, 1));
    // Ada said left twice, then left and right: expected by chance 1 x 1/2.
    assert_eq!(own.kappa.map(|kappa| kappa.value), Some(0.0));
    let [between] = &report.between[..] else { panic!("{:?}", report.between) };
    assert_eq!((between.people.clone(), between.items, between.agreed), (["Ada".into(), "Bo".into()], 3, 1));
    // Of three: left-right, right-right, tie-bad; by chance 1/3 x 2/3.
    let kappa = between.kappa.expect("several categories").value;
    assert!((kappa - (1.0 / 3.0 - 2.0 / 9.0) / (1.0 - 2.0 / 9.0)).abs() < 1e-12, "{kappa}");
    assert_eq!(report.between_all.as_ref().map(|all| all.items), Some(3));
    assert_eq!(
        report.verdicts,
        [(Said::Clearly, 2), (Said::Slightly, 5), (Said::Tie, 1), (Said::BothBad, 1), (Said::Skipped, 1)]
    );
}

#[test]
fn swapping_two_people_leaves_their_kappa() {
    let verdicts = [LEFT, RIGHT, Verdict::Tie, Verdict::BothGood, LEFT, LEFT, RIGHT];
    let of = |one: &str, other: &str| {
        let mut decisions = Vec::new();
        for (at, verdict) in verdicts.iter().enumerate() {
            decisions.push(pair(at as i64, 0, one, verdict.clone()));
            decisions.push(pair(at as i64, 1, other, verdicts[(at * 3 + 1) % verdicts.len()].clone()));
        }
        report(Mode::Pair, &decisions).between[0].clone()
    };
    let (a, b) = (of("Ada", "Bo"), of("Bo", "Ada"));
    let (x, y) = (a.kappa.expect("defined"), b.kappa.expect("defined"));
    assert_eq!((a.people, a.agreed), (b.people, b.agreed));
    assert!((x.value - y.value).abs() < 1e-12 && (x.low - y.low).abs() < 1e-12);
}

#[test]
fn kappa_of_one_category_is_not_defined() {
    let decisions =
        [pair(1, 0, "Ada", LEFT), pair(1, 1, "Ada", LEFT), pair(2, 0, "Ada", LEFT), pair(2, 1, "Ada", LEFT)];
    let report = report(Mode::Pair, &decisions);
    assert_eq!((report.own[0].share(), report.own[0].kappa), (1.0, None));
}

#[test]
fn of_what_one_person_said_of_an_item_in_one_pass_the_latest_stands() {
    let decisions = [pair(1, 0, "Ada", LEFT), pair(1, 0, "Ada", RIGHT), pair(1, 1, "Ada", RIGHT)];
    let report = report(Mode::Pair, &decisions);
    assert_eq!((report.decisions, report.own[0].agreed, report.disputes.len()), (2, 1, 0));
}

#[test]
fn sides_and_lengths_that_win_too_often() {
    // Answer 0 has 10 characters, answer 1 has 20; the sides are swapped on every second item.
    let mut decisions = Vec::new();
    for item in 0..20 {
        let verdict = if item % 10 == 0 { LEFT } else { RIGHT };
        let mut decision = pair(item, 0, "Ada", verdict);
        if item % 2 == 1 {
            decision.judged.shown = vec![1, 0];
        }
        decisions.push(decision);
    }
    // Neither of these has a side that won, nor one length: a tie, one from a file, one of two equally long ones.
    decisions.push(pair(30, 0, "Ada", Verdict::Tie));
    decisions.push(pair(31, 0, "file", LEFT));
    decisions[21].judged.seconds = 0.0;
    decisions.push(said(32, 0, "Ada", LEFT, &[10, 10]));
    let report = report(Mode::Pair, &decisions);
    // Left: items 0 and 10 (better 0, unswapped), the ten odd ones (better 1, swapped), and item 32.
    assert_eq!((report.left.wins, report.left.of, report.left.lean()), (13, 21, None));
    assert_eq!((report.longer.wins, report.longer.of, report.longer.lean()), (18, 20, Some(Lean::More)));
    assert!((report.longer.low - 0.699).abs() < 1e-3 && (report.longer.high - 0.972).abs() < 1e-3);
}

#[test]
fn single_answers_have_lengths() {
    let lengths = [(Verdict::Good, 100), (Verdict::Good, 120), (Verdict::Bad, 40), (Verdict::Bad, 60)];
    let decisions: Vec<_> = lengths
        .into_iter()
        .enumerate()
        .map(|(at, (verdict, length))| said(at as i64, 0, "Ada", verdict, &[length]))
        .collect();
    let report = report(Mode::Single, &decisions);
    let lengths = report.lengths.expect("two of each");
    assert_eq!((lengths.mean_good, lengths.mean_bad, lengths.lean()), (110.0, 50.0, Some(Lean::More)));
    // The standard error of each mean is 10.
    let half = (lengths.high - lengths.low) / 2.0;
    assert!((half - interval::Z * 200.0_f64.sqrt()).abs() < 1e-9, "{half}");
    assert_eq!((report.left.of, report.longer.of), (0, 0));
}

#[test]
fn kendalls_tau_b() {
    // The example of SciPy's kendalltau.
    let tau = tau_b(&[12, 2, 1, 12, 2], &[1, 4, 7, 1, 0]).expect("defined");
    assert!((tau + 0.471_404_520_791_031_7).abs() < 1e-12, "{tau}");
    assert_eq!((tau_b(&[0, 1, 2], &[0, 1, 2]), tau_b(&[0, 1, 2], &[2, 1, 0])), (Some(1.0), Some(-1.0)));
    assert_eq!((tau_b(&[0, 0, 0], &[0, 1, 2]), tau_b(&[0, 1], &[0, 1, 2])), (None, None));
}

#[test]
fn rankings_are_compared_pair_by_pair() {
    let four = |item, pass, verdict| said(item, pass, "Ada", verdict, &[40, 30, 20, 10]);
    let decisions = [
        four(1, 0, ranked(&[0, 1, 2, 3])),
        four(1, 1, ranked(&[0, 1, 3, 2])),
        four(2, 0, ranked(&[0, 1, 1, 2])),
        four(2, 1, ranked(&[0, 1, 2, 3])),
    ];
    let report = report(Mode::Rank, &decisions);
    let own = &report.own[0];
    // One pair of answers is turned in item 1, one tie of item 2 is broken.
    assert_eq!((own.items, own.comparisons, own.agreed), (2, 12, 10));
    let tau = own.tau.expect("defined");
    assert!((tau - (4.0 / 6.0 + 5.0 / 30.0_f64.sqrt()) / 2.0).abs() < 1e-12, "{tau}");
    let disputed: Vec<_> = report.disputes.iter().map(|dispute| dispute.item).collect();
    assert_eq!(disputed, [1], "a tie that is broken is no contradiction");
    // The first shown is the best in all four; the longer of two wins 22 of 23 pairs that are not tied.
    let first = report.first_shown.expect("four rankings");
    assert_eq!((first.mean_place, first.middle, first.rankings, first.lean()), (1.0, 2.5, 4, Some(Lean::More)));
    assert_eq!((report.longer.wins, report.longer.of, report.longer.items), (22, 23, 4));
}

#[test]
fn equal_places_share_their_middle() {
    let decisions = [said(1, 0, "Ada", ranked(&[1, 0, 1]), &[1, 2, 3])];
    assert_eq!(
        report(Mode::Rank, &decisions).first_shown.map(|first| (first.mean_place, first.middle)),
        Some((2.5, 2.0))
    );
}

#[test]
fn time_is_counted_and_haste_noticed() {
    let mut decisions: Vec<_> =
        (0..4).map(|item| said(item, 0, if item < 3 { "Ada" } else { "Bo" }, LEFT, &[150, 80])).collect();
    for (decision, seconds) in decisions.iter_mut().zip([0.5, 4.0, 3600.0, 0.9]) {
        decision.judged.seconds = seconds;
    }
    // Quick, but there was little to read; and one from a file.
    decisions
        .push(Decision { judged: Judged { seconds: 0.4, ..pair(5, 0, "Bo", LEFT).judged }, ..pair(5, 0, "Bo", LEFT) });
    decisions
        .push(Decision { judged: Judged { seconds: 0.0, ..pair(6, 0, "Bo", LEFT).judged }, ..pair(6, 0, "Bo", LEFT) });
    let report = report(Mode::Pair, &decisions);
    assert_eq!((report.pace.decisions, report.pace.timed, report.pace.median_secs, report.pace.hasty), (6, 5, 0.9, 2));
    let [ada, bo] = &report.paces[..] else { panic!("{:?}", report.paces) };
    assert_eq!((ada.person.as_str(), ada.decisions, ada.median_secs, ada.total_secs), ("Ada", 3, 4.0, 604.5));
    assert!((ada.per_hour() - 3.0 * 3600.0 / 604.5).abs() < 1e-9);
    assert_eq!((bo.decisions, bo.timed, bo.hasty), (3, 2, 1));
    assert!((bo.median_secs - 0.65).abs() < 1e-12);
}

#[test]
fn disagreements_are_listed_until_a_last_word_settles_them() {
    let mut decisions = vec![
        pair(7, 0, "Ada", LEFT),
        pair(3, 0, "Ada", LEFT),
        pair(3, 1, "Bo", Verdict::Tie),
        pair(7, 1, "Ada", RIGHT),
        pair(5, 0, "Ada", LEFT),
        pair(5, 1, "Bo", Verdict::Written { text: "mine".into() }),
    ];
    let open = report(Mode::Pair, &decisions);
    assert_eq!(open.unsettled(), 2);
    assert_eq!(open.disputes[0], Dispute { item: 7, said: vec![0, 3], last_word: None });
    assert_eq!(open.disputes[1].item, 3);
    for verdict in [RIGHT, LEFT] {
        decisions.push(Decision { last_word: true, ..pair(7, 2, "Cy", verdict) });
    }
    let settled = report(Mode::Pair, &decisions);
    assert_eq!((settled.unsettled(), settled.disputes[0].last_word), (1, Some(7)), "the latest word is the last");
    assert_eq!((settled.decisions, settled.between.len()), (6, 1), "a last word was not judged blind");
}

#[test]
fn a_single_answer_is_disputed_between_good_and_bad() {
    let one = |pass, annotator, verdict| said(1, pass, annotator, verdict, &[10]);
    let decisions = [one(0, "Ada", Verdict::Good), one(1, "Bo", Verdict::Bad), one(2, "Cy", Verdict::Skipped)];
    assert_eq!(report(Mode::Single, &decisions).disputes[0].said, [0, 1]);
}
