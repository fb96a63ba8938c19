//! Parts of data sets: what they address.

use taper_datasets::{Dataset, Error, InMemory, Subset};
use taper_tensor::Tensor;

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
