//! Two inputs, one tower: a network that says whether two signals are of the same kind. Both go through the same layers
//! (the same weights, called twice), so that what the tower learns of one holds for the other.

use taper::prelude::*;

const LENGTH: usize = 24;
const KINDS: usize = 6;

/// Run it with `cargo run --release --example two_inputs`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (train, test) = (pairs(1024, 1)?, pairs(256, 2)?);

    let mut net = Functional::new();
    let left = net.input("left", [LENGTH]);
    let right = net.input("right", [LENGTH]);
    let first = net.layer(Dense::new(32).activation(Relu).name("tower_1"));
    let second = net.layer(Dense::new(16).name("tower_2"));
    let mut tower = |wire| {
        let x = net.call(first, [wire]);
        net.call(second, [x])
    };
    let (a, b) = (tower(left), tower(right));
    let difference = net.join(Subtract::new(), &[a, b]);
    let distance = net.join(Multiply::new(), &[difference, difference]);
    let same = net.apply(Dense::new(1).activation(Sigmoid).name("same"), distance);
    let mut model = net.outputs(&[same]).build(Seed(7))?;
    println!("{}", model.summary());

    let history = Trainer::new(Adam::new(0.003), BinaryCrossentropy)
        .metric(AUC::new())
        .epochs(15)
        .validation(&test)
        .fit(&mut model, &train)?;
    let last = history.last().expect("there are epochs");
    let auc = last.get("val_auc").unwrap_or(0.0);
    println!("loss {:.3} → {:.3}", history.epochs[0].loss, last.loss);
    println!("val_auc {auc:.3}");

    // The tower by itself is a model, too: it turns a signal into numbers that can be compared with others later.
    let tower = model.with_outputs([("tower_2", 0)])?;
    let codes = tower.predict(&Tensor::ones([3, LENGTH]))?;
    println!("codes {:?}", codes.shape());

    assert_eq!(model.parameters().len(), 6); // a kernel and a bias for each of three layers, not of five
    assert!(auc > 0.9, "{auc}");
    Ok(())
}

/// Pairs of noisy signals, half of them of the same kind. A kind is a signal of its own, the same in every set.
fn pairs(count: usize, seed: u64) -> Result<InMemory, Box<dyn std::error::Error>> {
    let kinds = Tensor::<f32>::normal([KINDS * LENGTH], 0.0, 1.0, Seed(99).key(Stream::User(0), 0))
        .to_vec();
    let kind_of = |sample: usize, side: usize| match side {
        0 => sample % KINDS,
        _ if sample.is_multiple_of(2) => sample % KINDS,
        _ => (sample + 1 + sample / KINDS % (KINDS - 1)) % KINDS,
    };
    let side = |side: usize| {
        let noise = Seed(seed).key(Stream::User(1 + side as u32), 0);
        let noise = Tensor::<f32>::normal([count * LENGTH], 0.0, 0.7, noise).to_vec();
        Tensor::from_fn([count, LENGTH], |i| {
            kinds[kind_of(i / LENGTH, side) * LENGTH + i % LENGTH] + noise[i]
        })
    };
    let same = Tensor::from_fn([count, 1], |i| {
        f32::from(u8::from(kind_of(i, 0) == kind_of(i, 1)))
    });
    Ok(InMemory::named(
        [("left", side(0)), ("right", side(1))],
        [("same", same)],
    )?)
}
