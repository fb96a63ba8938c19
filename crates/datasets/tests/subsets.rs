//! Parts of data sets: what they address, that splits and folds lose and repeat nothing, and that a seed settles them.

use proptest::prelude::*;
use taper_datasets::{
    Dataset, Error, InMemory, Subset, k_fold, split, stratified_k_fold, stratified_split,
};
use taper_tensor::{Seed, Tensor};

/// Sample i has the input [i, −i] and the one-hot target i mod 3.
fn data(n: usize) -> InMemory {
    with_classes(&(0..n).map(|i| i % 3).collect::<Vec<_>>())
}

fn with_classes(classes: &[usize]) -> InMemory {
    let inputs = Tensor::from_fn([classes.len(), 2], |i| {
        let index = (i / 2) as f32;
        if i % 2 == 0 { index } else { -index }
    });
    InMemory::new(inputs, Tensor::one_hot(classes, 5).unwrap()).unwrap()
}

/// Where the samples of a part stand in the whole.
fn places<D: Dataset>(part: &Subset<D>) -> Vec<usize> {
    let place = |index| part.index_in_whole(index).unwrap();
    (0..part.len()).map(place).collect()
}

fn sizes<D: Dataset>(part: &Subset<D>) -> [usize; 5] {
    let mut counts = [0; 5];
    for index in 0..part.len() {
        counts[part.label(index).unwrap()] += 1;
    }
    counts
}

/// Both sides in the order of the data set, and together all of it.
fn is_partition<D: Dataset>(rest: &Subset<D>, part: &Subset<D>, n: usize) -> bool {
    let (rest, part) = (places(rest), places(part));
    let mut all = [rest.clone(), part.clone()].concat();
    all.sort_unstable();
    rest.is_sorted() && part.is_sorted() && all == (0..n).collect::<Vec<_>>()
}

#[test]
fn runs_of_samples_address_their_part() {
    let data = data(10);
    let part = Subset::range(&data, 4..7).unwrap();
    let mut input = [0.0; 2];
    part.read_input(1.into(), &mut input).unwrap();
    assert_eq!(
        (part.len(), input, part.label(1)),
        (3, [5.0, -5.0], Some(2))
    );
    assert_eq!(part.name(), "in memory[4..7]");
    assert_eq!(Subset::first(&data, 99).len(), 10);
    assert_eq!(Subset::first(&data, 99).name(), "in memory");
    let error = Subset::range(&data, 4..11).unwrap_err().to_string();
    assert!(
        error.contains("4..11") && error.contains("10 samples"),
        "{error}"
    );
}

#[test]
fn lists_of_samples_address_theirs() {
    let data = data(10);
    let part = Subset::indices(&data, vec![7, 2, 7]).unwrap();
    let mut input = [0.0; 2];
    part.read_input(2.into(), &mut input).unwrap();
    assert_eq!(
        (part.len(), input, part.label(1)),
        (3, [7.0, -7.0], Some(2))
    );
    assert!(
        part.name().starts_with("in memory[3 of 10: "),
        "{}",
        part.name()
    );
    let other = Subset::indices(&data, vec![7, 2, 8]).unwrap();
    assert_ne!(part.name(), other.name(), "another list, another name");
    let error = part.read_input(3.into(), &mut input).unwrap_err();
    assert!(matches!(error, Error::Sample { index: 3, .. }), "{error}");
    assert_eq!((part.label(3), part.index_in_whole(3)), (None, None));
    let error = Subset::indices(&data, vec![1, 10]).unwrap_err().to_string();
    assert!(
        error.contains("index 10 at position 1") && error.contains("10 samples"),
        "{error}"
    );
    // A part of a part.
    let inner = Subset::range(&part, 1..3).unwrap();
    inner.read_input(0.into(), &mut input).unwrap();
    assert_eq!(input, [2.0, -2.0]);
}

#[test]
fn the_same_seed_gives_the_same_parts_and_another_one_others() {
    let data = data(60);
    let parts = |seed| {
        let folds = k_fold(&data, 4, seed).unwrap();
        let stratified = stratified_k_fold(&data, 4, seed).unwrap();
        [
            places(&split(&data, 0.25, seed).unwrap().1),
            places(&stratified_split(&data, 0.25, seed).unwrap().1),
            places(&folds[2].1),
            places(&stratified[2].1),
        ]
    };
    assert_eq!(parts(Seed(1)), parts(Seed(1)));
    for (one, other) in parts(Seed(1)).into_iter().zip(parts(Seed(2))) {
        assert_eq!(one.len(), 15);
        assert_ne!(one, other);
    }
}

