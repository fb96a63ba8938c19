//! Classes of which one is rare: 4 of 100 payments are fraud. Trained as it is, a network finds few of them, since it is
//! right 96 times of 100 without looking; weights of classes make each fraud count more. The area under the ROC curve
//! says how well it ranks, whatever the threshold.

use taper::prelude::*;

/// Run it with `cargo run --release --example imbalanced`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = payments(4000)?;
    let (train, test) = stratified_split(&data, 0.25, Seed(7))?; // as many frauds of 100 in both
    let rare = (0..train.len())
        .filter(|&i| train.label(i) == Some(1))
        .count();
    println!("{rare} frauds among {} payments", train.len());

    // Keras's usual choice: both classes together weigh the same.
    let (total, rare) = (train.len() as f64, rare as f64);
    let balanced = [
        (0, total / (2.0 * (total - rare))),
        (1, total / (2.0 * rare)),
    ];

    let plain = recall_and_auc("unweighted", &train, &test, &[])?;
    let weighted = recall_and_auc("weighted", &train, &test, &balanced)?;
    assert!(
        weighted.0 > plain.0 + 0.2,
        "weights find more: {weighted:?}, {plain:?}"
    );
    assert!(
        weighted.1 > 0.85,
        "better than chance, which is 0.5: {weighted:?}"
    );
    Ok(())
}

/// Trains a model and says which share of the frauds it finds, and how well it ranks.
fn recall_and_auc(
    what: &str,
    train: &dyn Dataset,
    test: &dyn Dataset,
    class_weight: &[(usize, f64)],
) -> Result<(f64, f64), Box<dyn std::error::Error>> {
    let mut model = Sequential::new([6])
        .add(Dense::new(16).activation(Relu))
        .add(Dense::new(2).activation(Softmax))
        .build(Seed(7))?;
    let history = Trainer::new(Adam::new(0.003), CategoricalCrossentropy)
        .class_weight(class_weight.iter().copied())
        .metric(Recall::new().of_class(1))
        .metric(AUC::new().of_class(1))
        .epochs(12)
        .validation(test)
        .fit(&mut model, train)?;
    let last = history.last().expect("there are epochs");
    let figure = |part: &str| {
        let name = last
            .names()
            .into_iter()
            .find(|name| name.starts_with("val_") && name.contains(part));
        name.and_then(|name| last.get(name)).unwrap_or(f64::NAN)
    };
    let (recall, auc) = (figure("recall"), figure("auc"));
    println!("{what}: recall {recall:.2}, AUC {auc:.3}");
    Ok((recall, auc))
}

/// Payments of six figures each; in frauds three of them are somewhat higher.
fn payments(count: usize) -> Result<InMemory, Box<dyn std::error::Error>> {
    let noise =
        Tensor::<f32>::normal([count, 6], 0.0, 1.0, Seed(1).key(Stream::User(0), 0)).to_vec();
    let fraud = |payment: usize| payment.is_multiple_of(25);
    let rows = Tensor::from_fn([count, 6], |i| {
        let higher = fraud(i / 6) && i % 6 < 3;
        noise[i] + if higher { 1.3 } else { 0.0 }
    });
    let classes: Vec<usize> = (0..count)
        .map(|payment| usize::from(fraud(payment)))
        .collect();
    Ok(InMemory::new(rows, Tensor::one_hot(&classes, 2)?)?)
}
