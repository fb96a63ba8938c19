//! Regression on a table: the price of a flat by area, age, floor and distance. Columns have units of their own, so a
//! layer brings them to mean 0 and variance 1 by the training set's statistics; another takes the answer back to euros.
//! Both are part of the model and saved with it.

use taper::prelude::*;

/// Run it with `cargo run --release --example tabular`.
pub fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (rows, prices) = flats(1200, 1);
    let (test_rows, test_prices) = flats(300, 2);

    let mut model = Sequential::new([4])
        .add(Normalization::new().adapt(&rows)?)
        .add(Dense::new(32).activation(Relu))
        .add(Dense::new(32).activation(Relu))
        .add(Dense::new(1))
        .add(Normalization::new().adapt(&prices)?.invert(true))
        .build(Seed(7))?;
    println!("{}", model.summary());

    let train = InMemory::new(rows, prices)?;
    let test = InMemory::new(test_rows, test_prices)?;
    let history = Trainer::new(Adam::new(0.005), MeanSquaredError)
        .metric(MeanAbsoluteError)
        .metric(R2Score::default())
        .epochs(20)
        .validation(&test)
        .fit(&mut model, &train)?;
    let last = history.last().expect("there are epochs");
    let error = last.get("val_mean_absolute_error").unwrap_or(f64::NAN);
    let r2 = last.get("val_r2_score").unwrap_or(0.0);
    println!("off by {error:.0} euros on average, R² {r2:.3}");

    // One flat: 70 m², 20 years old, third floor, 5 km from the centre.
    let price = model
        .predict(&Tensor::from_vec([1, 4], vec![70.0, 20.0, 3.0, 5.0])?)?
        .item()?;
    println!("a flat for {price:.0} euros");

    assert!(r2 > 0.9, "{r2}");
    assert!((100_000.0..400_000.0).contains(&price), "{price}");
    Ok(())
}

/// Flats `[n, 4]` and their prices `[n, 1]`: the centre is dear, and the more so the larger the flat.
fn flats(count: usize, seed: u64) -> (Tensor, Tensor) {
    let key = |stream| Seed(seed).key(Stream::User(stream), 0);
    let unit = Tensor::<f32>::uniform([count, 4], 0.0, 1.0, key(0)).to_vec();
    let ranges = [(30.0, 120.0), (0.0, 80.0), (0.0, 8.0), (0.5, 15.0)]; // m², years, floors, km
    let value = |i: usize| ranges[i % 4].0 + unit[i] * (ranges[i % 4].1 - ranges[i % 4].0);
    let haggling = Tensor::<f32>::normal([count], 0.0, 10_000.0, key(1)).to_vec();
    let prices = Tensor::from_fn([count, 1], |flat| {
        let [area, age, floor, distance] = [0, 1, 2, 3].map(|column| value(4 * flat + column));
        let square_metre = 2000.0 + 3000.0 * (-distance / 4.0f32).exp() - 12.0 * age;
        area * square_metre + 2000.0 * floor + haggling[flat]
    });
    (Tensor::from_fn([count, 4], value), prices)
}
