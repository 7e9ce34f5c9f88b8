//! What looks drawn by lot and is the same after every start.

/// A number that looks random and is the same every time: the last step of SplitMix64 (Steele et al. 2014) after each.
pub(super) fn mixed(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0, |sum: u64, number| {
        let z = (sum ^ number).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    })
}

pub(super) fn number(text: &str) -> u64 {
    text.bytes().fold(0, |sum, byte| mixed(&[sum, u64::from(byte)]))
}

/// The numbers below `count` in an order of their own (Fisher and Yates), the same every time.
pub(super) fn shuffled(count: usize, seeds: &[u64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let seed = mixed(seeds);
    for last in (1..count).rev() {
        order.swap(last, (mixed(&[seed, last as u64]) % (last as u64 + 1)) as usize);
    }
    order
}