/// These are kept apart for ever: who has chosen by one part must not find its samples in another one later.
#[test]
fn what_a_seed_gives_does_not_change() {
    let (_, part) = split(data(20), 0.25, Seed(7)).unwrap();
    assert_eq!(places(&part), [4, 5, 11, 12, 18]);
}

#[test]
fn what_cannot_be_divided_is_named() {
    let data = data(10);
    let seed = Seed(1);
    for fraction in [0.0, 1.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
        for outcome in [
            split(&data, fraction, seed),
            stratified_split(&data, fraction, seed),
        ] {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains("between 0 and 1"), "{fraction}: {error}");
        }
    }
    for fraction in [0.01, 0.99] {
        let error = split(&data, fraction, seed).unwrap_err().to_string();
        assert!(error.contains("leaves one side empty"), "{error}");
    }
    for k in [0, 1, 11] {
        for outcome in [k_fold(&data, k, seed), stratified_k_fold(&data, k, seed)] {
            let error = outcome.unwrap_err().to_string();
            let expected = format!("{k} parts of the 10 samples of in memory");
            assert!(error.contains(&expected), "{error}");
        }
    }
    let mut targets = Tensor::one_hot(&[0, 1, 0, 1], 2).unwrap().to_vec();
    targets[4] = 0.5; // no class any more
    let targets = Tensor::from_vec([4, 2], targets).unwrap();
    let unclear = InMemory::new(Tensor::zeros([4, 1]), targets).unwrap();
    assert_eq!(split(&unclear, 0.5, seed).unwrap().1.len(), 2);
    for error in [
        stratified_split(&unclear, 0.5, seed).unwrap_err(),
        stratified_k_fold(&unclear, 2, seed).unwrap_err(),
    ] {
        assert!(
            error
                .to_string()
                .contains("in memory: sample 2: it has no label"),
            "{error}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn splits_are_partitions(
        classes in prop::collection::vec(0usize..5, 10..80),
        fraction in 0.1f64..0.9,
        seed in any::<u64>(),
    ) {
        let (n, data) = (classes.len(), with_classes(&classes));
        let (rest, part) = split(&data, fraction, Seed(seed)).unwrap();
        prop_assert!(is_partition(&rest, &part, n));
        prop_assert_eq!(part.len(), (n as f64 * fraction).round() as usize);

        let (rest, stratified) = stratified_split(&data, fraction, Seed(seed)).unwrap();
        prop_assert!(is_partition(&rest, &stratified, n));
        prop_assert_eq!(stratified.len(), part.len());
        let whole = sizes(&Subset::first(&data, n));
        for (all, chosen) in whole.into_iter().zip(sizes(&stratified)) {
            let quota = all as f64 * fraction;
            prop_assert!((quota - chosen as f64).abs() < 1.0, "{chosen} of {all}, {fraction}");
        }
    }

    #[test]
    fn folds_are_partitions(
        classes in prop::collection::vec(0usize..5, 10..80),
        k in 2usize..10,
        seed in any::<u64>(),
    ) {
        let (n, data) = (classes.len(), with_classes(&classes));
        let whole = sizes(&Subset::first(&data, n));
        for stratified in [false, true] {
            let folds = match stratified {
                true => stratified_k_fold(&data, k, Seed(seed)).unwrap(),
                false => k_fold(&data, k, Seed(seed)).unwrap(),
            };
            prop_assert_eq!(folds.len(), k);
            let mut validated = Vec::new();
            for (train, validation) in &folds {
                prop_assert!(is_partition(train, validation, n));
                prop_assert!(validation.len() == n / k || validation.len() == n.div_ceil(k));
                if stratified {
                    for (all, here) in whole.into_iter().zip(sizes(validation)) {
                        prop_assert!(here == all / k || here == all.div_ceil(k));
                    }
                }
                validated.extend(places(validation));
            }
            validated.sort_unstable();
            prop_assert_eq!(validated, (0..n).collect::<Vec<_>>());
        }
    }
}
